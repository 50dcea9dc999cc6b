/*
 * A send queue of the library in a state that a request asks for, reached by
 * calls that any application may make.
 */
#ifndef LIVE_QUEUE_H
#define LIVE_QUEUE_H

#include "fakedev.h"

#include <stdbool.h>

enum { WQEBB = 64, DS_SIZE = 16 };

/* The number of the key that requests on the way to a position are for. */
enum { QUEUE_OWN_KEY = 0xffffff };

/* What a queue is to be like. */
struct shape {
	uint32_t qpn;
	uint32_t wqebbs;     /* length of the ring */
	uint32_t max_inline; /* cap.max_inline_data, bytes */
	bool sig_all, wq_sig;
};

struct queue {
	struct ibv_qp *qp;
	struct ibv_qp_ex *qpx;
	struct mlx5dv_qp_ex *mqp;
	struct fakedev_queue q;
	struct ibv_qp_init_attr_ex attr; /* cap: what the library made of it */
	uint16_t at;                     /* WQEBB counter of the next request, modulo 2^16 */
	bool fenced;                     /* a fence is pending */
};

/* queue_setup opens the device. It returns NULL, or what went wrong. */
const char *queue_setup(void);
void queue_teardown(void);

extern struct ibv_context *queue_ctx;
extern struct ibv_pd *queue_pd;

/*
 * The first byte behind a ring; the others are 0. An application may hand the
 * library its own memory for queues, so that what is read there is known.
 */
extern uint8_t queue_behind;

/*
 * queue_open makes a queue that may send. It returns NULL, or why the library
 * has no queue of that shape.
 */
const char *queue_open(struct queue *s, const struct shape *shape);
void queue_close(struct queue *s);

/*
 * queue_advance posts requests and completes them until the counter is at, with
 * a fence pending for the next request or none; a local invalidate leaves one.
 */
const char *queue_advance(struct queue *s, uint16_t at, bool fence);

/* queue_fill puts a value into every byte of the ring. */
void queue_fill(struct queue *s, uint8_t value);

/*
 * queue_complete ends a batch (ibv_wr_complete) and returns its error. posted
 * gets the WQEBBs that it added, which stand from counter from on.
 */
int queue_complete(struct queue *s, uint16_t *from, uint16_t *posted);

/*
 * queue_read copies a request of the ring, linear, DS units of it, and returns
 * its length in bytes. out has room for 1024. wqebbs gets its length in WQEBBs.
 */
size_t queue_read(struct queue *s, uint16_t counter, uint8_t *out, uint16_t *wqebbs);

/* queue_reap completes everything up to the request that starts at counter. */
const char *queue_reap(struct queue *s, uint16_t counter);

/* queue_sig_error lets the library find a signature error of a key. */
const char *queue_sig_error(struct queue *s, uint32_t lkey);

/* A key to make. psv: of memory and wire. */
struct key {
	uint32_t lkey;
	uint16_t max_entries;
	bool sig, crypto;
	uint32_t psv[2];
};

/* queue_key makes a key with that lkey, or returns NULL. */
struct mlx5dv_mkey *queue_key(const struct key *k);

#endif
