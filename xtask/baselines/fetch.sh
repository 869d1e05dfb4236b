#!/bin/bash
# fetch.sh SDISTS: the sdists of the Pallets set, unpacked into SDISTS/NAME (flaskr stands inside flask's)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
S=$1 PY=${PY:-python3}
. "$here/set.sh"
mkdir -p "$S"
for spec in $SPECS; do
  n=${spec%%==*}
  [ -d "$S/$n" ] && continue
  "$PY" -m pip download -q --no-binary :all: --no-deps -d "$S" "$spec"
  mkdir "$S/$n.part"
  tar xf "$S/$n-${spec##*==}".tar.gz -C "$S/$n.part" --strip-components=1
  mv "$S/$n.part" "$S/$n"
done
