#!/usr/bin/env bash
# Writes requirements/*.txt from pyproject.toml: exact versions, a hash for every file of every
# platform and Python, no index address. Versions already in the files stay; pass --upgrade for new
# ones. Usage: lock.sh PYTHON [--upgrade]
set -euo pipefail
cd "$(dirname "$0")/../.."

python=$1
shift
uv_version=0.13.9
uv=.cache/uv-$uv_version/bin/uv
if [[ ! -x $uv ]]; then
    "$python" -m venv ".cache/uv-$uv_version"
    ".cache/uv-$uv_version/bin/python" -m pip install --quiet "uv==$uv_version"
fi

compile() { # OUTPUT ARGUMENT...
    local output=$1
    shift
    echo "locking $output"
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-header --no-emit-index-url --no-emit-find-links --output-file "$output" "$@"
}

compile requirements/lock.txt "$@" pyproject.toml
compile requirements/build.txt "$@" --group build --constraints requirements/lock.txt
compile requirements/compile.txt "$@" --group compile \
    --constraints requirements/lock.txt --constraints requirements/build.txt
compile requirements/dev.txt "$@" --group build --group compile --group dev \
    --constraints requirements/lock.txt --constraints requirements/build.txt \
    --constraints requirements/compile.txt pyproject.toml

if grep -nE 'https?://|^--(index-url|extra-index-url|find-links)' requirements/*.txt; then
    echo "error: a lock file names an address; it must be installable from any index" >&2
    exit 1
fi
