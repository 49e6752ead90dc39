# shellcheck shell=bash
# Sourced by the scripts beside it: how they speak, show progress and use apt.

say() {
    printf '==> %s\n' "$*"
}

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# with_progress TEXT LOG COMMAND...: runs it with its output in LOG; a line every 10 s while it
# lasts, and the end of LOG if it fails.
with_progress() {
    local text=$1 log=$2 seconds=0 command
    shift 2
    say "$text"
    "$@" >"$log" 2>&1 </dev/null &
    command=$!
    # shellcheck disable=SC2064  # the id as it is now
    trap "kill $command 2>/dev/null; exit 130" INT TERM
    while kill -0 "$command" 2>/dev/null; do
        sleep 0.5
        seconds=$((seconds + 1))
        if ((seconds % 20 == 0)); then
            printf '    ... %d s\n' $((seconds / 2))
        fi
    done
    trap - INT TERM
    if wait "$command"; then
        return 0
    fi
    printf '    this failed; the end of %s:\n' "$log" >&2
    tail -n 15 "$log" | sed 's/^/    | /' >&2
    return 1
}

# can_be_root: whether as_root will work without asking anybody.
can_be_root() {
    [[ $(id -u) == 0 ]] || sudo -n true 2>/dev/null
}

as_root() {
    if [[ $(id -u) == 0 ]]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

apt_problem=""

# apt_is_usable: sets apt_problem when not. NO_APT=1 forbids it.
apt_is_usable() {
    apt_problem=""
    if [[ ${NO_APT:-} ]]; then
        apt_problem="NO_APT is set"
    elif ! command -v apt-get >/dev/null; then
        apt_problem="there is no apt-get here"
    elif ! can_be_root; then
        apt_problem="apt-get needs root, or sudo without a password"
    fi
    [[ -z $apt_problem ]]
}

# apt_update: once per run, and only when something is to be fetched.
apt_update() {
    if [[ ${apt_updated:-} ]]; then
        return 0
    fi
    with_progress "refreshing the list of Debian packages" .cache/apt.log \
        as_root apt-get -q -o Acquire::Retries=2 update || {
        apt_problem="apt-get update failed, see .cache/apt.log"
        return 1
    }
    apt_updated=1
}

apt_is_ready() {
    mkdir -p .cache
    apt_is_usable && apt_update
}

# apt_install PACKAGE...: system-wide.
apt_install() {
    apt_is_ready || return 1
    with_progress "installing Debian packages: $*" .cache/apt.log \
        as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -y --no-install-recommends install "$@" || {
        apt_problem="apt-get install $* failed, see .cache/apt.log"
        return 1
    }
}
