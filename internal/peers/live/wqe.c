/* The operation "wqe": the calls of a recorded or drawn case, and what they left in the queue. */
#include "case.h"
#include "device.h"

#include <string.h>

enum { SMALL_FENCE = 0x20, MOST_ERRORS = 1 << 16 };

static struct live_case c;

/* ---- what cannot be reached ---- */

/*
 * domains is how many signatures a key of the case ever gets: a configuration of
 * it is followed by as many requests at most.
 */
static unsigned domains(struct json_object *batches, uint64_t key)
{
	unsigned most = 0;
	if (!list(item(c.mkeys, (size_t)key), "sig"))
		return 0;
	for (size_t b = 0; b < length(batches); b++) {
		struct json_object *wrs = list(item(batches, b), "wrs");
		for (size_t i = 0; i < length(wrs); i++) {
			struct json_object *setters = list(item(wrs, i), "setters");
			for (size_t k = 0; number(item(wrs, i), "mkey") == key && k < length(setters); k++) {
				struct json_object *o = item(setters, k);
				unsigned n = (unsigned)(list(o, "mem") != NULL) + (unsigned)(list(o, "wire") != NULL);
				most = n > most ? n : most;
			}
		}
	}
	return most;
}

/* make_key makes key number i as the case describes it, if it is not there. */
static const char *make_key(size_t i)
{
	struct json_object *o = item(c.mkeys, i), *sig = list(o, "sig");
	if (!o || i >= MOST_KEYS)
		return "a key that the case does not have";
	if (c.keys[i])
		return NULL;
	struct key k = { .lkey = (uint32_t)number(o, "lkey"), .max_entries = (uint16_t)number(o, "num_desc"), .sig = sig != NULL, .crypto = json_object_get_boolean(list(o, "crypto")) };
	if (k.crypto && c.multi_block != device_multi_block)
		return "a key with encryption of the other kind of device (--single-block)";
	if (k.lkey >> 8 == QUEUE_OWN_KEY)
		return "the number of a key of the child's own";
	if (k.max_entries % 4)
		return "the library rounds a key's capacity up to a multiple of 4";
	k.psv[0] = (uint32_t)number(sig, "mem_psv");
	k.psv[1] = (uint32_t)number(sig, "wire_psv");
	c.keys[i] = queue_key(&k);
	if (!c.keys[i])
		return "mlx5dv_create_mkey failed";
	uint64_t errors = number(sig, "err_count");
	if (sig && errors == 0)
		return "a key begins with an error count of 1";
	if (errors > MOST_ERRORS)
		return "too many signature errors";
	const char *why = NULL;
	for (uint64_t n = 1; sig && !why && n < errors; n++)
		why = queue_sig_error(&c.q, k.lkey);
	if (why || !sig || number(sig, "err_count_updated"))
		return why;
	uint16_t from, posted; /* a configuration without setters tells the device */
	ibv_wr_start(c.q.qpx);
	c.q.qpx->wr_flags = IBV_SEND_INLINE;
	mlx5dv_wr_mkey_configure(c.q.mqp, c.keys[i], 0, &(struct mlx5dv_mkey_conf_attr){ 0 });
	c.q.fenced = true;
	return queue_complete(&c.q, &from, &posted) ? "a configuration without setters failed" : queue_reap(&c.q, from);
}

/* too_long says that a call or setter has more entries than the number of them can say. */
static bool too_long(struct json_object *o) { return length(list(o, "sge")) > MOST_ENTRIES || length(list(o, "entries")) > MOST_ENTRIES; }

/* cannot_set looks at the setters of a configuration; *deks counts encryption keys. */
static const char *cannot_set(struct json_object *setters, size_t *deks)
{
	static const char *const known[] = { "access_flags", "layout_list", "layout_interleaved", "sig_block", "crypto" };
	for (size_t i = 0; i < length(setters); i++) {
		const char *name = text(item(setters, i), "set");
		size_t k = 0;
		while (k < sizeof(known) / sizeof(*known) && strcmp(name, known[k]))
			k++;
		if (k == sizeof(known) / sizeof(*known))
			return "unknown setter";
		if (too_long(item(setters, i)))
			return "more entries than a call takes";
		*deks += !strcmp(name, "crypto");
	}
	return *deks > MOST_DEKS ? "too many encryption keys" : NULL;
}

static const char *cannot_post(struct json_object *o, size_t *deks)
{
	static const struct {
		const char *op;
		bool needs_key;
	} known[] = { { "mr_list", true }, { "mr_interleaved", true }, { "mkey_configure", true }, { "local_inv", false }, { "bind_mw", false }, { "rdma_write", false } };
	const char *op = text(o, "op");
	size_t k = 0;
	while (k < sizeof(known) / sizeof(*known) && strcmp(op, known[k].op))
		k++;
	if (k == sizeof(known) / sizeof(*known))
		return "unknown operation";
	if (too_long(o))
		return "more entries than a call takes";
	if (!strcmp(op, "rdma_write") && length(list(o, "sge")) > c.q.attr.cap.max_send_sge)
		return "more entries than the queue was made for";
	const char *why = cannot_set(list(o, "setters"), deks);
	return why || !known[k].needs_key ? why : make_key((size_t)number(o, "mkey"));
}

/* prepare makes the keys and looks for what the queue cannot take. */
static const char *prepare(struct json_object *batches)
{
	const char *why = NULL;
	size_t deks = 0;
	for (size_t b = 0; b < length(batches) && !why; b++) {
		struct json_object *wrs = list(item(batches, b), "wrs");
		unsigned n = 0;
		size_t err = (size_t)number(item(batches, b), "sig_err_before_mkey");
		if (err > 0)
			why = item(c.mkeys, err) && list(item(c.mkeys, err), "sig") ? make_key(err) : "a signature error of a key without signature";
		for (size_t i = 0; i < length(wrs) && !why; i++) {
			struct json_object *o = item(wrs, i);
			n += 1 + (list(o, "mkey") ? domains(batches, number(o, "mkey")) : 0);
			why = cannot_post(o, &deks);
		}
		if (!why && n > c.q.attr.cap.max_send_wr)
			why = "more requests than the queue takes at once";
	}
	return why;
}

/* ---- a case ---- */

/* batch posts a batch and puts its WQEs; *ret gets its error. */
static const char *batch(struct json_object *o, int *ret, const char **comma)
{
	struct json_object *wrs = list(o, "wrs");
	size_t err = (size_t)number(o, "sig_err_before_mkey");
	const char *why = err > 0 ? queue_sig_error(&c.q, c.keys[err]->lkey) : NULL;
	if (why)
		return why;
	ibv_wr_start(c.q.qpx);
	for (size_t i = 0; i < length(wrs); i++)
		case_post(&c, item(wrs, i));
	uint16_t from, posted, n, last = 0;
	*ret = queue_complete(&c.q, &from, &posted);
	for (uint16_t used = 0; used < posted; used = (uint16_t)(used + n)) {
		uint8_t wqe[1024];
		last = (uint16_t)(from + used);
		size_t size = queue_read(&c.q, last, wqe, &n);
		if (n == 0)
			return "a request of no length is in the queue";
		put("%s\"", *comma);
		put_hex(wqe, size);
		put("\"");
		*comma = ",";
	}
	return posted ? queue_reap(&c.q, last) : NULL;
}

static const char *run(struct json_object *request, struct json_object *qp)
{
	struct json_object *batches = list(request, "batches");
	int rets[64];
	const char *comma = "";
	const char *why = prepare(batches);
	uint64_t fence = number(qp, "fm_cache");
	if (!why && fence != 0 && fence != SMALL_FENCE)
		why = "no call leaves that fence pending";
	if (!why && length(batches) > sizeof(rets) / sizeof(*rets))
		why = "too many batches";
	if (!why) /* what is written depends on the counter modulo 2^16 */
		why = queue_advance(&c.q, (uint16_t)number(qp, "cur_post"), fence != 0);
	if (why)
		return why;
	queue_fill(&c.q, (uint8_t)number(qp, "prefill"));
	put("\"ok\":{\"wqes\":[");
	for (size_t i = 0; i < length(batches) && !why; i++)
		why = batch(item(batches, i), &rets[i], &comma);
	put("],\"ret\":[");
	for (size_t i = 0; i < length(batches); i++)
		put("%s%d", i ? "," : "", rets[i]);
	put("]}");
	return why;
}

/* open_case makes the window and the region that binds name, and the queue. */
static const char *open_case(struct json_object *request)
{
	static char bound[4096];
	struct json_object *qp = list(request, "qp");
	struct shape shape = {
		.qpn = (uint32_t)number(qp, "qpn"), .wqebbs = (uint32_t)number(qp, "wqe_cnt"), .max_inline = (uint32_t)number(qp, "max_inline_data"),
		.sig_all = number(qp, "sq_sig_all") != 0, .wq_sig = number(qp, "wq_sig") != 0,
	};
	c.multi_block = number(request, "crypto_multi_block") != 0;
	c.mr = ibv_reg_mr(queue_pd, bound, sizeof(bound), IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_MW_BIND);
	c.mw = ibv_alloc_mw(queue_pd, IBV_MW_TYPE_2);
	return c.mr && c.mw ? queue_open(&c.q, &shape) : "ibv_reg_mr or ibv_alloc_mw failed";
}

static void close_case(void)
{
	for (size_t i = 0; i < MOST_KEYS; i++)
		if (c.keys[i])
			mlx5dv_destroy_mkey(c.keys[i]);
	while (c.ndeks > 0)
		mlx5dv_dek_destroy(c.deks[--c.ndeks]);
	queue_close(&c.q);
	if (c.mw)
		ibv_dealloc_mw(c.mw);
	if (c.mr)
		ibv_dereg_mr(c.mr);
	memset(&c, 0, sizeof(c));
}

const char *answer_wqe(struct json_object *request)
{
	const char *why = open_case(request);
	c.mkeys = list(request, "mkeys");
	if (!why)
		why = run(request, list(request, "qp"));
	close_case();
	return why;
}
