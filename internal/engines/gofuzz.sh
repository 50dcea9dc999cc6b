#!/usr/bin/env bash
# Builds the go-fuzz entry points (fuzz/gofuzz.go) and runs every target in
# coordinator/worker mode on loopback, with two workers, until EXECS executions
# are reported or WALL seconds are over. Prints a line for each target; fails
# when there is a crasher.
#
# Usage: internal/engines/gofuzz.sh [EXECS [TARGET…]]
#        internal/engines/gofuzz.sh --build ARCHIVE.zip
set -euo pipefail
. "$(dirname "$0")/common.sh"

workers=2
wall=${WALL:-180}

build() {
  copy
  (cd "$src" && go build -o "$bin/sgfuzz" ./cmd/sgfuzz) # which has the seeds
  gofuzz_archive "$1"
}

# free_port finds a port of loopback that nobody answers on.
free_port() {
  local p
  while p=$((20000 + RANDOM % 12000)); (exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null; do :; done
  echo "$p"
}

# stat NAME: the last value that the coordinator reported, 0 before the first.
stat() { sed -n "s/.* $1: \([0-9]*\).*/\1/p" "$log" | tail -1 | grep . || echo 0; }

run() {
  local target=$1 dir=$work/run/$1 addr start
  log=$dir/coordinator.log
  mkdir -p "$dir"
  "$bin/sgfuzz" export --format gofuzz --target "$target" --out "$dir" >/dev/null
  addr=127.0.0.1:$(free_port)
  "$bin/go-fuzz" -coordinator="$addr" -workdir="$dir" >"$log" 2>&1 &
  for i in $(seq "$workers"); do
    "$bin/go-fuzz" -worker="$addr" -bin="$work/all.zip" -func="FuzzEntry$target" -procs=1 >"$dir/worker$i.log" 2>&1 &
  done
  start=$SECONDS
  while [ "$(stat execs)" -lt "$execs" ] && [ "$(stat crashers)" = 0 ] && [ $((SECONDS - start)) -lt "$wall" ]; do sleep 1; done
  kill_jobs
  report "$target" "$dir"
}

report() {
  local n crashers
  n=$(stat execs) crashers=$(find "$2/crashers" -type f ! -name '*.*' 2>/dev/null | wc -l)
  printf 'go-fuzz %s %s %s\n' "$1" "$n" "$(sed -n 's/.*execs: [0-9]* (\([0-9]*\)\/sec).*/\1/p' "$log" | tail -1)"
  if [ "$n" = 0 ] && [ "$crashers" = 0 ]; then keep=1; tail -n 5 "$2"/*.log >&2; fail "$1 did not run"; fi
  [ "$crashers" = 0 ] && return
  keep=1 found=$((found + crashers))
  for f in "$2"/crashers/*.output; do printf -- '-- %s\n' "$f"; head -n 20 "$f"; done
  printf 'as cases: sgfuzz import --format gofuzz --out DIR %s\n' "$2/crashers"
}

if [ "${1:-}" = --build ]; then
  [ $# = 2 ] || fail '--build ARCHIVE.zip'
  build "$(realpath "$2")"
  exit
fi
execs=${1:-20000}
[ $# = 0 ] || shift
found=0
tool "github.com/dvyukov/go-fuzz/go-fuzz@$gofuzz"
build "$work/all.zip"
echo 'engine target executions execs/s'
for t in ${*:-$(targets)}; do run "$t"; done
[ "$found" = 0 ] || fail "$found crashers"
