#!/bin/bash
# step.sh STEP LIB: one step of the hand-optimised chain
set -e
. "$here/set.sh"
st=$1 n=$2
set_lib "$n"
V=$W/$n-venv C=$W/$n${SUB:+/$SUB} D=$W/$n-dist
export VIRTUAL_ENV=$V
IDX="--index http://127.0.0.1:$PORT/simple/ --allow-insecure-host 127.0.0.1"
published() { local u; for u in $UPS; do cat "$W/pub/$u"; done; }
case $st in
  src) cp -r "$S/$SRC" "$W/$n"; cd "$C"; stamp "$n" ;;
  build) $UV build -q --no-build-isolation --python "$W/benv/bin/python" -o "$D" "$C" ;;
  flake8) cd "$C"; "$W/tools/bin/flake8" $FLAKE8 $PATHS ;;
  env) $UV venv -q --python "$PY" "$V"; $UV pip install -q -c "$constraints/$n.txt" coverage pytest $DEPS $([ $MY = y ] && echo mypy) ;;
  inst) $UV pip install -q $IDX -c "$constraints/$n.txt" $(published) "$D"/*.whl ;;
  mypy) cd "$C"; "$V/bin/mypy" ;;
  test)
    cd "$C"
    "$V/bin/coverage" run -m pytest -q
    "$V/bin/coverage" combine -q || true
    "$V/bin/coverage" xml -q -i -o "$W/logs/$n.xml"
    "$V/bin/coverage" report -i
    ;;
  pub)
    for f in "$D"/*.tar.gz "$D"/*.whl; do curl -fsS -F ':action=file_upload' -F "content=@$f" "http://127.0.0.1:$PORT/"; done
    pin "$D" >"$W/pub/$n"
    ;;
esac
