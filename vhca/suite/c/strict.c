/*
 * Raw work requests, as careless programs write them. An adapter takes them;
 * a strict one (sgfuzz vhca --strict) stops the program.
 */
#include "suite.h"

#include <endian.h>

static struct pair raw_pair(void)
{
	struct pair p = { .cq = { ibv_create_cq(ctx, 64, NULL, NULL, 0) } };
	struct ibv_qp_init_attr_ex a = { .send_cq = p.cq[0], .recv_cq = p.cq[0], .qp_type = IBV_QPT_RC, .cap = { 64, 16, 4, 4, 512 }, .pd = pd,
					 .comp_mask = IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_SEND_OPS_FLAGS, .send_ops_flags = IBV_QP_EX_WITH_RDMA_READ };
	struct mlx5dv_qp_init_attr dv = { .comp_mask = MLX5DV_QP_INIT_ATTR_MASK_SEND_OPS_FLAGS, .send_ops_flags = MLX5DV_QP_EX_WITH_RAW_WQE };
	p.qp[0] = mlx5dv_create_qp(ctx, &a, &dv);
	CHECK(p.qp[0]);
	p.ex = ibv_qp_to_qp_ex(p.qp[0]);
	p.dv = mlx5dv_qp_ex_from_ibv_qp_ex(p.ex);
	to_state(p.qp[0], IBV_QPT_RC, p.qp[0]->qp_num, ALL, 10, IBV_QPS_RTS); /* to itself */
	return p;
}

static void post_raw(struct pair *p, const void *wqe)
{
	ibv_wr_start(p->ex);
	p->ex->wr_id = 1;
	p->ex->wr_flags = IBV_SEND_SIGNALED;
	mlx5dv_wr_raw_wqe(p->dv, wqe);
	EQUAL(ibv_wr_complete(p->ex), 0);
	EQUAL(poll_one(p->cq[0]).status, IBV_WC_SUCCESS);
}

static void put32(uint8_t *p, uint32_t v)
{
	v = htobe32(v);
	memcpy(p, &v, 4);
}

static void put64(uint8_t *p, uint64_t v)
{
	v = htobe64(v);
	memcpy(p, &v, 8);
}

/* umr writes a UMR that gives key one entry. */
static void umr(uint8_t *w, uint32_t qpn, uint32_t key, struct ibv_mr *mr, uint32_t n)
{
	memset(w, 0, 192);
	put32(w, MLX5_OPCODE_UMR);
	put32(w + 4, qpn << 8 | 12);
	w[11] = 8; /* a completion */
	put32(w + 12, key);
	w[16] = 0x80; /* inline */
	put32(w + 20, 4 << 16);
	put64(w + 24, 1 | 1 << 13 | 0xf << 18 | 1 << 29); /* len, key, rights, free */
	w[66] = 0x78;
	put32(w + 68, 0xffffff00 | (key & 0xff));
	put64(w + 88, n);
	put32(w + 128, n);
	put32(w + 132, mr->lkey);
	put64(w + 136, (uintptr_t)mr->addr);
}

static void read_into(uint8_t *w, uint32_t qpn, uint32_t rkey, uint64_t raddr, uint32_t lkey, uint64_t va, uint32_t n, uint8_t fence)
{
	memset(w, 0, 64);
	put32(w, MLX5_OPCODE_RDMA_READ);
	put32(w + 4, qpn << 8 | 3);
	w[11] = 8 | fence;
	put64(w + 16, raddr);
	put32(w + 24, rkey);
	put32(w + 32, n);
	put32(w + 36, lkey);
	put64(w + 40, va);
}

static void through_key(uint8_t fence, int sloppy)
{
	uint8_t w[192], *a = pages(4096), *b = pages(4096);
	struct ibv_mr *ma = reg(a, 4096, ALL), *mb = reg(b, 4096, ALL);
	struct mlx5dv_mkey_init_attr at = { .pd = pd, .create_flags = MLX5DV_MKEY_INIT_ATTR_FLAGS_INDIRECT, .max_entries = 4 };
	struct mlx5dv_mkey *k = mlx5dv_create_mkey(&at);
	struct pair p = raw_pair();
	fill(b, 4096, 1);
	umr(w, p.qp[0]->qp_num, k->lkey, ma, 100);
	if (sloppy)
		w[16 + 40] = 0x5a; /* reserved bytes of the UMR control segment */
	post_raw(&p, w);
	read_into(w, p.qp[0]->qp_num, mb->rkey, (uintptr_t)b, k->lkey, 0, 100, fence);
	post_raw(&p, w);
	CHECK(holds(a, 100, 1));
	EQUAL(ibv_destroy_qp(p.qp[0]), 0);
	EQUAL(ibv_destroy_cq(p.cq[0]), 0);
}

static void fenced(void) { through_key(0x20, 0); }
static void unfenced(void) { through_key(0, 0); }
static void reserved(void) { through_key(0x20, 1); }

const struct test strict_tests[] = { { "strict/fenced", fenced }, { "strict/no_fence", unfenced }, { "strict/reserved_bits", reserved }, { 0 } };

/*
 * What follows goes well as long as everything is executed in order. The
 * careless ones rely on that: sgfuzz vhca --faults reorder=1 shows it.
 */

/* A key is given another list, and used by the next work request, posted with it. */
static void after_umr(uint8_t fence)
{
	uint8_t change[192], use[64], *a = pages(4096), *b = pages(4096);
	struct ibv_mr *ma = reg(a, 4096, ALL), *mb = reg(b, 4096, ALL);
	struct mlx5dv_mkey_init_attr at = { .pd = pd, .create_flags = MLX5DV_MKEY_INIT_ATTR_FLAGS_INDIRECT, .max_entries = 4 };
	struct mlx5dv_mkey *k = mlx5dv_create_mkey(&at);
	struct pair p = raw_pair();
	fill(b, 4096, 1);
	umr(change, p.qp[0]->qp_num, k->lkey, ma, 100);
	post_raw(&p, change); /* in use, for the first 100 bytes of a */
	put64(change + 136, (uintptr_t)a + 2000);
	read_into(use, p.qp[0]->qp_num, mb->rkey, (uintptr_t)b, k->lkey, 0, 100, fence);
	ibv_wr_start(p.ex);
	p.ex->wr_flags = IBV_SEND_SIGNALED;
	p.ex->wr_id = 1;
	mlx5dv_wr_raw_wqe(p.dv, change);
	p.ex->wr_id = 2;
	mlx5dv_wr_raw_wqe(p.dv, use);
	EQUAL(ibv_wr_complete(p.ex), 0);
	for (unsigned id = 1; id <= 2; id++) { /* completions stay in order */
		struct ibv_wc wc = poll_one(p.cq[0]);
		EQUAL(wc.wr_id, id);
		EQUAL(wc.status, IBV_WC_SUCCESS);
	}
	CHECK(holds(a + 2000, 100, 1));
	CHECK(a[0] == 0);
	EQUAL(ibv_destroy_qp(p.qp[0]), 0);
	EQUAL(ibv_destroy_cq(p.cq[0]), 0);
}

/* What a READ or an atomic brings is sent on by the next work request. */
static void after_read(int flags, bool atomic)
{
	uint8_t *a = pages(4096), *b = pages(4096);
	struct ibv_mr *ma = reg(a, 4096, ALL), *mb = reg(b, 4096, ALL);
	struct pair *p = make_pair((struct options){ 0 });
	struct ibv_sge sge = sge_of(ma, a, atomic ? 8 : 1000);
	struct ibv_send_wr *bad, write = { .wr_id = 2, .sg_list = &sge, .num_sge = 1, .opcode = IBV_WR_RDMA_WRITE,
					   .send_flags = IBV_SEND_SIGNALED | flags, .wr.rdma = { (uintptr_t)b + 2000, mb->rkey } };
	struct ibv_send_wr get = { .wr_id = 1, .next = &write, .sg_list = &sge, .num_sge = 1, .opcode = IBV_WR_RDMA_READ, .wr.rdma = { (uintptr_t)b, mb->rkey } };
	if (atomic) {
		get.opcode = IBV_WR_ATOMIC_FETCH_AND_ADD;
		get.wr.atomic.remote_addr = (uintptr_t)b;
		get.wr.atomic.compare_add = 0;
		get.wr.atomic.rkey = mb->rkey;
	}
	fill(b, 1000, 1);
	EQUAL(ibv_post_send(p->qp[0], &get, &bad), 0);
	struct ibv_wc wc = poll_one(p->cq[0]);
	EQUAL(wc.wr_id, 2);
	EQUAL(wc.status, IBV_WC_SUCCESS);
	CHECK(holds(a, sge.length, 1)); /* it has landed when what follows is complete */
	CHECK(holds(b + 2000, sge.length, 1));
	close_pair(p);
}

static void umr_careful(void) { after_umr(0x20); }
static void umr_careless(void) { after_umr(0); }
static void read_careful(void) { after_read(IBV_SEND_FENCE, false); }
static void read_careless(void) { after_read(0, false); }
static void atomic_careful(void) { after_read(IBV_SEND_FENCE, true); }
static void atomic_careless(void) { after_read(0, true); }

const struct test order_tests[] = { { "order/umr_careful", umr_careful }, { "order/umr_careless", umr_careless },
				    { "order/read_careful", read_careful }, { "order/read_careless", read_careless },
				    { "order/atomic_careful", atomic_careful }, { "order/atomic_careless", atomic_careless }, { 0 } };
