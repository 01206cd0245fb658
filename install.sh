#!/bin/sh
# Makes an environment with thermal-edge in /opt/thermal-edge, from the copy of the repository that this file is in, or
# from a wheel, and says each thing that it does. Run it again to bring the environment up to date.
set -eu

usage() {
    cat <<TEXT
usage: install.sh [--prefix DIR] [--python PYTHON] [--wheel FILE] [--jetson | --no-jetson] [--link DIR | --no-link]

  --prefix DIR     where the environment goes (default: /opt/thermal-edge)
  --python PYTHON  of which it is made, 3.10 or newer (default: python3)
  --wheel FILE     install this wheel instead of the copy that this file is in
  --jetson         keep the board's own OpenCV and TensorRT, and numpy below 2 (default: where /etc/nv_tegra_release is)
  --link DIR       where a link to edge goes (default: /usr/local/bin, only with the default prefix)
TEXT
}

fail() {
    echo "install.sh: $1" >&2
    exit "${2:-2}"
}

say() {
    echo "install.sh: $1"
}

value() {
    [ "$2" -ge 2 ] || fail "$1 needs a value"
}

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
default=/opt/thermal-edge prefix=/opt/thermal-edge python=python3 wheel='' jetson='' link='' linked=default
if [ -e /etc/nv_tegra_release ]; then jetson=yes; fi
while [ $# -gt 0 ]; do
    case $1 in
    --prefix) value "$1" $# && prefix=$2 && shift ;;
    --python) value "$1" $# && python=$2 && shift ;;
    --wheel) value "$1" $# && wheel=$2 && shift ;;
    --link) value "$1" $# && link=$2 && linked=yes && shift ;;
    --no-link) linked=no ;;
    --jetson) jetson=yes ;;
    --no-jetson) jetson='' ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && fail "$1 is unknown" ;;
    esac
    shift
done

case $prefix in
/*) ;;
*) fail "--prefix $prefix: expected a path from / on" ;;
esac
mark=$prefix/made-by-install.sh
if [ -n "$wheel" ]; then
    [ -f "$wheel" ] || fail "--wheel $wheel: there is no such file"
elif [ ! -f "$here/pyproject.toml" ] || [ ! -d "$here/edge" ]; then
    fail "$here is no copy of thermal-edge: give --wheel FILE"
fi
command -v "$python" >/dev/null || fail "$python is not there: give --python, 3.10 or newer"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    fail "$("$python" --version 2>&1) is too old: give --python, 3.10 or newer"
"$python" -c 'import venv, ensurepip' 2>/dev/null || fail "$python has no venv: apt install python3-venv"
if [ -e "$prefix" ] && [ ! -e "$mark" ] && [ -n "$(ls -A "$prefix" 2>/dev/null)" ]; then
    fail "$prefix is there, and install.sh did not make it: move it away, or give another --prefix"
fi
mkdir -p "$prefix" 2>/dev/null && [ -w "$prefix" ] || fail "$prefix cannot be written: run it with sudo, or give --prefix"

if [ -x "$prefix/bin/python" ] && "$prefix/bin/python" -c 'pass' 2>/dev/null; then
    say "the environment $prefix is there: it is brought up to date"
else
    say "make the environment $prefix with $("$python" --version 2>&1)${jetson:+, which sees the packages of the system}"
    : >"$mark"
    "$python" -m venv --clear ${jetson:+--system-site-packages} "$prefix" || fail "the environment was not made" 1
    : >"$mark"
fi

pip() {
    "$prefix/bin/python" -m pip --disable-pip-version-check "$@" || fail "pip failed: see above, then run it again" 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
if [ -n "$wheel" ]; then
    from=$wheel
else
    from=$work/copy # a build writes beside its sources
    mkdir "$from"
    for name in edge export pyproject.toml MANIFEST.in README.md LICENSE THIRD_PARTY_NOTICES.md; do
        cp -r "$here/$name" "$from/"
    done
fi
say "install thermal-edge from ${wheel:-$here}"
pip install --quiet --force-reinstall --no-deps "$from"
# what it needs, as it says itself
"$prefix/bin/python" - "$jetson" >"$work/needs" <<'PYTHON'
import sys
from importlib.metadata import requires

for need in requires("thermal-edge") or ():
    if "extra ==" in need or (sys.argv[1] and need.startswith("opencv-python")):
        continue
    print(need + ",<2" if sys.argv[1] and need.startswith("numpy") else need)
PYTHON
say "install what it needs${jetson:+, without OpenCV and TensorRT, which the board has}"
pip install --quiet --requirement "$work/needs"

version=$("$prefix/bin/edge" --version) || fail "$prefix/bin/edge does not start: see above" 1
if [ "$linked" = default ]; then
    linked=no
    if [ "$prefix" = "$default" ]; then link=/usr/local/bin linked=yes; fi
fi
if [ "$linked" = yes ]; then
    [ -d "$link" ] || fail "--link $link: there is no such folder"
    if [ -e "$link/edge" ] && [ "$(readlink "$link/edge" || true)" != "$prefix/bin/edge" ]; then
        say "$link/edge is there, and another program: it is left as it is"
    else
        ln -sfn "$prefix/bin/edge" "$link/edge"
        say "$link/edge is a link to it"
    fi
fi
say "done: $version in $prefix; next: $prefix/bin/edge doctor"
say "to remove it: rm -r $prefix"
