# Shared by the scripts in this folder (sourced, bash). Sets ROOT and CACHE; decides nothing.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
CACHE="$ROOT/.cache"
export LC_ALL=C.UTF-8 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
mkdir -p "$CACHE"

say() { printf '==> %s\n' "$*"; }

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# as_root COMMAND...: as it is for root, by sudo where that asks for no password; else it fails.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        return 1
    fi
}

# apt_install WHY PACKAGE...: installs Debian packages, refreshing the package lists only when it does not work without.
apt_install() {
    local why="$1"
    shift
    command -v apt-get >/dev/null || die "$why; there is no apt-get here, please install: $*"
    as_root true || die "$why; this user may not install packages, please run: apt-get install $*"
    say "installing $* ($why)"
    _apt install -y -qq --no-install-recommends "$@" >"$CACHE/apt.log" 2>&1 && return
    { _apt update -qq && _apt install -y -qq --no-install-recommends "$@"; } >"$CACHE/apt.log" 2>&1 && return
    tail -n 20 "$CACHE/apt.log" >&2
    die "$why; apt-get install $* failed (above)"
}

_apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=180 "$@" </dev/null; }
