/* Several threads at once, and limits of the device. */
#include "suite.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

enum { THREADS = 4, ROUNDS = 300, SIZE = 4096 };

static void *traffic(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;
	struct pair *p = make_pair((struct options){ 0 });
	uint8_t *a = pages(SIZE), *b = pages(SIZE);
	struct ibv_mr *ma = reg(a, SIZE, ALL), *mb = reg(b, SIZE, ALL);
	for (int i = 0; i < ROUNDS; i++) {
		size_t n = (size_t)(1 + (i * 37) % (SIZE - 1));
		struct ibv_sge s = sge_of(ma, a, n);
		fill(a, n, me * 1000 + (unsigned)i);
		EQUAL(rdma(p, IBV_WR_RDMA_WRITE, &s, 1, (uintptr_t)b, mb->rkey), IBV_WC_SUCCESS);
		CHECK(holds(b, n, me * 1000 + (unsigned)i));
		if (i % 50 == 0) { /* commands among the traffic */
			EQUAL(ibv_dereg_mr(mb), 0);
			mb = reg(b, SIZE, ALL);
		}
	}
	close_pair(p);
	EQUAL(ibv_dereg_mr(ma), 0);
	EQUAL(ibv_dereg_mr(mb), 0);
	return NULL;
}

static void *traffic_of_thread(void *arg)
{
	traffic(arg); /* a failure here ends the process */
	return (void *)1;
}

static void many(void)
{
	pthread_t t[THREADS];
	for (int i = 0; i < THREADS; i++)
		EQUAL(pthread_create(t + i, NULL, traffic_of_thread, (void *)(uintptr_t)i), 0);
	for (int i = 0; i < THREADS; i++) {
		void *fine = NULL;
		EQUAL(pthread_join(t[i], &fine), 0);
		CHECK(fine);
	}
}

/* Queue pairs of two threads talk to each other. */
static struct pair *between;

static void *echo(void *arg)
{
	uint8_t *b = arg;
	struct ibv_mr *mb = reg(b, SIZE, ALL);
	struct ibv_sge s = sge_of(mb, b, 64);
	for (int i = 0; i < ROUNDS; i++) {
		while (poll_one(between->cq[1]).opcode != IBV_WC_RECV)
			;
		EQUAL(post_recv(between->qp[1], &s, 1), 0);
		EQUAL(post_send(between->qp[1], IBV_WR_SEND, &s, 1, 0, 0), 0);
	}
	return (void *)1;
}

static void pingpong(void)
{
	pthread_t t;
	uint8_t *a = pages(SIZE), *b = pages(SIZE);
	struct ibv_mr *ma = reg(a, SIZE, ALL), *mb = reg(b, SIZE, ALL);
	struct ibv_sge out = sge_of(ma, a, 64), in = sge_of(ma, a + 1000, 64), first = sge_of(mb, b, 64);
	between = make_pair((struct options){ 0 });
	EQUAL(post_recv(between->qp[1], &first, 1), 0);
	EQUAL(pthread_create(&t, NULL, echo, b), 0);
	for (int i = 0; i < ROUNDS; i++) {
		fill(a, 64, (unsigned)i);
		EQUAL(post_recv(between->qp[0], &in, 1), 0);
		EQUAL(post_send(between->qp[0], IBV_WR_SEND, &out, 1, 0, 0), 0);
		while (poll_one(between->cq[0]).opcode != IBV_WC_RECV)
			;
		CHECK(holds(a + 1000, 64, (unsigned)i));
	}
	void *fine = NULL;
	EQUAL(pthread_join(t, &fine), 0);
	CHECK(fine);
	close_pair(between);
}

/* A signal handler runs while the adapter works. */
static volatile int caught;
static void on_signal(int n) { caught += n == SIGALRM; }

static void signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal }, old;
	struct pair *p = make_pair((struct options){ 0 });
	uint8_t *a = pages(SIZE);
	struct ibv_mr *ma = reg(a, SIZE, ALL);
	struct ibv_sge s = sge_of(ma, a, 8);
	sigaction(SIGALRM, &sa, &old);
	unsigned left = alarm(0);
	for (int i = 0; i < 2000; i++) {
		if (i % 20 == 0)
			kill(getpid(), SIGALRM);
		EQUAL(rdma(p, IBV_WR_RDMA_WRITE, &s, 1, (uintptr_t)a + 64, ma->rkey), IBV_WC_SUCCESS);
	}
	EQUAL(caught, 100);
	sigaction(SIGALRM, &old, NULL);
	alarm(left);
	close_pair(p);
}

/* Queue pairs of thread domains, each with a doorbell page of its own. */
static void domains(void)
{
	struct ibv_td *td[20];
	struct ibv_pd *parent[20];
	uint8_t *a = pages(SIZE);
	struct ibv_mr *m = reg(a, SIZE, ALL);
	for (int lap = 0; lap < 2; lap++) {
		for (int i = 0; i < 20; i++) {
			td[i] = ibv_alloc_td(ctx, &(struct ibv_td_init_attr){ 0 });
			CHECK(td[i]);
			parent[i] = ibv_alloc_parent_domain(ctx, &(struct ibv_parent_domain_init_attr){ .pd = pd, .td = td[i] });
			CHECK(parent[i]);
		}
		for (int i = 0; i < 20; i++) {
			struct pair *p = make_pair((struct options){ .pd2 = parent[i] });
			struct ibv_sge s = sge_of(m, a, 64);
			fill(a, 64, (unsigned)i);
			EQUAL(post_send(p->qp[1], IBV_WR_RDMA_WRITE, &s, 1, (uintptr_t)a + 100, m->rkey), 0);
			EQUAL(poll_one(p->cq[1]).status, IBV_WC_SUCCESS);
			CHECK(holds(a + 100, 64, (unsigned)i));
			close_pair(p);
		}
		for (int i = 0; i < 20; i++) {
			EQUAL(ibv_dealloc_td(td[i]), EBUSY);
			EQUAL(ibv_dealloc_pd(parent[i]), 0);
			EQUAL(ibv_dealloc_td(td[i]), 0);
		}
	}
}

/* Objects by the hundred, and in use in every wrong order. */
static void objects(void)
{
	struct ibv_mr *mr[500];
	uint8_t *a = pages(SIZE);
	for (int lap = 0; lap < 3; lap++) {
		for (int i = 0; i < 500; i++) {
			mr[i] = reg(a, SIZE, ALL);
			for (int k = 0; k < i; k += 50)
				CHECK(mr[k]->rkey != mr[i]->rkey);
		}
		for (int i = 0; i < 500; i++)
			EQUAL(ibv_dereg_mr(mr[i]), 0);
	}
	struct pair *p[100];
	for (int i = 0; i < 100; i++)
		p[i] = make_pair((struct options){ .cqes = 8, .depth = 4 });
	for (int i = 0; i < 100; i++)
		close_pair(p[i]);
}

const struct test thread_tests[] = { { "thread/many", many }, { "thread/pingpong", pingpong }, { "thread/signals", signals }, { "thread/domains", domains }, { 0 } };
const struct test limits_tests[] = { { "limits/objects", objects }, { 0 } };
