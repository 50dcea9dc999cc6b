/* Indirect keys made by mlx5dv: lists, interleaved layouts, their bounds. */
#include "suite.h"

enum { SIZE = 1 << 16, MOST = 32 };

static struct mlx5dv_mkey *make_key(int entries)
{
	struct mlx5dv_mkey_init_attr a = { .pd = pd, .create_flags = MLX5DV_MKEY_INIT_ATTR_FLAGS_INDIRECT, .max_entries = (uint16_t)entries };
	struct mlx5dv_mkey *k = mlx5dv_create_mkey(&a);
	CHECK(k);
	return k;
}

/* done ends a batch of the extended interface and gives its last status. */
static enum ibv_wc_status done(struct pair *p)
{
	EQUAL(ibv_wr_complete(p->ex), 0);
	return poll_one(p->cq[0]).status;
}

static void begin(struct pair *p, unsigned flags)
{
	ibv_wr_start(p->ex);
	p->ex->wr_id = 5;
	p->ex->wr_flags = IBV_SEND_SIGNALED | flags;
}

static void set_list(struct pair *p, struct mlx5dv_mkey *k, int access, struct ibv_sge *list, int n)
{
	begin(p, IBV_SEND_INLINE);
	mlx5dv_wr_mr_list(p->dv, k, (uint32_t)access, (uint16_t)n, list);
	EQUAL(done(p), IBV_WC_SUCCESS);
}

static void set_interleaved(struct pair *p, struct mlx5dv_mkey *k, uint32_t cycles, struct mlx5dv_mr_interleaved *e, int n)
{
	begin(p, IBV_SEND_INLINE);
	mlx5dv_wr_mr_interleaved(p->dv, k, ALL, cycles, (uint16_t)n, e);
	EQUAL(done(p), IBV_WC_SUCCESS);
}

/* Remote and local access by the key; addresses start at 0. */
static enum ibv_wc_status remote(struct pair *p, enum ibv_wr_opcode op, struct ibv_mr *mr, uint8_t *at, size_t n, uint64_t va, uint32_t key)
{
	struct ibv_sge s = sge_of(mr, at, n);
	begin(p, 0);
	if (op == IBV_WR_RDMA_WRITE)
		ibv_wr_rdma_write(p->ex, key, va);
	else
		ibv_wr_rdma_read(p->ex, key, va);
	ibv_wr_set_sge(p->ex, s.lkey, s.addr, s.length);
	return done(p);
}

/*
 * Lists of 1 to 32 entries, with every padding of the list in the WQE; every
 * entry has another length and place, and each byte's is checked, by READ, by
 * WRITE and as local key.
 */
static void lists(void)
{
	struct pair *p = make_pair((struct options){ .dv = true, .depth = 128 });
	uint8_t *a = pages(SIZE), *b = pages(SIZE);
	struct ibv_mr *ma = reg(a, SIZE, ALL), *mb = reg(b, SIZE, ALL);
	struct mlx5dv_mkey *k = make_key(MOST);
	for (int n = 1; n <= 28; n++) {
		struct ibv_sge e[MOST];
		size_t total = 0, at = 0;
		for (int i = 0; i < n; i++) {
			size_t len = (size_t)(1 + (i * 37 + n * 11) % 257);
			e[i] = sge_of(mb, b + (size_t)(n - 1 - i) * 1024 + (size_t)(i % 13), len);
			total += len;
		}
		set_list(p, k, ALL, e, n);
		fill(a, SIZE, (unsigned)n);
		memset(b, 0, SIZE);
		EQUAL(remote(p, IBV_WR_RDMA_WRITE, ma, a, total, 0, k->rkey), IBV_WC_SUCCESS);
		for (int i = 0; i < n; at += e[i++].length)
			EQUAL(memcmp((void *)(uintptr_t)e[i].addr, a + at, e[i].length), 0);
		for (int i = 0; i < n; i++)
			EQUAL(((uint8_t *)(uintptr_t)e[i].addr)[e[i].length], 0);
		memset(a, 0, SIZE);
		EQUAL(remote(p, IBV_WR_RDMA_READ, ma, a, total, 0, k->rkey), IBV_WC_SUCCESS);
		CHECK(holds(a, total, (unsigned)n));
		EQUAL(a[total], 0);
		/* as lkey: gather through it */
		struct ibv_sge by = { .addr = 0, .length = (uint32_t)total, .lkey = k->lkey };
		memset(a, 0, SIZE);
		EQUAL(rdma(p, IBV_WR_RDMA_WRITE, &by, 1, (uintptr_t)a + 1, ma->rkey), IBV_WC_SUCCESS);
		CHECK(holds(a + 1, total, (unsigned)n));
	}
	close_pair(p);
}

/* Every window of a list's bytes, and one byte beyond it. */
static void windows_of_list(void)
{
	struct pair *p = make_pair((struct options){ .dv = true });
	uint8_t *a = pages(4096), *b = pages(4096);
	struct ibv_mr *ma = reg(a, 4096, ALL), *mb = reg(b, 4096, ALL);
	struct mlx5dv_mkey *k = make_key(4);
	struct ibv_sge e[3] = { sge_of(mb, b + 100, 5), sge_of(mb, b + 50, 1), sge_of(mb, b + 1000, 7) };
	uint8_t stream[13];
	fill(b, 4096, 4);
	memcpy(stream, b + 100, 5);
	stream[5] = b[50];
	memcpy(stream + 6, b + 1000, 7);
	set_list(p, k, ALL, e, 3);
	for (int from = 0; from < 13; from++)
		for (int n = 1; from + n <= 13; n++) {
			memset(a, 0, 16);
			EQUAL(remote(p, IBV_WR_RDMA_READ, ma, a, (size_t)n, (uint64_t)from, k->rkey), IBV_WC_SUCCESS);
			EQUAL(memcmp(a, stream + from, (size_t)n), 0);
			EQUAL(a[n], 0);
		}
	static const struct {
		uint64_t at;
		size_t n;
	} beyond[] = { { 0, 14 }, { 12, 2 }, { 13, 1 }, { UINT64_MAX, 1 }, { 5, 100 } };
	for (int i = 0; i < 5; i++) {
		struct pair *q = make_pair((struct options){ .dv = true });
		set_list(q, k, ALL, e, 3);
		EQUAL(remote(q, IBV_WR_RDMA_READ, ma, a, beyond[i].n, beyond[i].at, k->rkey), IBV_WC_REM_ACCESS_ERR);
		close_pair(q);
	}
	close_pair(p);
}

/*
 * A key over another key's bytes is bounded by its own list, though more
 * entries are left from an earlier, longer one.
 */
static void shorter_list(void)
{
	struct pair *p = make_pair((struct options){ .dv = true });
	uint8_t *a = pages(4096), *b = pages(4096);
	struct ibv_mr *ma = reg(a, 4096, ALL), *mb = reg(b, 4096, ALL);
	struct mlx5dv_mkey *k = make_key(8);
	struct ibv_sge e[8];
	for (int i = 0; i < 8; i++)
		e[i] = sge_of(mb, b + i * 100, 10);
	set_list(p, k, ALL, e, 8);
	EQUAL(remote(p, IBV_WR_RDMA_READ, ma, a, 80, 0, k->rkey), IBV_WC_SUCCESS);
	set_list(p, k, ALL, e, 2);
	EQUAL(remote(p, IBV_WR_RDMA_READ, ma, a, 20, 0, k->rkey), IBV_WC_SUCCESS);
	EQUAL(remote(p, IBV_WR_RDMA_READ, ma, a, 21, 0, k->rkey), IBV_WC_REM_ACCESS_ERR);
	close_pair(p);
}

/*
 * Interleaved transfers over several cycles: stride, skip, the end of a cycle
 * inside a transfer, and one byte beyond the last.
 */
static void interleaved(void)
{
	struct pair *p = make_pair((struct options){ .dv = true, .depth = 256 });
	uint8_t *a = pages(4096), *b = pages(SIZE);
	struct ibv_mr *ma = reg(a, 4096, ALL), *mb = reg(b, SIZE, ALL);
	struct mlx5dv_mkey *k = make_key(8);
	for (uint32_t cycles = 1; cycles <= 7; cycles += 2)
		for (int n = 1; n <= 4; n++) {
			struct mlx5dv_mr_interleaved e[4];
			uint8_t stream[4096];
			size_t total = 0;
			for (int i = 0; i < n; i++)
				e[i] = (struct mlx5dv_mr_interleaved){ .addr = (uintptr_t)b + (uint64_t)i * 8000 + 3, .bytes_count = (uint32_t)(5 + 8 * i),
								      .bytes_skip = (uint32_t)(i * 3 + 1), .lkey = mb->lkey };
			fill(b, SIZE, cycles + (unsigned)n);
			for (uint32_t c = 0; c < cycles; c++)
				for (int i = 0; i < n; i++) {
					memcpy(stream + total, b + i * 8000 + 3 + c * (e[i].bytes_count + e[i].bytes_skip), e[i].bytes_count);
					total += e[i].bytes_count;
				}
			set_interleaved(p, k, cycles, e, n);
			memset(a, 0, 4096);
			EQUAL(remote(p, IBV_WR_RDMA_READ, ma, a, total, 0, k->rkey), IBV_WC_SUCCESS);
			EQUAL(memcmp(a, stream, total), 0);
			for (size_t from = 0; from < total; from += 3) {
				EQUAL(remote(p, IBV_WR_RDMA_READ, ma, a, total - from, from, k->rkey), IBV_WC_SUCCESS);
				EQUAL(memcmp(a, stream + from, total - from), 0);
			}
			fill(a, 4096, 99);
			EQUAL(remote(p, IBV_WR_RDMA_WRITE, ma, a, total, 0, k->rkey), IBV_WC_SUCCESS);
			size_t at = 0;
			for (uint32_t c = 0; c < cycles; c++)
				for (int i = 0; i < n; at += e[i++].bytes_count) {
					uint8_t *place = b + i * 8000 + 3 + c * (e[i].bytes_count + e[i].bytes_skip);
					EQUAL(memcmp(place, a + at, e[i].bytes_count), 0);
					EQUAL(place[e[i].bytes_count], pattern((size_t)(place + e[i].bytes_count - b), cycles + (unsigned)n));
				}
		}
	struct mlx5dv_mr_interleaved e = { (uintptr_t)b, 16, 16, mb->lkey };
	set_interleaved(p, k, 3, &e, 1);
	EQUAL(remote(p, IBV_WR_RDMA_READ, ma, a, 48, 0, k->rkey), IBV_WC_SUCCESS);
	EQUAL(remote(p, IBV_WR_RDMA_READ, ma, a, 49, 0, k->rkey), IBV_WC_REM_ACCESS_ERR);
	close_pair(p);
}

/* Rights: of the key for the peer, of the regions below it only local ones. */
static void nested_rights(void)
{
	uint8_t *a = pages(4096), *b = pages(4096);
	struct ibv_mr *ma = reg(a, 4096, ALL), *local = reg(b, 4096, IBV_ACCESS_LOCAL_WRITE), *none = reg(b, 4096, 0);
	static const int some[] = { IBV_ACCESS_LOCAL_WRITE, IBV_ACCESS_REMOTE_READ, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE, ALL };
	for (int i = 0; i < 4; i++)
		for (int write = 0; write < 2; write++)
			for (int ro = 0; ro < 2; ro++) {
				struct pair *p = make_pair((struct options){ .dv = true });
				struct mlx5dv_mkey *k = make_key(4);
				struct ibv_sge e = sge_of(ro ? none : local, b + 10, 100);
				int need = write ? IBV_ACCESS_REMOTE_WRITE : IBV_ACCESS_REMOTE_READ;
				bool fine = some[i] & need && !(write && ro);
				set_list(p, k, some[i], &e, 1);
				EQUAL(remote(p, write ? IBV_WR_RDMA_WRITE : IBV_WR_RDMA_READ, ma, a, 100, 0, k->rkey),
				      fine ? IBV_WC_SUCCESS : IBV_WC_REM_ACCESS_ERR);
				close_pair(p);
				EQUAL(mlx5dv_destroy_mkey(k), 0);
			}
}

/* Protection domains: of the key and of what it points to. */
static void nested_domains(void)
{
	struct ibv_pd *other = ibv_alloc_pd(ctx);
	uint8_t *a = pages(4096), *b = pages(4096);
	struct ibv_mr *ma = reg(a, 4096, ALL), *mb = reg(b, 4096, ALL), *mo = ibv_reg_mr(other, b, 4096, ALL);
	struct mlx5dv_mkey *k = make_key(4);
	struct ibv_sge inside = sge_of(mb, b, 64), across = sge_of(mo, b, 64);
	struct pair *p = make_pair((struct options){ .dv = true });
	set_list(p, k, ALL, &across, 1);
	EQUAL(remote(p, IBV_WR_RDMA_READ, ma, a, 64, 0, k->rkey), IBV_WC_REM_ACCESS_ERR);
	close_pair(p);
	p = make_pair((struct options){ .dv = true, .pd2 = other });
	set_list(p, k, ALL, &inside, 1);
	EQUAL(remote(p, IBV_WR_RDMA_READ, ma, a, 64, 0, k->rkey), IBV_WC_REM_ACCESS_ERR);
	close_pair(p);
	EQUAL(ibv_dereg_mr(mo), 0);
	EQUAL(ibv_dealloc_pd(other), 0);
}

/* Keys over keys: as deep as the device goes, and no deeper. */
static void depth(void)
{
	struct pair *p = make_pair((struct options){ .dv = true });
	uint8_t *a = pages(4096), *b = pages(4096);
	struct ibv_mr *ma = reg(a, 4096, ALL), *mb = reg(b, 4096, ALL);
	struct mlx5dv_mkey *k[5];
	fill(b, 4096, 6);
	for (int i = 0; i < 5; i++) {
		struct ibv_sge e = { .addr = i ? 8 : (uintptr_t)b, .length = (uint32_t)(1000 - 8 * i), .lkey = i ? k[i - 1]->lkey : mb->lkey };
		k[i] = make_key(4);
		set_list(p, k[i], ALL, &e, 1);
	}
	for (int i = 0; i < 4; i++) {
		EQUAL(remote(p, IBV_WR_RDMA_READ, ma, a, (size_t)(1000 - 8 * i), 0, k[i]->rkey), IBV_WC_SUCCESS);
		EQUAL(memcmp(a, b + 8 * i, (size_t)(1000 - 8 * i)), 0);
	}
	EQUAL(remote(p, IBV_WR_RDMA_READ, ma, a, 100, 0, k[4]->rkey), IBV_WC_REM_ACCESS_ERR);
	close_pair(p);
}

/* After a local invalidation the key is free; a new UMR brings it back. */
static void local_inv(void)
{
	uint8_t *a = pages(4096), *b = pages(4096);
	struct ibv_mr *ma = reg(a, 4096, ALL), *mb = reg(b, 4096, ALL);
	struct mlx5dv_mkey *k = make_key(4);
	struct ibv_sge e = sge_of(mb, b, 64);
	struct pair *p = make_pair((struct options){ .dv = true });
	for (int i = 0; i < 3; i++) {
		set_list(p, k, ALL, &e, 1);
		EQUAL(remote(p, IBV_WR_RDMA_READ, ma, a, 64, 0, k->rkey), IBV_WC_SUCCESS);
		begin(p, 0);
		ibv_wr_local_inv(p->ex, k->rkey);
		EQUAL(done(p), IBV_WC_SUCCESS);
	}
	EQUAL(remote(p, IBV_WR_RDMA_READ, ma, a, 64, 0, k->rkey), IBV_WC_REM_ACCESS_ERR);
	close_pair(p);
	p = make_pair((struct options){ .dv = true });
	set_list(p, k, ALL, &e, 1);
	EQUAL(remote(p, IBV_WR_RDMA_READ, ma, a, 64, 0, k->rkey), IBV_WC_SUCCESS);
	close_pair(p);
}

/* A SEND that invalidates: the receiver's key is free, the completion says which. */
static void send_inv(void)
{
	uint8_t *a = pages(4096), *b = pages(4096);
	struct ibv_mr *ma = reg(a, 4096, ALL), *mb = reg(b, 4096, ALL);
	struct mlx5dv_mkey_init_attr at = { .pd = pd, .create_flags = MLX5DV_MKEY_INIT_ATTR_FLAGS_INDIRECT | MLX5DV_MKEY_INIT_ATTR_FLAGS_REMOTE_INVALIDATE,
					    .max_entries = 4 };
	struct mlx5dv_mkey *k = mlx5dv_create_mkey(&at), *deaf = make_key(4);
	struct ibv_sge e = sge_of(mb, b, 64), to = sge_of(mb, b + 1000, 64);
	CHECK(k);
	struct pair *p = make_pair((struct options){ .dv = true });
	set_list(p, k, ALL, &e, 1);
	set_list(p, deaf, ALL, &e, 1);
	EQUAL(remote(p, IBV_WR_RDMA_READ, ma, a, 64, 0, k->rkey), IBV_WC_SUCCESS);
	EQUAL(post_recv(p->qp[1], &to, 1), 0);
	begin(p, 0);
	ibv_wr_send_inv(p->ex, k->rkey);
	ibv_wr_set_sge(p->ex, ma->lkey, (uintptr_t)a, 64);
	EQUAL(done(p), IBV_WC_SUCCESS);
	struct ibv_wc wc = poll_one(p->cq[1]);
	CHECK(wc.wc_flags & IBV_WC_WITH_INV);
	EQUAL(wc.invalidated_rkey, k->rkey);
	EQUAL(wc.byte_len, 64);
	EQUAL(remote(p, IBV_WR_RDMA_READ, ma, a, 64, 0, k->rkey), IBV_WC_REM_ACCESS_ERR);
	close_pair(p);
	/* A key that does not allow it. */
	p = make_pair((struct options){ .dv = true });
	EQUAL(post_recv(p->qp[1], &to, 1), 0);
	begin(p, 0);
	ibv_wr_send_inv(p->ex, deaf->rkey);
	ibv_wr_set_sge(p->ex, ma->lkey, (uintptr_t)a, 64);
	EQUAL(done(p), IBV_WC_REM_ACCESS_ERR);
	close_pair(p);
}

/* By the newer interface: access, layout and both kinds. */
static void configure(void)
{
	struct pair *p = make_pair((struct options){ .dv = true });
	uint8_t *a = pages(4096), *b = pages(4096);
	struct ibv_mr *ma = reg(a, 4096, ALL), *mb = reg(b, 4096, ALL);
	struct mlx5dv_mkey *k = make_key(8);
	struct ibv_sge e[3] = { sge_of(mb, b + 9, 20), sge_of(mb, b + 500, 21), sge_of(mb, b + 100, 22) };
	struct mlx5dv_mkey_conf_attr conf = { 0 };
	fill(b, 4096, 2);
	begin(p, IBV_SEND_INLINE);
	mlx5dv_wr_mkey_configure(p->dv, k, 2, &conf);
	mlx5dv_wr_set_mkey_access_flags(p->dv, ALL);
	mlx5dv_wr_set_mkey_layout_list(p->dv, 3, e);
	EQUAL(done(p), IBV_WC_SUCCESS);
	EQUAL(remote(p, IBV_WR_RDMA_READ, ma, a, 63, 0, k->rkey), IBV_WC_SUCCESS);
	CHECK(!memcmp(a, b + 9, 20) && !memcmp(a + 20, b + 500, 21) && !memcmp(a + 41, b + 100, 22));
	/* Access alone: the layout stays. */
	begin(p, IBV_SEND_INLINE);
	mlx5dv_wr_mkey_configure(p->dv, k, 1, &conf);
	mlx5dv_wr_set_mkey_access_flags(p->dv, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ);
	EQUAL(done(p), IBV_WC_SUCCESS);
	EQUAL(remote(p, IBV_WR_RDMA_READ, ma, a, 63, 0, k->rkey), IBV_WC_SUCCESS);
	EQUAL(remote(p, IBV_WR_RDMA_WRITE, ma, a, 63, 0, k->rkey), IBV_WC_REM_ACCESS_ERR);
	close_pair(p);
}

const struct test key_tests[] = { { "key/lists", lists }, { "key/windows_of_list", windows_of_list }, { "key/shorter_list", shorter_list },
				  { "key/interleaved", interleaved }, { "key/nested_rights", nested_rights }, { "key/nested_domains", nested_domains },
				  { "key/depth", depth }, { "key/local_inv", local_inv }, { "key/send_inv", send_inv }, { "key/configure", configure }, { 0 } };
