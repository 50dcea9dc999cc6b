/*
 * Random programs: sequences of verbs calls on a few connections, checked step
 * by step against a simple model of what they must do to memory. The model
 * knows lists of byte ranges, rights and liveness; nothing of WQEs.
 *
 * SUITE_SEED and SUITE_STEPS choose the program; the seed of one that fails is
 * printed.
 */
#include "suite.h"

enum { PAGE = 4096, ARENA = 16 * PAGE, KEYS = 6, REGIONS = 4, ENTRIES = 6, PAIRS = 2 };

static uint64_t state;

static uint32_t draw(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state * 0x2545f4914f6cdd1d >> 33) % n;
}

/* What the model knows of a key: the bytes behind it, in order. */
struct key {
	bool live, interleaved, inval;
	int access;
	struct mlx5dv_mkey *mkey;
	size_t total;
	uint8_t *place[ENTRIES * 8 * 64]; /* of each byte */
};
struct region {
	struct ibv_mr *mr;
	size_t at, n;
	int access;
};

static struct world {
	uint8_t *arena, *shadow, *local;
	struct ibv_mr *ml;
	struct region r[REGIONS];
	struct key k[KEYS];
	struct pair *p[PAIRS];
} w;

static void fresh_pair(int i)
{
	if (w.p[i])
		close_pair(w.p[i]);
	w.p[i] = make_pair((struct options){ .dv = true });
}

static enum ibv_wc_status finish(struct pair *p)
{
	EQUAL(ibv_wr_complete(p->ex), 0);
	return poll_one(p->cq[0]).status;
}

static void start(struct pair *p, unsigned flags)
{
	ibv_wr_start(p->ex);
	p->ex->wr_id = 5;
	p->ex->wr_flags = IBV_SEND_SIGNALED | flags;
}

static struct region *any_region(void) { return &w.r[draw(REGIONS)]; }

static void renew_region(void)
{
	static const int accesses[] = { ALL, ALL, IBV_ACCESS_LOCAL_WRITE, IBV_ACCESS_REMOTE_READ, 0 };
	struct region *r = any_region();
	if (r->mr)
		return; /* keys point to it */
	r->at = draw(ARENA / 2);
	r->n = 600 + draw(ARENA / 2 - 600);
	r->access = accesses[draw(5)];
	r->mr = reg(w.arena + r->at, r->n, r->access);
}

/* A list or an interleaved layout of random pieces of random regions. */
static void renew_key(struct pair *p)
{
	static const int accesses[] = { ALL, ALL, IBV_ACCESS_REMOTE_READ, IBV_ACCESS_LOCAL_WRITE };
	struct key *k = &w.k[draw(KEYS)];
	int n = 1 + (int)draw(ENTRIES);
	uint32_t cycles = 1 + draw(4);
	struct ibv_sge list[ENTRIES];
	struct mlx5dv_mr_interleaved lay[ENTRIES];
	k->interleaved = draw(2);
	k->access = accesses[draw(4)];
	k->total = 0;
	if (!k->interleaved)
		cycles = 1;
	for (int i = 0; i < n; i++) {
		struct region *r = any_region();
		uint32_t len = 1 + draw(64), skip = draw(32);
		uint8_t *at = w.arena + r->at + draw((uint32_t)r->n - 400);
		list[i] = (struct ibv_sge){ (uintptr_t)at, len, r->mr->lkey };
		lay[i] = (struct mlx5dv_mr_interleaved){ (uintptr_t)at, len, skip, r->mr->lkey };
	}
	for (uint32_t c = 0; c < cycles; c++)
		for (int i = 0; i < n; i++)
			for (uint32_t b = 0; b < list[i].length; b++)
				k->place[k->total++] = (uint8_t *)(uintptr_t)list[i].addr + c * (k->interleaved ? lay[i].bytes_count + lay[i].bytes_skip : 0) + b;
	start(p, IBV_SEND_INLINE);
	if (k->interleaved)
		mlx5dv_wr_mr_interleaved(p->dv, k->mkey, (uint32_t)k->access, cycles, (uint16_t)n, lay);
	else
		mlx5dv_wr_mr_list(p->dv, k->mkey, (uint32_t)k->access, (uint16_t)n, list);
	EQUAL(finish(p), IBV_WC_SUCCESS);
	k->live = true;
}

/* writable and readable: what the regions below a byte allow locally. */
static bool writable(uint8_t *at, struct key *k, size_t from, size_t n)
{
	(void)at;
	for (size_t i = from; i < from + n; i++) {
		bool some = false;
		for (int r = 0; r < REGIONS; r++)
			some |= w.r[r].access & IBV_ACCESS_LOCAL_WRITE && k->place[i] >= w.arena + w.r[r].at && k->place[i] < w.arena + w.r[r].at + w.r[r].n;
		if (!some)
			return false;
	}
	return true;
}

static void same(const char *what)
{
	for (size_t i = 0; i < ARENA; i++)
		if (w.arena[i] != w.shadow[i]) {
			printf("  %s changed byte %zu\n", what, i);
			fail(__FILE__, __LINE__, "memory as the model has it", w.arena[i], w.shadow[i]);
		}
}

/* ambiguous: a byte is in regions of both kinds; which one, the model forgot. */
static bool ambiguous(struct key *k, size_t from, size_t n)
{
	for (size_t i = from; i < from + n; i++) {
		int yes = 0, no = 0;
		for (int r = 0; r < REGIONS; r++)
			if (k->place[i] >= w.arena + w.r[r].at && k->place[i] < w.arena + w.r[r].at + w.r[r].n)
				*(w.r[r].access & IBV_ACCESS_LOCAL_WRITE ? &yes : &no) += 1;
		if (yes && no)
			return true;
	}
	return false;
}

static void transfer(int pi)
{
	struct pair *p = w.p[pi];
	struct key *k = &w.k[draw(KEYS)];
	bool write = draw(2);
	size_t from = draw((uint32_t)k->total + 8), n = 1 + draw((uint32_t)k->total + 4);
	if (!k->total)
		return;
	if (draw(4)) { /* mostly inside */
		from %= k->total;
		n = 1 + (n - 1) % (k->total - from);
	}
	bool inside = from + n <= k->total;
	int need = write ? IBV_ACCESS_REMOTE_WRITE : IBV_ACCESS_REMOTE_READ;
	if (inside && write && ambiguous(k, from, n))
		return;
	bool fine = k->live && inside && k->access & need && (!write || writable(NULL, k, from, n));
	for (size_t i = 0; i < n; i++)
		w.local[i] = (uint8_t)draw(256);
	uint8_t kept[sizeof(k->place) / sizeof(*k->place) + 8];
	memcpy(kept, w.local, n < sizeof(kept) ? n : sizeof(kept));
	start(p, 0);
	if (write)
		ibv_wr_rdma_write(p->ex, k->mkey->rkey, from);
	else
		ibv_wr_rdma_read(p->ex, k->mkey->rkey, from);
	ibv_wr_set_sge(p->ex, w.ml->lkey, (uintptr_t)w.local, (uint32_t)n);
	EQUAL(finish(p), fine ? IBV_WC_SUCCESS : IBV_WC_REM_ACCESS_ERR);
	if (!fine) {
		EQUAL(memcmp(w.local, kept, n), 0);
		fresh_pair(pi);
	}
	for (size_t i = 0; fine && i < n; i++) {
		uint8_t *at = w.shadow + (k->place[from + i] - w.arena);
		if (write)
			*at = w.local[i];
		else
			EQUAL(w.local[i], *at);
	}
	same(write ? "a write" : "a read");
}

static void invalidate(struct pair *p)
{
	struct key *k = &w.k[draw(KEYS)];
	if (!k->live)
		return;
	start(p, 0);
	ibv_wr_local_inv(p->ex, k->mkey->rkey);
	EQUAL(finish(p), IBV_WC_SUCCESS);
	k->live = false;
}

/* A message into a list of pieces, perhaps too long for it. */
static void message(int pi)
{
	struct pair *p = w.p[pi];
	struct ibv_sge to[4];
	size_t room = 0, n = 1 + draw(300);
	int pieces = 1 + (int)draw(4);
	static struct ibv_mr *all;
	if (!all)
		all = reg(w.arena, ARENA, ALL);
	for (int i = 0; i < pieces; i++) {
		to[i] = sge_of(all, w.arena + i * ARENA / 4 + draw(1000), 1 + draw(120));
		room += to[i].length;
	}
	for (size_t i = 0; i < n; i++)
		w.local[i] = (uint8_t)draw(256);
	struct ibv_sge from = sge_of(w.ml, w.local, n);
	EQUAL(post_recv(p->qp[1], to, pieces), 0);
	EQUAL(rdma(p, IBV_WR_SEND, &from, 1, 0, 0), n <= room ? IBV_WC_SUCCESS : IBV_WC_REM_INV_REQ_ERR);
	EQUAL(poll_one(p->cq[1]).status, n <= room ? IBV_WC_SUCCESS : IBV_WC_LOC_LEN_ERR);
	if (n > room) {
		fresh_pair(pi);
	} else {
		size_t done = 0;
		for (int i = 0; i < pieces; i++)
			for (uint32_t b = 0; b < to[i].length && done < n; b++)
				w.shadow[to[i].addr + b - (uintptr_t)w.arena] = w.local[done++];
	}
	same("a message");
}

static void programs(void)
{
	const char *seed = getenv("SUITE_SEED"), *steps = getenv("SUITE_STEPS");
	int n = steps ? atoi(steps) : 3000;
	state = seed ? strtoull(seed, NULL, 0) : 1;
	state = state * 0x9e3779b97f4a7c15 | 1;
	printf("  seed %s, %d steps\n", seed ? seed : "1", n);
	w.arena = pages(ARENA);
	w.shadow = pages(ARENA);
	w.local = pages(ARENA);
	w.ml = reg(w.local, ARENA, ALL);
	fill(w.arena, ARENA, 7);
	fill(w.shadow, ARENA, 7);
	for (int i = 0; i < PAIRS; i++)
		fresh_pair(i);
	for (int i = 0; i < REGIONS;)
		if (w.r[i].mr)
			i++;
		else
			renew_region();
	struct mlx5dv_mkey_init_attr a = { .pd = pd, .create_flags = MLX5DV_MKEY_INIT_ATTR_FLAGS_INDIRECT, .max_entries = ENTRIES + 2 };
	for (int i = 0; i < KEYS; i++)
		CHECK(w.k[i].mkey = mlx5dv_create_mkey(&a));
	for (int i = 0; i < n; i++) {
		int p = (int)draw(PAIRS);
		switch (draw(10)) {
		case 0: case 1:
			renew_key(w.p[p]);
			break;
		case 2:
			invalidate(w.p[p]);
			break;
		case 3:
			message(p);
			break;
		default:
			transfer(p);
		}
	}
}

const struct test random_tests[] = { { "random/programs", programs }, { 0 } };
