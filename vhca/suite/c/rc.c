/* Reliable connections: data arrive, whole, where they should, and in order. */
#include "suite.h"

enum { SIZE = 3 * 4096 };

/* Every length around the borders of lines and pages, by every operation. */
static void lengths(void)
{
	static const size_t sizes[] = { 1, 2, 7, 8, 63, 64, 65, 511, 4095, 4096, 4097, 8191, 8193, SIZE };
	struct pair *p = make_pair((struct options){ 0 });
	uint8_t *a = pages(SIZE), *b = pages(SIZE);
	struct ibv_mr *ma = reg(a, SIZE, ALL), *mb = reg(b, SIZE, ALL);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		size_t n = sizes[i];
		struct ibv_sge from = sge_of(ma, a, n), to = sge_of(mb, b, n);
		fill(a, SIZE, (unsigned)i);
		memset(b, 0xee, SIZE);
		EQUAL(rdma(p, IBV_WR_RDMA_WRITE, &from, 1, (uintptr_t)b, mb->rkey), IBV_WC_SUCCESS);
		CHECK(holds(b, n, (unsigned)i));
		CHECK(n == SIZE || b[n] == 0xee);
		memset(a, 0, SIZE);
		EQUAL(rdma(p, IBV_WR_RDMA_READ, &from, 1, (uintptr_t)b, mb->rkey), IBV_WC_SUCCESS);
		CHECK(holds(a, n, (unsigned)i));
		CHECK(n == SIZE || a[n] == 0);
		memset(b, 0xee, SIZE);
		EQUAL(post_recv(p->qp[1], &to, 1), 0);
		EQUAL(rdma(p, IBV_WR_SEND, &from, 1, 0, 0), IBV_WC_SUCCESS);
		struct ibv_wc wc = poll_one(p->cq[1]);
		EQUAL(wc.status, IBV_WC_SUCCESS);
		EQUAL(wc.opcode, IBV_WC_RECV);
		EQUAL(wc.byte_len, n);
		EQUAL(wc.wr_id, 9);
		EQUAL(wc.qp_num, p->qp[1]->qp_num);
		CHECK(holds(b, n, (unsigned)i));
		CHECK(n == SIZE || b[n] == 0xee);
	}
	close_pair(p);
}

/* Gather and scatter lists whose borders never coincide. */
static void scattered(void)
{
	struct pair *p = make_pair((struct options){ .sges = 8 });
	uint8_t *a = pages(SIZE), *b = pages(SIZE);
	struct ibv_mr *ma = reg(a, SIZE, ALL), *mb = reg(b, SIZE, ALL);
	struct ibv_sge from[5], to[7];
	fill(a, SIZE, 1);
	for (int i = 0; i < 5; i++)
		from[i] = sge_of(ma, a + i * 1000, 700);
	for (int i = 0; i < 7; i++)
		to[i] = sge_of(mb, b + i * 600, 500);
	EQUAL(post_recv(p->qp[1], to, 7), 0);
	EQUAL(rdma(p, IBV_WR_SEND_WITH_IMM, from, 5, 0, 0), IBV_WC_SUCCESS);
	struct ibv_wc wc = poll_one(p->cq[1]);
	EQUAL(wc.byte_len, 3500);
	CHECK(wc.wc_flags & IBV_WC_WITH_IMM);
	EQUAL(wc.imm_data, 0x12345678);
	for (int i = 0; i < 3500; i++)
		EQUAL(b[i / 500 * 600 + i % 500], a[i / 700 * 1000 + i % 700]);
	for (int i = 0; i < 6; i++)
		for (int j = 500; j < 600; j++)
			EQUAL(b[i * 600 + j], 0);
	close_pair(p);
}

static void write_imm(void)
{
	struct pair *p = make_pair((struct options){ 0 });
	uint8_t *a = pages(SIZE), *b = pages(SIZE);
	struct ibv_mr *ma = reg(a, SIZE, ALL), *mb = reg(b, SIZE, ALL);
	struct ibv_sge from = sge_of(ma, a, 5000), unused = sge_of(mb, b + 8000, 100);
	fill(a, SIZE, 3);
	EQUAL(post_recv(p->qp[1], &unused, 1), 0);
	EQUAL(rdma(p, IBV_WR_RDMA_WRITE_WITH_IMM, &from, 1, (uintptr_t)b + 1, mb->rkey), IBV_WC_SUCCESS);
	struct ibv_wc wc = poll_one(p->cq[1]);
	EQUAL(wc.opcode, IBV_WC_RECV_RDMA_WITH_IMM);
	EQUAL(wc.imm_data, 0x12345678);
	EQUAL(wc.byte_len, 5000);
	CHECK(holds(b + 1, 5000, 3));
	EQUAL(b[8000], 0);
	close_pair(p);
}

/* A message without bytes needs no key, and uses up a receive. */
static void empty(void)
{
	struct pair *p = make_pair((struct options){ 0 });
	uint8_t *b = pages(4096);
	struct ibv_sge to = sge_of(reg(b, 4096, ALL), b, 16);
	EQUAL(post_recv(p->qp[1], &to, 1), 0);
	EQUAL(post_recv(p->qp[1], NULL, 0), 0);
	for (int i = 0; i < 2; i++) {
		EQUAL(rdma(p, IBV_WR_SEND, NULL, 0, 0, 0), IBV_WC_SUCCESS);
		struct ibv_wc wc = poll_one(p->cq[1]);
		EQUAL(wc.status, IBV_WC_SUCCESS);
		EQUAL(wc.byte_len, 0);
	}
	EQUAL(rdma(p, IBV_WR_RDMA_WRITE, NULL, 0, 0, 0), IBV_WC_SUCCESS);
	EQUAL(rdma(p, IBV_WR_RDMA_READ, NULL, 0, 0, 0), IBV_WC_SUCCESS);
	EQUAL(b[0], 0);
	close_pair(p);
}

static void inlined(void)
{
	struct pair *p = make_pair((struct options){ 0 });
	uint8_t *b = pages(4096), a[64];
	struct ibv_mr *mb = reg(b, 4096, ALL);
	for (size_t n = 1; n <= sizeof(a); n++) {
		struct ibv_sge from = { .addr = (uintptr_t)a, .length = (uint32_t)n };
		struct ibv_send_wr wr = { .sg_list = &from, .num_sge = 1, .opcode = IBV_WR_RDMA_WRITE, .send_flags = IBV_SEND_SIGNALED | IBV_SEND_INLINE,
					  .wr.rdma = { (uintptr_t)b + n, mb->rkey } }, *bad;
		fill(a, sizeof(a), (unsigned)n);
		EQUAL(ibv_post_send(p->qp[0], &wr, &bad), 0);
		memset(a, 0, sizeof(a)); /* the library has taken them */
		EQUAL(poll_one(p->cq[0]).status, IBV_WC_SUCCESS);
		CHECK(holds(b + n, n, (unsigned)n));
		EQUAL(b[2 * n], 0);
	}
	close_pair(p);
}

static void atomics(void)
{
	struct pair *p = make_pair((struct options){ 0 });
	uint64_t *a = (uint64_t *)pages(4096), *b = (uint64_t *)pages(4096);
	struct ibv_mr *ma = reg(a, 4096, ALL), *mb = reg(b, 4096, ALL);
	struct ibv_sge to = sge_of(ma, a, 8);
	struct ibv_send_wr wr = { .sg_list = &to, .num_sge = 1, .opcode = IBV_WR_ATOMIC_FETCH_AND_ADD, .send_flags = IBV_SEND_SIGNALED,
				  .wr.atomic = { .remote_addr = (uintptr_t)(b + 3), .rkey = mb->rkey, .compare_add = 5 } }, *bad;
	b[3] = UINT64_MAX - 1;
	EQUAL(ibv_post_send(p->qp[0], &wr, &bad), 0);
	struct ibv_wc wc = poll_one(p->cq[0]);
	EQUAL(wc.status, IBV_WC_SUCCESS);
	EQUAL(wc.opcode, IBV_WC_FETCH_ADD);
	CHECK(a[0] == UINT64_MAX - 1 && b[3] == 3 && b[2] == 0 && b[4] == 0);
	wr.opcode = IBV_WR_ATOMIC_CMP_AND_SWP;
	wr.wr.atomic.compare_add = 4;
	wr.wr.atomic.swap = 77;
	EQUAL(ibv_post_send(p->qp[0], &wr, &bad), 0);
	EQUAL(poll_one(p->cq[0]).status, IBV_WC_SUCCESS);
	CHECK(a[0] == 3 && b[3] == 3); /* differs: not swapped */
	wr.wr.atomic.compare_add = 3;
	EQUAL(ibv_post_send(p->qp[0], &wr, &bad), 0);
	EQUAL(poll_one(p->cq[0]).status, IBV_WC_SUCCESS);
	CHECK(a[0] == 3 && b[3] == 77);
	wr.wr.atomic.remote_addr += 4;
	EQUAL(ibv_post_send(p->qp[0], &wr, &bad), 0);
	EQUAL(poll_one(p->cq[0]).status, IBV_WC_REM_INV_REQ_ERR);
	close_pair(p);
}

/*
 * Work requests of one to four WQEBBs in a row, until the send queue has
 * wrapped at every position; each is checked where it arrives.
 */
static void wraps(void)
{
	struct pair *p = make_pair((struct options){ .depth = 16, .sges = 12 });
	uint8_t *a = pages(SIZE), *b = pages(SIZE);
	struct ibv_mr *ma = reg(a, SIZE, ALL), *mb = reg(b, SIZE, ALL);
	fill(a, SIZE, 5);
	for (int round = 0; round < 400; round++) {
		struct ibv_sge from[12];
		int n = 1 + round % 12;
		for (int i = 0; i < n; i++)
			from[i] = sge_of(ma, a + i * 50 + round % 40, 50);
		memset(b, 0, 1000);
		EQUAL(rdma(p, IBV_WR_RDMA_WRITE, from, n, (uintptr_t)b, mb->rkey), IBV_WC_SUCCESS);
		EQUAL(memcmp(b, a + round % 40, (size_t)n * 50), 0);
		EQUAL(b[n * 50], 0);
	}
	close_pair(p);
}

/* Receives complete in the order in which they were posted. */
static void order(void)
{
	struct pair *p = make_pair((struct options){ 0 });
	uint32_t *a = (uint32_t *)pages(4096), *b = (uint32_t *)pages(4096);
	struct ibv_mr *ma = reg(a, 4096, ALL), *mb = reg(b, 4096, ALL);
	for (int lap = 0; lap < 20; lap++) {
		for (int i = 0; i < 32; i++) {
			struct ibv_sge to = sge_of(mb, b + i, 4);
			struct ibv_recv_wr wr = { .wr_id = (uint64_t)(lap * 32 + i), .sg_list = &to, .num_sge = 1 }, *bad;
			EQUAL(ibv_post_recv(p->qp[1], &wr, &bad), 0);
		}
		for (int i = 0; i < 32; i++) {
			struct ibv_sge from = sge_of(ma, a + i, 4);
			a[i] = (uint32_t)(lap * 1000 + i);
			EQUAL(post_send(p->qp[0], IBV_WR_SEND, &from, 1, 0, 0), 0);
		}
		for (int i = 0; i < 32; i++) {
			EQUAL(poll_one(p->cq[1]).wr_id, lap * 32 + i);
			EQUAL(b[i], lap * 1000 + i);
			EQUAL(poll_one(p->cq[0]).status, IBV_WC_SUCCESS);
		}
	}
	close_pair(p);
}

/* A send without a receive waits, and goes on when there is one. */
static void late_receive(void)
{
	struct pair *p = make_pair((struct options){ 0 });
	uint8_t *a = pages(4096), *b = pages(4096);
	struct ibv_sge from = sge_of(reg(a, 4096, ALL), a, 100), to = sge_of(reg(b, 4096, ALL), b, 100);
	fill(a, 100, 8);
	EQUAL(post_send(p->qp[0], IBV_WR_SEND, &from, 1, 0, 0), 0);
	EQUAL(post_send(p->qp[0], IBV_WR_SEND, &from, 1, 0, 0), 0);
	quiet(p->cq[0], 20);
	EQUAL(post_recv(p->qp[1], &to, 1), 0);
	EQUAL(poll_one(p->cq[0]).status, IBV_WC_SUCCESS);
	EQUAL(poll_one(p->cq[1]).status, IBV_WC_SUCCESS);
	CHECK(holds(b, 100, 8));
	quiet(p->cq[0], 5);
	EQUAL(post_recv(p->qp[1], &to, 1), 0);
	EQUAL(poll_one(p->cq[0]).status, IBV_WC_SUCCESS);
	close_pair(p);
}

/* What is not signalled does not complete; what is completes what was before. */
static void unsignalled(void)
{
	struct pair *p = make_pair((struct options){ 0 });
	uint8_t *a = pages(4096), *b = pages(4096);
	struct ibv_mr *ma = reg(a, 4096, ALL), *mb = reg(b, 4096, ALL);
	struct ibv_sge from = sge_of(ma, a, 64);
	struct ibv_send_wr wr = { .sg_list = &from, .num_sge = 1, .opcode = IBV_WR_RDMA_WRITE, .wr.rdma = { (uintptr_t)b, mb->rkey } }, *bad;
	for (int i = 0; i < 300; i++) {
		wr.wr_id = (uint64_t)i;
		wr.send_flags = i % 10 == 9 ? IBV_SEND_SIGNALED : 0;
		EQUAL(ibv_post_send(p->qp[0], &wr, &bad), 0);
		if (i % 10 == 9)
			EQUAL(poll_one(p->cq[0]).wr_id, i);
	}
	quiet(p->cq[0], 5);
	close_pair(p);
}

const struct test rc_tests[] = { { "rc/lengths", lengths }, { "rc/scattered", scattered }, { "rc/write_imm", write_imm }, { "rc/empty", empty },
				 { "rc/inline", inlined }, { "rc/atomics", atomics }, { "rc/wraps", wraps }, { "rc/order", order },
				 { "rc/late_receive", late_receive }, { "rc/unsignalled", unsignalled }, { 0 } };
