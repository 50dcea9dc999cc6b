/* Processes after fork: what a child opens, inherits and closes. */
#include "suite.h"

#include <poll.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 4096, ROUNDS = 300 };

static void traffic(unsigned seed)
{
	struct pair *p = make_pair((struct options){ 0 });
	uint8_t *a = pages(SIZE), *b = pages(SIZE);
	struct ibv_mr *ma = reg(a, SIZE, ALL), *mb = reg(b, SIZE, ALL);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct ibv_sge s = sge_of(ma, a, 1 + i * 37 % (SIZE - 1));
		fill(a, s.length, seed + i);
		EQUAL(rdma(p, IBV_WR_RDMA_WRITE, &s, 1, (uintptr_t)b, mb->rkey), IBV_WC_SUCCESS);
		CHECK(holds(b, s.length, seed + i));
	}
	EQUAL(ibv_dereg_mr(ma), 0);
	EQUAL(ibv_dereg_mr(mb), 0);
	close_pair(p);
}

/* The child of a fork opens the device for itself, beside its parent. */
static void forked(void)
{
	fflush(stdout);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		int n;
		struct ibv_device **list = ibv_get_device_list(&n);
		ctx = ibv_open_device(list[0]);
		pd = ctx ? ibv_alloc_pd(ctx) : NULL;
		if (!pd)
			_exit(3);
		traffic(9);
		_exit(0);
	}
	traffic(8);
	int status;
	EQUAL(waitpid(child, &status, 0), child);
	EQUAL(status, 0);
}

static volatile bool busy;

static void *commands(void *arg)
{
	while (busy) {
		struct ibv_comp_channel *ch = ibv_create_comp_channel(ctx);
		struct ibv_cq *cq = ch ? ibv_create_cq(ctx, 8, NULL, ch, 0) : NULL;
		if (!cq || ibv_destroy_cq(cq) || ibv_destroy_comp_channel(ch))
			return arg;
	}
	return NULL;
}

/* A fork while other threads give commands: the child is not stuck in what they were at. */
static void forked_busy(void)
{
	pthread_t threads[3];
	int bad = 0;
	busy = true;
	for (size_t i = 0; i < 3; i++)
		CHECK(!pthread_create(&threads[i], NULL, commands, ctx));
	fflush(stdout);
	for (int i = 0; i < 12; i++) {
		int status = -1;
		pid_t child = fork();
		if (child == 0) {
			alarm(5);
			struct ibv_context *own = ibv_open_device(ctx->device);
			struct ibv_comp_channel *ch = own ? ibv_create_comp_channel(own) : NULL;
			struct ibv_cq *cq = ch ? ibv_create_cq(own, 8, NULL, ch, 0) : NULL;
			_exit(!cq || ibv_destroy_cq(cq) || ibv_destroy_comp_channel(ch));
		}
		bad += waitpid(child, &status, 0) != child || status != 0;
	}
	busy = false;
	for (size_t i = 0; i < 3; i++) {
		void *failed;
		pthread_join(threads[i], &failed);
		bad += failed != NULL;
	}
	EQUAL(bad, 0);
}

/* What a child inherited is not its own, whatever numbers it has. */
static void inherited(void)
{
	struct pair *p = make_pair((struct options){ 0 });
	struct ibv_cq *cq = ibv_create_cq(ctx, 8, NULL, NULL, 0);
	struct ibv_mr *mr = reg(pages(SIZE), SIZE, ALL);
	int status;
	CHECK(cq);
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		struct ibv_pd *old = pd;
		struct ibv_context *own = ibv_open_device(ctx->device);
		if (!own)
			_exit(2);
		ctx = own;
		pd = ibv_alloc_pd(own);
		/* Objects of the same numbers as the parent's. */
		uint8_t *a = pages(8);
		struct ibv_cq *c = ibv_create_cq(own, 8, NULL, NULL, 0);
		for (; c && c->handle < cq->handle; c = ibv_create_cq(own, 8, NULL, NULL, 0))
			ibv_destroy_cq(c);
		struct ibv_mr *m = ibv_reg_mr(pd, a, 8, 0);
		for (; m && m->handle < mr->handle; m = ibv_reg_mr(pd, a, 8, 0))
			ibv_dereg_mr(m);
		if (!c || !m || c->handle != cq->handle || m->handle != mr->handle)
			_exit(3);
		bool none = ibv_destroy_cq(cq) && ibv_dereg_mr(mr) && ibv_dealloc_pd(old) && ibv_destroy_qp(p->qp[0]) &&
			    ibv_create_cq(old->context, 8, NULL, NULL, 0) == NULL;
		_exit(none && !ibv_destroy_cq(c) && !ibv_dereg_mr(m) ? 0 : 4);
	}
	EQUAL(waitpid(child, &status, 0), child);
	EQUAL(status, 0);
	EQUAL(ibv_destroy_cq(cq), 0);
	EQUAL(ibv_dereg_mr(mr), 0);
	close_pair(p);
}

/*
 * A child that shares the parent's memory until it executes a program, and
 * closes descriptors before that, takes nothing from the parent.
 */
static void vforked(void)
{
	struct ibv_comp_channel *ch = ibv_create_comp_channel(ctx);
	CHECK(ch);
	struct pollfd ready = { .fd = ch->fd, .events = POLLIN };
	struct ibv_cq *cq;
	void *context;
	int status;
	pid_t child = vfork();
	if (child == 0) {
		close(ready.fd);
		_exit(0);
	}
	EQUAL(waitpid(child, &status, 0), child);
	struct pair *p = make_pair((struct options){ .channel = ch });
	uint8_t *a = pages(SIZE);
	struct ibv_mr *m = reg(a, SIZE, ALL);
	struct ibv_sge s = sge_of(m, a, 8);
	EQUAL(ibv_req_notify_cq(p->cq[0], 0), 0);
	EQUAL(rdma(p, IBV_WR_RDMA_WRITE, &s, 1, (uintptr_t)a + 8, m->rkey), IBV_WC_SUCCESS);
	EQUAL(poll(&ready, 1, 2000), 1);
	EQUAL(ibv_get_cq_event(ch, &cq, &context), 0);
	CHECK(cq == p->cq[0]);
	ibv_ack_cq_events(cq, 1);
	close_pair(p);
	EQUAL(ibv_destroy_comp_channel(ch), 0);
}

const struct test fork_tests[] = { { "fork/traffic", forked }, { "fork/busy", forked_busy }, { "fork/inherited", inherited }, { "fork/vfork", vforked }, { 0 } };
