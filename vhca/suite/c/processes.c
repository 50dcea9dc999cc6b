/*
 * Keys with signatures where the two ends are in two processes: what is found is
 * told in the process that has the key, whoever asked. The memory of both is
 * shared, so that the test sees what the other's adapter left there.
 */
#include "sign.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	NEAR, /* this process's end, and that of a child */
	FAR,
	MOST = 300, /* blocks: more pieces than one request between adapters names */
	ROOM = MOST * (BLOCK + 8),
};

/* What an end is asked to do. */
struct order {
	enum { CONNECT, CONFIGURE, MOVE, RECEIVE, TAKE, QUIET, TOLD, POST, DRAINED, STATE, RESUME } what;
	enum ibv_wr_opcode op; /* MOVE, POST */
	struct crc c;          /* CONFIGURE */
	uint32_t blocks;       /* CONFIGURE, or of the list */
	uint32_t first;        /* block of the list */
	bool through;          /* the list is of the key's */
	uint64_t raddr;
	uint32_t rkey, qpn;
};

struct reply {
	struct mlx5dv_mkey_err err;
	uint32_t value;            /* a status, a length or a state */
	uint32_t qpn, rkey, plain; /* CONNECT: keys of the blocks and of the plain bytes */
};

/* One end: blocks with tuples, and plain bytes. */
struct end {
	struct pair p;
	struct mlx5dv_mkey *k;
	uint8_t *blocks, *plain;
	struct ibv_mr *mb, *mp;
};

struct ends {
	struct end near;
	uint8_t *blocks[2], *plain[2];
	struct reply keys[2];
	struct crc c;
	uint32_t n;
	pid_t child;
	int to;
};

static void open_end(struct end *e, uint8_t *memory, uint32_t flags)
{
	e->blocks = memory;
	e->plain = memory + ROOM;
	signing_end(&e->p, 0, flags);
	e->k = signing_key();
	e->mb = reg(e->blocks, ROOM, ALL);
	e->mp = reg(e->plain, ROOM, ALL);
}

static struct ibv_sge list_of(struct end *e, const struct order *o)
{
	if (o->through)
		return (struct ibv_sge){ (uint64_t)o->first * BLOCK, o->blocks * BLOCK, e->k->lkey };
	return sge_of(e->mp, e->plain + o->first * BLOCK, o->blocks * BLOCK);
}

static void configure_end(struct end *e, const struct order *o)
{
	size_t all = o->blocks * step_of(o->c), cut = step_of(o->c) - 1;
	struct ibv_sge parts[2] = { sge_of(e->mb, e->blocks, cut), sge_of(e->mb, e->blocks + cut, all - cut) };
	configure(&e->p, e->k, parts, 2, o->c);
}

static struct reply carry_out(struct end *e, const struct order *o)
{
	struct reply r = { .qpn = e->p.qp[0]->qp_num, .rkey = e->k->rkey, .plain = e->mp->rkey };
	struct ibv_qp_attr on = { .qp_state = IBV_QPS_RTS, .cur_qp_state = IBV_QPS_SQD };
	struct ibv_sge list = list_of(e, o);
	switch (o->what) {
	case CONNECT:
		if (o->qpn)
			to_state(e->p.qp[0], IBV_QPT_RC, o->qpn, ALL, 14, IBV_QPS_RTS);
		break;
	case CONFIGURE:
		configure_end(e, o);
		break;
	case MOVE:
		r.value = rdma(&e->p, o->op, &list, 1, o->raddr, o->rkey);
		break;
	case POST:
		r.value = (uint32_t)post_send(e->p.qp[0], o->op, &list, 1, o->raddr, o->rkey);
		break;
	case RECEIVE:
		r.value = (uint32_t)post_recv(e->p.qp[0], &list, 1);
		break;
	case TAKE: {
		struct ibv_wc wc = poll_one(e->p.cq[0]);
		EQUAL(wc.status, IBV_WC_SUCCESS);
		r.value = wc.byte_len;
		break;
	}
	case QUIET:
		quiet(e->p.cq[0], 3);
		break;
	case TOLD:
		r.err = told(e->k);
		break;
	case DRAINED:
		drained(e->p.qp[0]);
		break;
	case STATE:
		r.value = state_of(e->p.qp[0]);
		break;
	case RESUME:
		r.value = (uint32_t)ibv_modify_qp(e->p.qp[0], &on, IBV_QP_STATE | IBV_QP_CUR_STATE);
		break;
	}
	return r;
}

/* serve is the child: it does what it is asked until nobody asks. */
static void serve(int from, uint8_t *memory, uint32_t flags)
{
	struct end e = { 0 };
	struct order o;
	int n;
	failing_now = NULL; /* what fails ends the process */
	struct ibv_device **list = ibv_get_device_list(&n);
	ctx = ibv_open_device(list[0]);
	CHECK(ctx);
	pd = ibv_alloc_pd(ctx);
	CHECK(pd);
	open_end(&e, memory, flags);
	while (read(from, &o, sizeof(o)) == sizeof(o)) {
		struct reply r = carry_out(&e, &o);
		CHECK(write(from, &r, sizeof(r)) == sizeof(r));
	}
	_exit(0);
}

static struct reply ask(struct ends *x, int who, struct order o)
{
	struct reply r;
	if (who == NEAR)
		return carry_out(&x->near, &o);
	CHECK(write(x->to, &o, sizeof(o)) == sizeof(o));
	CHECK(read(x->to, &r, sizeof(r)) == sizeof(r));
	return r;
}

static void key_over(struct ends *x, int who, struct crc c, uint32_t blocks)
{
	x->c = c;
	x->n = blocks;
	ask(x, who, (struct order){ .what = CONFIGURE, .c = c, .blocks = blocks });
}

static struct ends open_ends(uint32_t flags)
{
	struct ends x = { 0 };
	int ends[2];
	uint8_t *memory = mmap(NULL, 4 * ROOM, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	EQUAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	fflush(stdout);
	x.child = fork();
	CHECK(x.child >= 0);
	if (x.child == 0) {
		close(ends[0]);
		serve(ends[1], memory + 2 * ROOM, flags);
	}
	close(ends[1]);
	x.to = ends[0];
	open_end(&x.near, memory, flags);
	for (int i = 0; i < 2; i++) {
		x.blocks[i] = memory + i * 2 * ROOM;
		x.plain[i] = x.blocks[i] + ROOM;
		x.keys[i] = ask(&x, i, (struct order){ .what = CONNECT });
	}
	CHECK(x.keys[NEAR].qpn >> 16 != x.keys[FAR].qpn >> 16); /* two adapters */
	for (int i = 0; i < 2; i++)
		ask(&x, i, (struct order){ .what = CONNECT, .qpn = x.keys[!i].qpn });
	return x;
}

static void close_ends(struct ends *x)
{
	int status;
	close(x->to);
	EQUAL(waitpid(x->child, &status, 0), x->child);
	EQUAL(status, 0);
	EQUAL(ibv_destroy_qp(x->near.p.qp[0]), 0);
}

/* good_blocks fills an end's blocks, with their tuples. */
static void good_blocks(struct ends *x, int who, unsigned seed)
{
	size_t step = step_of(x->c);
	fill(x->blocks[who], x->n * step, seed);
	for (uint32_t i = 0; i < x->n; i++)
		put_tuple(x->c, x->blocks[who] + i * step, crc_of(x->c, x->blocks[who] + i * step));
}

/* same checks that blocks without tuples and plain bytes agree; tuples too if made. */
static void same(struct ends *x, int blocks, int plain, bool made)
{
	for (uint32_t i = 0; i < x->n; i++) {
		const uint8_t *block = x->blocks[blocks] + i * step_of(x->c);
		CHECK(!memcmp(block, x->plain[plain] + i * BLOCK, BLOCK));
		if (made)
			EQUAL(tuple_of(x->c, block), crc_of(x->c, block));
	}
}

/* nobody_told checks that neither key has an error. */
static void nobody_told(struct ends *x)
{
	for (int i = 0; i < 2; i++)
		EQUAL(ask(x, i, (struct order){ .what = TOLD }).err.err_type, MLX5DV_MKEY_NO_ERR);
}

/* told_of checks that an end's key tells of a block, and the other's of none. */
static void told_of(struct ends *x, int who, uint32_t block)
{
	const uint8_t *b = x->blocks[who] + block * step_of(x->c);
	struct mlx5dv_mkey_err err = ask(x, who, (struct order){ .what = TOLD }).err;
	EQUAL(err.err_type, MLX5DV_MKEY_SIG_BLOCK_BAD_GUARD);
	EQUAL(err.err.sig.offset, block * step_of(x->c));
	EQUAL(err.err.sig.expected_value, crc_of(x->c, b));
	EQUAL(err.err.sig.actual_value, tuple_of(x->c, b));
	nobody_told(x);
}

/* move has one end READ or WRITE; the key is its own, or the other's. */
static void move(struct ends *x, int who, enum ibv_wr_opcode op, bool own)
{
	struct order o = { .what = MOVE, .op = op, .blocks = x->n, .through = own };
	if (own) {
		o.raddr = (uintptr_t)x->plain[!who];
		o.rkey = x->keys[!who].plain;
	} else {
		o.rkey = x->keys[!who].rkey;
	}
	EQUAL(ask(x, who, o).value, IBV_WC_SUCCESS);
	ask(x, !who, (struct order){ .what = QUIET });
}

/* out_and_in: who asks, own says whose the key is; out is what leaves the blocks. */
static void out_and_in(struct ends *x, int who, bool own)
{
	int holder = own ? who : !who;
	enum ibv_wr_opcode out = own ? IBV_WR_RDMA_WRITE : IBV_WR_RDMA_READ, in = own ? IBV_WR_RDMA_READ : IBV_WR_RDMA_WRITE;
	uint32_t bad = x->n - 1;
	good_blocks(x, holder, 3);
	move(x, who, out, own);
	same(x, holder, !holder, false);
	nobody_told(x);
	x->blocks[holder][bad * step_of(x->c)] ^= 8;
	move(x, who, out, own);
	same(x, holder, !holder, false);
	told_of(x, holder, bad);
	key_over(x, holder, x->c, x->n);
	fill(x->plain[!holder], x->n * BLOCK, 9);
	move(x, who, in, own);
	same(x, holder, !holder, true);
	nobody_told(x);
}

static void two_processes(void)
{
	for (int i = 0; i < CRCS; i += 2) {
		struct ends x = open_ends(0);
		for (int way = 0; way < 8; way++) {
			int who = way & 1;
			bool own = way & 2;
			key_over(&x, own ? who : !who, crcs[i + (way & 1)], way & 4 ? MOST : 4);
			out_and_in(&x, who, own);
		}
		close_ends(&x);
	}
}

/* A message from blocks to blocks: checked by the one adapter, made by the other. */
static void two_process_messages(void)
{
	struct ends x = open_ends(0);
	for (int way = 0; way < 4; way++) {
		int from = way & 1;
		uint32_t n = way & 2 ? MOST : 3;
		for (int i = 0; i < 2; i++)
			key_over(&x, i, crcs[2 * i + 1], n);
		x.c = crcs[2 * from + 1];
		good_blocks(&x, from, 5);
		x.blocks[from][BLOCK + 1] ^= 1; /* a tuple */
		memset(x.blocks[!from], 0, ROOM);
		EQUAL(ask(&x, !from, (struct order){ .what = RECEIVE, .through = true, .blocks = n }).value, 0);
		EQUAL(ask(&x, from, (struct order){ .what = MOVE, .op = IBV_WR_SEND, .through = true, .blocks = n }).value, IBV_WC_SUCCESS);
		EQUAL(ask(&x, !from, (struct order){ .what = TAKE }).value, n * BLOCK);
		told_of(&x, from, 0);
		for (uint32_t i = 0; i < n; i++) {
			const uint8_t *sent = x.blocks[from] + i * step_of(x.c), *got = x.blocks[!from] + i * step_of(crcs[2 * !from + 1]);
			CHECK(!memcmp(sent, got, BLOCK));
			EQUAL(tuple_of(crcs[2 * !from + 1], got), crc_of(crcs[2 * !from + 1], got));
		}
	}
	close_ends(&x);
}

/*
 * An error stops the send queue of the end whose key it is: behind its own
 * transfer, or when the other reads.
 */
static void two_process_stops(void)
{
	struct ends x = open_ends(MLX5DV_QP_CREATE_SIG_PIPELINING);
	for (int way = 0; way < 8; way++) {
		int holder = way & 1;
		bool own = way & 2;
		key_over(&x, holder, crcs[4], 4);
		good_blocks(&x, holder, 7);
		x.blocks[holder][2] ^= 0x80;
		EQUAL(ask(&x, !holder, (struct order){ .what = RECEIVE, .blocks = 1 }).value, 0);
		if (own) {
			struct order bad = { .what = POST, .op = IBV_WR_RDMA_WRITE, .through = true, .blocks = 4, .raddr = (uintptr_t)x.plain[!holder],
					     .rkey = x.keys[!holder].plain };
			EQUAL(ask(&x, holder, bad).value, 0);
		} else {
			move(&x, !holder, IBV_WR_RDMA_READ, false);
		}
		ask(&x, holder, (struct order){ .what = DRAINED });
		EQUAL(ask(&x, holder, (struct order){ .what = STATE }).value, IBV_QPS_SQD);
		EQUAL(ask(&x, !holder, (struct order){ .what = STATE }).value, IBV_QPS_RTS);
		if (own)
			ask(&x, holder, (struct order){ .what = TAKE });
		EQUAL(ask(&x, holder, (struct order){ .what = POST, .op = IBV_WR_SEND, .blocks = 1 }).value, 0);
		for (int i = 0; i < 2; i++)
			ask(&x, i, (struct order){ .what = QUIET });
		same(&x, holder, !holder, false);
		told_of(&x, holder, 0);
		EQUAL(ask(&x, holder, (struct order){ .what = RESUME }).value, 0);
		ask(&x, holder, (struct order){ .what = TAKE });
		EQUAL(ask(&x, !holder, (struct order){ .what = TAKE }).value, BLOCK);
	}
	close_ends(&x);
}

/* Two adapters that ask each other at once: neither takes the other's accesses for its own. */
static void two_processes_at_once(void)
{
	struct ends x = open_ends(0);
	struct reply r;
	for (int i = 0; i < 2; i++)
		key_over(&x, i, crcs[3], 4);
	for (unsigned round = 0; round < 300; round++) {
		struct order o[2];
		for (int i = 0; i < 2; i++) {
			fill(x.plain[i], x.n * BLOCK, round + (unsigned)i);
			o[i] = (struct order){ .what = MOVE, .op = IBV_WR_RDMA_READ, .blocks = x.n, .through = true, .raddr = (uintptr_t)x.plain[!i],
					       .rkey = x.keys[!i].plain };
		}
		CHECK(write(x.to, &o[FAR], sizeof(*o)) == sizeof(*o));
		EQUAL(carry_out(&x.near, &o[NEAR]).value, IBV_WC_SUCCESS);
		CHECK(read(x.to, &r, sizeof(r)) == sizeof(r));
		EQUAL(r.value, IBV_WC_SUCCESS);
		for (int i = 0; i < 2; i++)
			same(&x, i, !i, true);
	}
	nobody_told(&x);
	close_ends(&x);
}

const struct test process_tests[] = { { "signature/two_processes", two_processes },
				      { "signature/two_process_messages", two_process_messages },
				      { "signature/two_process_stops", two_process_stops },
				      { "signature/two_processes_at_once", two_processes_at_once },
				      { 0 } };
