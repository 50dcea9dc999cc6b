#!/bin/bash -eu
# Builds every native target for libFuzzer. OSS-Fuzz and ClusterFuzzLite run it
# in their builder image; internal/engines/libfuzzer.sh runs it without one. It
# changes go.mod and the harness: $SRC/sgfuzz must be a copy.
cd "$SRC/sgfuzz"

# The generated driver imports this package. sgfuzz itself does not.
go get "github.com/AdamKorcz/go-118-fuzz-build/testing@${GO118_VERSION:-latest}"

go build -o "$WORK/sgfuzz" ./cmd/sgfuzz
"$WORK/sgfuzz" export --format libfuzzer-zip --target all --out "$OUT"

for target in $(sed -n 's/^func Fuzz\([A-Za-z]*\)(f \*testing\.F).*/\1/p' fuzz/targets_test.go); do
  compile_native_go_fuzzer_v2 github.com/sgfuzz/sgfuzz/fuzz "Fuzz$target" "fuzz_${target,,}"
done
