#!/usr/bin/env bash
# Builds the child of internal/peers/linux: the mapping and posting functions of a
# Linux source tree, taken out of it into a temporary directory, with the shims and the
# protocol here. Nothing of the tree is changed or kept.
#
# Usage: build.sh --linux-source DIR --out CHILD [--sanitize]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

usage() { printf 'usage: build.sh --linux-source DIR --out CHILD [--sanitize]\n' >&2; exit 2; }
fail() { printf 'build.sh: %s\n' "$*" >&2; exit 1; }

tree='' out='' optimise=(${CFLAGS:--O2})
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
mlx5=$tree/drivers/infiniband/hw/mlx5
include=$tree/include/linux/mlx5
for f in "$tree/Makefile" "$verbs" "$mlx5"/{mr.c,wr.c,wr.h,umr.h} "$include"/{device,driver,mlx5_ifc,qp}.h; do
  [ -r "$f" ] || fail "$f is missing: not a Linux source tree, or not all of it"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

version() { sed -n "s/^$1 *= *\([0-9]*\) *\$/\1/p" "$tree/Makefile" | head -n 1; }
name="Linux $(version VERSION).$(version PATCHLEVEL).$(version SUBLEVEL)"
[[ $name =~ ^Linux\ [0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "no version in $tree/Makefile"

# take SCRIPT FILE NAME…: definitions, in this order
take() {
  local script=$1 file=$2 n
  shift 2
  for n in "$@"; do awk -v name="$n" -f "$here/$script.awk" "$file" >>"$work/$to"; done
}

# what the device sees and where the queue is, for the kernel's code and the
# child's; it is not for the child to warn of
to=layout.h
printf '#pragma GCC system_header\n' >"$work/$to"
take block "$include/device.h" MLX5_EN_RD MLX5_PERM_UMR_EN MLX5_MKEY_MASK_LEN MLX5_UMR_INLINE MLX5_OPCODE_UMR MLX5_MKEY_STATUS_FREE \
  MLX5_MKEY_REMOTE_INVAL mlx5_mkey_seg
take block "$include/driver.h" MLX5_DEVICE_STATE_INTERNAL_ERROR
take block "$include/qp.h" MLX5_WQE_CTRL_CQ_UPDATE MLX5_SEND_WQE_BB MLX5_FENCE_MODE_INITIATOR_SMALL MLX5_SND_DBR mlx5_wqe_ctrl_seg \
  mlx5_wqe_umr_ctrl_seg mlx5_wqe_data_seg mlx5_wqe_raddr_seg mlx5_wqe_xrc_seg mlx5_klm
take block "$include/mlx5_ifc.h" MLX5_MKC_ACCESS_MODE_KLMS
take function "$include/driver.h" mlx5_frag_buf_get_wqe mlx5_frag_buf_get_idx_last_contig_stride
take function "$mlx5/wr.h" get_sq_edge handle_post_send_edge mlx5r_memcpy_send_wqe

to=kernel.c
printf '#include "kernel.h"\n' >"$work/kernel.c"
take function "$verbs" ib_sg_to_pages ib_map_mr_sg
take function "$mlx5/mr.c" mlx5_ib_sg_to_klms mlx5_set_page mlx5_ib_map_mr_sg
take block "$mlx5/wr.h" MLX5_IB_SQ_UMR_INLINE_THRESHOLD
grep -E '^#define MLX5_IB_UMR_(OCTOWORD|XLT_ALIGNMENT)[[:space:]]' "$mlx5/umr.h" >>"$work/kernel.c"
take function "$mlx5/umr.h" mlx5r_umr_can_reconfig mlx5r_umr_get_xlt_octo
take block "$mlx5/wr.c" mlx5_ib_opcode
take function "$mlx5/wr.c" mlx5r_wq_overflow set_raddr_seg set_data_ptr_seg frwr_mkey_mask set_reg_umr_seg set_linv_umr_seg get_umr_flags \
  set_reg_mkey_seg set_linv_mkey_seg set_reg_data_seg send_ieth calc_sig wq_sig set_reg_wr set_linv_wr mlx5r_begin_wqe begin_wqe \
  mlx5r_finish_wqe handle_rdma_op handle_local_inv handle_reg_mr handle_qpt_rc handle_qpt_uc mlx5r_ring_db mlx5_ib_post_send

# As the kernel is compiled (its Makefile): GNU C11, signed arithmetic wraps.
cc=${CC:-gcc}
strict=(-Werror=implicit-function-declaration -Werror=implicit-int -Werror=int-conversion -Werror=incompatible-pointer-types)
"$cc" -std=gnu11 -fno-strict-aliasing -fno-strict-overflow -Wall -Wno-pointer-sign "${strict[@]}" "${optimise[@]}" -I"$here" -I"$work" -c -o "$work/kernel.o" "$work/kernel.c"
"$cc" -std=gnu11 -Wall -Wextra -Wshadow -Wconversion -Wvla -Werror "${optimise[@]}" -DLINUX_VERSION="\"$name\"" -I"$here" -I"$work" \
  -o "$work/child" "$here"/{child,post,memory}.c "$work/kernel.o"
mv "$work/child" "$out"
