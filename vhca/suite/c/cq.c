/* Completion queues: laps, events, resizing, extended polling. */
#include "suite.h"

#include <poll.h>

/* Hundreds of laps through queues of every small size: the owner bit. */
static void laps(void)
{
	uint8_t *a = pages(4096);
	struct ibv_mr *ma = reg(a, 4096, ALL);
	struct ibv_sge s = sge_of(ma, a, 8);
	for (int cqes = 1; cqes <= 64; cqes = cqes * 2 + 1) {
		struct pair *p = make_pair((struct options){ .cqes = cqes });
		for (int i = 0; i < 40 * cqes; i++)
			EQUAL(rdma(p, IBV_WR_RDMA_WRITE, &s, 1, (uintptr_t)a + 64, ma->rkey), IBV_WC_SUCCESS);
		quiet(p->cq[0], 2);
		close_pair(p);
	}
}

/* Bursts that leave the queue part full at every position. */
static void bursts(void)
{
	struct pair *p = make_pair((struct options){ .cqes = 31, .depth = 32 });
	uint8_t *a = pages(4096);
	struct ibv_mr *ma = reg(a, 4096, ALL);
	struct ibv_sge s = sge_of(ma, a, 8);
	uint64_t id = 0, seen = 0;
	for (int n = 1; n < 30; n++) {
		for (int i = 0; i < n; i++) {
			struct ibv_send_wr wr = { .wr_id = id++, .sg_list = &s, .num_sge = 1, .opcode = IBV_WR_RDMA_WRITE,
						  .send_flags = IBV_SEND_SIGNALED, .wr.rdma = { (uintptr_t)a + 64, ma->rkey } }, *bad;
			EQUAL(ibv_post_send(p->qp[0], &wr, &bad), 0);
		}
		for (int i = 0; i < n; i++)
			EQUAL(poll_one(p->cq[0]).wr_id, seen++);
	}
	close_pair(p);
}

static bool readable(int fd, int ms)
{
	struct pollfd f = { .fd = fd, .events = POLLIN };
	return poll(&f, 1, ms) == 1;
}

static void take_event(struct ibv_comp_channel *ch, struct ibv_cq *want)
{
	struct ibv_cq *cq;
	void *context;
	CHECK(readable(ch->fd, 2000));
	EQUAL(ibv_get_cq_event(ch, &cq, &context), 0);
	CHECK(cq == want);
	ibv_ack_cq_events(cq, 1);
}

/* An event for the first completion after arming, one only, and also if it
 * came before the arming was seen. */
static void events(void)
{
	struct ibv_comp_channel *ch = ibv_create_comp_channel(ctx);
	CHECK(ch);
	struct pair *p = make_pair((struct options){ .channel = ch });
	uint8_t *a = pages(4096);
	struct ibv_mr *ma = reg(a, 4096, ALL);
	struct ibv_sge s = sge_of(ma, a, 8);
	for (int i = 0; i < 200; i++) {
		EQUAL(ibv_req_notify_cq(p->cq[0], 0), 0);
		EQUAL(post_send(p->qp[0], IBV_WR_RDMA_WRITE, &s, 1, (uintptr_t)a + 64, ma->rkey), 0);
		take_event(ch, p->cq[0]);
		EQUAL(poll_one(p->cq[0]).status, IBV_WC_SUCCESS);
	}
	/* Not armed: none. */
	EQUAL(rdma(p, IBV_WR_RDMA_WRITE, &s, 1, (uintptr_t)a + 64, ma->rkey), IBV_WC_SUCCESS);
	CHECK(!readable(ch->fd, 10));
	/* Completed, not polled, then armed: at once. */
	EQUAL(post_send(p->qp[0], IBV_WR_RDMA_WRITE, &s, 1, (uintptr_t)a + 64, ma->rkey), 0);
	EQUAL(poll(NULL, 0, 20), 0);
	EQUAL(ibv_req_notify_cq(p->cq[0], 0), 0);
	take_event(ch, p->cq[0]);
	EQUAL(poll_one(p->cq[0]).status, IBV_WC_SUCCESS);
	/* Polled, then armed: nothing until the next. */
	EQUAL(ibv_req_notify_cq(p->cq[0], 0), 0);
	CHECK(!readable(ch->fd, 10));
	close_pair(p);
	EQUAL(ibv_destroy_comp_channel(ch), 0);
}

/* Solicited events: of the receives only those asked for. */
static void solicited(void)
{
	struct ibv_comp_channel *ch = ibv_create_comp_channel(ctx);
	struct pair *p = make_pair((struct options){ .channel = ch });
	uint8_t *a = pages(4096);
	struct ibv_mr *ma = reg(a, 4096, ALL);
	struct ibv_sge s = sge_of(ma, a, 8), r = sge_of(ma, a + 64, 8);
	struct ibv_send_wr wr = { .sg_list = &s, .num_sge = 1, .opcode = IBV_WR_SEND, .send_flags = IBV_SEND_SIGNALED }, *bad;
	for (int i = 0; i < 3; i++)
		EQUAL(post_recv(p->qp[1], &r, 1), 0);
	EQUAL(ibv_req_notify_cq(p->cq[1], 1), 0);
	EQUAL(ibv_post_send(p->qp[0], &wr, &bad), 0);
	EQUAL(poll_one(p->cq[1]).status, IBV_WC_SUCCESS);
	CHECK(!readable(ch->fd, 10));
	wr.send_flags |= IBV_SEND_SOLICITED;
	EQUAL(ibv_post_send(p->qp[0], &wr, &bad), 0);
	take_event(ch, p->cq[1]);
	EQUAL(poll_one(p->cq[1]).status, IBV_WC_SUCCESS);
	close_pair(p);
	EQUAL(ibv_destroy_comp_channel(ch), 0);
}

/* An event that nobody reads must not hold up the destruction. */
static void unread_events(void)
{
	struct ibv_comp_channel *ch = ibv_create_comp_channel(ctx);
	uint8_t *a = pages(4096);
	struct ibv_mr *ma = reg(a, 4096, ALL);
	struct ibv_sge s = sge_of(ma, a, 8);
	for (int read_one = 0; read_one < 2; read_one++) {
		struct pair *p = make_pair((struct options){ .channel = ch }), *q = make_pair((struct options){ .channel = ch });
		EQUAL(ibv_req_notify_cq(p->cq[0], 0), 0);
		EQUAL(ibv_req_notify_cq(q->cq[0], 0), 0);
		EQUAL(rdma(p, IBV_WR_RDMA_WRITE, &s, 1, (uintptr_t)a + 64, ma->rkey), IBV_WC_SUCCESS);
		EQUAL(rdma(q, IBV_WR_RDMA_WRITE, &s, 1, (uintptr_t)a + 64, ma->rkey), IBV_WC_SUCCESS);
		CHECK(readable(ch->fd, 1000));
		EQUAL(poll(NULL, 0, 10), 0);
		if (read_one)
			take_event(ch, p->cq[0]);
		close_pair(p); /* its event goes, the other's stays */
		take_event(ch, q->cq[0]);
		CHECK(!readable(ch->fd, 5));
		close_pair(q);
	}
	EQUAL(ibv_destroy_comp_channel(ch), 0);
}

/* Resizing with completions not yet polled, up and down. */
static void resize(void)
{
	struct pair *p = make_pair((struct options){ .cqes = 15 });
	uint8_t *a = pages(4096);
	struct ibv_mr *ma = reg(a, 4096, ALL);
	struct ibv_sge s = sge_of(ma, a, 8);
	static const int sizes[] = { 31, 7, 255, 15, 1023, 3, 63 };
	uint64_t id = 0, seen = 0;
	for (int i = 0; i < 7 * 8; i++) {
		int unread = i % 3;
		for (int k = 0; k < unread + 5; k++) {
			struct ibv_send_wr wr = { .wr_id = id++, .sg_list = &s, .num_sge = 1, .opcode = IBV_WR_RDMA_WRITE,
						  .send_flags = IBV_SEND_SIGNALED, .wr.rdma = { (uintptr_t)a + 64, ma->rkey } }, *bad;
			EQUAL(ibv_post_send(p->qp[0], &wr, &bad), 0);
			if (k < 5)
				EQUAL(poll_one(p->cq[0]).wr_id, seen++);
			else
				EQUAL(poll(NULL, 0, 1), 0);
		}
		EQUAL(ibv_resize_cq(p->cq[0], sizes[i % 7]), 0);
		while (seen < id)
			EQUAL(poll_one(p->cq[0]).wr_id, seen++);
	}
	close_pair(p);
}

/* The extended interface, with times. */
static void extended(void)
{
	struct ibv_cq_init_attr_ex ca = { .cqe = 64, .wc_flags = IBV_WC_EX_WITH_BYTE_LEN | IBV_WC_EX_WITH_COMPLETION_TIMESTAMP | IBV_WC_EX_WITH_QP_NUM };
	struct ibv_cq_ex *cq = ibv_create_cq_ex(ctx, &ca);
	CHECK(cq);
	struct ibv_qp_init_attr init = { .send_cq = ibv_cq_ex_to_cq(cq), .recv_cq = ibv_cq_ex_to_cq(cq), .qp_type = IBV_QPT_RC, .cap = { 16, 16, 1, 1, 0 } };
	struct ibv_qp *qp = ibv_create_qp(pd, &init);
	CHECK(qp);
	to_state(qp, IBV_QPT_RC, qp->qp_num, ALL, 10, IBV_QPS_RTS); /* to itself */
	uint8_t *a = pages(4096);
	struct ibv_mr *ma = reg(a, 4096, ALL);
	struct ibv_sge s = sge_of(ma, a, 24), r = sge_of(ma, a + 64, 24);
	uint64_t last = 0;
	for (int i = 0; i < 100; i++) {
		EQUAL(post_recv(qp, &r, 1), 0);
		EQUAL(post_send(qp, IBV_WR_SEND, &s, 1, 0, 0), 0);
		for (int got = 0; got < 2;) {
			struct ibv_poll_cq_attr pa = { 0 };
			int err = ibv_start_poll(cq, &pa);
			if (err == ENOENT)
				continue;
			EQUAL(err, 0);
			do {
				EQUAL(cq->status, IBV_WC_SUCCESS);
				EQUAL(ibv_wc_read_qp_num(cq), qp->qp_num);
				if (cq->wr_id == 9)
					EQUAL(ibv_wc_read_byte_len(cq), 24);
				CHECK(ibv_wc_read_completion_ts(cq) >= last);
				last = ibv_wc_read_completion_ts(cq);
				got++;
			} while (ibv_next_poll(cq) == 0);
			ibv_end_poll(cq);
		}
	}
	EQUAL(ibv_destroy_qp(qp), 0);
	EQUAL(ibv_destroy_cq(ibv_cq_ex_to_cq(cq)), 0);
}

/* More completions than there is room for: the queue says so by an event. */
static void overrun(void)
{
	struct pair *p = make_pair((struct options){ .cqes = 7, .depth = 32 });
	uint8_t *a = pages(4096);
	struct ibv_mr *ma = reg(a, 4096, ALL);
	struct ibv_sge s = sge_of(ma, a, 8);
	struct ibv_async_event e;
	for (int i = 0; i < 12; i++)
		EQUAL(post_send(p->qp[0], IBV_WR_RDMA_WRITE, &s, 1, (uintptr_t)a + 64, ma->rkey), 0);
	CHECK(readable(ctx->async_fd, 2000));
	EQUAL(ibv_get_async_event(ctx, &e), 0);
	EQUAL(e.event_type, IBV_EVENT_CQ_ERR);
	CHECK(e.element.cq == p->cq[0]);
	ibv_ack_async_event(&e);
	close_pair(p);
}

/* A queue that is in use stays. */
static void busy(void)
{
	struct pair *p = make_pair((struct options){ 0 });
	EQUAL(ibv_destroy_cq(p->cq[0]), EBUSY);
	close_pair(p);
	CHECK(!ibv_create_cq(ctx, 0x7fffffff, NULL, NULL, 0));
	CHECK(!ibv_create_cq(ctx, 16, NULL, NULL, 1));
}

const struct test cq_tests[] = { { "cq/laps", laps }, { "cq/bursts", bursts }, { "cq/events", events }, { "cq/solicited", solicited },
				 { "cq/unread_events", unread_events }, { "cq/resize", resize }, { "cq/extended", extended }, { "cq/overrun", overrun },
				 { "cq/busy", busy }, { 0 } };
