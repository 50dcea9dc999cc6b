/* What must fail, fails with the right status, moves nothing, and flushes. */
#include "suite.h"

enum { SIZE = 8192 };

/* flushed checks that a queue pair is in the error state. */
static void in_error(struct ibv_qp *qp)
{
	struct ibv_qp_attr a;
	struct ibv_qp_init_attr i;
	EQUAL(ibv_query_qp(qp, &a, IBV_QP_STATE, &i), 0);
	EQUAL(a.qp_state, IBV_QPS_ERR);
}

/* One byte outside a region, at either end, by every operation. */
static void outside(void)
{
	static const enum ibv_wr_opcode ops[] = { IBV_WR_RDMA_WRITE, IBV_WR_RDMA_READ };
	static const struct {
		int off, n;
		bool fine;
	} tries[] = { { 0, 1000, true }, { -1, 1000, false }, { -1, 1, false }, { 0, 1001, false }, { 1000, 1, false }, { 999, 1, true }, { 999, 2, false },
		      { 4000, 8, false } };
	uint8_t *a = pages(SIZE), *b = pages(SIZE);
	struct ibv_mr *ma = reg(a, SIZE, ALL), *mb = reg(b + 2000, 1000, ALL);
	for (size_t i = 0; i < 2 * sizeof(tries) / sizeof(*tries); i++) {
		int t = (int)i / 2;
		struct pair *p = make_pair((struct options){ 0 });
		struct ibv_sge s = sge_of(ma, a, (size_t)tries[t].n);
		fill(b, SIZE, 1);
		fill(a, SIZE, 1);
		EQUAL(rdma(p, ops[i % 2], &s, 1, (uintptr_t)b + 2000 + (uintptr_t)tries[t].off, mb->rkey), tries[t].fine ? IBV_WC_SUCCESS : IBV_WC_REM_ACCESS_ERR);
		if (!tries[t].fine) {
			CHECK(holds(b, SIZE, 1) && holds(a, SIZE, 1));
			in_error(p->qp[0]);
			in_error(p->qp[1]);
		}
		close_pair(p);
	}
	/* The local side. */
	for (size_t i = 0; i < 2 * sizeof(tries) / sizeof(*tries); i++) {
		int t = (int)i / 2;
		struct pair *p = make_pair((struct options){ 0 });
		struct ibv_sge s = { .addr = (uintptr_t)b + 2000 + (uintptr_t)tries[t].off, .length = (uint32_t)tries[t].n, .lkey = mb->lkey };
		EQUAL(rdma(p, ops[i % 2], &s, 1, (uintptr_t)a, ma->rkey), tries[t].fine ? IBV_WC_SUCCESS : IBV_WC_LOC_PROT_ERR);
		close_pair(p);
	}
}

/* Rights of the region and of the queue pair. */
static void rights(void)
{
	static const int some[] = { 0, IBV_ACCESS_LOCAL_WRITE, IBV_ACCESS_REMOTE_READ, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE,
				    IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_ATOMIC, ALL };
	uint8_t *a = pages(SIZE), *b = pages(SIZE);
	struct ibv_mr *ma = reg(a, SIZE, ALL), *mball = reg(b, SIZE, ALL);
	for (int i = 0; i < 6; i++) {
		struct ibv_mr *mb = reg(b, SIZE, some[i]);
		for (int of_qp = 0; of_qp < 2; of_qp++) {
			static const struct {
				enum ibv_wr_opcode op;
				int need;
			} ops[] = { { IBV_WR_RDMA_WRITE, IBV_ACCESS_REMOTE_WRITE }, { IBV_WR_RDMA_READ, IBV_ACCESS_REMOTE_READ },
				    { IBV_WR_ATOMIC_FETCH_AND_ADD, IBV_ACCESS_REMOTE_ATOMIC } };
			for (int k = 0; k < 3; k++) {
				struct pair *p = make_pair((struct options){ .access = of_qp ? some[i] | IBV_ACCESS_LOCAL_WRITE : 0 });
				struct ibv_sge s = sge_of(ma, a, 8);
				struct ibv_send_wr wr = { .sg_list = &s, .num_sge = 1, .opcode = ops[k].op, .send_flags = IBV_SEND_SIGNALED }, *bad;
				uint32_t rkey = of_qp ? mball->rkey : mb->rkey;
				if (k == 2) {
					wr.wr.atomic.remote_addr = (uintptr_t)b;
					wr.wr.atomic.rkey = rkey;
				} else {
					wr.wr.rdma.remote_addr = (uintptr_t)b;
					wr.wr.rdma.rkey = rkey;
				}
				EQUAL(ibv_post_send(p->qp[0], &wr, &bad), 0);
				EQUAL(poll_one(p->cq[0]).status, some[i] & ops[k].need ? IBV_WC_SUCCESS : IBV_WC_REM_ACCESS_ERR);
				close_pair(p);
			}
		}
		EQUAL(ibv_dereg_mr(mb), 0);
	}
	struct ibv_mr *ro = reg(b, SIZE, IBV_ACCESS_REMOTE_READ);
	struct pair *p = make_pair((struct options){ 0 });
	struct ibv_sge s = sge_of(ro, b, 8);
	EQUAL(rdma(p, IBV_WR_RDMA_READ, &s, 1, (uintptr_t)a, ma->rkey), IBV_WC_LOC_PROT_ERR);
	close_pair(p);
	CHECK(!ibv_reg_mr(pd, b, SIZE, IBV_ACCESS_REMOTE_WRITE) && errno == EINVAL);
	CHECK(!ibv_reg_mr(pd, b, SIZE, IBV_ACCESS_REMOTE_ATOMIC) && errno == EINVAL);
}

/* Keys of another protection domain, on both sides. */
static void domains(void)
{
	struct ibv_pd *other = ibv_alloc_pd(ctx);
	uint8_t *a = pages(SIZE), *b = pages(SIZE);
	struct ibv_mr *ma = reg(a, SIZE, ALL), *mo = ibv_reg_mr(other, b, SIZE, ALL);
	CHECK(mo);
	struct ibv_sge mine = sge_of(ma, a, 64), theirs = sge_of(mo, b, 64);
	struct pair *p = make_pair((struct options){ 0 });
	EQUAL(rdma(p, IBV_WR_RDMA_WRITE, &mine, 1, (uintptr_t)b, mo->rkey), IBV_WC_REM_ACCESS_ERR);
	close_pair(p);
	p = make_pair((struct options){ 0 });
	EQUAL(rdma(p, IBV_WR_RDMA_WRITE, &theirs, 1, (uintptr_t)a, ma->rkey), IBV_WC_LOC_PROT_ERR);
	close_pair(p);
	p = make_pair((struct options){ .pd2 = other });
	EQUAL(rdma(p, IBV_WR_RDMA_WRITE, &mine, 1, (uintptr_t)b, mo->rkey), IBV_WC_SUCCESS);
	EQUAL(rdma(p, IBV_WR_RDMA_WRITE, &mine, 1, (uintptr_t)a + 64, ma->rkey), IBV_WC_REM_ACCESS_ERR);
	close_pair(p);
	CHECK(ibv_dealloc_pd(other) != 0); /* in use */
	EQUAL(ibv_dereg_mr(mo), 0);
	EQUAL(ibv_dealloc_pd(other), 0);
}

/* Keys that are gone, or have changed, reach nothing. */
static void stale(void)
{
	uint8_t *a = pages(SIZE), *b = pages(SIZE);
	struct ibv_mr *ma = reg(a, SIZE, ALL), *mb = reg(b, SIZE, ALL);
	struct ibv_sge s = sge_of(ma, a, 64);
	uint32_t old = mb->rkey;
	fill(b, SIZE, 1);
	EQUAL(ibv_rereg_mr(mb, IBV_REREG_MR_CHANGE_TRANSLATION, NULL, b + 4096, 4096, 0), 0);
	CHECK(mb->rkey != old);
	struct pair *p = make_pair((struct options){ 0 });
	EQUAL(rdma(p, IBV_WR_RDMA_WRITE, &s, 1, (uintptr_t)b + 4096, mb->rkey), IBV_WC_SUCCESS);
	fill(b, SIZE, 1);
	EQUAL(rdma(p, IBV_WR_RDMA_WRITE, &s, 1, (uintptr_t)b + 4096, old), IBV_WC_REM_ACCESS_ERR);
	close_pair(p);
	p = make_pair((struct options){ 0 });
	EQUAL(rdma(p, IBV_WR_RDMA_WRITE, &s, 1, (uintptr_t)b, mb->rkey), IBV_WC_REM_ACCESS_ERR);
	close_pair(p);
	old = mb->rkey;
	EQUAL(ibv_rereg_mr(mb, IBV_REREG_MR_CHANGE_ACCESS, NULL, NULL, 0, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ), 0);
	EQUAL(mb->rkey, old); /* other rights, the same key */
	p = make_pair((struct options){ 0 });
	EQUAL(rdma(p, IBV_WR_RDMA_READ, &s, 1, (uintptr_t)b + 4096, mb->rkey), IBV_WC_SUCCESS);
	EQUAL(rdma(p, IBV_WR_RDMA_WRITE, &s, 1, (uintptr_t)b + 4096, mb->rkey), IBV_WC_REM_ACCESS_ERR);
	close_pair(p);
	old = mb->rkey;
	EQUAL(ibv_dereg_mr(mb), 0);
	p = make_pair((struct options){ 0 });
	EQUAL(rdma(p, IBV_WR_RDMA_READ, &s, 1, (uintptr_t)b + 4096, old), IBV_WC_REM_ACCESS_ERR);
	close_pair(p);
	CHECK(holds(b, SIZE, 1));
}

/* A message longer than its receive. */
static void too_long(void)
{
	struct pair *p = make_pair((struct options){ 0 });
	uint8_t *a = pages(SIZE), *b = pages(SIZE);
	struct ibv_mr *ma = reg(a, SIZE, ALL), *mb = reg(b, SIZE, ALL);
	struct ibv_sge to[2] = { sge_of(mb, b, 100), sge_of(mb, b + 200, 100) }, from = sge_of(ma, a, 201);
	EQUAL(post_recv(p->qp[1], to, 2), 0);
	EQUAL(post_recv(p->qp[1], to, 2), 0);
	fill(b, SIZE, 2);
	EQUAL(rdma(p, IBV_WR_SEND, &from, 1, 0, 0), IBV_WC_REM_INV_REQ_ERR);
	EQUAL(poll_one(p->cq[1]).status, IBV_WC_LOC_LEN_ERR);
	EQUAL(poll_one(p->cq[1]).status, IBV_WC_WR_FLUSH_ERR);
	CHECK(holds(b, SIZE, 2));
	close_pair(p);
	p = make_pair((struct options){ 0 });
	struct ibv_sge bad = { .addr = (uintptr_t)b, .length = 100, .lkey = mb->lkey ^ 0x4200 };
	EQUAL(post_recv(p->qp[1], &bad, 1), 0);
	from.length = 50;
	EQUAL(rdma(p, IBV_WR_SEND, &from, 1, 0, 0), IBV_WC_REM_OP_ERR);
	EQUAL(poll_one(p->cq[1]).status, IBV_WC_LOC_PROT_ERR);
	close_pair(p);
}

/* After an error everything is flushed, in order, signalled or not. */
static void flush(void)
{
	struct pair *p = make_pair((struct options){ 0 });
	uint8_t *a = pages(SIZE);
	struct ibv_mr *ma = reg(a, SIZE, ALL);
	struct ibv_sge s = sge_of(ma, a, 8);
	struct ibv_send_wr wr[10], *bad;
	for (int i = 0; i < 10; i++)
		wr[i] = (struct ibv_send_wr){ .wr_id = (uint64_t)i, .next = i < 9 ? wr + i + 1 : NULL, .sg_list = &s, .num_sge = 1, .opcode = IBV_WR_RDMA_WRITE,
					      .send_flags = i % 3 ? 0 : IBV_SEND_SIGNALED, .wr.rdma = { (uintptr_t)a, i == 4 ? 0xdead00 : ma->rkey } };
	for (int i = 0; i < 3; i++)
		EQUAL(post_recv(p->qp[0], &s, 1), 0);
	EQUAL(ibv_post_send(p->qp[0], wr, &bad), 0);
	struct ibv_wc wc[16];
	int sends = 0, receives = 0;
	static const int want[] = { 0, 3, 4, 5, 6, 7, 8, 9 };
	while (sends + receives < 11) {
		*wc = poll_one(p->cq[0]);
		if (wc->wr_id == 9 && receives < 3 && wc->status == IBV_WC_WR_FLUSH_ERR && sends < 8 && want[sends] != 9) {
			receives++;
			continue;
		}
		if (sends == 8) {
			receives++;
			continue;
		}
		EQUAL(wc->wr_id, want[sends]);
		EQUAL(wc->status, want[sends] < 4 ? IBV_WC_SUCCESS : want[sends] == 4 ? IBV_WC_REM_ACCESS_ERR : IBV_WC_WR_FLUSH_ERR);
		sends++;
	}
	/* What is posted later is flushed too. */
	EQUAL(post_send(p->qp[0], IBV_WR_SEND, &s, 1, 0, 0), 0);
	EQUAL(poll_one(p->cq[0]).status, IBV_WC_WR_FLUSH_ERR);
	EQUAL(post_recv(p->qp[0], &s, 1), 0);
	EQUAL(poll_one(p->cq[0]).status, IBV_WC_WR_FLUSH_ERR);
	close_pair(p);
}

/* A queue pair taken through reset works again. */
static void reset(void)
{
	struct pair *p = make_pair((struct options){ 0 });
	uint8_t *a = pages(SIZE), *b = pages(SIZE);
	struct ibv_mr *ma = reg(a, SIZE, ALL), *mb = reg(b, SIZE, ALL);
	struct ibv_sge s = sge_of(ma, a, 500);
	for (int i = 0; i < 5; i++) {
		fill(a, 500, (unsigned)i);
		EQUAL(rdma(p, IBV_WR_RDMA_WRITE, &s, 1, (uintptr_t)b, mb->rkey), IBV_WC_SUCCESS);
		CHECK(holds(b, 500, (unsigned)i));
		EQUAL(rdma(p, IBV_WR_RDMA_WRITE, &s, 1, (uintptr_t)b, 0x99), IBV_WC_REM_ACCESS_ERR);
		for (int k = 0; k < 2; k++) {
			struct ibv_qp_attr attr = { .qp_state = IBV_QPS_RESET };
			EQUAL(ibv_modify_qp(p->qp[k], &attr, IBV_QP_STATE), 0);
		}
		for (int k = 0; k < 2; k++)
			to_state(p->qp[k], IBV_QPT_RC, p->qp[!k]->qp_num, ALL, 10, IBV_QPS_RTS);
	}
	close_pair(p);
}

/* Transitions that are none, and one with too few attributes. */
static void transitions(void)
{
	struct ibv_cq *cq = ibv_create_cq(ctx, 16, NULL, NULL, 0);
	struct ibv_qp_init_attr init = { .send_cq = cq, .recv_cq = cq, .qp_type = IBV_QPT_RC, .cap = { 8, 8, 1, 1, 0 } };
	struct ibv_qp *qp = ibv_create_qp(pd, &init);
	CHECK(qp);
	struct ibv_qp_attr a = { .qp_state = IBV_QPS_RTS, .port_num = 1 };
	EQUAL(ibv_modify_qp(qp, &a, IBV_QP_STATE), EINVAL);
	a.qp_state = IBV_QPS_INIT;
	EQUAL(ibv_modify_qp(qp, &a, IBV_QP_STATE | IBV_QP_PORT), EINVAL);
	a.port_num = 2;
	EQUAL(ibv_modify_qp(qp, &a, IBV_QP_STATE | IBV_QP_PORT | IBV_QP_PKEY_INDEX | IBV_QP_ACCESS_FLAGS), EINVAL);
	to_state(qp, IBV_QPT_RC, 0x999999, ALL, 4, IBV_QPS_RTS);
	a.cur_qp_state = IBV_QPS_RTR;
	a.qp_state = IBV_QPS_RTS;
	EQUAL(ibv_modify_qp(qp, &a, IBV_QP_STATE | IBV_QP_CUR_STATE), EINVAL);
	/* Nobody at the other end: the retries run out. */
	struct ibv_sge s = { 0 };
	EQUAL(post_send(qp, IBV_WR_SEND, &s, 0, 0, 0), 0);
	EQUAL(poll_one(cq).status, IBV_WC_RETRY_EXC_ERR);
	EQUAL(ibv_destroy_qp(qp), 0);
	EQUAL(ibv_destroy_cq(cq), 0);
}

/* Memory that the program has unmapped gives an error, not a crash. */
static void unmapped(void)
{
	uint8_t *a = pages(SIZE), *b = pages(SIZE);
	struct ibv_mr *ma = reg(a, SIZE, ALL), *mb = reg(b, SIZE, ALL);
	struct pair *p = make_pair((struct options){ 0 });
	struct ibv_sge s = sge_of(ma, a, SIZE);
	if (getenv("SUITE_FAST"))
		return;
	extern int munmap(void *, size_t);
	EQUAL(munmap(b + 4096, 4096), 0);
	EQUAL(rdma(p, IBV_WR_RDMA_WRITE, &s, 1, (uintptr_t)b, mb->rkey), IBV_WC_REM_OP_ERR);
	close_pair(p);
	CHECK(!ibv_reg_mr(pd, b + 4096, 4096, 0) && errno == EFAULT);
}

/* Device memory: nothing beyond it, and it goes after its last region. */
static void device_memory(void)
{
	struct ibv_alloc_dm_attr attr = { .length = 100 };
	struct ibv_dm *dm = ibv_alloc_dm(ctx, &attr);
	CHECK(dm);
	struct ibv_mr *mr[2] = { 0 };
	for (int i = 0; i < 2; i++)
		CHECK(mr[i] = ibv_reg_dm_mr(pd, dm, 50 * i, 50, ALL | IBV_ACCESS_ZERO_BASED));
	uint8_t *a = pages(SIZE), back[100];
	struct ibv_mr *ma = reg(a, SIZE, ALL);
	fill(a, SIZE, 3);
	struct pair *p = make_pair((struct options){ 0 });
	for (int i = 0; i < 2; i++) {
		struct ibv_sge s = sge_of(ma, a + 50 * i, 50);
		EQUAL(rdma(p, IBV_WR_RDMA_WRITE, &s, 1, 0, mr[i]->rkey), IBV_WC_SUCCESS);
	}
	EQUAL(ibv_memcpy_from_dm(back, dm, 0, 100), 0);
	CHECK(memcmp(back, a, 100) == 0);
	struct ibv_sge from = { .addr = 0, .length = 51, .lkey = mr[0]->lkey };
	EQUAL(rdma(p, IBV_WR_RDMA_WRITE, &from, 1, (uintptr_t)a, ma->rkey), IBV_WC_LOC_PROT_ERR);
	close_pair(p);
	for (int i = 0; i < 2; i++) {
		EQUAL(ibv_free_dm(dm), EBUSY);
		EQUAL(ibv_dereg_mr(mr[i]), 0);
	}
	EQUAL(ibv_free_dm(dm), 0);
}

const struct test error_tests[] = { { "error/outside", outside }, { "error/rights", rights }, { "error/domains", domains }, { "error/stale", stale },
				    { "error/too_long", too_long }, { "error/flush", flush }, { "error/reset", reset },
				    { "error/transitions", transitions }, { "error/unmapped", unmapped },
				    { "error/device_memory", device_memory }, { 0 } };
