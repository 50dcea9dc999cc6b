/*
 * Tests of the adapter through the public interface of libibverbs and libmlx5.
 * Both ends of a connection are in this process. A test fails by CHECK, which
 * ends it; what it made is left to the end of the process.
 */
#ifndef SUITE_H
#define SUITE_H

#include <errno.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <infiniband/mlx5dv.h>
#include <infiniband/verbs.h>

struct test {
	const char *name;
	void (*run)(void);
};

/* The tests of a file; main.c lists them. */
extern const struct test rc_tests[], error_tests[], key_tests[], window_tests[], cq_tests[], srq_tests[], ud_tests[], xrc_tests[],
	limits_tests[], thread_tests[], fork_tests[], strict_tests[], order_tests[], signature_tests[], process_tests[];

/* play plays programs of ../program from standard input, until its end. */
void play(void);

extern __thread jmp_buf *failing_now;
void fail(const char *file, int line, const char *what, long got, long want) __attribute__((noreturn));

#define CHECK(cond)                                                     \
	do {                                                            \
		if (!(cond))                                            \
			fail(__FILE__, __LINE__, #cond, errno, 0);      \
	} while (0)
#define EQUAL(got, want)                                                       \
	do {                                                                   \
		long g = (long)(got), w = (long)(want);                        \
		if (g != w)                                                    \
			fail(__FILE__, __LINE__, #got " == " #want, g, w);     \
	} while (0)

/* The device, one protection domain, opened once. */
extern struct ibv_context *ctx;
extern struct ibv_pd *pd;

#define ALL (IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_ATOMIC)

/* Two ends and what they share. */
struct options {
	enum ibv_qp_type type; /* 0 is RC */
	int depth;             /* of all queues, 0 is 64 */
	int cqes;              /* 0 is 256 */
	int sges;              /* 0 is 4 */
	struct ibv_srq *srq;   /* of the second end */
	struct ibv_pd *pd1;    /* of the first end, NULL is pd */
	struct ibv_pd *pd2;    /* of the second end */
	bool dv;               /* first end by mlx5dv, for keys */
	bool sig_all;
	bool unconnected;      /* both ends stay in RESET */
	int access;            /* qp_access_flags, 0 is all */
	int timeout;           /* 0 is 10, which is 4 ms */
	struct ibv_comp_channel *channel;
};
struct pair {
	struct ibv_cq *cq[2]; /* of each end, for sends and receives */
	struct ibv_qp *qp[2];
	struct ibv_qp_ex *ex;
	struct mlx5dv_qp_ex *dv;
};
struct pair *make_pair(struct options o);
void close_pair(struct pair *p);

/* to_state goes from RESET to a state; rnr_retry is its attribute of all. */
extern int rnr_retry;
void to_state(struct ibv_qp *qp, enum ibv_qp_type type, uint32_t dest, int access, int timeout, enum ibv_qp_state last);

/* Memory with a pattern that tells each byte's place. */
uint8_t *pages(size_t bytes);
uint8_t pattern(size_t i, unsigned seed);
void fill(uint8_t *p, size_t n, unsigned seed);
bool holds(const uint8_t *p, size_t n, unsigned seed);
struct ibv_mr *reg(void *p, size_t n, int access);
struct ibv_sge sge_of(struct ibv_mr *mr, void *p, size_t n);

/* Posting; each returns what the call returned. */
int post_send(struct ibv_qp *qp, enum ibv_wr_opcode op, struct ibv_sge *list, int n, uint64_t raddr, uint32_t rkey);
int post_recv(struct ibv_qp *qp, struct ibv_sge *list, int n);

/* poll waits for one completion; none within two seconds fails the test. */
struct ibv_wc poll_one(struct ibv_cq *cq);

/* quiet checks that nothing completes within some milliseconds. */
void quiet(struct ibv_cq *cq, int ms);

/* rdma makes one RDMA READ or WRITE from the first end, and gives the status. */
enum ibv_wc_status rdma(struct pair *p, enum ibv_wr_opcode op, struct ibv_sge *list, int n, uint64_t raddr, uint32_t rkey);

#endif
