"""`python -m sagellm_benchmark` is the same program as `sagellm-benchmark`."""

from sagellm_benchmark.cli import main

if __name__ == "__main__":
    main()
