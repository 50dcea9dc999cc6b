/*
 * Keys with signatures, as far as the adapter goes: it keeps what it is told
 * and checks nothing. Domains of the wire alone leave memory as it is.
 */
#include "suite.h"

static struct pair *signing_pair(void)
{
	struct pair *p = calloc(1, sizeof(*p));
	for (int i = 0; i < 2; i++) {
		p->cq[i] = ibv_create_cq(ctx, 256, NULL, NULL, 0);
		struct ibv_qp_init_attr_ex a = { .send_cq = p->cq[i], .recv_cq = p->cq[i], .qp_type = IBV_QPT_RC, .cap = { 64, 16, 4, 4, 512 }, .pd = pd,
						 .comp_mask = IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_SEND_OPS_FLAGS,
						 .send_ops_flags = IBV_QP_EX_WITH_RDMA_READ | IBV_QP_EX_WITH_RDMA_WRITE | IBV_QP_EX_WITH_LOCAL_INV };
		struct mlx5dv_qp_init_attr dv = { .comp_mask = MLX5DV_QP_INIT_ATTR_MASK_SEND_OPS_FLAGS | MLX5DV_QP_INIT_ATTR_MASK_QP_CREATE_FLAGS,
						  .create_flags = MLX5DV_QP_CREATE_SIG_PIPELINING, .send_ops_flags = MLX5DV_QP_EX_WITH_MKEY_CONFIGURE };
		p->qp[i] = mlx5dv_create_qp(ctx, &a, &dv);
		CHECK(p->qp[i]);
	}
	for (int i = 0; i < 2; i++)
		to_state(p->qp[i], IBV_QPT_RC, p->qp[!i]->qp_num, ALL, 10, IBV_QPS_RTS);
	p->ex = ibv_qp_to_qp_ex(p->qp[0]);
	p->dv = mlx5dv_qp_ex_from_ibv_qp_ex(p->ex);
	return p;
}

static void wire_domain(void)
{
	struct pair *p = signing_pair();
	uint8_t *a = pages(4096), *b = pages(4096);
	struct ibv_mr *ma = reg(a, 4096, ALL), *mb = reg(b, 4096, ALL);
	struct mlx5dv_mkey_init_attr at = { .pd = pd, .create_flags = MLX5DV_MKEY_INIT_ATTR_FLAGS_INDIRECT | MLX5DV_MKEY_INIT_ATTR_FLAGS_BLOCK_SIGNATURE,
					    .max_entries = 4 };
	struct mlx5dv_mkey *k = mlx5dv_create_mkey(&at);
	CHECK(k);
	struct mlx5dv_sig_crc crc = { .type = MLX5DV_SIG_CRC_TYPE_CRC32C, .seed = 0xffffffff };
	struct mlx5dv_sig_block_domain wire = { .sig_type = MLX5DV_SIG_TYPE_CRC, .block_size = MLX5DV_BLOCK_SIZE_512, .sig.crc = &crc };
	struct mlx5dv_sig_block_attr sig = { .wire = &wire, .check_mask = 0xf0 };
	struct mlx5dv_mkey_conf_attr conf = { 0 };
	struct mlx5dv_mkey_err err;
	struct ibv_sge e[2] = { sge_of(mb, b + 100, 300), sge_of(mb, b + 1000, 212) };
	for (int i = 0; i < 5; i++) {
		ibv_wr_start(p->ex);
		p->ex->wr_flags = IBV_SEND_SIGNALED | IBV_SEND_INLINE;
		mlx5dv_wr_mkey_configure(p->dv, k, 3, &conf);
		mlx5dv_wr_set_mkey_access_flags(p->dv, ALL);
		mlx5dv_wr_set_mkey_layout_list(p->dv, 2, e);
		mlx5dv_wr_set_mkey_sig_block(p->dv, &sig);
		EQUAL(ibv_wr_complete(p->ex), 0);
		EQUAL(poll_one(p->cq[0]).status, IBV_WC_SUCCESS);
		struct ibv_sge s = sge_of(ma, a, 512);
		fill(a, 512, (unsigned)i);
		EQUAL(rdma(p, IBV_WR_RDMA_WRITE, &s, 1, 0, k->rkey), IBV_WC_SUCCESS);
		CHECK(!memcmp(b + 100, a, 300) && !memcmp(b + 1000, a + 300, 212));
		EQUAL(mlx5dv_mkey_check(k, &err), 0);
		EQUAL(err.err_type, MLX5DV_MKEY_NO_ERR);
	}
	EQUAL(mlx5dv_destroy_mkey(k), 0);
	for (int i = 0; i < 2; i++)
		EQUAL(ibv_destroy_qp(p->qp[i]), 0);
}

const struct test signature_tests[] = { { "signature/wire_domain", wire_domain }, { 0 } };
