/*
 * The libmlx5 of the distribution as a contestant: mlx5dv_wr_mr_list between
 * ibv_wr_start and ibv_wr_complete, once for each doorbell, as an application
 * calls it.
 *
 * An emitted output is the WQE, whole WQEBBs of it, then the doorbell record
 * and what was written to the BlueFlame register.
 */
#define _GNU_SOURCE
#include "child.h"
#include "fakedev.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_ENTRIES = 48,      /* what MAX_INLINE admits */
	MAX_INLINE = 764,      /* the most that a QP of 1008-byte requests takes */
	SEND_REQUESTS = 64,    /* makes a queue of 1024 WQEBBs */
	BATCH = 32,            /* requests between two completions */
	CQ_ENTRIES = 64,
	QPN = 0x1234,
	MKEY = 0x100,
	PREFILL = 0xcc,
	WQEBB = 64,
	SND = 1,               /* the doorbell record's word for sends */
};

static struct ibv_context *ctx;
static struct ibv_pd *pd;

/* Doorbells rung so far; they go to the two halves of the register in turn. */
static uint64_t doorbells;

/* Everything one queue needs; made anew for each emitted output. */
static struct {
	struct ibv_cq *cq;
	struct ibv_qp *qp;
	struct ibv_qp_ex *qpx;
	struct mlx5dv_qp_ex *mqp;
	struct mlx5dv_mkey *mkey;
	struct fakedev_queue q;
	uint16_t next; /* WQEBB counter */
} s;

static void forget(void)
{
	if (s.mkey)
		mlx5dv_destroy_mkey(s.mkey);
	if (s.qp)
		ibv_destroy_qp(s.qp);
	if (s.cq)
		ibv_destroy_cq(s.cq);
	memset(&s, 0, sizeof(s));
}

static const char *make_queue(void)
{
	forget();
	fakedev_next.qpn = QPN;
	fakedev_next.mkey = MKEY;
	s.cq = ibv_create_cq(ctx, CQ_ENTRIES, NULL, NULL, 0);
	if (!s.cq)
		return "ibv_create_cq failed";
	struct ibv_qp_init_attr_ex attr = {
		.send_cq = s.cq,
		.recv_cq = s.cq,
		.cap = { .max_send_wr = SEND_REQUESTS, .max_recv_wr = 1, .max_send_sge = 1, .max_recv_sge = 1, .max_inline_data = MAX_INLINE },
		.qp_type = IBV_QPT_RC,
		.comp_mask = IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_SEND_OPS_FLAGS,
		.pd = pd,
		.send_ops_flags = IBV_QP_EX_WITH_LOCAL_INV | IBV_QP_EX_WITH_BIND_MW,
	};
	struct mlx5dv_qp_init_attr own = {
		.comp_mask = MLX5DV_QP_INIT_ATTR_MASK_SEND_OPS_FLAGS,
		.send_ops_flags = MLX5DV_QP_EX_WITH_MR_LIST,
	};
	s.qp = mlx5dv_create_qp(ctx, &attr, &own);
	if (!s.qp)
		return "mlx5dv_create_qp failed";
	struct mlx5dv_mkey_init_attr key = {
		.pd = pd,
		.create_flags = MLX5DV_MKEY_INIT_ATTR_FLAGS_INDIRECT,
		.max_entries = MAX_ENTRIES,
	};
	s.mkey = mlx5dv_create_mkey(&key);
	if (!s.mkey)
		return "mlx5dv_create_mkey failed";
	if (fakedev_ready(s.qp))
		return "ibv_modify_qp failed";
	if (fakedev_map(s.qp, s.cq, &s.q))
		return "mlx5dv_init_obj failed";
	s.qpx = ibv_qp_to_qp_ex(s.qp);
	s.mqp = mlx5dv_qp_ex_from_ibv_qp_ex(s.qpx);
	memset(s.q.qp.sq.buf, PREFILL, (size_t)s.q.qp.sq.wqe_cnt * WQEBB);
	return NULL;
}

static inline int post(const struct list *l)
{
	ibv_wr_start(s.qpx);
	s.qpx->wr_flags = IBV_SEND_INLINE;
	mlx5dv_wr_mr_list(s.mqp, s.mkey, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_WRITE,
			  (uint16_t)l->n, (struct ibv_sge *)l->e);
	doorbells++;
	return ibv_wr_complete(s.qpx);
}

static uint16_t wqebbs(const struct list *l) { return (uint16_t)(2 + (l->n + 3) / 4); }

static const char *emit_list(const struct list *l, struct output *o)
{
	const char *why = make_queue();
	if (why)
		return why;
	if (post(l))
		return "mlx5dv_wr_mr_list: the library refuses the list";
	size_t n = (size_t)wqebbs(l) * WQEBB;
	child_put(o, s.q.qp.sq.buf, n);
	child_put(o, &s.q.qp.dbrec[SND], sizeof(s.q.qp.dbrec[SND]));
	const uint8_t *bf = (const uint8_t *)s.q.qp.bf.reg + (doorbells - 1) % 2 * s.q.qp.bf.size;
	child_put(o, bf, n <= s.q.qp.bf.size ? n : 8); /* a WQE that fits is pushed whole */
	s.next = wqebbs(l);
	return NULL;
}

/*
 * reap completes the batch whose last request began at WQEBB counter last. It
 * is not timed: the other contestants have no completions either.
 */
static const char *reap(uint16_t last)
{
	struct ibv_wc wc;
	fakedev_complete(&s.q, last);
	return ibv_poll_cq(s.cq, 1, &wc) == 1 && wc.status == IBV_WC_SUCCESS ? NULL : "no completion";
}

static const char *time_list(const struct list *l, uint64_t rounds, uint64_t *ns)
{
	const char *why = s.qp ? NULL : make_queue();
	while (!why && rounds > 0) {
		uint64_t n = rounds < BATCH ? rounds : BATCH;
		int err = 0;
		uint64_t start = child_now();
		for (uint64_t i = 0; i < n; i++)
			err |= post(l);
		*ns += child_now() - start;
		if (err)
			return "mlx5dv_wr_mr_list: the library refuses the list";
		s.next = (uint16_t)(s.next + n * wqebbs(l));
		why = reap((uint16_t)(s.next - wqebbs(l)));
		rounds -= n;
	}
	return why;
}

int main(void)
{
	static const struct bench benches[] = { { "wqe_libmlx5", emit_list, time_list } };
	const char *why;
	ctx = fakedev_open(&why);
	if (ctx)
		pd = ibv_alloc_pd(ctx);
	if (!pd) {
		printf("error %s\n", ctx ? "ibv_alloc_pd failed" : why);
		return 1;
	}
	Dl_info lib;
	char path[PATH_MAX];
	const char *name = dladdr((void *)mlx5dv_create_mkey, &lib) && realpath(lib.dli_fname, path) ? basename(path) : "libmlx5";
	int status = child_run(name, benches, sizeof(benches) / sizeof(*benches));
	forget();
	ibv_dealloc_pd(pd);
	ibv_close_device(ctx);
	return status;
}
