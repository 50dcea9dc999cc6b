#!/usr/bin/env bash
# Builds the child of internal/peers/linux: the mapping functions of a Linux
# source tree, taken out of it into a temporary directory, with the shims and the
# protocol here. Nothing of the tree is changed or kept.
#
# Usage: build.sh --linux-source DIR --out CHILD [--sanitize]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

usage() { printf 'usage: build.sh --linux-source DIR --out CHILD [--sanitize]\n' >&2; exit 2; }
fail() { printf 'build.sh: %s\n' "$*" >&2; exit 1; }

tree='' out='' optimise=(-O2)
while [ $# -gt 0 ]; do
  case $1 in
    --linux-source) [ $# -ge 2 ] || usage; tree=$2; shift 2 ;;
    --out) [ $# -ge 2 ] || usage; out=$2; shift 2 ;;
    # what the kernel's code means to do (wrap, shorten) is not undefined
    --sanitize) optimise=(-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all); shift ;;
    *) usage ;;
  esac
done
[ -n "$tree" ] && [ -n "$out" ] || usage
tree=$(cd "$tree" && pwd) || fail 'no such directory'

verbs=$tree/drivers/infiniband/core/verbs.c
mr=$tree/drivers/infiniband/hw/mlx5/mr.c
for f in "$tree/Makefile" "$verbs" "$mr"; do
  [ -r "$f" ] || fail "$f is missing: not a Linux source tree, or not all of it"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

version() { sed -n "s/^$1 *= *\([0-9]*\) *\$/\1/p" "$tree/Makefile" | head -n 1; }
name="Linux $(version VERSION).$(version PATCHLEVEL).$(version SUBLEVEL)"
[[ $name =~ ^Linux\ [0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "no version in $tree/Makefile"

# take FILE FUNCTION…
take() {
  local file=$1 f
  shift
  for f in "$@"; do awk -v name="$f" -f "$here/function.awk" "$file" >>"$work/kernel.c"; done
}
printf '#include "shim.h"\n' >"$work/kernel.c"
take "$verbs" ib_sg_to_pages ib_map_mr_sg
take "$mr" mlx5_ib_sg_to_klms mlx5_set_page mlx5_ib_map_mr_sg

# As the kernel is compiled (its Makefile): GNU C11, signed arithmetic wraps.
cc=${CC:-gcc}
strict=(-Werror=implicit-function-declaration -Werror=implicit-int -Werror=int-conversion -Werror=incompatible-pointer-types)
"$cc" -std=gnu11 -fno-strict-aliasing -fno-strict-overflow -Wall "${strict[@]}" "${optimise[@]}" -I"$here" -c -o "$work/kernel.o" "$work/kernel.c"
"$cc" -std=gnu11 -Wall -Wextra -Wshadow -Wconversion -Wvla -Werror "${optimise[@]}" -DLINUX_VERSION="\"$name\"" -I"$here" \
  -o "$work/child" "$here"/{child,memory}.c "$work/kernel.o"
mv "$work/child" "$out"
