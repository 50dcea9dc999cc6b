/*
 * Times of the adapter, from post_send to the completion that ibv_poll_cq
 * gives: 8 bytes hot and after pauses, 1 MiB beside memcpy; and the processor
 * time of five seconds in which nothing happens, with one pair of queue pairs
 * and with fifty: from the last completion on, and a second later.
 */
#include "suite.h"

#include <sys/resource.h>
#include <time.h>

enum { ROUNDS = 20000, BIG = 1 << 20 };

static uint64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static uint64_t times[ROUNDS];

static uint64_t measure(struct pair *p, struct ibv_sge s, uint64_t raddr, uint32_t rkey, int rounds, long pause_ns)
{
	for (int i = 0; i < rounds; i++) {
		struct timespec t = { 0, pause_ns };
		if (pause_ns)
			nanosleep(&t, NULL);
		uint64_t from = now();
		CHECK(rdma(p, IBV_WR_RDMA_WRITE, &s, 1, raddr, rkey) == IBV_WC_SUCCESS);
		times[i] = now() - from;
	}
	qsort(times, (size_t)rounds, sizeof(*times), by_value);
	return times[rounds / 2];
}

static double busy(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* idle prints the processor time of the whole process while nothing happens. */
static void idle(int qps)
{
	struct timespec second = { 1, 0 }, five = { 5, 0 };
	double from = busy();
	nanosleep(&five, NULL);
	double early = busy() - from;
	nanosleep(&second, NULL);
	from = busy();
	nanosleep(&five, NULL);
	printf("  idle with %d queue pairs: %.2f %% of a processor in the first five seconds, %.2f %% in five later ones\n", qps, early * 20,
	       (busy() - from) * 20);
}

void latency(void)
{
	uint8_t *a = pages(BIG), *b = pages(BIG);
	struct ibv_mr *ma = reg(a, BIG, ALL), *mb = reg(b, BIG, ALL);
	struct pair *p = make_pair((struct options){ 0 });
	fill(a, BIG, 1);
	measure(p, sge_of(ma, a, 8), (uintptr_t)b, mb->rkey, 2000, 0);
	uint64_t hot = measure(p, sge_of(ma, a, 8), (uintptr_t)b, mb->rkey, ROUNDS, 0);
	printf("  8 B WRITE, hot: median %.1f us, p99 %.1f us\n", (double)hot / 1e3, (double)times[ROUNDS * 99 / 100] / 1e3);
	static const struct {
		int ms, rounds;
	} pauses[] = { { 2, 200 }, { 20, 100 }, { 200, 20 } };
	for (int i = 0; i < 3; i++) {
		int n = pauses[i].rounds;
		uint64_t cold = measure(p, sge_of(ma, a, 8), (uintptr_t)b, mb->rkey, n, pauses[i].ms * 1000000l);
		printf("  8 B WRITE after %d ms of nothing: median %.0f us, p99 %.0f us\n", pauses[i].ms, (double)cold / 1e3, (double)times[n * 99 / 100] / 1e3);
	}
	uint64_t big = measure(p, sge_of(ma, a, BIG), (uintptr_t)b, mb->rkey, 300, 0);
	for (int i = 0; i < 300; i++) {
		uint64_t from = now();
		memcpy(b, a, BIG);
		__asm__ volatile("" : : "r"(b) : "memory");
		times[i] = now() - from;
	}
	qsort(times, 300, sizeof(*times), by_value);
	printf("  1 MiB WRITE: median %.0f us; memcpy %.0f us; %.2f times\n", (double)big / 1e3, (double)times[150] / 1e3, (double)big / (double)times[150]);
	idle(2);
	struct pair *more[49];
	for (int i = 0; i < 49; i++) {
		more[i] = make_pair((struct options){ 0 });
		struct ibv_sge eight = sge_of(ma, a, 8);
		CHECK(rdma(more[i], IBV_WR_RDMA_WRITE, &eight, 1, (uintptr_t)b, mb->rkey) == IBV_WC_SUCCESS);
	}
	idle(100);
	for (int i = 0; i < 49; i++)
		close_pair(more[i]);
	close_pair(p);
}
