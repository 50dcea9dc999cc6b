/* What the kernel's driver answers: the methods of the device's ioctl. */
#include "fakedev_method.h"

#include "attr.h"
#include "fakedev.h"
#include "hcacap.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5-abi.h>
#include <rdma/mlx5_user_ioctl_cmds.h>

struct fakedev_numbers fakedev_next = { .pdn = 0x42, .qpn = 0x1234, .mkey = 0x100, .psv = 0x10 };

static uint32_t next_handle = 1;

/*
 * invoke_write carries the older commands. One that is asked for without a
 * request is the library's question whether this path exists; the answer yes is
 * ENOSPC.
 */
static int invoke_write(hdr *h)
{
	struct ib_uverbs_attr *in = attr(h, UVERBS_ATTR_CORE_IN);
	uint32_t cmd;
	memcpy(&cmd, input(h, UVERBS_ATTR_WRITE_CMD), sizeof(cmd));
	switch (cmd) {
	case IB_USER_VERBS_CMD_ALLOC_PD: {
		struct ib_uverbs_alloc_pd_resp resp = { .pd_handle = next_handle++ };
		struct mlx5_ib_alloc_pd_resp own = { .pdn = fakedev_next.pdn++ };
		output(h, UVERBS_ATTR_CORE_OUT, &resp, sizeof(resp));
		output(h, UVERBS_ATTR_UHW_OUT, &own, sizeof(own));
		return 0;
	}
	case IB_USER_VERBS_CMD_REG_MR: {
		struct ib_uverbs_reg_mr_resp resp = { .mr_handle = next_handle++ };
		resp.lkey = resp.rkey = fakedev_next.mkey++ << 8;
		output(h, UVERBS_ATTR_CORE_OUT, &resp, sizeof(resp));
		return 0;
	}
	case IB_USER_VERBS_CMD_ALLOC_MW: {
		struct ib_uverbs_alloc_mw_resp resp = { .mw_handle = next_handle++, .rkey = fakedev_next.mkey++ << 8 };
		output(h, UVERBS_ATTR_CORE_OUT, &resp, sizeof(resp));
		return 0;
	}
	case IB_USER_VERBS_CMD_MODIFY_QP:
	case IB_USER_VERBS_CMD_FLAG_EXTENDED | IB_USER_VERBS_EX_CMD_MODIFY_QP:
		output(h, UVERBS_ATTR_CORE_OUT, NULL, 0);
		output(h, UVERBS_ATTR_UHW_OUT, NULL, 0);
		return 0;
	}
	return in ? EOPNOTSUPP : ENOSPC;
}

/*
 * get_context answers with the limits of a ConnectX-5. The longest send request
 * of 1008 bytes is what a DS of 63 can say. With cqe_version 0 a completion
 * names its QP by number.
 */
static int get_context(hdr *h)
{
	struct mlx5_ib_alloc_ucontext_resp resp = {
		.qp_tab_size = 1 << 24,
		.bf_reg_size = 512,
		.tot_bfregs = 16,
		.cache_line_size = 64,
		.max_sq_desc_sz = 1008,
		.max_rq_desc_sz = 512,
		.max_send_wqebb = 32768,
		.max_recv_wr = 32768,
		.max_srq_recv_wr = 32767,
		.num_ports = 1,
		.comp_mask = MLX5_IB_ALLOC_UCONTEXT_RESP_MASK_MKEY_UPDATE_TAG,
		.response_length = sizeof(resp),
		.log_uar_size = 12,
		.num_uars_per_page = 1,
	};
	uint64_t support = 1; /* optional MR flags may be asked for */
	output32(h, UVERBS_ATTR_GET_CONTEXT_NUM_COMP_VECTORS, 1);
	output(h, UVERBS_ATTR_GET_CONTEXT_CORE_SUPPORT, &support, sizeof(support));
	output(h, UVERBS_ATTR_UHW_OUT, &resp, sizeof(resp));
	return 0;
}

static int query_port(hdr *h)
{
	struct ib_uverbs_query_port_resp_ex resp = {
		.legacy_resp = { .max_msg_sz = 1u << 31, .gid_tbl_len = 1, .pkey_tbl_len = 1, .lid = 1,
				 .state = IBV_PORT_ACTIVE, .max_mtu = IBV_MTU_4096, .active_mtu = IBV_MTU_4096,
				 .link_layer = IBV_LINK_LAYER_INFINIBAND },
	};
	output(h, UVERBS_ATTR_QUERY_PORT_RESP, &resp, sizeof(resp));
	return 0;
}

static int alloc_async_events(hdr *h)
{
	struct ib_uverbs_attr *a = attr(h, UVERBS_ATTR_ASYNC_EVENT_ALLOC_FD_HANDLE);
	int fd = eventfd(0, EFD_CLOEXEC);
	if (fd < 0)
		return errno;
	a->data_s64 = fd;
	return 0;
}

static int create_cq(hdr *h)
{
	struct mlx5_ib_create_cq_resp own = { .cqn = next_handle };
	output(h, UVERBS_ATTR_CREATE_CQ_RESP_CQE, input(h, UVERBS_ATTR_CREATE_CQ_CQE), sizeof(uint32_t));
	output(h, UVERBS_ATTR_UHW_OUT, &own, sizeof(own));
	new_handle(h, UVERBS_ATTR_CREATE_CQ_HANDLE, next_handle++);
	return 0;
}

/* create_qp gives a register other than 0, which means one with BlueFlame. */
static int create_qp(hdr *h)
{
	struct mlx5_ib_create_qp_resp own = { .bfreg_index = 4 };
	output(h, UVERBS_ATTR_CREATE_QP_RESP_CAP, input(h, UVERBS_ATTR_CREATE_QP_CAP), sizeof(struct ib_uverbs_qp_cap));
	output32(h, UVERBS_ATTR_CREATE_QP_RESP_QP_NUM, fakedev_next.qpn++);
	output(h, UVERBS_ATTR_UHW_OUT, &own, sizeof(own));
	new_handle(h, UVERBS_ATTR_CREATE_QP_HANDLE, next_handle++);
	return 0;
}

/* ---- commands of the device's own interface (DEVX) ---- */

/* Opcodes and layouts: include/linux/mlx5/mlx5_ifc.h. */
enum { CREATE_MKEY = 0x200, CREATE_PSV = 0x600 };

static void put_be32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static int create_object(hdr *h)
{
	const uint8_t *in = input(h, MLX5_IB_ATTR_DEVX_OBJ_CREATE_CMD_IN);
	uint8_t out[64] = { 0 };
	switch (be16_at(in)) {
	case CREATE_MKEY:
		put_be32(out + 8, fakedev_next.mkey++);
		break;
	case CREATE_PSV:
		for (int i = 0; i < in[8] >> 4 && i < 4; i++) /* num_psv */
			put_be32(out + 16 + 4 * i, fakedev_next.psv++);
		break;
	default:
		return EOPNOTSUPP;
	}
	output(h, MLX5_IB_ATTR_DEVX_OBJ_CREATE_CMD_OUT, out, sizeof(out));
	new_handle(h, MLX5_IB_ATTR_DEVX_OBJ_CREATE_HANDLE, next_handle++);
	return 0;
}

/* ---- dispatch ---- */

/*
 * Destroying needs no answer but, for queues, how many events were delivered:
 * none.
 */
static int destroy(hdr *h)
{
	output(h, UVERBS_ATTR_DESTROY_QP_RESP, NULL, 0); /* the CQ's has the same number */
	return 0;
}

static const struct {
	uint16_t object, method;
	int (*run)(hdr *);
} methods[] = {
	{ UVERBS_OBJECT_DEVICE, UVERBS_METHOD_INVOKE_WRITE, invoke_write },
	{ UVERBS_OBJECT_DEVICE, UVERBS_METHOD_GET_CONTEXT, get_context },
	{ UVERBS_OBJECT_DEVICE, UVERBS_METHOD_QUERY_PORT, query_port },
	{ UVERBS_OBJECT_ASYNC_EVENT, UVERBS_METHOD_ASYNC_EVENT_ALLOC, alloc_async_events },
	{ UVERBS_OBJECT_PD, UVERBS_METHOD_PD_DESTROY, destroy },
	{ UVERBS_OBJECT_MR, UVERBS_METHOD_MR_DESTROY, destroy },
	{ UVERBS_OBJECT_MW, UVERBS_METHOD_MW_DESTROY, destroy },
	{ UVERBS_OBJECT_CQ, UVERBS_METHOD_CQ_CREATE, create_cq },
	{ UVERBS_OBJECT_CQ, UVERBS_METHOD_CQ_DESTROY, destroy },
	{ UVERBS_OBJECT_QP, UVERBS_METHOD_QP_CREATE, create_qp },
	{ UVERBS_OBJECT_QP, UVERBS_METHOD_QP_DESTROY, destroy },
	{ MLX5_IB_OBJECT_DEVX, MLX5_IB_METHOD_DEVX_OTHER, answer_hca_cap },
	{ MLX5_IB_OBJECT_DEVX_OBJ, MLX5_IB_METHOD_DEVX_OBJ_CREATE, create_object },
	{ MLX5_IB_OBJECT_DEVX_OBJ, MLX5_IB_METHOD_DEVX_OBJ_DESTROY, destroy },
};

int fakedev_method(hdr *h)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (methods[i].object == h->object_id && methods[i].method == h->method_id)
			return methods[i].run(h);
	return EPROTONOSUPPORT;
}
