#!/bin/bash
# timed.sh LIB STEP COMMAND...: runs, logs, records "lib step exit start end user sys"
lib=$1 st=$2
shift 2
s=$(date +%s.%N)
{ TIMEFORMAT='%U %S'; time "$@" >"$W/logs/$lib.$st" 2>&1; rc=$?; } 2>"$W/logs/.t.$lib.$st"
echo "$lib $st $rc $s $(date +%s.%N) $(tail -1 "$W/logs/.t.$lib.$st")" >>"$W/steps"
exit $rc
