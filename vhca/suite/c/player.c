/*
 * The player of random programs (../program): reads actions from standard
 * input, does them, and answers each step with one line: completions, states,
 * and the bytes of memory that have changed. It knows nothing of what they
 * should be. A line "end" ends a program, and makes all anew for the next.
 */
#include "player.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static struct ibv_pd *pds[2];
static uint8_t *memory, shadow[MEMORY];
static int access_flags[ENDS];

void tell_memory(void)
{
	for (int i = 0; i < MEMORY; i++) {
		int from = i;
		while (i < MEMORY && memory[i] != shadow[i])
			i++;
		if (i == from)
			continue;
		printf(" m%x:", from);
		for (int k = from; k < i; k++)
			printf("%02x", memory[k]);
	}
	memcpy(shadow, memory, MEMORY);
}

/* Retries are few and short: nobody else is late. */
static void connect_ends(int i)
{
	struct ibv_qp **qp = pairs[i]->qp;
	for (int k = 0; k < 2; k++)
		to_state(qp[k], IBV_QPT_RC, qp[!k]->qp_num, access_flags[2 * i + k], 1, IBV_QPS_RTS);
	memset(ends + 2 * i, 0, 2 * sizeof(*ends));
}

static bool make_ends(const struct action *a)
{
	int i = (int)a->n[0];
	if (pairs[i])
		close_pair(pairs[i]);
	/* Queues that a long program laps. */
	pairs[i] = make_pair((struct options){ .dv = true, .depth = 2 * BATCH, .cqes = 2 * BATCH + RECEIVES - 1, .unconnected = true, .pd1 = pds[a->n[1]], .pd2 = pds[a->n[2]] });
	access_flags[2 * i] = (int)a->n[3];
	access_flags[2 * i + 1] = (int)a->n[4];
	connect_ends(i);
	return true;
}

static bool recover(const struct action *a)
{
	struct ibv_qp_attr reset = { .qp_state = IBV_QPS_RESET };
	if (!pairs[a->n[0]])
		return false;
	for (int i = 0; i < 2; i++)
		EQUAL(ibv_modify_qp(pairs[a->n[0]]->qp[i], &reset, IBV_QP_STATE), 0);
	connect_ends((int)a->n[0]);
	return true;
}

static void make_object(const struct action *a)
{
	struct object *o = objects + a->n[0];
	*o = (struct object){ .kind = a->kind, .live = true };
	if (a->kind == REGION) {
		CHECK(o->mr = ibv_reg_mr_iova(pds[a->n[1]], (void *)a->n[2], a->n[3], a->n[4], (unsigned)a->n[5]));
		EQUAL(o->mr->lkey, o->mr->rkey);
		rename_to(o, o->mr->rkey);
	} else if (a->kind == MKEY) {
		struct mlx5dv_mkey_init_attr at = { .pd = pds[a->n[1]], .max_entries = (uint16_t)a->n[2],
						    .create_flags = MLX5DV_MKEY_INIT_ATTR_FLAGS_INDIRECT |
								    (a->n[3] ? MLX5DV_MKEY_INIT_ATTR_FLAGS_REMOTE_INVALIDATE : 0) };
		CHECK(o->mkey = mlx5dv_create_mkey(&at));
		rename_to(o, o->mkey->rkey);
	} else {
		CHECK(o->mw = ibv_alloc_mw(pds[a->n[1]], IBV_MW_TYPE_2));
		rename_to(o, o->mw->rkey);
	}
}

static bool remove_object(struct object *o)
{
	if (!o)
		return false;
	o->live = false;
	EQUAL(o->kind == REGION ? ibv_dereg_mr(o->mr) : o->kind == MKEY ? mlx5dv_destroy_mkey(o->mkey) : ibv_dealloc_mw(o->mw), 0);
	return true;
}

static bool rereg(const struct action *a)
{
	struct object *o = live(a->n[0], REGION);
	if (!o)
		return false;
	int access = a->n[1] & IBV_REREG_MR_CHANGE_ACCESS ? (int)a->n[5] : 0; /* libibverbs refuses one that is not asked for */
	EQUAL(ibv_rereg_mr(o->mr, (int)a->n[1], pds[a->n[2]], (void *)a->n[3], a->n[4], access), 0);
	EQUAL(o->mr->lkey, o->mr->rkey);
	return true;
}

static bool receive(const struct action *a)
{
	int end = (int)a->n[0];
	struct ibv_sge list[PIECES];
	struct ibv_recv_wr wr = { .wr_id = (uint64_t)a->line | RECEIVED, .sg_list = list, .num_sge = sges(a, list) }, *bad;
	if (!pairs[end / 2] || ends[end].receives == RECEIVES)
		return false;
	ends[end].receives++;
	EQUAL(ibv_post_recv(pairs[end / 2]->qp[end % 2], &wr, &bad), 0);
	return true;
}

static bool control(const struct action *a)
{
	switch (a->kind) {
	case PAIR:
		return make_ends(a);
	case RECOVER:
		return recover(a);
	case REREG:
		return rereg(a);
	case DEREG:
		return remove_object(live(a->n[0], REGION));
	case DESTROY:
		return remove_object(live(a->n[0], MKEY));
	case FREE:
		return remove_object(live(a->n[0], WINDOW));
	case FILL:
		fill((uint8_t *)a->n[0], a->n[1], (unsigned)a->n[2]);
		return true;
	case RECEIVE:
		return receive(a);
	default:
		make_object(a);
		return true;
	}
}

static void play_control(const struct action *a)
{
	bool did = control(a);
	printf(did ? "done" : "none");
	if (did && a->kind == REREG) {
		struct object *o = objects + a->n[0];
		if (o->mr->rkey != o->name[o->names - 1]) {
			rename_to(o, o->mr->rkey);
			printf(" renamed");
		}
	}
	if (did && a->kind == RECEIVE && ends[a->n[0]].broken) {
		struct ibv_wc wc = poll_one(pairs[a->n[0] / 2]->cq[a->n[0] % 2]);
		tell_receive((int)a->n[0], &wc);
	}
	tell_memory();
	printf("\n");
}

static void begin(void)
{
	struct ibv_async_event e;
	while (!ibv_get_async_event(ctx, &e))
		ibv_ack_async_event(&e);
	for (int i = 0; i < ENDS / 2; i++)
		if (pairs[i])
			close_pair(pairs[i]);
	for (int i = 0; i < OBJECTS; i++)
		if (objects[i].live)
			remove_object(objects + i);
	memset(pairs, 0, sizeof(pairs));
	memset(objects, 0, sizeof(objects));
	memset(ends, 0, sizeof(ends));
	fill(memory, MEMORY, 7);
	memcpy(shadow, memory, MEMORY);
}

void play(void)
{
	char text[4096];
	struct action batch[BATCH];
	int line = 0, held = 0;
	memory = mmap((void *)BASE, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	CHECK(memory == (uint8_t *)BASE);
	EQUAL(fcntl(ctx->async_fd, F_SETFL, fcntl(ctx->async_fd, F_GETFL) | O_NONBLOCK), 0);
	setvbuf(stdout, NULL, _IOLBF, 1 << 16); /* what was answered is known, whatever becomes of the rest */
	rnr_retry = 0;
	pds[0] = pd;
	CHECK(pds[1] = ibv_alloc_pd(ctx));
	begin();
	while (fgets(text, sizeof(text), stdin)) {
		struct action a = { 0 };
		alarm(60); /* a program that hangs */
		bool end = !strcmp(text, "end\n");
		if (!end)
			a = parse(text, line++);
		if (held && (end || a.kind < WRITE || a.n[0] != batch->n[0] || held == BATCH)) {
			play_batch(batch, held);
			held = 0;
		}
		if (end) {
			printf("end\n");
			fflush(stdout);
			line = 0;
			begin();
			alarm(0);
		} else if (a.kind < WRITE) {
			play_control(&a);
		} else {
			batch[held++] = a;
			if (!a.held || held == BATCH) {
				play_batch(batch, held);
				held = 0;
			}
		}
	}
}
