#define _GNU_SOURCE
#include "queue.h"
#include "device.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum {
	CQ_ENTRIES = 64,
	SND = 1,              /* the doorbell record's word for sends */
	MOST_INLINE = 1024,   /* more than a request of 63 units has room for */
	MOST_SGES = 48,
	ARENA = 4 << 20,      /* bytes; a ring of 32768 WQEBBs has half of that */
	LONGEST = 1024,       /* bytes of a request */
	SIG_ERR_CQE = 12,     /* rdma-core providers/mlx5/mlx5dv.h MLX5_CQE_SIG_ERR */
};

struct ibv_context *queue_ctx;
struct ibv_pd *queue_pd;
uint8_t queue_behind;
static struct ibv_pd *arena_pd; /* the same one, with memory for queues */
static struct ibv_cq *cq;
static struct fakedev_queue cq_state; /* produced: goes on from queue to queue */

/* For advancing: a key for lists of any length that a request has room for. */
static struct mlx5dv_mkey *filler;

enum { FILLER_ENTRIES = 64 };

struct mlx5dv_mkey *queue_key(const struct key *k)
{
	struct mlx5dv_mkey_init_attr attr = {
		.pd = queue_pd,
		.create_flags = MLX5DV_MKEY_INIT_ATTR_FLAGS_INDIRECT | (k->sig ? MLX5DV_MKEY_INIT_ATTR_FLAGS_BLOCK_SIGNATURE : 0) |
				(k->crypto ? MLX5DV_MKEY_INIT_ATTR_FLAGS_CRYPTO : 0),
		.max_entries = k->max_entries,
	};
	fakedev_next.mkey = k->lkey >> 8;
	fakedev_next.psv = k->psv[0];
	device_next_psv = k->psv[1];
	struct mlx5dv_mkey *m = mlx5dv_create_mkey(&attr);
	if (m) /* the tag is the owner's to choose */
		m->lkey = m->rkey = k->lkey;
	return m;
}

/* ---- making queues ---- */

/*
 * The arena is the memory of the one queue that there is at a time. Everything
 * else the library gets for itself.
 */
static uint8_t *arena;

static void *take(struct ibv_pd *pd, void *context, size_t size, size_t alignment, uint64_t type)
{
	(void)pd, (void)context;
	if (type != MLX5DV_RES_TYPE_QP || size + LONGEST > ARENA || alignment > 4096)
		return IBV_ALLOCATOR_USE_DEFAULT;
	return arena;
}

static void give_back(struct ibv_pd *pd, void *context, void *memory, uint64_t type) { (void)pd, (void)context, (void)memory, (void)type; }

const char *queue_setup(void)
{
	const char *why;
	queue_ctx = fakedev_open(&why);
	if (!queue_ctx)
		return why;
	queue_pd = ibv_alloc_pd(queue_ctx);
	cq = ibv_create_cq(queue_ctx, CQ_ENTRIES, NULL, NULL, 0);
	arena = aligned_alloc(4096, ARENA);
	if (!queue_pd || !cq || !arena)
		return "ibv_alloc_pd or ibv_create_cq failed";
	arena_pd = ibv_alloc_parent_domain(queue_ctx, &(struct ibv_parent_domain_init_attr){
		.pd = queue_pd, .comp_mask = IBV_PARENT_DOMAIN_INIT_ATTR_ALLOCATORS, .alloc = take, .free = give_back });
	if (!arena_pd)
		return "ibv_alloc_parent_domain failed";
	filler = queue_key(&(struct key){ .lkey = (uint32_t)QUEUE_OWN_KEY << 8, .max_entries = FILLER_ENTRIES });
	return filler ? NULL : "mlx5dv_create_mkey failed";
}

void queue_teardown(void)
{
	if (filler)
		mlx5dv_destroy_mkey(filler);
	if (cq)
		ibv_destroy_cq(cq);
	if (arena_pd)
		ibv_dealloc_pd(arena_pd);
	if (queue_pd)
		ibv_dealloc_pd(queue_pd);
	free(arena);
	if (queue_ctx)
		ibv_close_device(queue_ctx);
}

/* create makes a queue for so many requests, without a look at its ring. */
static bool create(struct queue *s, const struct shape *shape, uint32_t requests)
{
	uint32_t sges = (shape->max_inline + 4) / DS_SIZE; /* as many as fit into a request of that length */
	struct mlx5dv_qp_init_attr own = {
		.comp_mask = MLX5DV_QP_INIT_ATTR_MASK_SEND_OPS_FLAGS,
		.send_ops_flags = MLX5DV_QP_EX_WITH_MR_LIST | MLX5DV_QP_EX_WITH_MR_INTERLEAVED | MLX5DV_QP_EX_WITH_MKEY_CONFIGURE,
	};
	memset(s, 0, sizeof(*s));
	s->attr = (struct ibv_qp_init_attr_ex){
		.send_cq = cq,
		.recv_cq = cq,
		.cap = { .max_send_wr = requests, .max_recv_wr = 1, .max_send_sge = sges < 1 ? 1 : sges < MOST_SGES ? sges : MOST_SGES, .max_recv_sge = 1, .max_inline_data = shape->max_inline },
		.qp_type = IBV_QPT_RC,
		.sq_sig_all = shape->sig_all,
		.comp_mask = IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_SEND_OPS_FLAGS,
		.pd = arena_pd,
		.send_ops_flags = IBV_QP_EX_WITH_LOCAL_INV | IBV_QP_EX_WITH_BIND_MW | IBV_QP_EX_WITH_RDMA_WRITE,
	};
	/* the library asks the environment when it makes a queue */
	if (shape->wq_sig)
		setenv("MLX5_QP_SIGNATURE", "1", 1);
	else
		unsetenv("MLX5_QP_SIGNATURE");
	fakedev_next.qpn = shape->qpn;
	s->qp = mlx5dv_create_qp(queue_ctx, &s->attr, &own);
	if (!s->qp)
		return false;
	if (fakedev_map(s->qp, cq, &s->q)) {
		queue_close(s);
		return false;
	}
	s->q.produced = cq_state.produced;
	return true;
}

void queue_close(struct queue *s)
{
	if (!s->qp)
		return;
	if (s->q.cq.buf)
		cq_state = s->q;
	ibv_destroy_qp(s->qp);
	s->qp = NULL;
}

/*
 * ring_of_one is the length of the ring that one request of the shape needs; it
 * doubles with their number. 0 if there is no such queue.
 */
static uint32_t ring_of_one(const struct shape *shape)
{
	static uint32_t known[MOST_INLINE]; /* the length plus 1 */
	struct queue s;
	if (shape->max_inline >= MOST_INLINE)
		return 0;
	uint32_t *k = &known[shape->max_inline];
	if (!*k) {
		*k = 1;
		if (create(&s, shape, 1)) {
			if (s.attr.cap.max_inline_data == shape->max_inline)
				*k = s.q.qp.sq.wqe_cnt + 1;
			queue_close(&s);
		}
	}
	return *k - 1;
}

const char *queue_open(struct queue *s, const struct shape *shape)
{
	memset(s, 0, sizeof(*s));
	uint32_t one = ring_of_one(shape);
	if (!one)
		return "the library makes no queue with that max_inline_data";
	if (shape->wqebbs < one || !create(s, shape, shape->wqebbs / one))
		return "the library makes no queue of that length";
	if (s->q.qp.sq.wqe_cnt != shape->wqebbs || s->attr.cap.max_inline_data != shape->max_inline) {
		queue_close(s);
		return "the library makes no queue of that length";
	}
	if (fakedev_ready(s->qp)) {
		queue_close(s);
		return "ibv_modify_qp failed";
	}
	uint8_t *ring = s->q.qp.sq.buf, *behind = ring + (size_t)shape->wqebbs * WQEBB;
	if (ring < arena || behind + LONGEST > arena + ARENA) {
		queue_close(s);
		return "the library takes other memory for its queue";
	}
	memset(behind, 0, LONGEST);
	behind[0] = queue_behind; /* one byte: equal ones would cancel out in a signature */
	s->qpx = ibv_qp_to_qp_ex(s->qp);
	s->mqp = mlx5dv_qp_ex_from_ibv_qp_ex(s->qpx);
	return NULL;
}

/* ---- posting ---- */

static uint8_t *block(struct queue *s, uint16_t counter)
{
	return (uint8_t *)s->q.qp.sq.buf + (size_t)(counter & (s->q.qp.sq.wqe_cnt - 1)) * WQEBB;
}

void queue_fill(struct queue *s, uint8_t value) { memset(s->q.qp.sq.buf, value, (size_t)s->q.qp.sq.wqe_cnt * WQEBB); }

int queue_complete(struct queue *s, uint16_t *from, uint16_t *posted)
{
	int err = ibv_wr_complete(s->qpx);
	*from = s->at;
	*posted = 0;
	if (!err) { /* the doorbell record follows the counter; before the first doorbell both are 0 */
		uint16_t now = (uint16_t)be32toh(s->q.qp.dbrec[SND]);
		*posted = (uint16_t)(now - s->at);
		s->at = now;
	}
	return err;
}

size_t queue_read(struct queue *s, uint16_t counter, uint8_t *out, uint16_t *wqebbs)
{
	size_t ds = block(s, counter)[7] & 0x3f, n = ds * DS_SIZE;
	*wqebbs = (uint16_t)((n + WQEBB - 1) / WQEBB);
	for (uint16_t i = 0; i < *wqebbs; i++)
		memcpy(out + (size_t)i * WQEBB, block(s, (uint16_t)(counter + i)), WQEBB);
	return n;
}

const char *queue_reap(struct queue *s, uint16_t counter)
{
	struct ibv_wc wc;
	fakedev_complete(&s->q, counter);
	return ibv_poll_cq(cq, 1, &wc) == 1 && wc.status == IBV_WC_SUCCESS ? NULL : "no completion";
}

/*
 * The completion of a signature error: the key stands where others have their
 * immediate, struct mlx5_sigerr_cqe in providers/mlx5/mlx5.h. Polling, the
 * library takes note of it and goes on to the next completion, which is not
 * there.
 */
const char *queue_sig_error(struct queue *s, uint32_t lkey)
{
	struct ibv_wc wc;
	uint32_t slot = s->q.produced & (s->q.cq.cqe_cnt - 1), key = htobe32(lkey);
	uint8_t owner = s->q.produced / s->q.cq.cqe_cnt & 1, *end = (uint8_t *)s->q.cq.buf + (size_t)(slot + 1) * s->q.cq.cqe_size;
	uint8_t *cqe = end - 64;
	uint16_t guard = htobe16(1 << 13);
	memset(cqe, 0, 63);
	memcpy(cqe + 32, &guard, sizeof(guard));
	memcpy(cqe + 36, &key, sizeof(key));
	__atomic_store_n(&cqe[63], (uint8_t)(SIG_ERR_CQE << 4 | owner), __ATOMIC_RELEASE);
	s->q.produced++;
	return ibv_poll_cq(cq, 1, &wc) == 0 ? NULL : "a signature error was not taken";
}

/* ---- reaching a position ---- */

/* longest is the most WQEBBs that one request takes: a list that fills it. */
static uint16_t longest(const struct queue *s, uint32_t *entries)
{
	*entries = (s->attr.cap.max_inline_data + 4) / DS_SIZE;
	if (*entries > FILLER_ENTRIES)
		*entries = FILLER_ENTRIES;
	return (uint16_t)(2 + (*entries + 3) / 4);
}

/*
 * step posts one request of at most left WQEBBs: a list, or a write of no bytes,
 * which takes one WQEBB and leaves no fence.
 */
static uint16_t step(struct queue *s, uint32_t left)
{
	static struct ibv_sge none[FILLER_ENTRIES];
	uint32_t entries;
	uint16_t most = longest(s, &entries);
	if (left <= most) {
		s->qpx->wr_flags = 0;
		ibv_wr_rdma_write(s->qpx, 0, 0);
		ibv_wr_set_sge_list(s->qpx, 0, none);
		return 1;
	}
	s->qpx->wr_flags = IBV_SEND_INLINE;
	mlx5dv_wr_mr_list(s->mqp, filler, 0, (uint16_t)entries, none);
	return most;
}

const char *queue_advance(struct queue *s, uint16_t at, bool fence)
{
	enum { INVALIDATE = 2 }; /* WQEBBs of a local invalidate */
	uint32_t left = (uint16_t)(at - s->at - (fence ? INVALIDATE : 0));
	const char *why = NULL;
	uint16_t from, posted, last = 0;
	if (left == 0 && s->fenced && !fence)
		left = UINT16_MAX + 1; /* once around: the last step takes the fence */
	while (!why && left > 0) {
		ibv_wr_start(s->qpx);
		for (uint32_t i = 0, n = 0; i < s->attr.cap.max_send_wr && left > 0; i++) {
			last = (uint16_t)(s->at + n);
			uint16_t k = step(s, left);
			n += k;
			left -= k;
		}
		if (queue_complete(s, &from, &posted))
			return "posting on the way to the position failed";
		why = queue_reap(s, last);
	}
	s->fenced = fence;
	if (why || !fence)
		return why;
	ibv_wr_start(s->qpx);
	s->qpx->wr_flags = 0;
	ibv_wr_local_inv(s->qpx, filler->lkey);
	if (queue_complete(s, &from, &posted) || s->at != at)
		return "posting on the way to the position failed";
	return queue_reap(s, from);
}
