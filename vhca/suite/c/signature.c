/*
 * Keys with signatures: CRCs of blocks in memory are compared and made, an error
 * is told and can stop the send queue. Domains of the wire alone leave memory as
 * it is.
 */
#include "sign.h"

static void wire_domain(void)
{
	struct pair *p = signing_pair(MLX5DV_QP_CREATE_SIG_PIPELINING);
	uint8_t *a = pages(4096), *b = pages(4096);
	struct ibv_mr *ma = reg(a, 4096, ALL), *mb = reg(b, 4096, ALL);
	struct mlx5dv_mkey *k = signing_key();
	struct ibv_sge e[2] = { sge_of(mb, b + 100, 300), sge_of(mb, b + 1000, 212) };
	for (int i = 0; i < 5; i++) {
		configure(p, k, e, 2, (struct crc){ MLX5DV_SIG_CRC_TYPE_CRC32C, 0xffffffff, MLX5DV_SIG_MASK_CRC32, WIRE });
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
	int step;
};

static struct blocks make_blocks(struct crc c, uint32_t flags)
{
	struct blocks x = { .p = signing_pair(flags), .k = signing_key(), .a = pages(4096), .b = pages(4096), .c = c, .step = (int)step_of(c) };
	int cut = x.step + BLOCK + 1; /* a tuple is cut in two */
	x.ma = reg(x.a, 4096, ALL);
	x.mb = reg(x.b, 4096, ALL);
	fill(x.a, (size_t)(4 * x.step), (unsigned)c.seed);
	for (int i = 0; i < 4; i++)
		put_tuple(c, x.a + i * x.step, crc_of(c, x.a + i * x.step));
	x.e[0] = sge_of(x.ma, x.a, (size_t)cut);
	x.e[1] = sge_of(x.ma, x.a + cut, (size_t)(4 * x.step - cut));
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
		CHECK(!memcmp(x->b + (i - first) * BLOCK, x->a + i * x->step, BLOCK));
	EQUAL(x->b[(last - first) * BLOCK], 0xee);
}

/* What leaves memory is checked: each bit counts, an error is told once. */
static void checked(void)
{
	for (int i = 0; i < CRCS; i++) {
		struct blocks x = make_blocks(crcs[i], 0);
		write_from(&x, 0, 4);
		EQUAL(told(x.k).err_type, MLX5DV_MKEY_NO_ERR);
		const int bad[] = { 0, 2 * x.step + 7, 3 * x.step + BLOCK, 2 * x.step - 1 };
		for (int j = 0; j < 4; j++) {
			uint8_t *block = x.a + bad[j] / x.step * x.step;
			x.a[bad[j]] ^= 0x10;
			write_from(&x, 0, 4);
			struct mlx5dv_mkey_err err = told(x.k);
			EQUAL(err.err_type, MLX5DV_MKEY_SIG_BLOCK_BAD_GUARD);
			EQUAL(err.err.sig.offset, block - x.a);
			EQUAL(err.err.sig.actual_value, tuple_of(x.c, block));
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
	x.a[x.step] ^= 1;
	EQUAL(rdma(x.p, IBV_WR_RDMA_READ, &s, 1, BLOCK, x.k->rkey), IBV_WC_SUCCESS);
	CHECK(!memcmp(x.b, x.a + x.step, BLOCK) && !memcmp(x.b + BLOCK, x.a + 2 * x.step, BLOCK));
	quiet(x.p->cq[1], 2); /* the error is there, and no completion */
	struct mlx5dv_mkey_err err = told(x.k);
	EQUAL(err.err_type, MLX5DV_MKEY_SIG_BLOCK_BAD_GUARD);
	EQUAL(err.err.sig.offset, x.step);
}

/* What enters memory gets its tuples, from a peer, a READ, or a receive. */
static void made(void)
{
	for (int i = 0; i < CRCS; i++)
		for (int how = 0; how < 3; how++) {
			struct blocks x = make_blocks(crcs[i], 0);
			struct ibv_sge out = sge_of(x.mb, x.b, 2 * BLOCK), in = { BLOCK, 2 * BLOCK, x.k->lkey };
			fill(x.b, BLOCK, 5 + (unsigned)i);
			memset(x.b + BLOCK, 0, BLOCK);
			memset(x.a, 0x55, (size_t)(4 * x.step));
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
				CHECK(!memcmp(x.a + j * x.step, x.b + (j - 1) * BLOCK, BLOCK));
				EQUAL(tuple_of(x.c, x.a + j * x.step), crc_of(x.c, x.a + j * x.step));
				CHECK(tuple_of(x.c, x.a + j * x.step) != 0);
			}
			for (int j = 0; j < x.step; j++)
				CHECK(x.a[j] == 0x55 && x.a[3 * x.step + j] == 0x55);
			write_from(&x, 1, 3);
			EQUAL(told(x.k).err_type, MLX5DV_MKEY_NO_ERR);
		}
}

/* Both domains alike: tuples count in addresses and move as data, and are compared both ways. */
static void both_domains(void)
{
	for (int i = 0; i < CRCS; i++) {
		struct crc c = crcs[i];
		c.where = BOTH;
		struct blocks x = make_blocks(c, 0);
		uint32_t all = 4 * (uint32_t)x.step;
		uint8_t *good = memcpy(pages(all), x.a, all);
		struct ibv_sge through = { 0, all, x.k->lkey }, plain = sge_of(x.mb, x.b, all);
		for (int bad = 0; bad < 3; bad++) { /* nothing, data, a tuple */
			int at = bad == 1 ? 3 * x.step + 5 : 2 * x.step - 1;
			for (int in = 0; in < 2; in++) {
				uint8_t *from = in ? x.b : x.a, *to = in ? x.a : x.b;
				memcpy(from, good, all);
				from[at] ^= bad ? 0x20 : 0;
				memset(to, 0x11, all);
				EQUAL(rdma(x.p, in ? IBV_WR_RDMA_READ : IBV_WR_RDMA_WRITE, &through, 1, (uintptr_t)x.b, x.mb->rkey), IBV_WC_SUCCESS);
				CHECK(!memcmp(from, to, all));
				struct mlx5dv_mkey_err err = told(x.k);
				EQUAL(err.err_type, bad ? MLX5DV_MKEY_SIG_BLOCK_BAD_GUARD : MLX5DV_MKEY_NO_ERR);
				if (bad) {
					uint8_t *block = x.a + at / x.step * x.step;
					EQUAL(err.err.sig.offset, block - x.a);
					EQUAL(err.err.sig.expected_value, crc_of(c, block));
					EQUAL(err.err.sig.actual_value, tuple_of(c, block));
				}
				configure(x.p, x.k, x.e, 2, c);
			}
		}
		memcpy(x.a, good, all);
		x.a[0] ^= 1;
		x.a[all - 1] ^= 1;
		through = (struct ibv_sge){ 1, all - 2, x.k->lkey }; /* of the bad blocks only parts */
		EQUAL(rdma(x.p, IBV_WR_RDMA_WRITE, &through, 1, (uintptr_t)x.b, x.mb->rkey), IBV_WC_SUCCESS);
		EQUAL(told(x.k).err_type, MLX5DV_MKEY_NO_ERR);
		EQUAL(rdma(x.p, IBV_WR_RDMA_READ, &plain, 1, 0, x.k->rkey), IBV_WC_SUCCESS); /* a peer */
		quiet(x.p->cq[1], 2);
		EQUAL(told(x.k).err_type, MLX5DV_MKEY_SIG_BLOCK_BAD_GUARD);
	}
}

/* A region without room for the last tuple does not hold the block. */
static void no_room(void)
{
	struct blocks x = make_blocks(crcs[0], 0);
	x.e[1].length -= (uint32_t)tuple_size(x.c);
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

/* The queue stops behind the bad transfer; what waits is cancelled, or goes on. */
static void pipelining_bad(void)
{
	struct blocks x = make_blocks(crcs[0], MLX5DV_QP_CREATE_SIG_PIPELINING);
	for (int i = 0; i < 20; i++) {
		bool cancel = i % 2;
		x.a[x.step + i] ^= 4;
		post_pipeline(&x, false);
		drained(x.p->qp[0]);
		quiet(x.p->cq[0], 2);
		quiet(x.p->cq[1], 1);
		EQUAL(state_of(x.p->qp[0]), IBV_QPS_SQD);
		CHECK(!memcmp(x.b, x.a, BLOCK) && !memcmp(x.b + BLOCK, x.a + x.step, BLOCK)); /* it was executed */
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
		x.a[x.step + i] ^= 4;
		configure(x.p, x.k, x.e, 2, x.c);
	}
	for (int i = 0; i < 2; i++)
		EQUAL(ibv_destroy_qp(x.p->qp[i]), 0);
}

const struct test signature_tests[] = {
	{ "signature/wire_domain", wire_domain },
	{ "signature/checked", checked },
	{ "signature/checked_for_peer", checked_for_peer },
	{ "signature/made", made },
	{ "signature/both_domains", both_domains },
	{ "signature/no_room", no_room },
	{ "signature/pipelining_good", pipelining_good },
	{ "signature/pipelining_bad", pipelining_bad },
	{ 0 },
};
