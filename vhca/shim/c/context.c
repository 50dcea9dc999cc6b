/* Contexts, and the doorbell pages that the library asks for. */
#define _GNU_SOURCE
#include "methods.h"
#include "engine.h"

#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/mlx5-abi.h>
#include <rdma/mlx5_user_ioctl_cmds.h>
#include <rdma/mlx5_user_ioctl_verbs.h>

/*
 * describe_context answers with a context's limits, which are a ConnectX-5's;
 * the longest send request of 1008 bytes is what a DS of 63 can say. With
 * cqe_version 1 a completion names its object by the user index. Without registers
 * of the context's own (tot_bfregs) the library asks for doorbell pages one by
 * one, as with today's kernels. The attributes of both methods have the same
 * numbers.
 */
static void describe_context(hdr *h, uint16_t own)
{
	struct mlx5_ib_alloc_ucontext_resp resp = {
		.qp_tab_size = 1 << 18,
		.bf_reg_size = 512,
		.cache_line_size = 64,
		.max_sq_desc_sz = 1008,
		.max_rq_desc_sz = 512,
		.max_send_wqebb = MAX_QP_WR,
		.max_recv_wr = MAX_QP_WR,
		.max_srq_recv_wr = MAX_QP_WR - 1,
		.num_ports = 1,
		.comp_mask = MLX5_IB_ALLOC_UCONTEXT_RESP_MASK_MKEY_UPDATE_TAG | MLX5_IB_ALLOC_UCONTEXT_RESP_MASK_SQD2RTS,
		.response_length = sizeof(resp),
		.cqe_version = 1,
		.cmds_supp_uhw = MLX5_USER_CMDS_SUPP_UHW_QUERY_DEVICE | MLX5_USER_CMDS_SUPP_UHW_CREATE_AH,
		.clock_info_versions = 1 << MLX5_IB_CLOCK_INFO_V1,
		.log_uar_size = 12,
		.num_uars_per_page = 1,
	};
	uint64_t support = IB_UVERBS_CORE_SUPPORT_OPTIONAL_MR_ACCESS;
	output32(h, UVERBS_ATTR_GET_CONTEXT_NUM_COMP_VECTORS, 1);
	output(h, UVERBS_ATTR_GET_CONTEXT_CORE_SUPPORT, &support, sizeof(support));
	output(h, own, &resp, sizeof(resp));
}

/* get_context opens the engine. */
int get_context(hdr *h)
{
	int err = engine_open();
	if (!err)
		describe_context(h, UVERBS_ATTR_UHW_OUT);
	return err;
}

/*
 * query_context answers a second context on a duplicate of a device's
 * descriptor. The objects of another process are not to be had.
 */
int query_context(hdr *h)
{
	if (!engine_here())
		return EOPNOTSUPP;
	describe_context(h, MLX5_IB_ATTR_QUERY_CONTEXT_RESP_UCTX);
	return 0;
}

/*
 * Doorbell pages: nobody reads them, so that a page is a number. Its offset for
 * mmap is beyond those of the mmap commands.
 */
enum { FIRST_UAR = 1, UAR_OFFSET_PAGES = 1 << 20 };

int alloc_uar(hdr *h)
{
	static atomic_uint last = FIRST_UAR - 1;
	uint64_t type = number(h, MLX5_IB_ATTR_UAR_OBJ_ALLOC_TYPE);
	if (type != MLX5_IB_UAPI_UAR_ALLOC_TYPE_BF && type != MLX5_IB_UAPI_UAR_ALLOC_TYPE_NC)
		return EINVAL;
	uint32_t n = ++last, length = (uint32_t)sysconf(_SC_PAGESIZE);
	uint64_t offset = (uint64_t)length * (UAR_OFFSET_PAGES + n);
	output(h, MLX5_IB_ATTR_UAR_OBJ_ALLOC_MMAP_OFFSET, &offset, sizeof(offset));
	output32(h, MLX5_IB_ATTR_UAR_OBJ_ALLOC_MMAP_LENGTH, length);
	output32(h, MLX5_IB_ATTR_UAR_OBJ_ALLOC_PAGE_ID, n);
	new_handle(h, MLX5_IB_ATTR_UAR_OBJ_ALLOC_HANDLE, n);
	return 0;
}
