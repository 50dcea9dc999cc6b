/*
 * Calls every builder that the project models, once each, on the fake device
 * and prints the keys it was given and the window's address on a line, and a line of
 * hex for each WQEBB that it posted. The test in fakedev_test.go makes the same
 * calls on the model.
 */
#include "fakedev.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MKEY = 0x700, PSV = 0x30, QPN = 0xabcdef, PREFILL = 0xa5, WQEBB = 64, ALL = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ };

static struct ibv_context *ctx;
static struct ibv_pd *pd;
static struct ibv_cq *cq;

static void *must(void *p, const char *what)
{
	if (!p) {
		perror(what);
		exit(1);
	}
	return p;
}

static void check(int err, const char *what)
{
	if (err) {
		fprintf(stderr, "%s: %s\n", what, strerror(err));
		exit(1);
	}
}

static struct ibv_qp *make_qp(void)
{
	struct ibv_qp_init_attr_ex attr = {
		.send_cq = cq,
		.recv_cq = cq,
		.cap = { .max_send_wr = 64, .max_recv_wr = 1, .max_send_sge = 4, .max_recv_sge = 1, .max_inline_data = 764 },
		.qp_type = IBV_QPT_RC,
		.comp_mask = IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_SEND_OPS_FLAGS,
		.pd = pd,
		.send_ops_flags = IBV_QP_EX_WITH_LOCAL_INV | IBV_QP_EX_WITH_BIND_MW | IBV_QP_EX_WITH_RDMA_WRITE,
	};
	struct mlx5dv_qp_init_attr own = {
		.comp_mask = MLX5DV_QP_INIT_ATTR_MASK_SEND_OPS_FLAGS,
		.send_ops_flags = MLX5DV_QP_EX_WITH_MR_LIST | MLX5DV_QP_EX_WITH_MR_INTERLEAVED | MLX5DV_QP_EX_WITH_MKEY_CONFIGURE,
	};
	struct ibv_qp *qp = must(mlx5dv_create_qp(ctx, &attr, &own), "mlx5dv_create_qp");
	check(fakedev_ready(qp), "ibv_modify_qp");
	return qp;
}

static struct mlx5dv_mkey *make_mkey(uint32_t flags)
{
	struct mlx5dv_mkey_init_attr attr = { .pd = pd, .create_flags = MLX5DV_MKEY_INIT_ATTR_FLAGS_INDIRECT | flags, .max_entries = 12 };
	return must(mlx5dv_create_mkey(&attr), "mlx5dv_create_mkey");
}

static void configure(struct mlx5dv_qp_ex *mqp, struct mlx5dv_mkey *mkey, const struct ibv_sge *sge)
{
	const struct mlx5dv_sig_crc crc = { .type = MLX5DV_SIG_CRC_TYPE_CRC32C, .seed = 0xffffffff };
	const struct mlx5dv_sig_t10dif dif = { .bg_type = MLX5DV_SIG_T10DIF_CRC, .bg = 0xffff, .app_tag = 0x5678, .ref_tag = 0x9abcdef0, .flags = MLX5DV_SIG_T10DIF_FLAG_REF_REMAP };
	const struct mlx5dv_sig_block_domain mem = { .sig_type = MLX5DV_SIG_TYPE_CRC, .sig.crc = &crc, .block_size = MLX5DV_BLOCK_SIZE_4096 };
	const struct mlx5dv_sig_block_domain wire = { .sig_type = MLX5DV_SIG_TYPE_T10DIF, .sig.dif = &dif, .block_size = MLX5DV_BLOCK_SIZE_512 };
	const struct mlx5dv_sig_block_attr sig = { .mem = &mem, .wire = &wire, .check_mask = MLX5DV_SIG_MASK_T10DIF_GUARD };
	struct mlx5dv_mkey_conf_attr conf = { 0 };
	mlx5dv_wr_mkey_configure(mqp, mkey, 3, &conf);
	mlx5dv_wr_set_mkey_access_flags(mqp, ALL);
	mlx5dv_wr_set_mkey_layout_list(mqp, 2, sge);
	mlx5dv_wr_set_mkey_sig_block(mqp, &sig);
}

static void post(struct ibv_qp *qp)
{
	static char memory[8192];
	struct ibv_qp_ex *qpx = ibv_qp_to_qp_ex(qp);
	struct mlx5dv_qp_ex *mqp = mlx5dv_qp_ex_from_ibv_qp_ex(qpx);
	struct mlx5dv_mkey *plain = make_mkey(0), *sig = make_mkey(MLX5DV_MKEY_INIT_ATTR_FLAGS_BLOCK_SIGNATURE);
	struct ibv_mr *mr = must(ibv_reg_mr(pd, memory, sizeof(memory), ALL | IBV_ACCESS_MW_BIND), "ibv_reg_mr");
	struct ibv_mw *mw = must(ibv_alloc_mw(pd, IBV_MW_TYPE_2), "ibv_alloc_mw");
	const struct ibv_sge sge[2] = { { 0x1001, 0xfff, 0x4200 }, { 0x20000, 0x1001, 0x4300 } };
	struct mlx5dv_mr_interleaved blocks[2] = { { 0x3000, 8, 2, 0x4400 }, { 0x5000, 16, 0, 0x4500 } };
	const struct ibv_mw_bind_info bind = { .mr = mr, .addr = (uintptr_t)memory + 0x100, .length = 0x2000, .mw_access_flags = IBV_ACCESS_REMOTE_READ };

	ibv_wr_start(qpx);
	qpx->wr_flags = IBV_SEND_INLINE | IBV_SEND_SIGNALED;
	mlx5dv_wr_mr_list(mqp, plain, ALL, 2, (struct ibv_sge *)sge);
	mlx5dv_wr_mr_interleaved(mqp, plain, IBV_ACCESS_REMOTE_READ, 3, 2, blocks);
	configure(mqp, sig, sge);
	qpx->wr_flags = IBV_SEND_FENCE;
	ibv_wr_local_inv(qpx, plain->rkey);
	qpx->wr_flags = 0;
	ibv_wr_bind_mw(qpx, mw, mw->rkey + 1, &bind);
	ibv_wr_rdma_write(qpx, 0x99, 0x777000);
	ibv_wr_set_sge_list(qpx, 2, sge);
	check(ibv_wr_complete(qpx), "ibv_wr_complete");
	printf("%#x %#x %#x %#x %#llx\n", plain->lkey, sig->lkey, mr->lkey, mw->rkey, (unsigned long long)bind.addr);
	check(ibv_dealloc_mw(mw), "ibv_dealloc_mw");
	check(ibv_dereg_mr(mr), "ibv_dereg_mr");
	check(mlx5dv_destroy_mkey(sig), "mlx5dv_destroy_mkey");
	check(mlx5dv_destroy_mkey(plain), "mlx5dv_destroy_mkey");
}

int main(void)
{
	const char *why;
	ctx = fakedev_open(&why);
	if (!ctx) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	fakedev_next.mkey = MKEY;
	fakedev_next.psv = PSV;
	fakedev_next.qpn = QPN;
	pd = must(ibv_alloc_pd(ctx), "ibv_alloc_pd");
	cq = must(ibv_create_cq(ctx, 64, NULL, NULL, 0), "ibv_create_cq");
	struct ibv_qp *qp = make_qp();
	struct fakedev_queue q;
	check(fakedev_map(qp, cq, &q), "mlx5dv_init_obj");
	uint8_t *ring = q.qp.sq.buf;
	memset(ring, PREFILL, (size_t)q.qp.sq.wqe_cnt * WQEBB);
	post(qp);
	uint32_t n = be32toh(q.qp.dbrec[1]);
	for (uint32_t i = 0; i < n * WQEBB; i++)
		printf("%02x%s", ring[i], (i + 1) % WQEBB ? "" : "\n");
	check(ibv_destroy_qp(qp), "ibv_destroy_qp");
	check(ibv_destroy_cq(cq), "ibv_destroy_cq");
	check(ibv_dealloc_pd(pd), "ibv_dealloc_pd");
	check(ibv_close_device(ctx), "ibv_close_device");
	return 0;
}
