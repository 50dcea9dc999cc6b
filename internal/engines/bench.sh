#!/usr/bin/env bash
# Plants one defect after the other into a copy of the checkout and lets five
# engines look for it, one at a time, on one core: the campaign of sgfuzz run,
# gopter, go test -fuzz, go-fuzz and libFuzzer. Prints how many cases each ran
# up to the first failure and how long it took: medians. The byte-driven engines
# start from the plain lists in seeds/, the others from nothing.
#
# Usage: internal/engines/bench.sh [--repeats N] [--engines "NAME…"] [--json FILE] [DEFECT…]
#        internal/engines/bench.sh --quick
# DEFECT is a mutant (sgfuzz mutants lists them) or an injected defect
# (fuzz/planted.go); without one, those of the table in docs/engines.md. EXECS
# and WALL (seconds) bound one run. --quick is one easy mutant through every
# engine. Prints a line of JSON for each run, then the table, whose seconds are
# the processor's over all of an engine's processes; --json keeps the lines.
# Fails when an engine has found a defect in no repeat.
set -euo pipefail
. "$(dirname "$0")/common.sh"

all_engines='sgfuzz gopter native go-fuzz libfuzzer'
dozen='gap-only-at-unaligned-start end-wraps-to-zero may-merge-stays-set segment-skipped-at-its-end raw-count-takes-regions
  gap-by-lengths-misses iova-alignment-ignored length-in-32-bits one-slot-short region-without-offset-page wrong-region-invalidated
  dma-read-wraps-in-page'
engines=$all_engines repeats=3 json=
execs=${EXECS:-1000000} wall=${WALL:-60}

now() { printf '%s' "${EPOCHREALTIME/[.,]/}"; } # microseconds

# build makes one program an engine, each for every defect.
build() {
  copy
  (cd "$src" && go build -o "$bin/sgfuzz" ./cmd/sgfuzz && go test -tags planted -c -o "$bin/hunt" ./fuzz)
  if wants native; then (cd "$src" && go test -tags planted -fuzz FuzzPlanted -c -o "$bin/native" ./fuzz); fi
  if wants libfuzzer; then
    debian clang++ clang libclang-rt-14-dev
    debian unzip unzip
    tool "github.com/AdamKorcz/go-118-fuzz-build@$GO118_VERSION"
    (cd "$src" && go get "github.com/AdamKorcz/go-118-fuzz-build/testing@$GO118_VERSION" &&
      "$bin/go-118-fuzz-build" -tags gofuzz,planted -o "$bin/libfuzzer.a" -func FuzzPlanted ./fuzz &&
      clang++ -fsanitize=address -fsanitize=fuzzer "$bin/libfuzzer.a" -o "$bin/libfuzzer") >"$work/build.log" 2>&1 ||
      { tail -n 20 "$work/build.log" >&2; fail 'the libFuzzer build failed'; }
  fi
  if wants go-fuzz; then
    tool "github.com/dvyukov/go-fuzz/go-fuzz@$gofuzz"
    gofuzz_archive "$work/go-fuzz.zip" planted
  fi
  seeds
}

wants() { [[ " $engines " == *" $1 "* ]]; }

# seeds brings the plain lists into each engine's form.
seeds() {
  local e
  mkdir "$work/seeds"
  for e in go gofuzz libfuzzer-zip; do "$bin/sgfuzz" export --format "$e" --out "$work/seeds/$e" "$src/internal/engines/seeds" >/dev/null; done
  unzip -q "$work/seeds/libfuzzer-zip/fuzz_strategies_seed_corpus.zip" -d "$work/seeds/libfuzzer"
}

# start_ENGINE begins a hunt in the current directory; reported_ENGINE says
# whether the engine itself has told of the failure.
start_sgfuzz() { launch "$bin/hunt" -test.run '^TestHuntByCampaign$'; }
reported_sgfuzz() { ended; }

start_gopter() { launch "$bin/hunt" -test.v -test.run '^TestHuntByGopter$'; }
reported_gopter() { grep -q -- '--- PASS: TestHuntByGopter' log; }

start_native() { launch native; }
reported_native() { grep -q -- '--- FAIL: FuzzPlanted' log; }

# native starts again with what it has found interesting when it ends without
# the failure: it takes an input that needs ten seconds for a hang, which on a
# busy machine may be none.
native() {
  until [ -e hunt.found ]; do
    rm -rf testdata
    mkdir -p testdata/fuzz
    cp -r "$work/seeds/go/testdata/fuzz/FuzzStrategies" testdata/fuzz/FuzzPlanted
    GODEBUG=fuzzseed=$SGFUZZ_SEED "$bin/native" -test.run '^$' -test.fuzz '^FuzzPlanted$' -test.fuzzcachedir "$PWD/cache" \
      -test.parallel 1 -test.fuzzminimizetime 10x -test.timeout 0 || true
  done
}

start_go-fuzz() {
  cp -r "$work/seeds/gofuzz/corpus" .
  launch "$bin/go-fuzz" -workdir . -bin "$work/go-fuzz.zip" -func FuzzEntryPlanted -procs 1
}
reported_go-fuzz() { compgen -G 'crashers/*.output' >/dev/null; }

start_libfuzzer() {
  mkdir corpus
  launch "$bin/libfuzzer" -seed="$SGFUZZ_SEED" -timeout=25 -rss_limit_mb=2560 -max_len=4096 corpus "$work/seeds/libfuzzer"
}
reported_libfuzzer() { compgen -G 'crash-*' >/dev/null; }

# launch COMMAND…: in a process group of its own, whose leader outlives the
# command, so that the processor time of all of its processes can be told.
launch() {
  { "$@" || true; : >ended; sleep infinity; } >log 2>&1 &
  group=$!
}

ended() { [ -e ended ]; }

# executions so far: a byte each
executions() { stat -c %s hunt.count 2>/dev/null || echo 0; }

# spent is the group's processor time in microseconds: of processes there and of
# those that have been waited for, in ticks of 10 ms (proc(5), stat).
spent() {
  cat /proc/[0-9]*/stat 2>/dev/null | awk -v group="$group" '{ sub(/^.*\) /, ""); if ($3 == group) t += $12 + $13 + $14 + $15 } END { print t * 10000 }'
}

# hunt DEFECT ENGINE REPEAT
hunt() {
  local dir=$work/runs/$1/$2/$3 start n at cpu found=0
  mkdir -p "$dir"
  cd "$dir"
  export SGFUZZ_PLANTED=$1 SGFUZZ_PLANTED_LOG=$dir/hunt SGFUZZ_SEED=$3 SGFUZZ_RUNS=$execs
  start=$(now)
  "start_$2"
  until [ -e hunt.found ] || ended || [ "$(executions)" -ge "$execs" ] || [ $(($(now) - start)) -ge $((wall * 1000000)) ]; do sleep 0.05; done
  cpu=$(spent) at=$(now) n=$(executions)
  if [ -e hunt.found ]; then
    found=1
    for _ in $(seq 300); do ended && break; "reported_$2" && break; sleep 0.1; done
    "reported_$2" || broken "$1" "$2" 'met the failure and did not report it'
    read -r n at <hunt.found
  elif [ "$n" = 0 ] || { ended && [ "$n" -lt "$execs" ]; }; then
    broken "$1" "$2" "ended after $n executions"
  fi
  kill_jobs
  cd "$work"
  record "$1" "$2" "$3" $found "$n" $((at - start)) "$cpu"
}

# record DEFECT ENGINE REPEAT 0|1 EXECUTIONS MICROSECONDS MICROSECONDS
record() {
  printf '%s %s %s %s %s %s %s\n' "$@" >>"$work/runs.txt"
  json_line "$@" >>"$work/runs.jsonl"
  [ -z "$json" ] || cp "$work/runs.jsonl" "$json"
  tail -n 1 "$work/runs.jsonl" >&2
}

broken() { tail -n 20 log >&2; keep=1; fail "$1: $2 $3"; }

# summary prints the table: per engine the medians of executions and processor
# seconds, with the number of repeats that found the defect if it is not all. A
# repeat without a find counts with what it used up.
summary() {
  awk -v engines="$engines" '
    function median(list,  v, n, i, j, x) {
      n = split(list, v, " ")
      for (i = 2; i <= n; i++) { x = v[i] + 0; for (j = i; j > 1 && v[j-1] + 0 > x; j--) v[j] = v[j-1]; v[j] = x }
      return v[int(n / 2) + 1]
    }
    { k = $1 SUBSEP $2; if (!($1 in seen)) { seen[$1] = 1; order[++rows] = $1 }
      total[k]++; found[k] += $4; execs[k] = execs[k] " " $5; secs[k] = secs[k] " " $7 / 1e6 }
    END {
      n = split(engines, e, " ")
      printf "| defect |"; for (i = 1; i <= n; i++) printf " %s | s |", e[i]
      printf "\n|---|"; for (i = 1; i <= n; i++) printf "---:|---:|"
      print ""
      for (r = 1; r <= rows; r++) {
        printf "| %s |", order[r]
        for (i = 1; i <= n; i++) {
          k = order[r] SUBSEP e[i]
          if (!found[k]) { printf " none in %d | %.1f |", median(execs[k]), median(secs[k]); continue }
          printf " %d%s | %.1f |", median(execs[k]), found[k] < total[k] ? sprintf(" (%d of %d)", found[k], total[k]) : "", median(secs[k])
        }
        print ""
      }
    }' "$work/runs.txt"
}

# missed lists the defects and engines without a find.
missed() { awk '{ f[$1 " " $2] += $4 } END { for (k in f) if (!f[k]) print k }' "$work/runs.txt" | sort; }

json_line() {
  printf '{"defect":"%s","engine":"%s","repeat":%d,"found":%s,"executions":%d,"seconds":%d.%02d,"cpu_seconds":%d.%02d}\n' "$1" "$2" "$3" \
    "$([ "$4" = 1 ] && echo true || echo false)" "$5" $(($6 / 1000000)) $(($6 / 10000 % 100)) $(($7 / 1000000)) $(($7 / 10000 % 100))
}

while [ $# -gt 0 ]; do
  case $1 in
    --quick) set -- klm-last-rounded-up; repeats=1; break ;;
    --repeats) repeats=$2; shift 2 ;;
    --engines) engines=$2; shift 2 ;;
    --json) json=$(realpath -m "$2"); shift 2 ;;
    -*) fail "unknown option $1" ;;
    *) break ;;
  esac
done
for e in $engines; do [[ " $all_engines " == *" $e "* ]] || fail "unknown engine $e: $all_engines"; done
build
export GOMAXPROCS=1
defects=${*:-$dozen}
for defect in $defects; do
  SGFUZZ_PLANTED=$defect SGFUZZ_SEEDS=$src/internal/engines/seeds "$bin/hunt" -test.run '^TestPlantedSeeds$' >"$work/seeds.log" ||
    { cat "$work/seeds.log" >&2; fail "$defect: the seeds will not do"; }
done
for i in $(seq "$repeats"); do # outermost: --json of an interrupted bench has something of every defect
  for defect in $defects; do
    for e in $engines; do hunt "$defect" "$e" "$i"; done
  done
done
summary
missed=$(missed)
[ -z "$missed" ] || fail "not found: ${missed//$'\n'/, }"
