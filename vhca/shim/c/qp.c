/* Queue pairs. What the engine does not need is kept here for ibv_query_qp. */
#include "methods.h"
#include "engine.h"
#include "events.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <infiniband/verbs.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5-abi.h>

enum { ASYNC_RECORD = 16, DATA_SEGMENT = 16 };

struct qp {
	struct qp *next;
	uint32_t n;
	int async;
	uint64_t handle;
	struct ib_uverbs_query_qp_resp attr;
};
static struct qp *all;

static struct qp **find(uint32_t n)
{
	struct qp **p = &all;
	while (*p && (*p)->n != n)
		p = &(*p)->next;
	return p;
}

/* describe reads what the library says of a new queue pair and its memory. */
static int describe(hdr *h, struct hca_qp *q, struct ib_uverbs_qp_cap *cap)
{
	struct mlx5_ib_create_qp own;
	input_part(h, UVERBS_ATTR_UHW_IN, &own, sizeof(own));
	input_part(h, UVERBS_ATTR_CREATE_QP_CAP, cap, sizeof(*cap));
	uint32_t flags = (uint32_t)number(h, UVERBS_ATTR_CREATE_QP_FLAGS);
	*q = (struct hca_qp){
		.type = (uint32_t)number(h, UVERBS_ATTR_CREATE_QP_TYPE), .handle = number(h, UVERBS_ATTR_CREATE_QP_USER_HANDLE),
		.pd = (uint32_t)number(h, UVERBS_ATTR_CREATE_QP_PD_HANDLE), .xrcd = (uint32_t)number(h, UVERBS_ATTR_CREATE_QP_XRCD_HANDLE),
		.send_cq = (uint32_t)number(h, UVERBS_ATTR_CREATE_QP_SEND_CQ_HANDLE), .recv_cq = (uint32_t)number(h, UVERBS_ATTR_CREATE_QP_RECV_CQ_HANDLE),
		.srq = (uint32_t)number(h, UVERBS_ATTR_CREATE_QP_SRQ_HANDLE),
		.db = own.db_addr, .uidx = own.uidx, .sq_wqebbs = own.sq_wqe_count, .rq_count = own.rq_wqe_count, .rq_shift = own.rq_wqe_shift,
		.sig_all = (flags & IB_UVERBS_QP_CREATE_SQ_SIG_ALL) != 0,
	};
	if (own.flags & (MLX5_QP_FLAG_TYPE_DCT | MLX5_QP_FLAG_TYPE_DCI) || own.rq_wqe_shift > 12 || own.rq_wqe_count > 1 << 15)
		return EOPNOTSUPP;
	if (flags & ~(uint32_t)(IB_UVERBS_QP_CREATE_SQ_SIG_ALL | IB_UVERBS_QP_CREATE_BLOCK_MULTICAST_LOOPBACK))
		return EOPNOTSUPP;
	/* The receive queue comes first; XRC targets have neither. */
	q->rq = own.buf_addr;
	q->sq = own.buf_addr + ((uint64_t)own.rq_wqe_count << own.rq_wqe_shift);
	if (q->type == IB_UVERBS_QPT_XRC_TGT)
		q->sq_wqebbs = q->rq_count = 0;
	if (q->type == IB_UVERBS_QPT_XRC_INI || q->srq)
		q->rq_count = 0;
	cap->max_recv_sge = q->rq_count ? (1u << own.rq_wqe_shift) / DATA_SEGMENT : 0; /* as many as fit, as a driver says */
	return 0;
}

int create_qp(hdr *h)
{
	struct ib_uverbs_qp_cap cap;
	struct hca_qp q;
	int err = describe(h, &q, &cap);
	if (err)
		return err;
	struct ib_uverbs_attr *fd = attr(h, UVERBS_ATTR_CREATE_QP_EVENT_FD);
	int async = fd ? (int)fd->data_s64 : -1;
	q.async = events_write_end(async);
	err = engine_call(HCA_QP_CREATE, &q);
	if (err)
		return err;
	struct qp *keep = calloc(1, sizeof(*keep));
	if (!keep)
		abort();
	*keep = (struct qp){ .n = q.n, .async = async, .handle = q.handle,
		.attr = { .max_send_wr = cap.max_send_wr, .max_recv_wr = q.rq_count, .max_send_sge = cap.max_send_sge,
			  .max_recv_sge = cap.max_recv_sge, .max_inline_data = cap.max_inline_data, .sq_sig_all = (uint8_t)q.sig_all } };
	pthread_mutex_lock(&engine_tables);
	keep->next = all;
	all = keep;
	pthread_mutex_unlock(&engine_tables);
	/* A register other than 0 means one with BlueFlame. */
	struct mlx5_ib_create_qp_resp own = { .bfreg_index = 4 };
	output(h, UVERBS_ATTR_CREATE_QP_RESP_CAP, &cap, sizeof(cap));
	output32(h, UVERBS_ATTR_CREATE_QP_RESP_QP_NUM, q.n);
	output(h, UVERBS_ATTR_UHW_OUT, &own, sizeof(own));
	new_handle(h, UVERBS_ATTR_CREATE_QP_HANDLE, q.n);
	return 0;
}

/* remember keeps the attributes that a mask names. In RESET only those of the creation are left. */
static void remember(struct ib_uverbs_query_qp_resp *a, const struct ib_uverbs_modify_qp *m)
{
	if (m->attr_mask & IBV_QP_STATE && m->qp_state == IBV_QPS_RESET)
		*a = (struct ib_uverbs_query_qp_resp){
			.max_send_wr = a->max_send_wr, .max_recv_wr = a->max_recv_wr, .max_send_sge = a->max_send_sge,
			.max_recv_sge = a->max_recv_sge, .max_inline_data = a->max_inline_data, .sq_sig_all = a->sq_sig_all };
#define KEEP(bit, field)                 \
	if (m->attr_mask & (bit))        \
		a->field = m->field;
	KEEP(IBV_QP_ACCESS_FLAGS, qp_access_flags)
	KEEP(IBV_QP_PKEY_INDEX, pkey_index)
	KEEP(IBV_QP_PORT, port_num)
	KEEP(IBV_QP_QKEY, qkey)
	KEEP(IBV_QP_AV, dest)
	KEEP(IBV_QP_PATH_MTU, path_mtu)
	KEEP(IBV_QP_TIMEOUT, timeout)
	KEEP(IBV_QP_RETRY_CNT, retry_cnt)
	KEEP(IBV_QP_RNR_RETRY, rnr_retry)
	KEEP(IBV_QP_RQ_PSN, rq_psn)
	KEEP(IBV_QP_SQ_PSN, sq_psn)
	KEEP(IBV_QP_MAX_QP_RD_ATOMIC, max_rd_atomic)
	KEEP(IBV_QP_MAX_DEST_RD_ATOMIC, max_dest_rd_atomic)
	KEEP(IBV_QP_MIN_RNR_TIMER, min_rnr_timer)
	KEEP(IBV_QP_DEST_QPN, dest_qp_num)
	KEEP(IBV_QP_PATH_MIG_STATE, path_mig_state)
	KEEP(IBV_QP_ALT_PATH, alt_dest)
	KEEP(IBV_QP_ALT_PATH, alt_port_num)
	KEEP(IBV_QP_ALT_PATH, alt_pkey_index)
	KEEP(IBV_QP_ALT_PATH, alt_timeout)
#undef KEEP
}

/*
 * beyond tells whether attributes are none that the device has: Linux
 * drivers/infiniband/core/uverbs_cmd.c modify_qp, hw/mlx5/qp.c mlx5_ib_modify_qp.
 */
static bool beyond(const struct ib_uverbs_modify_qp *m)
{
#define GIVEN(bit) (m->attr_mask & (bit))
	return (GIVEN(IBV_QP_PORT) && m->port_num != 1) || (GIVEN(IBV_QP_PKEY_INDEX) && m->pkey_index != 0) ||
	       (GIVEN(IBV_QP_PATH_MTU) && (m->path_mtu < IBV_MTU_256 || m->path_mtu > IBV_MTU_4096)) ||
	       (GIVEN(IBV_QP_MAX_QP_RD_ATOMIC) && m->max_rd_atomic > MAX_RD_ATOMIC) ||
	       (GIVEN(IBV_QP_MAX_DEST_RD_ATOMIC) && m->max_dest_rd_atomic > MAX_RD_ATOMIC) ||
	       (GIVEN(IBV_QP_AV) && (m->dest.port_num != 1 || (m->dest.is_global && m->dest.sgid_index != 0)));
#undef GIVEN
}

int modify_qp(hdr *h)
{
	struct ib_uverbs_modify_qp m;
	input_part(h, UVERBS_ATTR_CORE_IN, &m, sizeof(m));
	if (beyond(&m))
		return EINVAL;
	struct hca_qp_attr a = { .n = m.qp_handle, .mask = m.attr_mask, .state = m.qp_state, .cur_state = m.cur_qp_state,
				 .access = m.qp_access_flags, .qkey = m.qkey, .dest_qpn = m.dest_qp_num, .timeout = m.timeout,
				 .retries = m.retry_cnt, .rnr = m.rnr_retry, .min_rnr = m.min_rnr_timer, .notify = m.en_sqd_async_notify };
	int err = engine_call(HCA_QP_MODIFY, &a);
	if (err)
		return err;
	pthread_mutex_lock(&engine_tables);
	struct qp *q = *find(m.qp_handle);
	if (q)
		remember(&q->attr, &m);
	pthread_mutex_unlock(&engine_tables);
	struct ib_uverbs_ex_modify_qp_resp r = { .response_length = sizeof(r) };
	output(h, UVERBS_ATTR_CORE_OUT, &r, sizeof(r));
	output(h, UVERBS_ATTR_UHW_OUT, NULL, 0);
	return 0;
}

int query_qp(hdr *h)
{
	struct ib_uverbs_query_qp in;
	input_part(h, UVERBS_ATTR_CORE_IN, &in, sizeof(in));
	struct hca_qp_attr a = { .n = in.qp_handle };
	int err = engine_call(HCA_QP_QUERY, &a);
	if (err)
		return err;
	pthread_mutex_lock(&engine_tables);
	struct qp *q = *find(in.qp_handle);
	struct ib_uverbs_query_qp_resp r = q ? q->attr : (struct ib_uverbs_query_qp_resp){ 0 };
	pthread_mutex_unlock(&engine_tables);
	r.qp_state = r.cur_qp_state = (uint8_t)a.state;
	output(h, UVERBS_ATTR_CORE_OUT, &r, sizeof(r));
	return 0;
}

int destroy_qp(hdr *h)
{
	struct hca_value v = { .n = (uint32_t)number(h, UVERBS_ATTR_DESTROY_QP_HANDLE) };
	int err = engine_call(HCA_QP_DESTROY, &v);
	if (err)
		return err;
	pthread_mutex_lock(&engine_tables);
	struct qp **p = find(v.n), *gone = *p;
	if (gone)
		*p = gone->next;
	pthread_mutex_unlock(&engine_tables);
	struct ib_uverbs_destroy_qp_resp r = { .events_reported = gone ? v.events - events_forget(gone->async, gone->handle, ASYNC_RECORD) : 0 };
	free(gone);
	output(h, UVERBS_ATTR_DESTROY_QP_RESP, &r, sizeof(r));
	return 0;
}
