#!/bin/bash
# plain.sh SDISTS WORK: the chain as a small team would script it: one after the other, venv + pip + twine + pypiserver.
# Prints a line a step (library step exit wall user sys). PY chooses the interpreter, PORT the index's port.
set -u
here=$(cd "$(dirname "$0")" && pwd)
S=$(cd "$1" && pwd)
mkdir -p "$2"
W=$(cd "$2" && pwd) PY=${PY:-python3} PORT=${PORT:?} constraints=${constraints:?}
. "$here/set.sh"
rm -rf "${W:?}"/*
mkdir -p "$W"/{pkgs,logs}
: >"$W/steps"
: >"$W/built"
unset PIP_FIND_LINKS SOURCE_DATE_EPOCH
step() {
  local lib=$1 st=$2 rc
  shift 2
  { TIMEFORMAT='%R %U %S'; time "$@" >"$W/logs/$lib.$st" 2>&1; rc=$?; } 2>"$W/t"
  echo "$lib $st $rc $(tail -1 "$W/t")" | tee -a "$W/steps"
  [ $rc = 0 ] || bad=1
  return $rc
}
bad=0
tools() { "$PY" -m venv "$W/tools" && "$W/tools/bin/pip" install -q build twine pypiserver; }
step - tools tools || exit 1
"$W/tools/bin/pypi-server" run -i 127.0.0.1 -p "$PORT" -a . -P . --disable-fallback "$W/pkgs" >"$W/logs/pypiserver" 2>&1 &
SRV=$!
trap 'kill $SRV 2>/dev/null; wait $SRV 2>/dev/null' EXIT
for _ in $(seq 100); do curl -fs -o /dev/null "http://127.0.0.1:$PORT/" && break; sleep 0.1; done
IDX="--extra-index-url http://127.0.0.1:$PORT/simple/ --trusted-host 127.0.0.1"
lib() {
  local n=$1 V=$W/$1-venv
  set_lib "$n"
  cp -r "$S/$SRC" "$W/$n"
  cd "$W/$n/$SUB" || return 1
  stamp "$n"
  step "$n" venv "$PY" -m venv "$V"
  step "$n" install "$V/bin/pip" install -q $IDX -c "$constraints/$n.txt" -c "$W/built" flake8 coverage pytest $DEPS $([ $MY = y ] && echo mypy) -e . || return 1
  step "$n" flake8 "$V/bin/flake8" $FLAKE8 $PATHS
  [ $MY = y ] && step "$n" mypy "$V/bin/mypy"
  step "$n" pytest "$V/bin/coverage" run -m pytest -q
  covreport() { "$V/bin/coverage" combine -q; "$V/bin/coverage" xml -q -i -o "$W/logs/$n.xml"; "$V/bin/coverage" report -i; }
  step "$n" covreport covreport
  step "$n" build "$W/tools/bin/python" -m build -o "$W/$n-dist" . || return 1
  step "$n" upload "$W/tools/bin/twine" upload --repository-url "http://127.0.0.1:$PORT/" -u x -p x "$W/$n-dist"/* || return 1
  pin "$W/$n-dist" >>"$W/built"
}
for l in $LIBS; do lib $l || bad=1; done
passed "$W"/logs/*.pytest
exit $bad
