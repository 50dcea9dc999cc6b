/* Which function answers which method of the verbs ioctl. */
#include "methods.h"
#include "dm.h"
#include "engine.h"
#include "events.h"
#include "hcacap.h"

#include <errno.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5_user_ioctl_cmds.h>
#include <rdma/mlx5-abi.h>

static int free_by(hdr *h, enum hca_op op, uint16_t id)
{
	struct hca_value v = { .n = (uint32_t)number(h, id) };
	return engine_call(op, &v);
}

static int free_pd(hdr *h) { return free_by(h, HCA_PD_FREE, UVERBS_ATTR_DESTROY_PD_HANDLE); }
static int free_mr(hdr *h)
{
	int err = free_by(h, HCA_MR_FREE, UVERBS_ATTR_DESTROY_MR_HANDLE);
	if (!err)
		dm_forget((uint32_t)number(h, UVERBS_ATTR_DESTROY_MR_HANDLE));
	return err;
}
static int free_mw(hdr *h) { return free_by(h, HCA_MW_FREE, UVERBS_ATTR_DESTROY_MW_HANDLE); }
static int free_xrcd(hdr *h) { return free_by(h, HCA_XRCD_CLOSE, UVERBS_ATTR_DESTROY_XRCD_HANDLE); }
static int nothing(hdr *h)
{
	(void)h;
	return 0;
}

static int alloc_pd(hdr *h)
{
	struct hca_value v = { 0 };
	int err = engine_call(HCA_PD_ALLOC, &v);
	struct ib_uverbs_alloc_pd_resp r = { .pd_handle = v.n };
	struct mlx5_ib_alloc_pd_resp own = { .pdn = v.n };
	output(h, UVERBS_ATTR_CORE_OUT, &r, sizeof(r));
	output(h, UVERBS_ATTR_UHW_OUT, &own, sizeof(own));
	return err;
}

/* query_pd tells the number of a domain that another context made. */
static int query_pd(hdr *h)
{
	output32(h, MLX5_IB_ATTR_QUERY_PD_RESP_PDN, (uint32_t)number(h, MLX5_IB_ATTR_QUERY_PD_HANDLE));
	return engine_here() ? 0 : EIO;
}

static int open_xrcd(hdr *h)
{
	struct hca_value v = { 0 };
	int err = engine_call(HCA_XRCD_OPEN, &v);
	struct ib_uverbs_open_xrcd_resp r = { .xrcd_handle = v.n };
	output(h, UVERBS_ATTR_CORE_OUT, &r, sizeof(r));
	return err;
}

static int create_channel(hdr *h)
{
	int fd = events_pipe();
	if (fd < 0)
		return errno;
	struct ib_uverbs_create_comp_channel_resp r = { .fd = (uint32_t)fd };
	output(h, UVERBS_ATTR_CORE_OUT, &r, sizeof(r));
	return 0;
}

static int alloc_async_events(hdr *h)
{
	struct ib_uverbs_attr *a = attr(h, UVERBS_ATTR_ASYNC_EVENT_ALLOC_FD_HANDLE);
	int fd = events_pipe();
	if (fd < 0 || !a)
		return fd < 0 ? errno : EINVAL;
	a->data_s64 = fd;
	return 0;
}

/* The older commands, carried by one method. */
static const struct {
	uint32_t cmd;
	int (*run)(hdr *);
} commands[] = {
	{ IB_USER_VERBS_CMD_QUERY_DEVICE, query_device },
	{ IB_USER_VERBS_CMD_FLAG_EXTENDED | IB_USER_VERBS_EX_CMD_QUERY_DEVICE, query_device_ex },
	{ IB_USER_VERBS_CMD_ALLOC_PD, alloc_pd },
	{ IB_USER_VERBS_CMD_OPEN_XRCD, open_xrcd },
	{ IB_USER_VERBS_CMD_CREATE_COMP_CHANNEL, create_channel },
	{ IB_USER_VERBS_CMD_REG_MR, reg_mr },
	{ IB_USER_VERBS_CMD_REREG_MR, rereg_mr },
	{ IB_USER_VERBS_CMD_ALLOC_MW, alloc_mw },
	{ IB_USER_VERBS_CMD_RESIZE_CQ, resize_cq },
	{ IB_USER_VERBS_CMD_MODIFY_QP, modify_qp },
	{ IB_USER_VERBS_CMD_FLAG_EXTENDED | IB_USER_VERBS_EX_CMD_MODIFY_QP, modify_qp },
	{ IB_USER_VERBS_CMD_QUERY_QP, query_qp },
	{ IB_USER_VERBS_CMD_MODIFY_SRQ, modify_srq },
	{ IB_USER_VERBS_CMD_QUERY_SRQ, query_srq },
};

static int invoke_write(hdr *h)
{
	uint32_t cmd = (uint32_t)number(h, UVERBS_ATTR_WRITE_CMD);
	for (unsigned i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (commands[i].cmd == cmd)
			return commands[i].run(h);
	return EOPNOTSUPP;
}

static const struct {
	uint16_t object, method;
	int (*run)(hdr *);
} methods[] = {
	{ UVERBS_OBJECT_DEVICE, UVERBS_METHOD_INVOKE_WRITE, invoke_write },
	{ UVERBS_OBJECT_DEVICE, UVERBS_METHOD_GET_CONTEXT, get_context },
	{ UVERBS_OBJECT_DEVICE, UVERBS_METHOD_QUERY_CONTEXT, query_context },
	{ UVERBS_OBJECT_DEVICE, UVERBS_METHOD_QUERY_PORT, query_port },
	{ UVERBS_OBJECT_DEVICE, MLX5_IB_METHOD_QUERY_PORT, query_port_steering },
	{ UVERBS_OBJECT_DEVICE, UVERBS_METHOD_QUERY_GID_ENTRY, query_gid_entry },
	{ UVERBS_OBJECT_DEVICE, UVERBS_METHOD_QUERY_GID_TABLE, query_gid_table },
	{ UVERBS_OBJECT_ASYNC_EVENT, UVERBS_METHOD_ASYNC_EVENT_ALLOC, alloc_async_events },
	{ UVERBS_OBJECT_PD, UVERBS_METHOD_PD_DESTROY, free_pd },
	{ UVERBS_OBJECT_PD, MLX5_IB_METHOD_PD_QUERY, query_pd },
	{ UVERBS_OBJECT_XRCD, UVERBS_METHOD_XRCD_DESTROY, free_xrcd },
	{ UVERBS_OBJECT_AH, UVERBS_METHOD_AH_DESTROY, nothing },
	{ UVERBS_OBJECT_MR, UVERBS_METHOD_MR_DESTROY, free_mr },
	{ UVERBS_OBJECT_MR, UVERBS_METHOD_DM_MR_REG, reg_dm_mr },
	{ UVERBS_OBJECT_MR, UVERBS_METHOD_ADVISE_MR, advise_mr },
	{ UVERBS_OBJECT_MR, UVERBS_METHOD_QUERY_MR, query_mr },
	{ UVERBS_OBJECT_MW, UVERBS_METHOD_MW_DESTROY, free_mw },
	{ UVERBS_OBJECT_DM, UVERBS_METHOD_DM_ALLOC, alloc_dm },
	{ UVERBS_OBJECT_DM, UVERBS_METHOD_DM_FREE, free_dm },
	{ UVERBS_OBJECT_DM, MLX5_IB_METHOD_DM_QUERY, query_dm },
	{ UVERBS_OBJECT_CQ, UVERBS_METHOD_CQ_CREATE, create_cq },
	{ UVERBS_OBJECT_CQ, UVERBS_METHOD_CQ_DESTROY, destroy_cq },
	{ UVERBS_OBJECT_QP, UVERBS_METHOD_QP_CREATE, create_qp },
	{ UVERBS_OBJECT_QP, UVERBS_METHOD_QP_DESTROY, destroy_qp },
	{ UVERBS_OBJECT_SRQ, UVERBS_METHOD_SRQ_CREATE, create_srq },
	{ UVERBS_OBJECT_SRQ, UVERBS_METHOD_SRQ_DESTROY, destroy_srq },
	{ MLX5_IB_OBJECT_UAR, MLX5_IB_METHOD_UAR_OBJ_ALLOC, alloc_uar },
	{ MLX5_IB_OBJECT_UAR, MLX5_IB_METHOD_UAR_OBJ_DESTROY, nothing },
	{ MLX5_IB_OBJECT_DEVX, MLX5_IB_METHOD_DEVX_OTHER, answer_hca_cap },
	{ MLX5_IB_OBJECT_DEVX_OBJ, MLX5_IB_METHOD_DEVX_OBJ_CREATE, devx_create },
	{ MLX5_IB_OBJECT_DEVX_OBJ, MLX5_IB_METHOD_DEVX_OBJ_MODIFY, devx_modify },
	{ MLX5_IB_OBJECT_DEVX_OBJ, MLX5_IB_METHOD_DEVX_OBJ_QUERY, devx_query },
	{ MLX5_IB_OBJECT_DEVX_OBJ, MLX5_IB_METHOD_DEVX_OBJ_DESTROY, devx_destroy },
};

int method(hdr *h)
{
	for (unsigned i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (methods[i].object == h->object_id && methods[i].method == h->method_id)
			return methods[i].run(h);
	return EPROTONOSUPPORT;
}
