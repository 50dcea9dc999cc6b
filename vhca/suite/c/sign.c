#include "sign.h"

#include <poll.h>

const struct crc crcs[CRCS] = {
	{ MLX5DV_SIG_CRC_TYPE_CRC32, 0, MLX5DV_SIG_MASK_CRC32, MEMORY },
	{ MLX5DV_SIG_CRC_TYPE_CRC32, 0xffffffff, MLX5DV_SIG_MASK_CRC32, MEMORY },
	{ MLX5DV_SIG_CRC_TYPE_CRC32C, 0, MLX5DV_SIG_MASK_CRC32, MEMORY },
	{ MLX5DV_SIG_CRC_TYPE_CRC32C, 0xffffffff, MLX5DV_SIG_MASK_CRC32, MEMORY },
	{ MLX5DV_SIG_CRC_TYPE_CRC64_XP10, 0, MLX5DV_SIG_MASK_CRC64_XP10, MEMORY },
	{ MLX5DV_SIG_CRC_TYPE_CRC64_XP10, UINT64_MAX, MLX5DV_SIG_MASK_CRC64_XP10, MEMORY },
};

size_t tuple_size(struct crc c) { return c.type == MLX5DV_SIG_CRC_TYPE_CRC64_XP10 ? 8 : 4; }
size_t step_of(struct crc c) { return BLOCK + tuple_size(c); }

/*
 * Polynomials, lowest bit first: of IEEE 802.3, RFC 3720, and the 64-bit guard
 * of the NVM Command Set specification.
 */
uint64_t crc_of(struct crc c, const uint8_t *block)
{
	static const uint64_t polynomials[] = { [MLX5DV_SIG_CRC_TYPE_CRC32] = 0xedb88320, [MLX5DV_SIG_CRC_TYPE_CRC32C] = 0x82f63b78,
						[MLX5DV_SIG_CRC_TYPE_CRC64_XP10] = 0x9a6c9329ac4bc9b5 };
	uint64_t r = c.seed;
	for (int i = 0; i < BLOCK; i++) {
		r ^= block[i];
		for (int j = 0; j < 8; j++)
			r = r & 1 ? r >> 1 ^ polynomials[c.type] : r >> 1;
	}
	return tuple_size(c) == 8 ? ~r : ~r & UINT32_MAX;
}

uint64_t tuple_of(struct crc c, const uint8_t *block)
{
	uint64_t v = 0;
	for (size_t i = tuple_size(c); i-- > 0;)
		v = v << 8 | block[BLOCK + i];
	return v;
}

void put_tuple(struct crc c, uint8_t *block, uint64_t v)
{
	for (size_t i = 0; i < tuple_size(c); i++)
		block[BLOCK + i] = (uint8_t)(v >> 8 * i);
}

void signing_end(struct pair *p, int end, uint32_t flags)
{
	p->cq[end] = ibv_create_cq(ctx, 256, NULL, NULL, 0);
	CHECK(p->cq[end]);
	struct ibv_qp_init_attr_ex a = { .send_cq = p->cq[end], .recv_cq = p->cq[end], .qp_type = IBV_QPT_RC, .cap = { 64, 16, 4, 4, 512 }, .pd = pd,
					 .comp_mask = IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_SEND_OPS_FLAGS,
					 .send_ops_flags = IBV_QP_EX_WITH_RDMA_READ | IBV_QP_EX_WITH_RDMA_WRITE | IBV_QP_EX_WITH_LOCAL_INV };
	struct mlx5dv_qp_init_attr dv = { .comp_mask = MLX5DV_QP_INIT_ATTR_MASK_SEND_OPS_FLAGS | MLX5DV_QP_INIT_ATTR_MASK_QP_CREATE_FLAGS,
					  .create_flags = flags, .send_ops_flags = MLX5DV_QP_EX_WITH_MKEY_CONFIGURE };
	p->qp[end] = mlx5dv_create_qp(ctx, &a, &dv);
	CHECK(p->qp[end]);
	if (end)
		return;
	p->ex = ibv_qp_to_qp_ex(p->qp[0]);
	p->dv = mlx5dv_qp_ex_from_ibv_qp_ex(p->ex);
}

struct pair *signing_pair(uint32_t flags)
{
	struct pair *p = calloc(1, sizeof(*p));
	CHECK(p);
	for (int i = 0; i < 2; i++)
		signing_end(p, i, flags);
	for (int i = 0; i < 2; i++)
		to_state(p->qp[i], IBV_QPT_RC, p->qp[!i]->qp_num, ALL, 10, IBV_QPS_RTS);
	return p;
}

struct mlx5dv_mkey *signing_key(void)
{
	struct mlx5dv_mkey_init_attr at = { .pd = pd, .create_flags = MLX5DV_MKEY_INIT_ATTR_FLAGS_INDIRECT | MLX5DV_MKEY_INIT_ATTR_FLAGS_BLOCK_SIGNATURE,
					    .max_entries = 4 };
	struct mlx5dv_mkey *k = mlx5dv_create_mkey(&at);
	CHECK(k);
	return k;
}

void configure(struct pair *p, struct mlx5dv_mkey *k, struct ibv_sge *e, uint16_t n, struct crc c)
{
	struct mlx5dv_sig_crc crc = { .type = c.type, .seed = c.seed };
	struct mlx5dv_sig_block_domain d = { .sig_type = MLX5DV_SIG_TYPE_CRC, .block_size = MLX5DV_BLOCK_SIZE_512, .sig.crc = &crc };
	struct mlx5dv_sig_block_attr sig = { .wire = c.where != MEMORY ? &d : NULL, .mem = c.where != WIRE ? &d : NULL, .check_mask = c.check };
	struct mlx5dv_mkey_conf_attr conf = { 0 };
	ibv_wr_start(p->ex);
	p->ex->wr_id = 77;
	p->ex->wr_flags = IBV_SEND_SIGNALED | IBV_SEND_INLINE;
	mlx5dv_wr_mkey_configure(p->dv, k, 3, &conf);
	mlx5dv_wr_set_mkey_access_flags(p->dv, ALL);
	mlx5dv_wr_set_mkey_layout_list(p->dv, n, e);
	mlx5dv_wr_set_mkey_sig_block(p->dv, &sig);
	EQUAL(ibv_wr_complete(p->ex), 0);
	EQUAL(poll_one(p->cq[0]).status, IBV_WC_SUCCESS);
}

struct mlx5dv_mkey_err told(struct mlx5dv_mkey *k)
{
	struct mlx5dv_mkey_err err;
	EQUAL(mlx5dv_mkey_check(k, &err), 0);
	return err;
}

void drained(struct ibv_qp *qp)
{
	struct pollfd told_by = { .fd = ctx->async_fd, .events = POLLIN };
	struct ibv_async_event event;
	EQUAL(poll(&told_by, 1, 2000), 1);
	EQUAL(ibv_get_async_event(ctx, &event), 0);
	EQUAL(event.event_type, IBV_EVENT_SQ_DRAINED);
	CHECK(event.element.qp == qp);
	ibv_ack_async_event(&event);
}

enum ibv_qp_state state_of(struct ibv_qp *qp)
{
	struct ibv_qp_attr a;
	struct ibv_qp_init_attr init;
	EQUAL(ibv_query_qp(qp, &a, IBV_QP_STATE, &init), 0);
	return a.qp_state;
}
