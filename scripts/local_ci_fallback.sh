#!/usr/bin/env bash
# The ci workflow on this machine, for the day Actions is blocked: `nox -s ci`, then ci-report.md to paste into the
# pull request. With --status the result is also shown beside the commit (needs GITHUB_TOKEN and a pushed commit).
# Leaves with ci's exit code; with 4 when ci passed but the status could not be posted.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ "$#" -gt 1 ] || { [ "$#" -eq 1 ] && [ "$1" != --status ]; }; then
    echo "usage: bash scripts/local_ci_fallback.sh [--status]" >&2
    exit 2
fi

environments=${NOX_ENVDIR:-.nox}
results=$environments/ci.json
mkdir -p "$environments"
rm -f "$results" "$environments/tests.xml" .coverage # those of an earlier run
# What is checked is what lies here now; the hooks may correct files on their way.
tree=$(git rev-parse HEAD && git status --porcelain)
code=0
scripts/nox.sh --report "$results" -s ci || code=$?

python=$environments/dev/bin/python # has the program that posts; nox's own Python is enough to report
[ -x "$python" ] || python=.make/bin/python
if [ ! -x "$python" ]; then
    echo "no report: the checks could not begin, as no Python was found to run them" >&2
    exit "$code"
fi
"$python" scripts/ci_report.py --tree "$tree" --results "$results" --code "$code" "$@"
