/* Completion queues and shared receive queues. */
#include "methods.h"
#include "engine.h"
#include "events.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5-abi.h>

enum { MAX_CQE = (1 << 22) - 1, COMP_RECORD = 8, ASYNC_RECORD = 16 };

/*
 * What an object's events need when it goes: the library waits until it has
 * seen as many as the answer says were delivered.
 */
struct object {
	struct object *next;
	uint32_t kind, n;
	int channel, async; /* the program's ends of the pipes */
	uint64_t handle;
	uint32_t wrs, sges;
};
static struct object *objects;

static struct object *add(struct object o)
{
	struct object *p = malloc(sizeof(*p));
	if (!p)
		abort();
	pthread_mutex_lock(&engine_tables);
	o.next = objects;
	*p = o;
	objects = p;
	pthread_mutex_unlock(&engine_tables);
	return p;
}

/* find gives a copy of an object, and removes it if asked to. */
static struct object find(uint32_t kind, uint32_t n, int take)
{
	struct object found = { .channel = -1, .async = -1 };
	pthread_mutex_lock(&engine_tables);
	for (struct object **p = &objects; *p; p = &(*p)->next) {
		if ((*p)->kind != kind || (*p)->n != n)
			continue;
		found = **p;
		if (take) {
			struct object *gone = *p;
			*p = gone->next;
			free(gone);
		}
		break;
	}
	pthread_mutex_unlock(&engine_tables);
	return found;
}

static int fd_of(hdr *h, uint16_t id)
{
	struct ib_uverbs_attr *a = attr(h, id);
	return a ? (int)a->data_s64 : -1;
}

/* ---- completion queues ---- */

int create_cq(hdr *h)
{
	struct mlx5_ib_create_cq own;
	input_part(h, UVERBS_ATTR_UHW_IN, &own, sizeof(own));
	uint32_t cqe = (uint32_t)number(h, UVERBS_ATTR_CREATE_CQ_CQE);
	if ((uint32_t)number(h, UVERBS_ATTR_CREATE_CQ_COMP_VECTOR) >= 1 || cqe > MAX_CQE)
		return EINVAL;
	struct object o = { .kind = UVERBS_OBJECT_CQ, .channel = fd_of(h, UVERBS_ATTR_CREATE_CQ_COMP_CHANNEL),
			    .async = fd_of(h, UVERBS_ATTR_CREATE_CQ_EVENT_FD), .handle = number(h, UVERBS_ATTR_CREATE_CQ_USER_HANDLE) };
	struct hca_cq c = { .buf = own.buf_addr, .db = own.db_addr, .handle = o.handle, .entries = cqe + 1, .size = own.cqe_size,
			    .channel = events_write_end(o.channel), .async = events_write_end(o.async) };
	int err = engine_call(HCA_CQ_CREATE, &c);
	if (err)
		return err;
	o.n = c.n;
	add(o);
	struct mlx5_ib_create_cq_resp resp = { .cqn = c.n };
	output32(h, UVERBS_ATTR_CREATE_CQ_RESP_CQE, cqe);
	output(h, UVERBS_ATTR_UHW_OUT, &resp, sizeof(resp));
	new_handle(h, UVERBS_ATTR_CREATE_CQ_HANDLE, c.n);
	return 0;
}

int resize_cq(hdr *h)
{
	struct ib_uverbs_resize_cq in;
	struct mlx5_ib_resize_cq own;
	input_part(h, UVERBS_ATTR_CORE_IN, &in, sizeof(in));
	input_part(h, UVERBS_ATTR_UHW_IN, &own, sizeof(own));
	if (in.cqe > MAX_CQE)
		return EINVAL;
	struct hca_cq c = { .n = in.cq_handle, .buf = own.buf_addr, .entries = in.cqe + 1, .size = own.cqe_size };
	int err = engine_call(HCA_CQ_RESIZE, &c);
	if (err)
		return err;
	struct ib_uverbs_resize_cq_resp r = { .cqe = in.cqe };
	output(h, UVERBS_ATTR_CORE_OUT, &r, sizeof(r));
	return 0;
}

int destroy_cq(hdr *h)
{
	struct hca_value v = { .n = (uint32_t)number(h, UVERBS_ATTR_DESTROY_CQ_HANDLE) };
	int err = engine_call(HCA_CQ_DESTROY, &v);
	if (err)
		return err;
	struct object o = find(UVERBS_OBJECT_CQ, v.n, 1);
	struct ib_uverbs_destroy_cq_resp r = {
		.comp_events_reported = v.limit - events_forget(o.channel, o.handle, COMP_RECORD),
		.async_events_reported = v.events - events_forget(o.async, o.handle, ASYNC_RECORD),
	};
	output(h, UVERBS_ATTR_DESTROY_CQ_RESP, &r, sizeof(r));
	return 0;
}

/* ---- shared receive queues ---- */

int create_srq(hdr *h)
{
	struct mlx5_ib_create_srq own;
	input_part(h, UVERBS_ATTR_UHW_IN, &own, sizeof(own));
	uint32_t type = (uint32_t)number(h, UVERBS_ATTR_CREATE_SRQ_TYPE);
	if (type != IB_UVERBS_SRQT_BASIC && type != IB_UVERBS_SRQT_XRC)
		return EOPNOTSUPP;
	struct object o = { .kind = UVERBS_OBJECT_SRQ, .channel = -1, .async = fd_of(h, UVERBS_ATTR_CREATE_SRQ_EVENT_FD),
			    .handle = number(h, UVERBS_ATTR_CREATE_SRQ_USER_HANDLE),
			    .wrs = (uint32_t)number(h, UVERBS_ATTR_CREATE_SRQ_MAX_WR), .sges = (uint32_t)number(h, UVERBS_ATTR_CREATE_SRQ_MAX_SGE) };
	if (o.wrs >= 1 << 15)
		return EINVAL;
	/* One slot more than can be posted, as the list has to end; rounded up. */
	uint32_t slots = 1;
	while (slots < o.wrs + 1)
		slots *= 2;
	o.wrs = slots - 1;
	struct hca_srq s = { .buf = own.buf_addr, .db = own.db_addr, .handle = o.handle, .pd = (uint32_t)number(h, UVERBS_ATTR_CREATE_SRQ_PD_HANDLE),
			     .wrs = slots, .sges = o.sges, .limit = (uint32_t)number(h, UVERBS_ATTR_CREATE_SRQ_LIMIT), .uidx = own.uidx,
			     .async = events_write_end(o.async) };
	if (type == IB_UVERBS_SRQT_XRC) {
		s.cq = (uint32_t)number(h, UVERBS_ATTR_CREATE_SRQ_CQ_HANDLE);
		s.xrcd = (uint32_t)number(h, UVERBS_ATTR_CREATE_SRQ_XRCD_HANDLE);
	}
	int err = engine_call(HCA_SRQ_CREATE, &s);
	if (err)
		return err;
	o.n = s.n;
	add(o);
	struct mlx5_ib_create_srq_resp resp = { .srqn = s.n };
	output32(h, UVERBS_ATTR_CREATE_SRQ_RESP_MAX_WR, o.wrs);
	output32(h, UVERBS_ATTR_CREATE_SRQ_RESP_MAX_SGE, o.sges);
	output32(h, UVERBS_ATTR_CREATE_SRQ_RESP_SRQ_NUM, s.n);
	output(h, UVERBS_ATTR_UHW_OUT, &resp, sizeof(resp));
	new_handle(h, UVERBS_ATTR_CREATE_SRQ_HANDLE, s.n);
	return 0;
}

enum { SRQ_MAX_WR = 1 << 0, SRQ_LIMIT = 1 << 1 }; /* enum ibv_srq_attr_mask */

int modify_srq(hdr *h)
{
	struct ib_uverbs_modify_srq in;
	input_part(h, UVERBS_ATTR_CORE_IN, &in, sizeof(in));
	if (in.attr_mask & ~(uint32_t)SRQ_LIMIT)
		return EINVAL; /* as mlx5 does, which cannot resize */
	struct hca_value v = { .n = in.srq_handle, .limit = in.srq_limit };
	return engine_call(HCA_SRQ_LIMIT, &v);
}

int query_srq(hdr *h)
{
	struct ib_uverbs_query_srq in;
	input_part(h, UVERBS_ATTR_CORE_IN, &in, sizeof(in));
	struct hca_value v = { .n = in.srq_handle };
	int err = engine_call(HCA_SRQ_QUERY, &v);
	if (err)
		return err;
	struct object o = find(UVERBS_OBJECT_SRQ, v.n, 0);
	struct ib_uverbs_query_srq_resp r = { .max_wr = o.wrs, .max_sge = o.sges, .srq_limit = v.limit };
	output(h, UVERBS_ATTR_CORE_OUT, &r, sizeof(r));
	return 0;
}

int destroy_srq(hdr *h)
{
	struct hca_value v = { .n = (uint32_t)number(h, UVERBS_ATTR_DESTROY_SRQ_HANDLE) };
	int err = engine_call(HCA_SRQ_DESTROY, &v);
	if (err)
		return err;
	struct object o = find(UVERBS_OBJECT_SRQ, v.n, 1);
	struct ib_uverbs_destroy_srq_resp r = { .events_reported = v.events - events_forget(o.async, o.handle, ASYNC_RECORD) };
	output(h, UVERBS_ATTR_DESTROY_SRQ_RESP, &r, sizeof(r));
	return 0;
}
