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
