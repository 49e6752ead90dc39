#!/usr/bin/env bash
# Makes .venv with exactly the locked packages and firstreply itself, editable.
# Usage: venv.sh run|dev   (run: what `make demo` needs; dev: also what tests and checks need)
# Does nothing when that is so already.
# PYTHON names the interpreter; by default the first of python3, python3.14 ... that is new enough.
# Nothing is taken from the system's Python packages, and no package is built from source but ours,
# which needs no compiler.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=deploy/dev/steps.sh
source deploy/dev/steps.sh

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if is_new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    fail "no Python 3.11 or newer among: ${PYTHON:-python3 python3.14 python3.13 python3.12" \
        "python3.11}. Install one, or name it: make PYTHON=/path/to/python3"
}

make_venv() {
    local python
    python=$(find_python)
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        # Debian and Ubuntu split these two modules of the standard library off.
        local version
        version=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
        apt_install "$version-venv" || fail "$python cannot make virtual environments" \
            "($apt_problem). On Debian and Ubuntu: apt-get install $version-venv"
    fi
    say "making .venv with $("$python" --version) ($python)"
    rm -rf .venv
    "$python" -m venv .venv
}

case ${1:-} in
    run) files=(--requirement requirements/lock.txt --requirement requirements/build.txt) ;;
    dev) files=(--requirement requirements/dev.txt) ;;
    *) fail "usage: venv.sh run|dev" ;;
esac

# The folder is part of it: a virtual environment that was moved does not work.
wanted=$(cat requirements/*.txt pyproject.toml <(pwd) | cksum)
stamp=.venv/.installed-$1
if ! is_new_enough .venv/bin/python; then # absent, or it points to a Python that has gone
    make_venv
elif [[ -f $stamp && $(<"$stamp") == "$wanted" ]]; then
    exit 0
fi
rm -f .venv/.installed-*

mkdir -p .cache
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
with_progress "installing the locked Python packages into .venv" .cache/pip.log \
    .venv/bin/python -m pip install --require-hashes "${files[@]}"
# --no-build-isolation: the build backend is among the locked packages, so nothing else is fetched.
with_progress "installing firstreply itself" .cache/pip.log \
    .venv/bin/python -m pip install --no-deps --no-build-isolation --editable .
if [[ $1 == dev ]]; then
    echo "$wanted" >.venv/.installed-run # which it includes
fi
echo "$wanted" >"$stamp"
