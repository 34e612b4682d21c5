#!/bin/sh
# Runs nox in the checkout's root, from an environment of its own (.make/) that is made when it is missing.
# PYTHON names the Python to use; without it, the first one on PATH that is new enough is taken.
set -eu
cd "$(dirname "$0")/.."
home=.make
nox='nox>=2025.5.1'

stop() {  # what happened, what to do next
    printf 'error: %s\nnext:  %s\n' "$1" "$2" >&2
    exit 2
}

version_of() {  # prints "3.12", or nothing for what is no working Python
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true
}

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {  # sets python
    if [ -n "${PYTHON:-}" ]; then
        python=$PYTHON
        new_enough "$python" && return
        found=$(version_of "$python")
        stop "PYTHON=$PYTHON is ${found:-no Python that runs}, and Python 3.11 or newer is needed" \
            "name another one, for example: make ci PYTHON=python3.12"
    fi
    seen=
    for python in python3 python3.13 python3.12 python3.11 python; do
        new_enough "$python" && return
        found=$(version_of "$python")
        seen="$seen${found:+ $python is $found;}"
    done
    stop "Python 3.11 or newer is needed, and none was found on PATH (${seen:- no Python at all;})" \
        "install one from python.org or your system's packages, or name it: make ci PYTHON=/path/to/python3.12"
}

# Runs a module that Ctrl-C ends without a traceback.
quietly='
import runpy, signal, sys

signal.signal(signal.SIGINT, signal.SIG_DFL)
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
'

make_environment() {
    find_python
    "$python" -c 'import ensurepip, venv' 2>/dev/null || stop \
        "$python cannot make virtual environments: its venv or ensurepip module is absent" \
        "install it (Debian, Ubuntu: sudo apt install python$(version_of "$python")-venv), or name another Python: make ci PYTHON=…"
    echo "Installing nox into $home/ with $python (only this once) …" >&2
    rm -rf "$home"
    "$python" -c "$quietly" venv "$home"
    "$home/bin/python" -m pip install --quiet --disable-pip-version-check "$nox" || stop \
        "nox could not be installed from the package index" \
        "look at pip's message above; behind a mirror, set PIP_INDEX_URL; then run the same command again"
    "$home/bin/python" -c 'import sys; print(sys.version)' > "$home/ready"
}

# The stamp is written last, so an interrupted installation is made again; so is one whose Python is gone,
# or is not the one that PYTHON asks for now.
usable() {
    [ -f "$home/ready" ] && "$home/bin/python" -c '' 2>/dev/null || return 1
    [ -z "${PYTHON:-}" ] || [ "$(version_of "$PYTHON")" = "$(version_of "$home/bin/python")" ]
}

usable || make_environment
# Until nox watches for Ctrl-C itself, its modules are being read: then, too, it ends without a traceback.
start='
try:
    from nox.__main__ import main

    main()
except KeyboardInterrupt:
    raise SystemExit(130) from None
'
exec "$home/bin/python" -c "$start" "$@"
