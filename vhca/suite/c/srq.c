/* Shared receive queues, of several queue pairs and by XRC; datagrams; UC. */
#include "suite.h"

#include <fcntl.h>
#include <poll.h>

enum { SIZE = 8192 };

static struct ibv_srq *make_srq(int wrs)
{
	struct ibv_srq_init_attr a = { .attr = { .max_wr = (uint32_t)wrs, .max_sge = 2 } };
	struct ibv_srq *s = ibv_create_srq(pd, &a);
	CHECK(s);
	return s;
}

static int post_srq(struct ibv_srq *srq, uint64_t id, struct ibv_sge *list, int n)
{
	struct ibv_recv_wr wr = { .wr_id = id, .sg_list = list, .num_sge = n }, *bad;
	return ibv_post_srq_recv(srq, &wr, &bad);
}

/* Three connections share receives, for many laps of the list. */
static void shared(void)
{
	struct ibv_srq *srq = make_srq(15);
	uint8_t *a = pages(SIZE), *b = pages(SIZE);
	struct ibv_mr *ma = reg(a, SIZE, ALL), *mb = reg(b, SIZE, ALL);
	struct pair *p[3];
	for (int i = 0; i < 3; i++)
		p[i] = make_pair((struct options){ .srq = srq });
	for (int lap = 0; lap < 100; lap++) {
		int n = 1 + lap % 13;
		for (int i = 0; i < n; i++) {
			struct ibv_sge to[2] = { sge_of(mb, b + i * 200, 10), sge_of(mb, b + i * 200 + 50, 90) };
			EQUAL(post_srq(srq, (uint64_t)i, to, 2), 0);
		}
		memset(b, 0, SIZE);
		fill(a, 100, (unsigned)lap);
		for (int i = 0; i < n; i++) {
			struct ibv_sge from = sge_of(ma, a, 100);
			struct pair *by = p[(i * lap) % 3];
			EQUAL(rdma(by, IBV_WR_SEND, &from, 1, 0, 0), IBV_WC_SUCCESS);
			struct ibv_wc wc = poll_one(by->cq[1]);
			EQUAL(wc.status, IBV_WC_SUCCESS);
			EQUAL(wc.wr_id, i);
			EQUAL(wc.qp_num, by->qp[1]->qp_num);
			CHECK(!memcmp(b + i * 200, a, 10) && !memcmp(b + i * 200 + 50, a + 10, 90) && !b[i * 200 + 10]);
		}
	}
	for (int i = 0; i < 3; i++)
		close_pair(p[i]);
	EQUAL(ibv_destroy_srq(srq), 0);
}

static void limit(void)
{
	struct ibv_srq *srq = make_srq(31);
	uint8_t *a = pages(SIZE);
	struct ibv_mr *ma = reg(a, SIZE, ALL);
	struct ibv_sge s = sge_of(ma, a, 16), to = sge_of(ma, a + 100, 16);
	struct pair *p = make_pair((struct options){ .srq = srq });
	for (int i = 0; i < 10; i++)
		EQUAL(post_srq(srq, 1, &to, 1), 0);
	struct ibv_srq_attr at = { .srq_limit = 8 };
	EQUAL(ibv_modify_srq(srq, &at, IBV_SRQ_LIMIT), 0);
	EQUAL(ibv_query_srq(srq, &at), 0);
	EQUAL(at.srq_limit, 8);
	struct pollfd f = { .fd = ctx->async_fd, .events = POLLIN };
	struct ibv_async_event e;
	while (poll(&f, 1, 0) == 1) { /* of tests before */
		EQUAL(ibv_get_async_event(ctx, &e), 0);
		ibv_ack_async_event(&e);
	}
	for (int i = 0; i < 4; i++) {
		EQUAL(poll(&f, 1, 3), i > 2);
		EQUAL(rdma(p, IBV_WR_SEND, &s, 1, 0, 0), IBV_WC_SUCCESS);
	}
	EQUAL(poll(&f, 1, 1000), 1);
	EQUAL(ibv_get_async_event(ctx, &e), 0);
	EQUAL(e.event_type, IBV_EVENT_SRQ_LIMIT_REACHED);
	CHECK(e.element.srq == srq);
	ibv_ack_async_event(&e);
	EQUAL(ibv_query_srq(srq, &at), 0);
	EQUAL(at.srq_limit, 0);
	EQUAL(ibv_destroy_srq(srq), EBUSY);
	close_pair(p);
	EQUAL(ibv_destroy_srq(srq), 0);
}

/* The keys that count are the shared queue's. */
static void xrc(void)
{
	struct ibv_xrcd_init_attr xa = { .comp_mask = IBV_XRCD_INIT_ATTR_FD | IBV_XRCD_INIT_ATTR_OFLAGS, .fd = -1, .oflags = O_CREAT };
	struct ibv_xrcd *xrcd = ibv_open_xrcd(ctx, &xa);
	CHECK(xrcd);
	struct ibv_cq *cq[3];
	struct ibv_srq *srq[2];
	uint32_t num[2];
	for (int i = 0; i < 3; i++)
		cq[i] = ibv_create_cq(ctx, 64, NULL, NULL, 0);
	for (int i = 0; i < 2; i++) {
		struct ibv_srq_init_attr_ex sa = { .attr = { 31, 1, 0 }, .srq_type = IBV_SRQT_XRC, .pd = pd, .xrcd = xrcd, .cq = cq[i],
						   .comp_mask = IBV_SRQ_INIT_ATTR_TYPE | IBV_SRQ_INIT_ATTR_PD | IBV_SRQ_INIT_ATTR_XRCD | IBV_SRQ_INIT_ATTR_CQ };
		srq[i] = ibv_create_srq_ex(ctx, &sa);
		CHECK(srq[i]);
		EQUAL(ibv_get_srq_num(srq[i], num + i), 0);
	}
	struct ibv_qp_init_attr_ex ra = { .qp_type = IBV_QPT_XRC_RECV, .comp_mask = IBV_QP_INIT_ATTR_XRCD, .xrcd = xrcd };
	struct ibv_qp_init_attr_ex ia = { .qp_type = IBV_QPT_XRC_SEND, .comp_mask = IBV_QP_INIT_ATTR_PD, .pd = pd, .send_cq = cq[2],
					  .cap = { .max_send_wr = 32, .max_send_sge = 4 } };
	struct ibv_qp *in = ibv_create_qp_ex(ctx, &ra), *out = ibv_create_qp_ex(ctx, &ia);
	CHECK(in && out);
	to_state(in, IBV_QPT_XRC_RECV, out->qp_num, ALL, 10, IBV_QPS_RTR);
	to_state(out, IBV_QPT_XRC_SEND, in->qp_num, ALL, 10, IBV_QPS_RTS);
	uint8_t *a = pages(SIZE), *b = pages(SIZE);
	struct ibv_mr *ma = reg(a, SIZE, ALL), *mb = reg(b, SIZE, ALL);
	for (int i = 0; i < 40; i++) {
		int to = i * i % 3 != 0;
		struct ibv_sge s = sge_of(ma, a, 100), r = sge_of(mb, b + to * 1000, 100);
		struct ibv_send_wr wr = { .sg_list = &s, .num_sge = 1, .opcode = IBV_WR_SEND, .send_flags = IBV_SEND_SIGNALED, .qp_type.xrc.remote_srqn = num[to] }, *bad;
		fill(a, 100, (unsigned)i);
		EQUAL(post_srq(srq[to], (uint64_t)i, &r, 1), 0);
		EQUAL(ibv_post_send(out, &wr, &bad), 0);
		EQUAL(poll_one(cq[2]).status, IBV_WC_SUCCESS);
		struct ibv_wc wc = poll_one(cq[to]);
		EQUAL(wc.status, IBV_WC_SUCCESS);
		EQUAL(wc.wr_id, i);
		CHECK(holds(b + to * 1000, 100, (unsigned)i));
		wr.opcode = i % 2 ? IBV_WR_RDMA_WRITE : IBV_WR_RDMA_READ;
		wr.wr.rdma.remote_addr = (uintptr_t)b + 4000;
		wr.wr.rdma.rkey = mb->rkey;
		EQUAL(ibv_post_send(out, &wr, &bad), 0);
		EQUAL(poll_one(cq[2]).status, IBV_WC_SUCCESS);
		EQUAL(memcmp(a, b + 4000, 100), 0);
	}
	EQUAL(ibv_destroy_qp(out), 0);
	EQUAL(ibv_destroy_qp(in), 0);
	for (int i = 0; i < 2; i++)
		EQUAL(ibv_destroy_srq(srq[i]), 0);
	for (int i = 0; i < 3; i++)
		EQUAL(ibv_destroy_cq(cq[i]), 0);
	EQUAL(ibv_close_xrcd(xrcd), 0);
}

const struct test srq_tests[] = { { "srq/shared", shared }, { "srq/limit", limit }, { 0 } };
const struct test xrc_tests[] = { { "xrc/both", xrc }, { 0 } };

/* ---- datagrams, and connections that lose what does not fit ---- */

static struct ibv_ah *address(bool grh)
{
	struct ibv_ah_attr a = { .dlid = 1, .port_num = 1, .is_global = grh };
	if (grh)
		EQUAL(ibv_query_gid(ctx, 1, 0, &a.grh.dgid), 0);
	struct ibv_ah *ah = ibv_create_ah(pd, &a);
	CHECK(ah);
	return ah;
}

static void datagrams(void)
{
	struct pair *p = make_pair((struct options){ .type = IBV_QPT_UD });
	uint8_t *a = pages(SIZE), *b = pages(SIZE);
	struct ibv_mr *ma = reg(a, SIZE, ALL), *mb = reg(b, SIZE, ALL);
	static const int sizes[] = { 1, 40, 100, 1000, 4096 };
	for (int i = 0; i < 10; i++) {
		size_t n = (size_t)sizes[i / 2];
		struct ibv_sge s = sge_of(ma, a, n), to[2] = { sge_of(mb, b, 30), sge_of(mb, b + 100, n + 10) };
		struct ibv_send_wr wr = { .sg_list = &s, .num_sge = 1, .opcode = i % 3 ? IBV_WR_SEND : IBV_WR_SEND_WITH_IMM, .imm_data = 5, .send_flags = IBV_SEND_SIGNALED,
					  .wr.ud = { address(i % 2), p->qp[1]->qp_num, 0x11111111 } }, *bad;
		fill(a, SIZE, (unsigned)i);
		memset(b, 0, SIZE);
		EQUAL(post_recv(p->qp[1], to, 2), 0);
		EQUAL(ibv_post_send(p->qp[0], &wr, &bad), 0);
		EQUAL(poll_one(p->cq[0]).status, IBV_WC_SUCCESS);
		struct ibv_wc wc = poll_one(p->cq[1]);
		EQUAL(wc.byte_len, 40 + n);
		EQUAL(wc.src_qp, p->qp[0]->qp_num);
		EQUAL(!!(wc.wc_flags & IBV_WC_GRH), i % 2);
		EQUAL(!!(wc.wc_flags & IBV_WC_WITH_IMM), i % 3 == 0);
		CHECK(holds(b + 110, n, (unsigned)i));
		EQUAL(b[0], i % 2 ? 0x60 : 0);
		EQUAL(ibv_destroy_ah(wr.wr.ud.ah), 0);
	}
	/* A wrong qkey, no receive, one too short: nothing arrives, nothing breaks. */
	struct ibv_sge s = sge_of(ma, a, 100), r = sge_of(mb, b, 140), small = sge_of(mb, b, 139);
	struct ibv_send_wr wr = { .sg_list = &s, .num_sge = 1, .opcode = IBV_WR_SEND, .send_flags = IBV_SEND_SIGNALED,
				  .wr.ud = { address(false), p->qp[1]->qp_num, 0x11111112 } }, *bad;
	EQUAL(ibv_post_send(p->qp[0], &wr, &bad), 0);
	EQUAL(poll_one(p->cq[0]).status, IBV_WC_SUCCESS);
	EQUAL(post_recv(p->qp[1], &small, 1), 0);
	EQUAL(ibv_post_send(p->qp[0], &wr, &bad), 0);
	EQUAL(poll_one(p->cq[0]).status, IBV_WC_SUCCESS);
	quiet(p->cq[1], 5);
	(void)r;
	close_pair(p);
}

static void unreliable(void)
{
	struct pair *p = make_pair((struct options){ .type = IBV_QPT_UC });
	uint8_t *a = pages(SIZE), *b = pages(SIZE);
	struct ibv_mr *ma = reg(a, SIZE, ALL), *mb = reg(b, SIZE, ALL);
	struct ibv_sge s = sge_of(ma, a, 100), r = sge_of(mb, b + 1000, 100);
	for (int i = 0; i < 20; i++) {
		fill(a, 100, (unsigned)i);
		EQUAL(rdma(p, IBV_WR_RDMA_WRITE, &s, 1, (uintptr_t)b, mb->rkey), IBV_WC_SUCCESS);
		CHECK(holds(b, 100, (unsigned)i));
		EQUAL(rdma(p, IBV_WR_SEND, &s, 1, 0, 0), IBV_WC_SUCCESS); /* nobody receives */
		EQUAL(post_recv(p->qp[1], &r, 1), 0);
		EQUAL(rdma(p, IBV_WR_SEND, &s, 1, 0, 0), IBV_WC_SUCCESS);
		EQUAL(poll_one(p->cq[1]).status, IBV_WC_SUCCESS);
		CHECK(holds(b + 1000, 100, (unsigned)i));
		memset(b, 0, 200);
		EQUAL(rdma(p, IBV_WR_RDMA_WRITE, &s, 1, (uintptr_t)b, mb->rkey ^ 1), IBV_WC_SUCCESS); /* refused, unseen */
		EQUAL(b[0] | b[50], 0);
	}
	close_pair(p);
}

const struct test ud_tests[] = { { "ud/datagrams", datagrams }, { "uc/unreliable", unreliable }, { 0 } };
