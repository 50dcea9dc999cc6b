/*
 * Commands of the device's own interface (DEVX) on queue pairs that verbs
 * made: include/linux/mlx5/mlx5_ifc.h mlx5_ifc_init2init_qp_in_bits,
 * mlx5_ifc_query_qp_out_bits, mlx5_ifc_qpc_bits.
 */
#include "methods.h"
#include "engine.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <infiniband/verbs.h>
#include <rdma/mlx5_user_ioctl_cmds.h>

enum { INIT2INIT_QP = 0x50e, QUERY_QP = 0x50b };
enum { OPT_MASK_AT = 16, QPC_AT = 24, QPC_SIZE = 232 };
/* Within the QP context. */
enum { STATE_AT = 0, STATE_SHIFT = 4, DRAIN_AT = 4, DRAIN_SIGERR = 1 << 2, HW_SQ_COUNTER_AT = 0xb4 };
/* opt_param_mask: rdma-core providers/mlx5/mlx5_ifc.h enum mlx5_qpc_opt_mask. */
enum { OPT_DRAIN_SIGERR = 1 << 11 };

static unsigned opcode(hdr *h, uint16_t id, size_t least)
{
	struct ib_uverbs_attr *a = attr(h, id);
	const uint8_t *in = input(h, id);
	return in && a->len >= least ? (unsigned)(in[0] << 8 | in[1]) : 0;
}

/*
 * devx_modify takes INIT2INIT, by which the library asks that a signature error
 * stops the send queue.
 */
int devx_modify(hdr *h)
{
	if (opcode(h, MLX5_IB_ATTR_DEVX_OBJ_MODIFY_CMD_IN, QPC_AT + DRAIN_AT + 1) != INIT2INIT_QP)
		return EOPNOTSUPP;
	const uint8_t *in = input(h, MLX5_IB_ATTR_DEVX_OBJ_MODIFY_CMD_IN);
	uint32_t mask;
	memcpy(&mask, in + OPT_MASK_AT, sizeof(mask));
	if (be32toh(mask) & OPT_DRAIN_SIGERR) {
		struct hca_qp_attr a = { .n = (uint32_t)number(h, MLX5_IB_ATTR_DEVX_OBJ_MODIFY_HANDLE),
					 .drain = (in[QPC_AT + DRAIN_AT] & DRAIN_SIGERR) != 0 };
		int err = engine_call(HCA_QP_DRAIN, &a);
		if (err)
			return err;
	}
	output(h, MLX5_IB_ATTR_DEVX_OBJ_MODIFY_CMD_OUT, NULL, 0);
	return 0;
}

/* The device's numbers of states: enum mlx5_qp_state, which has SQER before SQD. */
static uint8_t device_state(uint32_t s)
{
	switch (s) {
	case IBV_QPS_SQD:
		return 5;
	case IBV_QPS_SQE:
		return 4;
	}
	return (uint8_t)s;
}

/* devx_query tells the state and how far the send queue is. */
int devx_query(hdr *h)
{
	uint8_t out[QPC_AT + QPC_SIZE] = { 0 };
	if (opcode(h, MLX5_IB_ATTR_DEVX_OBJ_QUERY_CMD_IN, 16) != QUERY_QP)
		return EOPNOTSUPP;
	struct hca_qp_attr a = { .n = (uint32_t)number(h, MLX5_IB_ATTR_DEVX_OBJ_QUERY_HANDLE) };
	int err = engine_call(HCA_QP_QUERY, &a);
	if (err)
		return err;
	out[QPC_AT + STATE_AT] = (uint8_t)(device_state(a.state) << STATE_SHIFT);
	out[QPC_AT + HW_SQ_COUNTER_AT] = (uint8_t)(a.counter >> 8);
	out[QPC_AT + HW_SQ_COUNTER_AT + 1] = (uint8_t)a.counter;
	output(h, MLX5_IB_ATTR_DEVX_OBJ_QUERY_CMD_OUT, out, sizeof(out));
	return 0;
}
