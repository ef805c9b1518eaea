#!/bin/sh
# Makes .venv with the pinned packages of envs/constraints.txt, or returns at once when it is already there.
#
# Assumes a POSIX shell and Python 3.11 to 3.13 with its venv module. PYTHON=/path/to/python chooses another Python.
# What stops it is told in one line with the remedy (exit 2); running it again goes on from where it stopped.
# pip is run with the user's own configuration (index, proxy, certificates); WHEELHOUSE=folder installs from the wheels
# in a folder and asks no index, for machines without internet (docs/cluster.md).

set -u
# A locale that cannot spell the folder's name would stop pip.
[ "$(locale charmap 2>/dev/null)" = UTF-8 ] || export LC_ALL=C.UTF-8
cd "$(dirname "$0")/.." || exit 2

venv=.venv
python=$venv/bin/python
log=$venv/setup.log
wheels=${WHEELHOUSE:-}
needed_mb=4000
least_mb=300
started=$(date +%s)

step() { printf '[set-up] %s\n' "$*"; }
stop() {
    printf 'set-up: %s\n' "$*" >&2
    exit 2
}

# ---------------------------------------------------------------- is there anything to do?
# The parts of pyproject.toml that decide what is installed; lint and test settings do not.
requirements() {
    awk '/^\[/ { keep = /^\[(build-system|project|tool\.setuptools)/ } keep' pyproject.toml
    cat envs/constraints.txt
    pwd -P # an editable install points to this folder, so a moved one is installed anew
}
hash=$(requirements | cksum | tr ' ' '-')
stamp=$venv/.installed-$hash

installed() { [ -e "$stamp" ] && "$python" -I -c '' >/dev/null 2>&1; }
installed && exit 0

# ---------------------------------------------------------------- find a Python
# 0: usable, 1: does not run, 2: too old, 3: too new, 4: without venv
judge() {
    "$1" -c 'pass' >/dev/null 2>&1 || return 1
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || return 2
    "$1" -I -c 'import sys; sys.exit(sys.version_info >= (3, 14))' >/dev/null 2>&1 || return 3
    "$1" -I -c 'import venv, ensurepip' >/dev/null 2>&1 || return 4
}
version_of() { "$1" -c 'import platform; print(platform.python_version())' 2>/dev/null; }

# Sets base; a name on the PATH may exist and yet not run (pyenv's shims), so each is tried.
find_python() {
    found_old='' found_new='' found_bare=''
    if [ -n "${PYTHON:-}" ]; then set -- "$PYTHON"; else set -- python3 python3.13 python3.12 python3.11 python; fi
    for base in "$@"; do
        judge "$base"
        case $? in
        0) return 0 ;;
        2) found_old=${found_old:-"$(version_of "$base") ($base)"} ;;
        3) found_new=${found_new:-"$(version_of "$base") ($base)"} ;;
        4) found_bare=${found_bare:-$base} ;;
        esac
    done
    choose="then run again, or name one: PYTHON=/path/to/python3 make run"
    if [ -n "$found_bare" ]; then
        stop "$found_bare is Python $(version_of "$found_bare") without its venv module; expected venv and ensurepip." \
            "Install it (Debian, Ubuntu: apt install python3-venv), $choose"
    fi
    [ -n "$found_old" ] && stop "Python $found_old is too old; expected 3.11 to 3.13. Install a newer one, $choose"
    [ -n "$found_new" ] && stop "Python $found_new is newer than tested; expected 3.11 to 3.13. Install one of these, $choose"
    [ -n "${PYTHON:-}" ] && stop "PYTHON=$PYTHON does not run; expected a Python 3.11 to 3.13. Correct the path or leave PYTHON out"
    stop "no Python found; expected python3 of 3.11 to 3.13 on the PATH." \
        "Install it (Debian, Ubuntu: apt install python3 python3-venv), $choose"
}

# ---------------------------------------------------------------- install
free_kb() { df -Pk . 2>/dev/null | awk 'NR == 2 { for (i = 2; i <= NF; i++) if ($i ~ /^[0-9]+%$/) print $(i - 1) }'; }

# What a stopped set-up has already installed counts as done.
check_space() {
    free=$(free_kb)
    case $free in '' | *[!0-9]*) return 0 ;; esac # df says nothing: let the installation find out
    there=$(du -sk "$venv" 2>/dev/null | awk '{ print int($1 / 1000) }')
    needed=$((needed_mb - ${there:-0}))
    [ "$needed" -ge "$least_mb" ] || needed=$least_mb
    [ "$((free / 1000))" -ge "$needed" ] && return 0
    stop "disk full: $((free / 1000)) MB free in $(pwd); expected at least $needed MB." \
        "Free some space or move the folder to a larger disk, then run again: it goes on from here"
}

# Few lines instead of pip's hundreds: the large downloads, and the final installation.
condense() {
    awk '/^Collecting / { n++; if (n % 25 == 0) print "           " n " packages looked up" }
         / ?Downloading .*\((1[0-9]|[2-9][0-9]|[0-9][0-9][0-9]+)(\.[0-9]+)? MB\)/ { sub(/^ */, ""); print "           " $0 }
         /^Installing collected packages/ && NF > 4 { print "           installing " NF - 3 " packages (takes a minute)" }
         { fflush() }'
}

has() { grep -q -i -E "$1" "$log"; }
explain() {
    if has 'No space left on device|Errno 28|Disk quota exceeded'; then
        stop "disk full while installing; expected about $((needed_mb / 1000)) GB free here and in ${TMPDIR:-/tmp} (8 GB where PyTorch" \
            "comes with CUDA). Free some space (or set TMPDIR to a larger disk), then run again: it goes on from here"
    elif has 'CERTIFICATE_VERIFY_FAILED|SSLError'; then
        stop "the package index's certificate was not accepted; expected a trusted one." \
            "Set your network's certificate (pip config set global.cert FILE), then run again"
    elif has 'NewConnectionError|name resolution|Max retries exceeded|ProxyError|Connection refused|Network is unreachable|timed out|RemoteDisconnected|ConnectionResetError|IncompleteRead|ConnectTimeout'; then
        stop "no network: pip could not reach a package index; expected a connection or a local index." \
            "Check the connection or proxy (pip config list shows what pip uses), then run again: it goes on from here"
    elif has 'No matching distribution found|Could not find a version|ResolutionImpossible' && [ -n "$wheels" ]; then
        missing=$(sed -n 's/.*No matching distribution found for \([^ ]*\).*/\1/p' "$log" | tail -n 1)
        stop "WHEELHOUSE=$wheels has no wheel of ${missing:-a pinned package} for $(version_of "$python" 2>/dev/null);" \
            "expected all of envs/constraints.txt. Fill it with the same Python on the same kind of machine" \
            "(docs/cluster.md), then run again; details: $log"
    elif has 'No matching distribution found|Could not find a version|ResolutionImpossible'; then
        missing=$(sed -n -e 's/.*No matching distribution found for \([^ ]*\).*/\1/p' \
            -e 's/.*The user requested (constraint) \(.*\)/\1/p' "$log" | tail -n 1)
        stop "no package index offers ${missing:-a pinned package} for $(version_of "$python" 2>/dev/null);" \
            "expected the versions of envs/constraints.txt. Check the network and pip's settings (pip config list), or try" \
            "another Python (rm -r .venv, then PYTHON=/path/to/python3.11 make run); details: $log"
    elif has 'Permission denied|Errno 13'; then
        stop "a file in $venv may not be written; expected a folder of your own. Run 'rm -r $venv', then run again; details: $log"
    fi
    stop "pip failed: $(grep -i -E '(^|[[:space:]])error' "$log" | tail -n 1 | cut -c 1-200);" \
        "expected a complete installation. Run again; if it fails the same way: rm -r $venv; details: $log"
}

# pip's status is kept in a file: a POSIX pipe only tells the last command's.
pip_install() {
    : >"$log"
    [ -z "$wheels" ] || set -- --no-index --find-links "$wheels" "$@"
    {
        "$python" -I -m pip install --no-input --disable-pip-version-check --progress-bar off \
            --constraint envs/constraints.txt "$@" 2>&1
        echo $? >"$venv/.pip-status"
    } | tee -a "$log" | condense
    [ "$(cat "$venv/.pip-status")" = 0 ] || explain
}

make_venv() {
    if "$python" -I -c 'import sys; raise SystemExit(not (3, 11) <= sys.version_info < (3, 14))' >/dev/null 2>&1 &&
        "$python" -I -m pip --version >/dev/null 2>&1; then
        step "2/4 $venv is there: completing it"
        return
    fi
    step "2/4 making $venv"
    (cd "$venv" && rm -rf bin lib lib64 include pyvenv.cfg)
    "$base" -I -m venv "$venv" >"$log" 2>&1 && return
    has 'ensurepip|python3-venv' && stop "$base cannot make an environment; expected a working venv module." \
        "Install it (Debian, Ubuntu: apt install python3-venv), then run again"
    explain
}

# ---------------------------------------------------------------- the steps
trap 'printf "\nset-up: interrupted; run again and it goes on from here\n" >&2; exit 130' INT TERM HUP
PIP_USER=0 # a user-wide `user = true` would refuse to install into an environment
export PIP_USER

any() { [ -e "$1" ]; }
if [ -n "$wheels" ] && ! any "$wheels"/*.whl; then
    stop "WHEELHOUSE=$wheels holds no wheels; expected a folder that pip has filled." \
        "Correct the path (from $(pwd), or absolute), or fill it as docs/cluster.md says"
fi
find_python
check_space
mkdir -p "$venv" 2>/dev/null && [ -w "$venv" ] ||
    stop "$venv cannot be written in $(pwd); expected a folder of your own. Copy the repository to one and run there"
if command -v flock >/dev/null 2>&1; then # two first calls at once: the second waits
    exec 9>"$venv/.lock"
    flock -n 9 || { step "another set-up is running here: waiting for it" && flock 9; }
    installed && exit 0
fi
rm -f "$venv"/.installed-*

step "1/4 Python $(version_of "$base") ($(command -v "$base")); once only, takes one to ten minutes"
make_venv
step "3/4 installing the pinned packages of envs/constraints.txt (all of pip's words: $log)"
pip_install setuptools
pip_install --no-build-isolation --editable '.[workflow,slurm,dev]'
# The path of the package, written relative: it holds in every locale, whatever the folder is called.
for link in "$venv"/lib/python3.*/site-packages/__editable__.bayesbeam-*.pth; do
    [ ! -e "$link" ] || printf '../../../../workflow\n' >"$link"
done
step "4/4 checking that it works"
"$python" -I -c 'import torch, numpy, scipy, snakemake, bayesbeam' >>"$log" 2>&1 ||
    stop "the installation does not load; expected it to. Run 'rm -r $venv', then run again; details: $log"
: >"$stamp"
step "done in $(($(date +%s) - started)) s"
