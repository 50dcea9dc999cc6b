/* The operation "wqe": the calls of a recorded or drawn case, and what they left in the queue. */
#include "answer.h"
#include "device.h"
#include "queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL_FENCE = 0x20, MOST_KEYS = 64, MOST_DEKS = 64, MOST_ERRORS = 1 << 16, MOST_ENTRIES = 65535 };

/* A case under way. */
static struct {
	struct queue q;
	struct json_object *mkeys;
	struct mlx5dv_mkey *keys[MOST_KEYS]; /* those that the case uses */
	struct mlx5dv_dek *deks[MOST_DEKS];
	size_t ndeks;
	bool multi_block; /* what a key with encryption needs of the device */
	struct ibv_mr *mr;
	struct ibv_mw *mw;
} c;

static struct ibv_sge sges[MOST_ENTRIES];
static struct mlx5dv_mr_interleaved blocks[MOST_ENTRIES];

static uint16_t read_sges(struct json_object *l)
{
	size_t n = length(l);
	for (size_t i = 0; i < n; i++) {
		struct json_object *e = item(l, i);
		sges[i] = (struct ibv_sge){ .addr = at(e, 0), .length = (uint32_t)at(e, 1), .lkey = (uint32_t)at(e, 2) };
	}
	return (uint16_t)n;
}

static uint16_t read_blocks(struct json_object *l)
{
	size_t n = length(l);
	for (size_t i = 0; i < n; i++) {
		struct json_object *e = item(l, i);
		blocks[i] = (struct mlx5dv_mr_interleaved){ .addr = at(e, 0), .bytes_count = (uint32_t)at(e, 1), .bytes_skip = (uint32_t)at(e, 2), .lkey = (uint32_t)at(e, 3) };
	}
	return (uint16_t)n;
}

/* ---- setters ---- */

/* A domain of a signature, with the attributes that it points to. */
struct domain {
	struct mlx5dv_sig_block_domain d;
	struct mlx5dv_sig_t10dif dif;
	struct mlx5dv_sig_crc crc;
};

static const struct mlx5dv_sig_block_domain *read_domain(struct json_object *o, struct domain *x)
{
	if (!o)
		return NULL;
	memset(x, 0, sizeof(*x));
	x->d.block_size = (enum mlx5dv_block_size)number(o, "block_size");
	if (!strcmp(text(o, "type"), "crc")) {
		x->d.sig_type = MLX5DV_SIG_TYPE_CRC;
		x->crc = (struct mlx5dv_sig_crc){ .type = (enum mlx5dv_sig_crc_type)number(o, "crc_type"), .seed = number(o, "seed") };
		x->d.sig.crc = &x->crc;
	} else {
		x->d.sig_type = MLX5DV_SIG_TYPE_T10DIF;
		x->dif = (struct mlx5dv_sig_t10dif){
			.bg_type = (enum mlx5dv_sig_t10dif_bg_type)number(o, "bg_type"), .bg = (uint16_t)number(o, "bg"),
			.app_tag = (uint16_t)number(o, "app_tag"), .ref_tag = (uint32_t)number(o, "ref_tag"), .flags = (uint16_t)number(o, "flags"),
		};
		x->d.sig.dif = &x->dif;
	}
	return &x->d;
}

static void set_sig_block(struct json_object *o)
{
	struct domain mem, wire;
	struct mlx5dv_sig_block_attr attr = {
		.mem = read_domain(list(o, "mem"), &mem), .wire = read_domain(list(o, "wire"), &wire),
		.flags = (uint32_t)number(o, "flags"), .check_mask = (uint8_t)number(o, "check_mask"), .copy_mask = (uint8_t)number(o, "copy_mask"),
	};
	mlx5dv_wr_set_mkey_sig_block(c.q.mqp, &attr);
}

/* read_hex fills n bytes from hexadecimal digits. */
static void read_hex(const char *digits, char *to, size_t n)
{
	for (size_t i = 0; i < n && sscanf(digits + 2 * i, "%2hhx", (unsigned char *)to + i) == 1; i++)
		;
}

/* make_dek makes a data encryption key of that number; it lives as long as the case. */
static struct mlx5dv_dek *make_dek(uint32_t number)
{
	struct mlx5dv_dek_init_attr attr = {
		.key_size = MLX5DV_CRYPTO_KEY_SIZE_128, .key_purpose = MLX5DV_CRYPTO_KEY_PURPOSE_AES_XTS, .pd = queue_pd,
		.comp_mask = MLX5DV_DEK_INIT_ATTR_CRYPTO_LOGIN, /* none: the key is given in plain text */
	};
	device_next_dek = number;
	struct mlx5dv_dek *d = c.ndeks < MOST_DEKS ? mlx5dv_dek_create(queue_ctx, &attr) : NULL;
	if (d)
		c.deks[c.ndeks++] = d;
	return d;
}

/* prepare has seen to it that there are not too many keys. */
static void set_crypto(struct json_object *o)
{
	struct mlx5dv_crypto_attr attr = {
		.crypto_standard = MLX5DV_CRYPTO_STANDARD_AES_XTS, .encrypt_on_tx = number(o, "encrypt_on_tx") != 0,
		.signature_crypto_order = (enum mlx5dv_signature_crypto_order)number(o, "signature_crypto_order"),
		.data_unit_size = (enum mlx5dv_block_size)number(o, "data_unit_size"), .dek = make_dek((uint32_t)number(o, "dek_object_id")),
	};
	read_hex(text(o, "initial_tweak"), attr.initial_tweak, sizeof(attr.initial_tweak));
	read_hex(text(o, "keytag"), attr.keytag, sizeof(attr.keytag));
	mlx5dv_wr_set_mkey_crypto(c.q.mqp, &attr);
}

static void set(struct json_object *o)
{
	const char *name = text(o, "set");
	if (!strcmp(name, "access_flags")) {
		mlx5dv_wr_set_mkey_access_flags(c.q.mqp, (uint32_t)number(o, "access"));
	} else if (!strcmp(name, "layout_list")) {
		uint16_t n = read_sges(list(o, "sge"));
		mlx5dv_wr_set_mkey_layout_list(c.q.mqp, n, sges);
	} else if (!strcmp(name, "layout_interleaved")) {
		uint16_t n = read_blocks(list(o, "entries"));
		mlx5dv_wr_set_mkey_layout_interleaved(c.q.mqp, (uint32_t)number(o, "repeat_count"), n, blocks);
	} else if (!strcmp(name, "sig_block")) {
		set_sig_block(o);
	} else {
		set_crypto(o);
	}
}

/* ---- work requests ---- */

/*
 * The numbers of window and region stand in the public part of their
 * structures, which is all that the library reads.
 */
static void bind_mw(struct json_object *o)
{
	c.mr->lkey = (uint32_t)number(o, "mr_lkey");
	c.mw->rkey = (uint32_t)number(o, "mw_rkey");
	struct ibv_mw_bind_info info = { .mr = c.mr, .addr = number(o, "addr"), .length = number(o, "length"), .mw_access_flags = (unsigned)number(o, "access") };
	ibv_wr_bind_mw(c.q.qpx, c.mw, (uint32_t)number(o, "new_rkey"), &info);
}

static void post(struct json_object *o)
{
	const char *op = text(o, "op");
	size_t key = (size_t)number(o, "mkey");
	c.q.qpx->wr_flags = (unsigned)number(o, "wr_flags");
	if (!strcmp(op, "mr_list")) {
		uint16_t n = read_sges(list(o, "sge"));
		mlx5dv_wr_mr_list(c.q.mqp, c.keys[key], (uint32_t)number(o, "access"), n, sges);
	} else if (!strcmp(op, "mr_interleaved")) {
		uint16_t n = read_blocks(list(o, "entries"));
		mlx5dv_wr_mr_interleaved(c.q.mqp, c.keys[key], (uint32_t)number(o, "access"), (uint32_t)number(o, "repeat_count"), n, blocks);
	} else if (!strcmp(op, "mkey_configure")) {
		struct mlx5dv_mkey_conf_attr conf = { .conf_flags = (uint32_t)number(o, "conf_flags") };
		struct json_object *setters = list(o, "setters");
		mlx5dv_wr_mkey_configure(c.q.mqp, c.keys[key], (uint8_t)number(o, "num_setters"), &conf);
		for (size_t i = 0; i < length(setters); i++)
			set(item(setters, i));
	} else if (!strcmp(op, "local_inv")) {
		ibv_wr_local_inv(c.q.qpx, (uint32_t)number(o, "rkey"));
	} else if (!strcmp(op, "bind_mw")) {
		bind_mw(o);
	} else {
		uint16_t n = read_sges(list(o, "sge"));
		ibv_wr_rdma_write(c.q.qpx, (uint32_t)number(o, "rkey"), number(o, "raddr"));
		ibv_wr_set_sge_list(c.q.qpx, n, sges);
	}
}

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
		post(item(wrs, i));
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
