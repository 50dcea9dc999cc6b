/* Requests of the player: posting, and telling what completes. */
#include "player.h"

struct end ends[ENDS];
struct pair *pairs[ENDS / 2];

void tell_receive(int end, const struct ibv_wc *wc)
{
	ends[end].receives--;
	printf(" r%d=%d", (int)(uint32_t)wc->wr_id, (int)wc->status);
	if (wc->status)
		return;
	printf(",%u", wc->byte_len);
	if (wc->opcode != IBV_WC_RECV)
		printf(",opcode %d", (int)wc->opcode);
	if (wc->wc_flags & IBV_WC_WITH_INV)
		printf(",inv%d", object_of(wc->invalidated_rkey));
}

static void tell_arrivals(int end)
{
	struct ibv_wc wc;
	while (ibv_poll_cq(pairs[end / 2]->cq[end % 2], 1, &wc) > 0)
		if (wc.wr_id & RECEIVED)
			tell_receive(end, &wc);
		else
			printf(" s%d=%d too many", (int)wc.wr_id, (int)wc.status);
}

/* The engine answers a query behind all that it does for an error. */
static void look(int end)
{
	struct ibv_qp_attr a;
	struct ibv_qp_init_attr i;
	EQUAL(ibv_query_qp(pairs[end / 2]->qp[end % 2], &a, IBV_QP_STATE, &i), 0);
	ends[end].broken = a.qp_state == IBV_QPS_ERR;
}

static bool possible(const struct action *a)
{
	if (!pairs[a->n[0] / 2])
		return false;
	if (a->kind == LIST || a->kind == INTERLEAVED)
		return live(a->n[1], MKEY);
	if (a->kind == BIND)
		return live(a->n[1], WINDOW) && live(a->n[2], REGION) && objects[a->n[1]].mw->pd == objects[a->n[2]].mr->pd;
	return true;
}

static struct ibv_mw_bind_info window_of(const struct action *a)
{
	return (struct ibv_mw_bind_info){ .mr = objects[a->n[2]].mr, .addr = a->n[3], .length = a->n[4], .mw_access_flags = (unsigned)a->n[5] };
}

static uint32_t next_name(const struct action *a)
{
	struct object *o = objects + a->n[1];
	rename_to(o, ibv_inc_rkey(o->name[o->names - 1]));
	return o->name[o->names - 1];
}

/* Even ends post by the extended interface. */
static void post_ex(struct pair *p, const struct action *a, unsigned flags)
{
	struct ibv_sge list[PIECES];
	struct mlx5dv_mr_interleaved lay[PIECES];
	int n = sges(a, list);
	p->ex->wr_id = (uint64_t)a->line;
	p->ex->wr_flags = flags | (a->kind == LIST || a->kind == INTERLEAVED ? IBV_SEND_INLINE : 0);
	switch (a->kind) {
	case WRITE:
		ibv_wr_rdma_write(p->ex, key_of(a->key), a->n[1]);
		break;
	case READ:
		ibv_wr_rdma_read(p->ex, key_of(a->key), a->n[1]);
		break;
	case ADD:
		ibv_wr_atomic_fetch_add(p->ex, key_of(a->key), a->n[1], a->n[2]);
		break;
	case SWAP:
		ibv_wr_atomic_cmp_swp(p->ex, key_of(a->key), a->n[1], a->n[3], a->n[2]);
		break;
	case SEND:
		ibv_wr_send(p->ex);
		break;
	case SEND_INV:
		ibv_wr_send_inv(p->ex, key_of(a->key));
		break;
	case LOCAL_INV:
		ibv_wr_local_inv(p->ex, key_of(a->key));
		return;
	case LIST:
		mlx5dv_wr_mr_list(p->dv, objects[a->n[1]].mkey, (uint32_t)a->n[2], (uint16_t)n, list);
		return;
	case INTERLEAVED:
		for (int i = 0; i < n; i++)
			lay[i] = (struct mlx5dv_mr_interleaved){ list[i].addr, list[i].length, a->piece[i].skip, list[i].lkey };
		mlx5dv_wr_mr_interleaved(p->dv, objects[a->n[1]].mkey, (uint32_t)a->n[2], (uint32_t)a->n[3], (uint16_t)n, lay);
		return;
	default: {
		struct ibv_mw_bind_info info = window_of(a);
		ibv_wr_bind_mw(p->ex, objects[a->n[1]].mw, next_name(a), &info);
		return;
	}
	}
	ibv_wr_set_sge_list(p->ex, (size_t)n, list);
}

/* Odd ends post lists of work requests. */
static void fill_wr(struct ibv_send_wr *wr, struct ibv_sge *list, const struct action *a, unsigned flags)
{
	static const enum ibv_wr_opcode opcodes[KINDS] = {
		[WRITE] = IBV_WR_RDMA_WRITE, [READ] = IBV_WR_RDMA_READ, [ADD] = IBV_WR_ATOMIC_FETCH_AND_ADD, [SWAP] = IBV_WR_ATOMIC_CMP_AND_SWP,
		[SEND] = IBV_WR_SEND, [SEND_INV] = IBV_WR_SEND_WITH_INV, [LOCAL_INV] = IBV_WR_LOCAL_INV, [BIND] = IBV_WR_BIND_MW,
	};
	*wr = (struct ibv_send_wr){ .wr_id = (uint64_t)a->line, .sg_list = list, .num_sge = sges(a, list), .opcode = opcodes[a->kind],
				    .send_flags = flags };
	switch (a->kind) {
	case WRITE: case READ:
		wr->wr.rdma.remote_addr = a->n[1];
		wr->wr.rdma.rkey = key_of(a->key);
		break;
	case ADD:
		wr->wr.atomic.remote_addr = a->n[1];
		wr->wr.atomic.compare_add = a->n[2];
		wr->wr.atomic.rkey = key_of(a->key);
		break;
	case SWAP:
		wr->wr.atomic.remote_addr = a->n[1];
		wr->wr.atomic.swap = a->n[2];
		wr->wr.atomic.compare_add = a->n[3];
		wr->wr.atomic.rkey = key_of(a->key);
		break;
	case SEND_INV:
		wr->invalidate_rkey = key_of(a->key);
		break;
	case LOCAL_INV:
		wr->invalidate_rkey = key_of(a->key);
		break;
	case BIND:
		wr->bind_mw.mw = objects[a->n[1]].mw;
		wr->bind_mw.bind_info = window_of(a);
		wr->bind_mw.rkey = next_name(a);
		break;
	default:
		break;
	}
}

/* The library fences behind UMRs itself; of the others none waits for another. */
static unsigned flags_of(const struct action *a, bool last)
{
	return last || a->kind == READ || a->kind == SWAP || a->kind == BIND ? IBV_SEND_SIGNALED : 0;
}

static void post(int end, const struct action *batch, int n)
{
	struct pair *p = pairs[end / 2];
	struct ibv_send_wr wr[BATCH], *bad;
	struct ibv_sge list[BATCH][PIECES];
	if (end % 2) {
		for (int i = 0; i < n; i++) {
			fill_wr(wr + i, list[i], batch + i, flags_of(batch + i, i == n - 1));
			if (i)
				wr[i - 1].next = wr + i;
		}
		EQUAL(ibv_post_send(p->qp[1], wr, &bad), 0);
		return;
	}
	ibv_wr_start(p->ex);
	for (int i = 0; i < n; i++)
		post_ex(p, batch + i, flags_of(batch + i, i == n - 1));
	EQUAL(ibv_wr_complete(p->ex), 0);
}

/* The last request completes in any case, before it whoever fails or is asked to. */
static bool completions(int end, int last)
{
	struct ibv_cq *cq = pairs[end / 2]->cq[end % 2];
	struct ibv_wc wc, kept[RECEIVES];
	int n = 0;
	bool failed = false;
	do {
		wc = poll_one(cq);
		if (wc.wr_id & RECEIVED) {
			CHECK(n < RECEIVES);
			kept[n++] = wc;
			continue;
		}
		if (wc.status)
			printf(" s%d=%d", (int)wc.wr_id, (int)wc.status);
		else
			printf(" s%d=0,%d", (int)wc.wr_id, (int)wc.opcode);
		failed |= wc.status != 0;
	} while (wc.wr_id != (uint64_t)last);
	if (failed) {
		look(end);
		look(end ^ 1);
	}
	if (end % 2)
		tell_arrivals(end ^ 1);
	for (int i = 0; i < n; i++)
		tell_receive(end, kept + i);
	tell_arrivals(end);
	if (!(end % 2))
		tell_arrivals(end ^ 1);
	return failed;
}

void play_batch(struct action *batch, int n)
{
	int end = (int)batch->n[0], posted = 0;
	for (int i = 0; i < n; i++)
		if (possible(batch + i))
			batch[posted++] = batch[i];
	if (!posted) {
		printf("none\n");
		return;
	}
	printf("done");
	post(end, batch, posted);
	if (completions(end, batch[posted - 1].line))
		for (int e = end & ~1; e <= (end | 1); e++)
			if (ends[e].broken)
				printf(" e%d", e);
	tell_memory();
	printf("\n");
}
