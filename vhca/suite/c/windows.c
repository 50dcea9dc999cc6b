/* Memory windows of both types, and regions with other than plain addresses. */
#include "suite.h"

enum { SIZE = 8192 };

static struct ibv_mw *window(enum ibv_mw_type type)
{
	struct ibv_mw *mw = ibv_alloc_mw(pd, type);
	CHECK(mw);
	return mw;
}

static struct ibv_mw_bind_info info(struct ibv_mr *mr, void *at, size_t n, int access)
{
	return (struct ibv_mw_bind_info){ .mr = mr, .addr = (uintptr_t)at, .length = n, .mw_access_flags = (unsigned)access };
}

/* bind2 binds a type 2 window by the first end's queue pair. */
static enum ibv_wc_status bind2(struct ibv_qp *qp, struct ibv_cq *cq, struct ibv_mw *mw, uint32_t rkey, struct ibv_mw_bind_info b)
{
	struct ibv_send_wr wr = { .opcode = IBV_WR_BIND_MW, .send_flags = IBV_SEND_SIGNALED, .bind_mw = { .mw = mw, .rkey = rkey, .bind_info = b } }, *bad;
	EQUAL(ibv_post_send(qp, &wr, &bad), 0);
	struct ibv_wc wc = poll_one(cq);
	if (wc.status == IBV_WC_SUCCESS)
		EQUAL(wc.opcode, IBV_WC_BIND_MW);
	return wc.status;
}

#define WINDOW_ACCESS (IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_MW_BIND)
#define REMOTE (IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_WRITE)

/* The responder binds; windows over sub-ranges, each byte and one beyond. */
static void type2(void)
{
	uint8_t *a = pages(SIZE), *b = pages(SIZE);
	struct ibv_mr *ma = reg(a, SIZE, ALL), *mb = reg(b, SIZE, WINDOW_ACCESS);
	struct pair *p = make_pair((struct options){ 0 });
	fill(b, SIZE, 1);
	for (int from = 0; from < 4; from++)
		for (int n = 1; n <= 64; n = n * 3 + 1) {
			struct ibv_mw *mw = window(IBV_MW_TYPE_2);
			uint32_t rkey = ibv_inc_rkey(mw->rkey);
			uint8_t *at = b + from * 1021;
			struct ibv_sge s = sge_of(ma, a, (size_t)n);
			EQUAL(bind2(p->qp[1], p->cq[1], mw, rkey, info(mb, at, (size_t)n, REMOTE)), IBV_WC_SUCCESS);
			memset(a, 0, 100);
			EQUAL(rdma(p, IBV_WR_RDMA_READ, &s, 1, (uintptr_t)at, rkey), IBV_WC_SUCCESS);
			EQUAL(memcmp(a, at, (size_t)n), 0);
			EQUAL(ibv_dealloc_mw(mw), 0);
		}
	struct ibv_mw *mw = window(IBV_MW_TYPE_2);
	uint32_t rkey = ibv_inc_rkey(mw->rkey);
	static const int tries[][2] = { { 0, 100 }, { -1, 2 }, { 99, 2 }, { 0, 101 }, { 100, 1 } };
	close_pair(p);
	for (int i = 0; i < 5; i++) {
		p = make_pair((struct options){ 0 });
		struct ibv_mw *w = window(IBV_MW_TYPE_2);
		rkey = ibv_inc_rkey(w->rkey);
		EQUAL(bind2(p->qp[1], p->cq[1], w, rkey, info(mb, b + 1000, 100, REMOTE)), IBV_WC_SUCCESS);
		struct ibv_sge s = sge_of(ma, a, (size_t)tries[i][1]);
		EQUAL(rdma(p, IBV_WR_RDMA_WRITE, &s, 1, (uintptr_t)b + 1000 + (uintptr_t)tries[i][0], rkey), i ? IBV_WC_REM_ACCESS_ERR : IBV_WC_SUCCESS);
		/* the old tag */
		close_pair(p);
		EQUAL(ibv_dealloc_mw(w), 0);
	}
	EQUAL(ibv_dealloc_mw(mw), 0);
}

/* Not yet bound, the old tag, invalidated, bound by another queue pair. */
static void type2_life(void)
{
	uint8_t *a = pages(SIZE), *b = pages(SIZE);
	struct ibv_mr *ma = reg(a, SIZE, ALL), *mb = reg(b, SIZE, WINDOW_ACCESS);
	struct ibv_sge s = sge_of(ma, a, 64);
	for (int step = 0; step < 5; step++) {
		struct pair *p = make_pair((struct options){ 0 }), *q = make_pair((struct options){ 0 });
		struct ibv_mw *mw = window(IBV_MW_TYPE_2);
		uint32_t old = mw->rkey, rkey = ibv_inc_rkey(old);
		if (step > 0)
			EQUAL(bind2(p->qp[1], p->cq[1], mw, rkey, info(mb, b, 100, REMOTE)), IBV_WC_SUCCESS);
		if (step > 1)
			EQUAL(rdma(p, IBV_WR_RDMA_WRITE, &s, 1, (uintptr_t)b, rkey), IBV_WC_SUCCESS);
		if (step == 3) { /* local invalidation by its own queue pair */
			struct ibv_send_wr wr = { .opcode = IBV_WR_LOCAL_INV, .send_flags = IBV_SEND_SIGNALED, .invalidate_rkey = rkey }, *bad;
			EQUAL(ibv_post_send(p->qp[1], &wr, &bad), 0);
			EQUAL(poll_one(p->cq[1]).status, IBV_WC_SUCCESS);
		}
		if (step == 2) { /* by the peer */
			struct ibv_send_wr wr = { .opcode = IBV_WR_SEND_WITH_INV, .send_flags = IBV_SEND_SIGNALED, .invalidate_rkey = rkey }, *bad;
			EQUAL(post_recv(p->qp[1], NULL, 0), 0);
			EQUAL(ibv_post_send(p->qp[0], &wr, &bad), 0);
			EQUAL(poll_one(p->cq[0]).status, IBV_WC_SUCCESS);
			struct ibv_wc wc = poll_one(p->cq[1]);
			EQUAL(wc.invalidated_rkey, rkey);
		}
		struct pair *by = step == 4 ? q : p; /* type 2 windows are for one queue pair */
		EQUAL(rdma(by, IBV_WR_RDMA_WRITE, &s, 1, (uintptr_t)b, step == 1 ? old : rkey), IBV_WC_REM_ACCESS_ERR);
		close_pair(p);
		close_pair(q);
		EQUAL(ibv_dealloc_mw(mw), 0);
	}
}

/* Type 1: bound by a call, for all queue pairs, rebound with other rights. */
static void type1(void)
{
	uint8_t *a = pages(SIZE), *b = pages(SIZE);
	struct ibv_mr *ma = reg(a, SIZE, ALL), *mb = reg(b, SIZE, WINDOW_ACCESS);
	struct ibv_sge s = sge_of(ma, a, 64);
	struct pair *p = make_pair((struct options){ 0 }), *q = make_pair((struct options){ 0 });
	struct ibv_mw *mw = window(IBV_MW_TYPE_1);
	struct ibv_mw_bind bind = { .send_flags = IBV_SEND_SIGNALED, .bind_info = info(mb, b + 100, 1000, REMOTE) };
	EQUAL(ibv_bind_mw(p->qp[1], mw, &bind), 0);
	EQUAL(poll_one(p->cq[1]).status, IBV_WC_SUCCESS);
	fill(a, 64, 9);
	EQUAL(rdma(p, IBV_WR_RDMA_WRITE, &s, 1, (uintptr_t)b + 100, mw->rkey), IBV_WC_SUCCESS);
	EQUAL(rdma(q, IBV_WR_RDMA_WRITE, &s, 1, (uintptr_t)b + 1036, mw->rkey), IBV_WC_SUCCESS);
	CHECK(holds(b + 100, 64, 9) && holds(b + 1036, 64, 9));
	uint32_t old = mw->rkey;
	bind.bind_info.mw_access_flags = IBV_ACCESS_REMOTE_READ;
	EQUAL(ibv_bind_mw(p->qp[1], mw, &bind), 0);
	EQUAL(poll_one(p->cq[1]).status, IBV_WC_SUCCESS);
	CHECK(mw->rkey != old);
	EQUAL(rdma(p, IBV_WR_RDMA_READ, &s, 1, (uintptr_t)b + 100, mw->rkey), IBV_WC_SUCCESS);
	EQUAL(rdma(p, IBV_WR_RDMA_WRITE, &s, 1, (uintptr_t)b + 100, mw->rkey), IBV_WC_REM_ACCESS_ERR);
	EQUAL(rdma(q, IBV_WR_RDMA_READ, &s, 1, (uintptr_t)b + 100, old), IBV_WC_REM_ACCESS_ERR);
	close_pair(p);
	close_pair(q);
	EQUAL(ibv_dealloc_mw(mw), 0);
}

/* Regions under other addresses than their own: by offsets within a page that
 * agree, and by such that do not. */
static void iova(void)
{
	uint8_t *a = pages(SIZE), *b = pages(1 << 20);
	struct ibv_mr *ma = reg(a, SIZE, ALL);
	static const uint64_t at[] = { 0, 0x123000, 0x7fffffff0000, 0xfffffffffff00000 };
	static const size_t shift[] = { 0, 1, 4095, 123 };
	fill(b, 1 << 20, 3);
	for (int i = 0; i < 4; i++)
		for (int k = 0; k < 4; k++) {
			uint64_t va = at[i] + shift[k];
			struct ibv_mr *mb = ibv_reg_mr_iova(pd, b + shift[k], 20000, va, ALL);
			CHECK(mb);
			struct pair *p = make_pair((struct options){ 0 });
			struct ibv_sge s = sge_of(ma, a, 5000);
			EQUAL(rdma(p, IBV_WR_RDMA_READ, &s, 1, va + 15000, mb->rkey), IBV_WC_SUCCESS);
			EQUAL(memcmp(a, b + shift[k] + 15000, 5000), 0);
			EQUAL(rdma(p, IBV_WR_RDMA_READ, &s, 1, va + 15001, mb->rkey), IBV_WC_REM_ACCESS_ERR);
			close_pair(p);
			EQUAL(ibv_dereg_mr(mb), 0);
		}
	for (int k = 0; k < 4; k++) {
		struct ibv_mr *mb = reg(b + shift[k], 20000, ALL | IBV_ACCESS_ZERO_BASED);
		struct pair *p = make_pair((struct options){ 0 });
		struct ibv_sge s = sge_of(ma, a, 5000);
		EQUAL(rdma(p, IBV_WR_RDMA_READ, &s, 1, 10, mb->rkey), IBV_WC_SUCCESS);
		EQUAL(memcmp(a, b + shift[k] + 10, 5000), 0);
		EQUAL(rdma(p, IBV_WR_RDMA_READ, &s, 1, 15001, mb->rkey), IBV_WC_REM_ACCESS_ERR);
		close_pair(p);
		EQUAL(ibv_dereg_mr(mb), 0);
	}
}

/* Relaxed ordering and on-demand paging, explicit and of all memory. */
static void kinds(void)
{
	uint8_t *a = pages(SIZE), *b = pages(SIZE);
	struct ibv_mr *ma = reg(a, SIZE, ALL);
	struct ibv_mr *all[] = { reg(b, SIZE, ALL | IBV_ACCESS_RELAXED_ORDERING), reg(b, SIZE, ALL | IBV_ACCESS_ON_DEMAND),
				 ibv_reg_mr(pd, NULL, SIZE_MAX, ALL | IBV_ACCESS_ON_DEMAND) };
	struct pair *p = make_pair((struct options){ 0 });
	for (int i = 0; i < 3; i++) {
		struct ibv_sge s = sge_of(ma, a, SIZE);
		CHECK(all[i]);
		fill(a, SIZE, (unsigned)i);
		EQUAL(rdma(p, IBV_WR_RDMA_WRITE, &s, 1, (uintptr_t)b, all[i]->rkey), IBV_WC_SUCCESS);
		CHECK(holds(b, SIZE, (unsigned)i));
	}
	close_pair(p);
}

const struct test window_tests[] = { { "window/type2", type2 }, { "window/type2_life", type2_life }, { "window/type1", type1 }, { "mr/iova", iova },
				     { "mr/kinds", kinds }, { 0 } };
