/*
 * Work requests: mlx5_ib_post_send of one chain on an RC queue pair, whose send
 * queue lies in fragments of a page each, as the driver allocates it.
 */
#include "child.h"

#include <stdio.h>

enum {
	FRAGMENT = 4096,
	STRIDES = FRAGMENT / 64, /* WQEBBs in it */
	MOST_FRAGMENTS = 512, /* 32768 WQEBBs: the longest ring of the model */
	MOST_WRS = 32,
	MOST_REGIONS = 8,
	MOST_SGES = 32,
	MOST_DS = 63,
};

/* A request in a chain, of any kind. */
struct wr {
	union {
		struct ib_send_wr any;
		struct ib_rdma_wr rdma;
		struct ib_reg_wr reg;
	};
	struct ib_sge sge[MOST_SGES];
};

static struct region regions[MOST_REGIONS];
static struct wr wrs[MOST_WRS];
static size_t region_count, wr_count;

static struct mlx5_core_dev mdev;
static struct mlx5_ib_dev dev = { .mdev = &mdev };
static struct mlx5_ib_pd pd = { .ibpd.device = &dev.ib_dev };
static struct mlx5_ib_cq cq;
static struct mlx5_ib_qp qp;

/*
 * split ends the first object of a list there and moves p behind it; NULL at the
 * list's end. Strings in these objects have no braces.
 */
static char *split(char **p)
{
	char *from = *p;
	while (*from == ',' || *from == '[')
		from++;
	if (*from != '{')
		return NULL;
	int depth = 0;
	char *end = from;
	do
		depth += (*end == '{') - (*end == '}');
	while (*end++ && depth);
	*p = end + (*end != 0);
	*end = 0;
	return from;
}

static bool is(const char *object, const char *field, const char *value)
{
	const char *p = find(object, field);
	size_t n = strlen(value);
	return *p == '"' && !strncmp(p + 1, value, n) && p[1 + n] == '"';
}

static const char *set_regions(char *list, int prefill)
{
	region_count = 0;
	for (char *o; (o = split(&list));) {
		if (region_count == MOST_REGIONS)
			return "more regions than this child has";
		struct region *r = &regions[region_count++];
		*r = (struct region){ .memory = r->memory, .mr = { .ibmr.pd = &pd.ibpd, .desc_map = number(o, "desc_map") } };
		const char *why = map_region(o, is(o, "type", "klm"), prefill, r);
		if (why)
			return why;
	}
	return NULL;
}

static const char *set_sges(struct wr *w, const char *p)
{
	while (*p == '[' || *p == ',') {
		p++;
		if (*p != '[')
			break;
		p++;
		if (w->any.num_sge == MOST_SGES)
			return "more SGEs than this child has memory for";
		struct ib_sge *s = &w->sge[w->any.num_sge++];
		s->addr = next(&p);
		p += *p == ',';
		s->length = (u32)next(&p);
		p += *p == ',';
		s->lkey = (u32)next(&p);
		p += *p == ']';
	}
	w->any.sg_list = w->sge;
	return NULL;
}

static const char *set_wr(struct wr *w, const char *o)
{
	w->any = (struct ib_send_wr){ .send_flags = (int)number(o, "send_flags") };
	if (is(o, "op", "reg_mr")) {
		uint64_t mr = number(o, "mr");
		if (mr >= region_count)
			return "a region that is not there";
		w->any.opcode = IB_WR_REG_MR;
		w->reg.mr = &regions[mr].mr.ibmr;
		w->reg.key = (u32)number(o, "key");
		w->reg.access = (int)number(o, "access");
		return NULL;
	}
	if (is(o, "op", "local_inv")) {
		w->any.opcode = IB_WR_LOCAL_INV;
		w->any.ex.invalidate_rkey = (u32)number(o, "rkey");
		return NULL;
	}
	if (w->any.send_flags & IB_SEND_INLINE)
		return "inline data";
	if (is(o, "op", "rdma_write")) {
		w->any.opcode = IB_WR_RDMA_WRITE;
		w->rdma.remote_addr = number(o, "raddr");
		w->rdma.rkey = (u32)number(o, "rkey");
	} else if (is(o, "op", "send")) {
		w->any.opcode = IB_WR_SEND;
	} else {
		return "not a request that is known";
	}
	return set_sges(w, find(o, "sge"));
}

static const char *set_wrs(char *list)
{
	wr_count = 0;
	for (char *o; (o = split(&list)); wr_count++) {
		if (wr_count == MOST_WRS)
			return "more requests than this child has memory for";
		const char *why = set_wr(&wrs[wr_count], o);
		if (why)
			return why;
		if (wr_count)
			wrs[wr_count - 1].any.next = &wrs[wr_count].any;
	}
	return wr_count ? NULL : "no request";
}

/* set_queue makes the queue pair that the request describes, its ring filled. */
static const char *set_queue(const char *o, int prefill)
{
	static struct guarded rings[MOST_FRAGMENTS];
	static struct mlx5_buf_list fragments[MOST_FRAGMENTS];
	static u64 wrid[MOST_FRAGMENTS * STRIDES];
	static u32 wr_data[MOST_FRAGMENTS * STRIDES];
	static __typeof__(*qp.sq.w_list) w_list[MOST_FRAGMENTS * STRIDES];
	static unsigned int wqe_head[MOST_FRAGMENTS * STRIDES];
	static __be32 doorbell[2];
	static char uar[4096];
	static __typeof__(*qp.bf.bfreg) bfreg = { uar };

	uint64_t count = number(o, "wqe_cnt");
	if (!count || count & (count - 1) || count > MOST_FRAGMENTS * STRIDES)
		return "a ring of a length that this child has no memory for";
	size_t left = (size_t)count * MLX5_SEND_WQE_BB;
	for (int i = 0; left; i++) {
		size_t n = left < FRAGMENT ? left : FRAGMENT;
		fragments[i].buf = guarded_last(&rings[i], n, prefill);
		if (!fragments[i].buf)
			return "no memory";
		left -= n;
	}
	qp = (struct mlx5_ib_qp){
		.ibqp = { .device = &dev.ib_dev, .pd = &pd.ibpd, .send_cq = &cq.ibcq },
		.trans_qp.base.mqp.qpn = (u32)number(o, "qpn"),
		.type = IB_QPT_RC,
		.flags_en = number(o, "wq_sig") ? MLX5_QP_FLAG_SIGNATURE : 0,
		.sq_signal_bits = number(o, "sq_sig_all") ? MLX5_WQE_CTRL_CQ_UPDATE : 0,
		.next_fence = (u8)number(o, "next_fence"),
		.db.db = doorbell,
		.bf = { .bfreg = &bfreg, .buf_size = 256 },
		.sq = { .wrid = wrid, .wr_data = wr_data, .w_list = w_list, .wqe_head = wqe_head, .wqe_cnt = (int)count,
			.max_post = MOST_FRAGMENTS * STRIDES, .max_gs = MOST_SGES, .cur_post = (u16)number(o, "cur_post") },
	};
	qp.sq.fbc = (struct mlx5_frag_buf_ctrl){
		.frags = fragments, .sz_m1 = (u32)count - 1, .frag_sz_m1 = STRIDES - 1, .log_sz = (u8)ilog2(count),
		.log_stride = 6, .log_frag_strides = 6,
	};
	qp.sq.cur_edge = get_sq_edge(&qp.sq, qp.sq.cur_post & (u32)(count - 1));
	pd.ibpd.local_dma_lkey = (u32)number(o, "local_dma_lkey");
	dev.umr_fence = (u8)number(o, "umr_fence");
	mdev.state = MLX5_DEVICE_STATE_INTERNAL_ERROR + 1;
	mdev.caps.atomic = number(o, "cap_atomic");
	mdev.caps.umr_modify_atomic_disabled = number(o, "cap_umr_modify_atomic_disabled");
	return NULL;
}

/* put_wqes puts what lies between two ring counters, each request in one piece. */
static void put_wqes(u16 from, u16 to)
{
	for (const char *comma = ""; from != to; comma = ",") {
		u8 wqe[(MOST_DS + 3) / 4 * 64];
		u32 mask = (u32)qp.sq.wqe_cnt - 1;
		size_t ds = ((const u8 *)mlx5_frag_buf_get_wqe(&qp.sq.fbc, from & mask))[7] & MOST_DS;
		size_t bbs = (ds + 3) / 4;
		if (!bbs)
			break;
		for (size_t i = 0; i < bbs; i++)
			memcpy(wqe + 64 * i, mlx5_frag_buf_get_wqe(&qp.sq.fbc, from++ & mask), 64);
		printf("%s\"", comma);
		put_hex(wqe, 16 * ds);
		printf("\"");
	}
}

static const char *set(char *line)
{
	/* splitting cuts the line: what lies behind must be found before */
	char *mrs = (char *)find(line, "mrs"), *chain = (char *)find(line, "wrs"), *queue = (char *)find(line, "qp");
	char *object = split(&queue);
	if (!object)
		return "no queue pair";
	int prefill = (int)number(object, "prefill");
	const char *why = set_queue(object, prefill);
	if (!why)
		why = set_regions(mrs, prefill);
	return why ? why : set_wrs(chain);
}

void post(char *line)
{
	const char *why = set(line);
	if (why) {
		skip(why);
		return;
	}
	u16 from = qp.sq.cur_post;
	const struct ib_send_wr *bad;
	int ret = mlx5_ib_post_send(&qp.ibqp, &wrs[0].any, &bad, false);
	printf("\"ok\":{\"ret\":[%d],\"wqes\":[", ret);
	put_wqes(from, qp.sq.cur_post);
	printf("],\"descs\":[");
	for (size_t i = 0; i < region_count; i++) {
		printf(i ? ",\"" : "\"");
		put_descs(&regions[i].mr);
		printf("\"");
	}
	printf("]}");
}
