/*
 * Plain C loops that do what the Go encoders do, one store for each field, and
 * leave the rest to the compiler. The file is compiled once for each set of
 * flags.
 *
 * The work requests have the bytes of the stack that they are named after:
 * wqe_linux of Linux 6.1's REG_MR with a KLM list, wqe_libmlx5 of rdma-core's
 * mlx5dv_wr_mr_list, wqe_spdk of SPDK's spdk_mlx5_umr_configure. Each goes into
 * a ring of 1024 WQEBBs with doorbell record and doorbell, both ordinary memory.
 */
#include "child.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum {
	WQEBB = 64, RING = 1024, KLM = 16, MTT = 8,
	MAX_LIST = 65536,
	QPN = 0x1234,
	MKEY = 0x10000,
	LOCAL_KEY = 0x1700,
	LIST_ADDR = 0x100000,
	PREFILL = 0xcc,
	OP_UMR = 0x25,
	BLUEFLAME_DS = 16, /* the longest request that rdma-core pushes whole */
	INLINE_KLMS = 4,   /* the longest list that Linux puts into the WQE */
};

static struct {
	uint8_t ring[RING * WQEBB], list[MAX_LIST * KLM], doorbell[256];
	uint32_t dbrec, pi;
	uint8_t fence;
} q __attribute__((aligned(4096)));

static inline void put16(uint8_t *p, uint16_t v) { v = htobe16(v); memcpy(p, &v, sizeof(v)); }
static inline void put32(uint8_t *p, uint32_t v) { v = htobe32(v); memcpy(p, &v, sizeof(v)); }
static inline void put64(uint8_t *p, uint64_t v) { v = htobe64(v); memcpy(p, &v, sizeof(v)); }

/* forget_memory keeps the compiler from making one round out of many. */
static inline void forget_memory(void) { __asm__ volatile("" ::: "memory"); }

/* ---- lists ---- */

static void klms(uint8_t *restrict to, const struct entry *restrict e, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		put32(to + KLM * i, e[i].length);
		put32(to + KLM * i + 4, e[i].lkey);
		put64(to + KLM * i + 8, e[i].addr);
	}
}

/* Bits 0 and 1 let the device read and write. */
static void mtts(uint8_t *restrict to, const uint64_t *restrict pages, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put64(to + MTT * i, pages[i] | 3);
}

static const char *emit_klms(const struct list *l, struct output *o)
{
	klms(q.list, l->e, l->n);
	child_put(o, q.list, l->n * KLM);
	return NULL;
}

static const char *emit_mtts(const struct list *l, struct output *o)
{
	mtts(q.list, l->pages, l->n);
	child_put(o, q.list, l->n * MTT);
	return NULL;
}

/* ---- work requests ---- */

/* block is WQEBB i of the request at the producer counter. */
static inline uint8_t *block(uint32_t i) { return q.ring + (q.pi + i) % RING * WQEBB; }

static uint64_t length(const struct list *l)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < l->n; i++)
		sum += l->e[i].length;
	return sum;
}

static inline void control(uint8_t *b, uint32_t ds, uint8_t flags)
{
	put32(b, (q.pi & 0xffff) << 8 | OP_UMR);
	put32(b + 4, QPN << 8 | ds);
	put32(b + 8, flags);
	put32(b + 12, MKEY);
}

static inline void umr_control(uint8_t *b, uint8_t flags, uint16_t octowords, uint64_t mask)
{
	put32(b + 16, (uint32_t)flags << 24);
	put16(b + 20, octowords);
	put16(b + 22, 0);
	put64(b + 24, mask);
	memset(b + 32, 0, 32);
}

/* in_ring writes a list behind the two blocks of the fixed part, padded with zeros. */
static inline void in_ring(const struct list *l)
{
	for (size_t i = 0; i < l->n; i += 4) {
		uint8_t *b = block((uint32_t)(2 + i / 4));
		size_t n = l->n - i < 4 ? l->n - i : 4;
		klms(b, l->e + i, n);
		memset(b + n * KLM, 0, WQEBB - n * KLM);
	}
}

/* ring_doorbell moves on by a request of ds units, of which it copies n bytes. */
static inline void ring_doorbell(uint32_t ds, size_t n)
{
	uint32_t first = q.pi % RING;
	q.pi += (ds + 3) / 4;
	q.dbrec = htobe32(q.pi & 0xffff);
	size_t head = (RING - first) * WQEBB;
	head = n < head ? n : head;
	memcpy(q.doorbell, q.ring + first * WQEBB, head);
	memcpy(q.doorbell + head, q.ring, n - head);
}

static uint32_t inline_ds(const struct list *l) { return (uint32_t)(8 + (l->n + 3) / 4 * 4); }

static void post_libmlx5(const struct list *l)
{
	uint32_t ds = inline_ds(l);
	uint8_t *b = block(0), *m = block(1);
	control(b, ds, q.fence);
	umr_control(b, 0x80, (uint16_t)(ds - 8), 0x203c2001);
	memset(m, 0, WQEBB);
	m[2] = 0x38; /* local write, remote read and write */
	put32(m + 4, 0xffffff00);
	put64(m + 0x18, length(l));
	in_ring(l);
	q.fence = 0x20;
	ring_doorbell(ds, ds <= BLUEFLAME_DS ? ds * 16 : 8);
}

static void post_spdk(const struct list *l)
{
	uint32_t ds = inline_ds(l);
	uint8_t *b = block(0), *m = block(1);
	control(b, ds, 0x04); /* no flags: a completion on the first error */
	umr_control(b, 0x80, (uint16_t)(ds - 8), 0x20000001);
	memset(m, 0, WQEBB);
	put32(m + 0x1c, (uint32_t)l->bytes);
	in_ring(l);
	ring_doorbell(ds, 8);
}

/* post_linux maps the list, as ib_map_mr_sg does, and posts the region. */
static void post_linux(const struct list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		put32(q.list + KLM * i, l->e[i].length);
		put32(q.list + KLM * i + 4, LOCAL_KEY);
		put64(q.list + KLM * i + 8, l->e[i].addr);
	}
	uint16_t octowords = (uint16_t)((l->n + 3) / 4 * 4);
	int in_wqe = l->n <= INLINE_KLMS;
	uint32_t ds = in_wqe ? 8 + octowords : 9;
	uint8_t *b = block(0), *m = block(1), *d = block(2);
	control(b, ds, 0x60);
	umr_control(b, in_wqe ? 0xa0 : 0x20, octowords, 0x209e2143);
	memset(m, 0, WQEBB);
	m[2] = 0xbe; /* umr_en, all rights but atomics, KLM */
	put32(m + 4, 0xffffff00);
	put32(m + 12, 1 << 24); /* remote invalidate */
	put64(m + 0x10, l->e[0].addr);
	put64(m + 0x18, length(l));
	put32(m + 0x34, (uint32_t)((l->n + 7) / 8 * 8));
	if (in_wqe) {
		memcpy(d, q.list, l->n * KLM);
	} else {
		put32(d, octowords * 16u);
		put32(d + 4, LOCAL_KEY);
		put64(d + 8, LIST_ADDR);
	}
	ring_doorbell(ds, 8);
}

/* emit_post posts once on a fresh queue: whole WQEBBs, list, doorbell record and doorbell. */
static const char *emit_post(void (*post)(const struct list *), const struct list *l, size_t list_bytes, struct output *o)
{
	memset(&q, 0, sizeof(q));
	memset(q.ring, PREFILL, sizeof(q.ring));
	post(l);
	size_t n = q.pi * WQEBB;
	child_put(o, q.ring, n);
	child_put(o, q.list, list_bytes);
	child_put(o, &q.dbrec, sizeof(q.dbrec));
	child_put(o, q.doorbell, post == post_libmlx5 && n <= BLUEFLAME_DS * 16 ? n : 8);
	return NULL;
}

enum { MAX_INLINE = 52 }; /* of a request of 60 units */
static const char too_long[] = "the list does not fit a WQE";

static const char *emit_linux(const struct list *l, struct output *o) { return emit_post(post_linux, l, l->n * KLM, o); }
static const char *emit_libmlx5(const struct list *l, struct output *o) { return l->n > MAX_INLINE ? too_long : emit_post(post_libmlx5, l, 0, o); }
static const char *emit_spdk(const struct list *l, struct output *o) { return l->n > MAX_INLINE ? too_long : emit_post(post_spdk, l, 0, o); }

/* ---- timing ---- */

#define TIMED(name, body)                                                                 \
	static const char *time_##name(const struct list *l, uint64_t rounds, uint64_t *ns) \
	{                                                                                 \
		uint64_t start = child_now();                                             \
		for (uint64_t i = 0; i < rounds; i++) {                                   \
			body;                                                             \
			forget_memory();                                                  \
		}                                                                         \
		*ns = child_now() - start;                                                \
		return NULL;                                                              \
	}

TIMED(klms, klms(q.list, l->e, l->n))
TIMED(mtts, mtts(q.list, l->pages, l->n))
TIMED(linux, post_linux(l))
TIMED(libmlx5, post_libmlx5(l))
TIMED(spdk, post_spdk(l))

int main(void)
{
	static const struct bench benches[] = {
		{ "klm_list", emit_klms, time_klms },
		{ "mtt_list", emit_mtts, time_mtts },
		{ "wqe_linux", emit_linux, time_linux },
		{ "wqe_libmlx5", emit_libmlx5, time_libmlx5 },
		{ "wqe_spdk", emit_spdk, time_spdk },
	};
	return child_run("loops", benches, sizeof(benches) / sizeof(*benches));
}
