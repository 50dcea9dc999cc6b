# Sourced by the scripts beside it: a working directory that goes away unless
# something was found, a copy of the checkout, tools from the Go module proxy.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
keep=
bin=$work/bin
src=$work/src
set -m # every background job is a process group, which kill_jobs ends whole

kill_jobs() {
  local pid pids
  pids=$(jobs -p)
  for pid in $pids; do kill -KILL -- "-$pid" 2>/dev/null || true; done
  for pid in $pids; do wait "$pid" 2>/dev/null || true; done
}

leave() {
  kill_jobs
  if [ -n "$keep" ]; then printf 'kept: %s\n' "$work"; else rm -rf "$work"; fi
}
trap leave EXIT
trap 'exit 130' INT TERM

fail() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# tool PACKAGE@VERSION: into $bin
tool() { GOBIN=$bin GOFLAGS=-mod=mod go install "$1" 2>"$work/install.log" || { cat "$work/install.log" >&2; fail "cannot install $1"; }; }

# debian COMMAND PACKAGE…: installs the packages if the command is missing
debian() {
  command -v "$1" >/dev/null && return
  shift
  { apt-get update && apt-get install -y --no-install-recommends "$@"; } >"$work/apt.log" 2>&1 ||
    { tail "$work/apt.log" >&2; fail "cannot install $*"; }
}

# Versions of the engines' builders.
gofuzz=v0.0.0-20220726122315-1d375ef9f9f6
export GO118_VERSION=v0.0.0-20250520111509-a70c2aa677fa # of go-118-fuzz-build; build.sh takes it from here

# gofuzz_archive FILE [TAGS]: all go-fuzz entry points of the copy in one
# archive. go-fuzz-build copies embedded files, but knows neither directories
# nor patterns: from here on nothing is embedded in the copy.
gofuzz_archive() {
  tool "github.com/dvyukov/go-fuzz/go-fuzz-build@$gofuzz"
  (cd "$src" && { grep -rl '^//go:embed ' --include='*.go' . || true; } | while read -r f; do
    sed -i "s#^//go:embed .*#//go:embed $(basename "$f")#" "$f"
  done)
  (cd "$src" && "$bin/go-fuzz-build" -tags "${2:-}" -o "$1" ./fuzz) || fail 'go-fuzz-build failed'
}

# copy puts the tracked files, as they are, into $src.
copy() {
  mkdir -p "$src" "$bin"
  (cd "$root" && git ls-files -z | while IFS= read -r -d '' f; do [ -e "$f" ] && printf '%s\0' "$f"; done |
    xargs -0 cp --parents -t "$src")
}

# targets lists the names of the targets.
targets() { sed -n 's/^func Fuzz\([A-Za-z]*\)(f \*testing\.F).*/\1/p' "$src/fuzz/targets_test.go"; }
