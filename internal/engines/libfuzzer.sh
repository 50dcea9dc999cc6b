#!/usr/bin/env bash
# Does without a container what OSS-Fuzz and ClusterFuzzLite do: runs
# .clusterfuzzlite/build.sh on a copy of the checkout, with clang and
# go-118-fuzz-build, then runs every target for RUNS executions from its seed
# archive and merges what it found with the seeds into a minimal corpus. Prints
# a line for each target; fails when there is a crash.
#
# Usage: internal/engines/libfuzzer.sh [RUNS [TARGET…]]
#        internal/engines/libfuzzer.sh --build DIR
set -euo pipefail
. "$(dirname "$0")/common.sh"

wall=${WALL:-180}

# shim is the builder image's compile_native_go_fuzzer_v2 PACKAGE FUNCTION NAME,
# for the address sanitizer.
shim() {
  cat >"$bin/compile_native_go_fuzzer_v2" <<'END'
#!/bin/bash -eu
dir=$(go list -tags gofuzz -f '{{.Dir}}' "$1")
go-118-fuzz-build -tags gofuzz -o "$WORK/$3.a" -func "$2" "$dir"
$CXX $CXXFLAGS $LIB_FUZZING_ENGINE "$WORK/$3.a" -o "$OUT/$3"
END
  chmod +x "$bin/compile_native_go_fuzzer_v2"
}

# build DIR: the programs and their seed archives
build() {
  debian clang++ clang libclang-rt-14-dev
  debian unzip unzip
  src=$work/src/sgfuzz
  copy
  tool "github.com/AdamKorcz/go-118-fuzz-build@$GO118_VERSION"
  shim
  mkdir -p "$1"
  (cd "$work/src" && PATH=$bin:$PATH SRC=$work/src OUT=$1 WORK=$bin CGO_ENABLED=1 CXX=clang++ \
    CXXFLAGS=-fsanitize=address LIB_FUZZING_ENGINE=-fsanitize=fuzzer \
    "$src/.clusterfuzzlite/build.sh") >"$work/build.log" 2>&1 || { tail -n 20 "$work/build.log" >&2; fail 'the build failed'; }
}

run() {
  local target=$1 name dir=$work/run/$1 status=0 start ms n
  name=fuzz_${target,,}
  mkdir -p "$dir/seeds" "$dir/corpus" "$dir/merged"
  unzip -q "$work/out/${name}_seed_corpus.zip" -d "$dir/seeds"
  start=$(date +%s%3N)
  "$work/out/$name" -runs="$runs" -seed=1 -timeout=25 -rss_limit_mb=2560 -max_len=4096 -max_total_time="$wall" -print_final_stats=1 \
    -artifact_prefix="$dir/" "$dir/corpus" "$dir/seeds" >"$dir/log" 2>&1 || status=$?
  ms=$(($(date +%s%3N) - start + 1)) n=$(final number_of_executed_units) # libFuzzer's own rate is 0 below a second
  printf 'libfuzzer %s %s %s\n' "$target" "$n" $((n * 1000 / ms))
  if [ "$status" != 0 ]; then crashed "$dir"; return; fi
  "$work/out/$name" -merge=1 -rss_limit_mb=2560 "$dir/merged" "$dir/corpus" "$dir/seeds" >"$dir/merge.log" 2>&1 ||
    { keep=1; tail "$dir/merge.log" >&2; fail "$target: the merge failed"; }
  printf '  merged: %s seeds and %s new inputs into %s\n' "$(files seeds)" "$(files corpus)" "$(files merged)"
}

files() { find "$dir/$1" -type f | wc -l; }

final() { sed -n "s/^stat::$1: *//p" "$dir/log" | grep . || echo 0; }

crashed() {
  keep=1 found=$((found + 1))
  # the failure stands in front of Go's panic; a timeout or lack of memory has none
  grep -v '^#' "$1/log" | grep -B 15 -m 1 '^panic: ' || grep -v '^#' "$1/log" | tail -n 30
  printf 'as cases: sgfuzz import --format libfuzzer --out DIR %s\n' "$(find "$1" -maxdepth 1 -name '*-*' | tr '\n' ' ')"
}

if [ "${1:-}" = --build ]; then
  [ $# = 2 ] || fail '--build DIR'
  build "$(realpath -m "$2")"
  exit
fi
runs=${1:-20000}
[ $# = 0 ] || shift
found=0
build "$work/out"
echo 'engine target executions execs/s'
for t in ${*:-$(targets)}; do run "$t"; done
[ "$found" = 0 ] || fail "$found targets crashed"
