/*
 * Keys with signatures: CRCs of blocks in memory are compared and made, an error
 * is told and can stop the send queue. Domains of the wire alone leave memory as
 * it is.
 */
#include "suite.h"

#include <poll.h>

enum { BLOCK = 512, TUPLE = 4, STEP = BLOCK + TUPLE };

static struct pair *signing_pair(uint32_t flags)
{
	struct pair *p = calloc(1, sizeof(*p));
	for (int i = 0; i < 2; i++) {
		p->cq[i] = ibv_create_cq(ctx, 256, NULL, NULL, 0);
		struct ibv_qp_init_attr_ex a = { .send_cq = p->cq[i], .recv_cq = p->cq[i], .qp_type = IBV_QPT_RC, .cap = { 64, 16, 4, 4, 512 }, .pd = pd,
						 .comp_mask = IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_SEND_OPS_FLAGS,
						 .send_ops_flags = IBV_QP_EX_WITH_RDMA_READ | IBV_QP_EX_WITH_RDMA_WRITE | IBV_QP_EX_WITH_LOCAL_INV };
		struct mlx5dv_qp_init_attr dv = { .comp_mask = MLX5DV_QP_INIT_ATTR_MASK_SEND_OPS_FLAGS | MLX5DV_QP_INIT_ATTR_MASK_QP_CREATE_FLAGS,
						  .create_flags = flags, .send_ops_flags = MLX5DV_QP_EX_WITH_MKEY_CONFIGURE };
		p->qp[i] = mlx5dv_create_qp(ctx, &a, &dv);
		CHECK(p->qp[i]);
	}
	for (int i = 0; i < 2; i++)
		to_state(p->qp[i], IBV_QPT_RC, p->qp[!i]->qp_num, ALL, 10, IBV_QPS_RTS);
	p->ex = ibv_qp_to_qp_ex(p->qp[0]);
	p->dv = mlx5dv_qp_ex_from_ibv_qp_ex(p->ex);
	return p;
}

static struct mlx5dv_mkey *signing_key(void)
{
	struct mlx5dv_mkey_init_attr at = { .pd = pd, .create_flags = MLX5DV_MKEY_INIT_ATTR_FLAGS_INDIRECT | MLX5DV_MKEY_INIT_ATTR_FLAGS_BLOCK_SIGNATURE,
					    .max_entries = 4 };
	struct mlx5dv_mkey *k = mlx5dv_create_mkey(&at);
	CHECK(k);
	return k;
}

/* What a key's domain is: of memory or of the wire alone. */
struct crc {
	enum mlx5dv_sig_crc_type type;
	uint32_t seed;
	uint8_t check;
	bool wire;
};

static void configure(struct pair *p, struct mlx5dv_mkey *k, struct ibv_sge *e, uint16_t n, struct crc c)
{
	struct mlx5dv_sig_crc crc = { .type = c.type, .seed = c.seed };
	struct mlx5dv_sig_block_domain d = { .sig_type = MLX5DV_SIG_TYPE_CRC, .block_size = MLX5DV_BLOCK_SIZE_512, .sig.crc = &crc };
	struct mlx5dv_sig_block_attr sig = { .wire = c.wire ? &d : NULL, .mem = c.wire ? NULL : &d, .check_mask = c.check };
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

/* crc_of works bit by bit: polynomials of IEEE 802.3 and RFC 3720, reflected. */
static uint32_t crc_of(struct crc c, const uint8_t *b)
{
	uint32_t poly = c.type == MLX5DV_SIG_CRC_TYPE_CRC32 ? 0xedb88320 : 0x82f63b78, r = c.seed;
	for (int i = 0; i < BLOCK; i++) {
		r ^= b[i];
		for (int j = 0; j < 8; j++)
			r = r & 1 ? r >> 1 ^ poly : r >> 1;
	}
	return ~r;
}

static uint32_t tuple_of(const uint8_t *block)
{
	const uint8_t *t = block + BLOCK;
	return t[0] | t[1] << 8 | t[2] << 16 | (uint32_t)t[3] << 24;
}

static void put_tuple(uint8_t *block, uint32_t v)
{
	for (int i = 0; i < TUPLE; i++)
		block[BLOCK + i] = (uint8_t)(v >> 8 * i);
}

static struct mlx5dv_mkey_err told(struct mlx5dv_mkey *k)
{
	struct mlx5dv_mkey_err err;
	EQUAL(mlx5dv_mkey_check(k, &err), 0);
	return err;
}

static void wire_domain(void)
{
	struct pair *p = signing_pair(MLX5DV_QP_CREATE_SIG_PIPELINING);
	uint8_t *a = pages(4096), *b = pages(4096);
	struct ibv_mr *ma = reg(a, 4096, ALL), *mb = reg(b, 4096, ALL);
	struct mlx5dv_mkey *k = signing_key();
	struct ibv_sge e[2] = { sge_of(mb, b + 100, 300), sge_of(mb, b + 1000, 212) };
	for (int i = 0; i < 5; i++) {
		configure(p, k, e, 2, (struct crc){ MLX5DV_SIG_CRC_TYPE_CRC32C, 0xffffffff, MLX5DV_SIG_MASK_CRC32, true });
		struct ibv_sge s = sge_of(ma, a, 512);
		fill(a, 512, (unsigned)i);
		EQUAL(rdma(p, IBV_WR_RDMA_WRITE, &s, 1, 0, k->rkey), IBV_WC_SUCCESS);
		CHECK(!memcmp(b + 100, a, 300) && !memcmp(b + 1000, a + 300, 212));
		EQUAL(told(k).err_type, MLX5DV_MKEY_NO_ERR);
	}
	EQUAL(mlx5dv_destroy_mkey(k), 0);
	for (int i = 0; i < 2; i++)
		EQUAL(ibv_destroy_qp(p->qp[i]), 0);
}

/* A key over four blocks with tuples, in two pieces, at a; and a target b. */
struct blocks {
	struct pair *p;
	struct mlx5dv_mkey *k;
	uint8_t *a, *b;
	struct ibv_mr *ma, *mb;
	struct ibv_sge e[2];
	struct crc c;
};

static struct blocks make_blocks(struct crc c, uint32_t flags)
{
	struct blocks x = { .p = signing_pair(flags), .k = signing_key(), .a = pages(4096), .b = pages(4096), .c = c };
	x.ma = reg(x.a, 4096, ALL);
	x.mb = reg(x.b, 4096, ALL);
	fill(x.a, 4 * STEP, c.seed);
	for (int i = 0; i < 4; i++)
		put_tuple(x.a + i * STEP, crc_of(c, x.a + i * STEP));
	x.e[0] = sge_of(x.ma, x.a, STEP + BLOCK + 1); /* a tuple is cut in two */
	x.e[1] = sge_of(x.ma, x.a + STEP + BLOCK + 1, 4 * STEP - (STEP + BLOCK + 1));
	configure(x.p, x.k, x.e, 2, c);
	return x;
}

/* write_from moves blocks first to last - 1 through the key, and checks the bytes. */
static void write_from(struct blocks *x, int first, int last)
{
	struct ibv_sge s = { (uint64_t)first * BLOCK, (uint32_t)((last - first) * BLOCK), x->k->lkey };
	memset(x->b, 0xee, 4096);
	EQUAL(rdma(x->p, IBV_WR_RDMA_WRITE, &s, 1, (uintptr_t)x->b, x->mb->rkey), IBV_WC_SUCCESS);
	for (int i = first; i < last; i++)
		CHECK(!memcmp(x->b + (i - first) * BLOCK, x->a + i * STEP, BLOCK));
	EQUAL(x->b[(last - first) * BLOCK], 0xee);
}

static const struct crc crcs[] = {
	{ MLX5DV_SIG_CRC_TYPE_CRC32, 0, MLX5DV_SIG_MASK_CRC32, false },
	{ MLX5DV_SIG_CRC_TYPE_CRC32, 0xffffffff, MLX5DV_SIG_MASK_CRC32, false },
	{ MLX5DV_SIG_CRC_TYPE_CRC32C, 0, MLX5DV_SIG_MASK_CRC32, false },
	{ MLX5DV_SIG_CRC_TYPE_CRC32C, 0xffffffff, MLX5DV_SIG_MASK_CRC32, false },
};

/* What leaves memory is checked: each bit counts, an error is told once. */
static void checked(void)
{
	for (size_t i = 0; i < sizeof(crcs) / sizeof(*crcs); i++) {
		struct blocks x = make_blocks(crcs[i], 0);
		write_from(&x, 0, 4);
		EQUAL(told(x.k).err_type, MLX5DV_MKEY_NO_ERR);
		static const int bad[] = { 0, 2 * STEP + 7, 3 * STEP + BLOCK, STEP + BLOCK + 3 };
		for (int j = 0; j < 4; j++) {
			uint8_t *block = x.a + bad[j] / STEP * STEP;
			x.a[bad[j]] ^= 0x10;
			write_from(&x, 0, 4);
			struct mlx5dv_mkey_err err = told(x.k);
			EQUAL(err.err_type, MLX5DV_MKEY_SIG_BLOCK_BAD_GUARD);
			EQUAL(err.err.sig.offset, block - x.a);
			EQUAL(err.err.sig.actual_value, tuple_of(block));
			EQUAL(err.err.sig.expected_value, crc_of(x.c, block));
			write_from(&x, 0, 4); /* told once */
			EQUAL(told(x.k).err_type, MLX5DV_MKEY_NO_ERR);
			x.a[bad[j]] ^= 0x10;
			configure(x.p, x.k, x.e, 2, x.c);
		}
		x.a[1] ^= 1;
		write_from(&x, 1, 4); /* the bad block is not asked for */
		EQUAL(told(x.k).err_type, MLX5DV_MKEY_NO_ERR);
		x.c.check = 0;
		configure(x.p, x.k, x.e, 2, x.c);
		write_from(&x, 0, 4); /* nothing is to be compared */
		EQUAL(told(x.k).err_type, MLX5DV_MKEY_NO_ERR);
	}
}

/* A peer that reads through the key has the owner told; the read succeeds. */
static void checked_for_peer(void)
{
	struct blocks x = make_blocks(crcs[1], 0);
	struct ibv_sge s = sge_of(x.mb, x.b, 2 * BLOCK);
	x.a[STEP] ^= 1;
	EQUAL(rdma(x.p, IBV_WR_RDMA_READ, &s, 1, BLOCK, x.k->rkey), IBV_WC_SUCCESS);
	CHECK(!memcmp(x.b, x.a + STEP, BLOCK) && !memcmp(x.b + BLOCK, x.a + 2 * STEP, BLOCK));
	quiet(x.p->cq[1], 2); /* the error is there, and no completion */
	struct mlx5dv_mkey_err err = told(x.k);
	EQUAL(err.err_type, MLX5DV_MKEY_SIG_BLOCK_BAD_GUARD);
	EQUAL(err.err.sig.offset, STEP);
}

/* What enters memory gets its tuples, from a peer, a READ, or a receive. */
static void made(void)
{
	for (size_t i = 0; i < sizeof(crcs) / sizeof(*crcs); i++)
		for (int how = 0; how < 3; how++) {
			struct blocks x = make_blocks(crcs[i], 0);
			struct ibv_sge out = sge_of(x.mb, x.b, 2 * BLOCK), in = { BLOCK, 2 * BLOCK, x.k->lkey };
			fill(x.b, BLOCK, 5 + (unsigned)i);
			memset(x.b + BLOCK, 0, BLOCK);
			memset(x.a, 0x55, 4 * STEP);
			if (how == 0)
				EQUAL(rdma(x.p, IBV_WR_RDMA_WRITE, &out, 1, BLOCK, x.k->rkey), IBV_WC_SUCCESS);
			if (how == 1)
				EQUAL(rdma(x.p, IBV_WR_RDMA_READ, &in, 1, (uintptr_t)x.b, x.mb->rkey), IBV_WC_SUCCESS);
			if (how == 2) {
				EQUAL(post_recv(x.p->qp[1], &in, 1), 0);
				EQUAL(post_send(x.p->qp[0], IBV_WR_SEND, &out, 1, 0, 0), 0);
				EQUAL(poll_one(x.p->cq[0]).status, IBV_WC_SUCCESS);
				EQUAL(poll_one(x.p->cq[1]).byte_len, 2 * BLOCK);
			}
			for (int j = 1; j < 3; j++) {
				CHECK(!memcmp(x.a + j * STEP, x.b + (j - 1) * BLOCK, BLOCK));
				EQUAL(tuple_of(x.a + j * STEP), crc_of(x.c, x.a + j * STEP));
				CHECK(tuple_of(x.a + j * STEP) != 0);
			}
			for (int j = 0; j < STEP; j++)
				CHECK(x.a[j] == 0x55 && x.a[3 * STEP + j] == 0x55);
			write_from(&x, 1, 3);
			EQUAL(told(x.k).err_type, MLX5DV_MKEY_NO_ERR);
		}
}

/* A region without room for the last tuple does not hold the block. */
static void no_room(void)
{
	struct blocks x = make_blocks(crcs[0], 0);
	x.e[1].length -= TUPLE;
	configure(x.p, x.k, x.e, 2, x.c);
	write_from(&x, 0, 3);
	struct ibv_sge s = { 3 * BLOCK, BLOCK, x.k->lkey };
	CHECK(rdma(x.p, IBV_WR_RDMA_WRITE, &s, 1, (uintptr_t)x.b, x.mb->rkey) != IBV_WC_SUCCESS);
}

/* A transfer and the answer that says it was good, posted together. */
static void post_pipeline(struct blocks *x, bool good)
{
	struct ibv_sge data = { 0, 2 * BLOCK, x->k->lkey }, answer = sge_of(x->ma, x->a, 16), in = sge_of(x->mb, x->b + 2048, 16);
	struct ibv_send_wr *stopped, send[2] = {
		{ .wr_id = 1, .opcode = IBV_WR_RDMA_WRITE, .sg_list = &data, .num_sge = 1, .wr.rdma = { (uintptr_t)x->b, x->mb->rkey } },
		{ .wr_id = good ? 2 : 3, .opcode = IBV_WR_SEND, .sg_list = &answer, .num_sge = 1, .send_flags = IBV_SEND_SIGNALED | IBV_SEND_FENCE },
	};
	send[0].next = &send[1];
	EQUAL(post_recv(x->p->qp[1], &in, 1), 0);
	EQUAL(ibv_post_send(x->p->qp[0], send, &stopped), 0);
}

static void pipelining_good(void)
{
	struct blocks x = make_blocks(crcs[1], MLX5DV_QP_CREATE_SIG_PIPELINING);
	for (int i = 0; i < 50; i++) {
		post_pipeline(&x, true);
		EQUAL(poll_one(x.p->cq[0]).wr_id, 2);
		EQUAL(poll_one(x.p->cq[1]).byte_len, 16);
		EQUAL(told(x.k).err_type, MLX5DV_MKEY_NO_ERR);
	}
}

static enum ibv_qp_state state_of(struct ibv_qp *qp)
{
	struct ibv_qp_attr a;
	struct ibv_qp_init_attr init;
	EQUAL(ibv_query_qp(qp, &a, IBV_QP_STATE, &init), 0);
	return a.qp_state;
}

/* The queue stops behind the bad transfer; what waits is cancelled, or goes on. */
static void pipelining_bad(void)
{
	struct blocks x = make_blocks(crcs[0], MLX5DV_QP_CREATE_SIG_PIPELINING);
	for (int i = 0; i < 20; i++) {
		bool cancel = i % 2;
		x.a[STEP + i] ^= 4;
		post_pipeline(&x, false);
		struct pollfd told_by = { .fd = ctx->async_fd, .events = POLLIN };
		struct ibv_async_event event;
		EQUAL(poll(&told_by, 1, 2000), 1);
		EQUAL(ibv_get_async_event(ctx, &event), 0);
		EQUAL(event.event_type, IBV_EVENT_SQ_DRAINED);
		CHECK(event.element.qp == x.p->qp[0]);
		ibv_ack_async_event(&event);
		quiet(x.p->cq[0], 2);
		quiet(x.p->cq[1], 1);
		EQUAL(state_of(x.p->qp[0]), IBV_QPS_SQD);
		CHECK(!memcmp(x.b, x.a, BLOCK) && !memcmp(x.b + BLOCK, x.a + STEP, BLOCK)); /* it was executed */
		EQUAL(told(x.k).err_type, MLX5DV_MKEY_SIG_BLOCK_BAD_GUARD);
		EQUAL(mlx5dv_qp_cancel_posted_send_wrs(x.p->dv, 1), 0); /* too late for the transfer */
		if (cancel)
			EQUAL(mlx5dv_qp_cancel_posted_send_wrs(x.p->dv, 3), 1);
		struct ibv_qp_attr on = { .qp_state = IBV_QPS_RTS, .cur_qp_state = IBV_QPS_SQD };
		EQUAL(ibv_modify_qp(x.p->qp[0], &on, IBV_QP_STATE | IBV_QP_CUR_STATE), 0);
		struct ibv_wc wc = poll_one(x.p->cq[0]);
		EQUAL(wc.wr_id, 3);
		EQUAL(wc.status, IBV_WC_SUCCESS); /* cancelled ones too */
		if (cancel) {
			quiet(x.p->cq[1], 2);
			struct ibv_sge answer = sge_of(x.ma, x.a, 16);
			EQUAL(post_send(x.p->qp[0], IBV_WR_SEND, &answer, 1, 0, 0), 0);
			EQUAL(poll_one(x.p->cq[0]).status, IBV_WC_SUCCESS);
		}
		EQUAL(poll_one(x.p->cq[1]).byte_len, 16);
		x.a[STEP + i] ^= 4;
		configure(x.p, x.k, x.e, 2, x.c);
	}
	for (int i = 0; i < 2; i++)
		EQUAL(ibv_destroy_qp(x.p->qp[i]), 0);
}

const struct test signature_tests[] = {
	{ "signature/wire_domain", wire_domain },         { "signature/checked", checked },
	{ "signature/checked_for_peer", checked_for_peer }, { "signature/made", made },
	{ "signature/no_room", no_room },                 { "signature/pipelining_good", pipelining_good },
	{ "signature/pipelining_bad", pipelining_bad },   { 0 },
};
