#!/bin/bash
# fast.sh SDISTS WORK [JOBS]: the chain of examples/pallets optimised by hand: uv, hard links, shared tools, no build isolation, one wheel
# built and tested, parallel where the graph allows, and still: downstream installs only what upstream has published.
set -u
export here=$(cd "$(dirname "$0")" && pwd) S=$(cd "$1" && pwd)
mkdir -p "$2"
export W=$(cd "$2" && pwd) PY=${PY:-python3} PORT=${PORT:?} UV=${UV:-uv} constraints=${constraints:?}
. "$here/set.sh"
rm -rf "${W:?}"/*
mkdir -p "$W"/{d,pub,logs,pkgs}
: >"$W/steps"
unset PIP_FIND_LINKS
export UV_NO_PROGRESS=1
"$here/timed.sh" - tools bash -c '$UV venv -q --python "$PY" "$W/tools" && VIRTUAL_ENV=$W/tools $UV pip install -q flake8 pypiserver && $UV venv -q --python "$PY" "$W/benv" && VIRTUAL_ENV=$W/benv $UV pip install -q "flit_core<4" "setuptools>=70.1"'
"$W/tools/bin/pypi-server" run -i 127.0.0.1 -p "$PORT" -a . -P . --disable-fallback "$W/pkgs" >"$W/logs/pypiserver" 2>&1 &
SRV=$!
# waited for, so that its seconds are counted
trap 'kill $SRV 2>/dev/null; wait $SRV 2>/dev/null' EXIT
for _ in $(seq 100); do curl -fs -o /dev/null "http://127.0.0.1:$PORT/" && break; sleep 0.1; done
make -f "$here/fast.mk" -j"${3:-2}" all >"$W/logs/make" 2>&1
rc=$?
cat "$W/steps"
[ $rc = 0 ] || cat "$W/logs/make"
passed "$W"/logs/*.test
exit $rc
