/* The calls of a case: work requests and setters out of JSON. */
#include "case.h"
#include "device.h"

#include <stdio.h>
#include <string.h>

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

static void set_sig_block(struct live_case *c, struct json_object *o)
{
	struct domain mem, wire;
	struct mlx5dv_sig_block_attr attr = {
		.mem = read_domain(list(o, "mem"), &mem), .wire = read_domain(list(o, "wire"), &wire),
		.flags = (uint32_t)number(o, "flags"), .check_mask = (uint8_t)number(o, "check_mask"), .copy_mask = (uint8_t)number(o, "copy_mask"),
	};
	mlx5dv_wr_set_mkey_sig_block(c->q.mqp, &attr);
}

/* read_hex fills n bytes from hexadecimal digits. */
static void read_hex(const char *digits, char *to, size_t n)
{
	for (size_t i = 0; i < n && sscanf(digits + 2 * i, "%2hhx", (unsigned char *)to + i) == 1; i++)
		;
}

/* make_dek makes a data encryption key of that number; it lives as long as the case. */
static struct mlx5dv_dek *make_dek(struct live_case *c, uint32_t number)
{
	struct mlx5dv_dek_init_attr attr = {
		.key_size = MLX5DV_CRYPTO_KEY_SIZE_128, .key_purpose = MLX5DV_CRYPTO_KEY_PURPOSE_AES_XTS, .pd = queue_pd,
		.comp_mask = MLX5DV_DEK_INIT_ATTR_CRYPTO_LOGIN, /* none: the key is given in plain text */
	};
	device_next_dek = number;
	struct mlx5dv_dek *d = c->ndeks < MOST_DEKS ? mlx5dv_dek_create(queue_ctx, &attr) : NULL;
	if (d)
		c->deks[c->ndeks++] = d;
	return d;
}

/* prepare has seen to it that there are not too many keys. */
static void set_crypto(struct live_case *c, struct json_object *o)
{
	struct mlx5dv_crypto_attr attr = {
		.crypto_standard = MLX5DV_CRYPTO_STANDARD_AES_XTS, .encrypt_on_tx = number(o, "encrypt_on_tx") != 0,
		.signature_crypto_order = (enum mlx5dv_signature_crypto_order)number(o, "signature_crypto_order"),
		.data_unit_size = (enum mlx5dv_block_size)number(o, "data_unit_size"), .dek = make_dek(c, (uint32_t)number(o, "dek_object_id")),
	};
	read_hex(text(o, "initial_tweak"), attr.initial_tweak, sizeof(attr.initial_tweak));
	read_hex(text(o, "keytag"), attr.keytag, sizeof(attr.keytag));
	mlx5dv_wr_set_mkey_crypto(c->q.mqp, &attr);
}

static void set(struct live_case *c, struct json_object *o)
{
	const char *name = text(o, "set");
	if (!strcmp(name, "access_flags")) {
		mlx5dv_wr_set_mkey_access_flags(c->q.mqp, (uint32_t)number(o, "access"));
	} else if (!strcmp(name, "layout_list")) {
		uint16_t n = read_sges(list(o, "sge"));
		mlx5dv_wr_set_mkey_layout_list(c->q.mqp, n, sges);
	} else if (!strcmp(name, "layout_interleaved")) {
		uint16_t n = read_blocks(list(o, "entries"));
		mlx5dv_wr_set_mkey_layout_interleaved(c->q.mqp, (uint32_t)number(o, "repeat_count"), n, blocks);
	} else if (!strcmp(name, "sig_block")) {
		set_sig_block(c, o);
	} else {
		set_crypto(c, o);
	}
}

/* ---- work requests ---- */

/*
 * The numbers of window and region stand in the public part of their
 * structures, which is all that the library reads.
 */
static void bind_mw(struct live_case *c, struct json_object *o)
{
	c->mr->lkey = (uint32_t)number(o, "mr_lkey");
	c->mw->rkey = (uint32_t)number(o, "mw_rkey");
	struct ibv_mw_bind_info info = { .mr = c->mr, .addr = number(o, "addr"), .length = number(o, "length"), .mw_access_flags = (unsigned)number(o, "access") };
	ibv_wr_bind_mw(c->q.qpx, c->mw, (uint32_t)number(o, "new_rkey"), &info);
}

void case_post(struct live_case *c, struct json_object *o)
{
	const char *op = text(o, "op");
	size_t key = (size_t)number(o, "mkey");
	c->q.qpx->wr_flags = (unsigned)number(o, "wr_flags");
	if (!strcmp(op, "mr_list")) {
		uint16_t n = read_sges(list(o, "sge"));
		mlx5dv_wr_mr_list(c->q.mqp, c->keys[key], (uint32_t)number(o, "access"), n, sges);
	} else if (!strcmp(op, "mr_interleaved")) {
		uint16_t n = read_blocks(list(o, "entries"));
		mlx5dv_wr_mr_interleaved(c->q.mqp, c->keys[key], (uint32_t)number(o, "access"), (uint32_t)number(o, "repeat_count"), n, blocks);
	} else if (!strcmp(op, "mkey_configure")) {
		struct mlx5dv_mkey_conf_attr conf = { .conf_flags = (uint32_t)number(o, "conf_flags") };
		struct json_object *setters = list(o, "setters");
		mlx5dv_wr_mkey_configure(c->q.mqp, c->keys[key], (uint8_t)number(o, "num_setters"), &conf);
		for (size_t i = 0; i < length(setters); i++)
			set(c, item(setters, i));
	} else if (!strcmp(op, "local_inv")) {
		ibv_wr_local_inv(c->q.qpx, (uint32_t)number(o, "rkey"));
	} else if (!strcmp(op, "bind_mw")) {
		bind_mw(c, o);
	} else {
		uint16_t n = read_sges(list(o, "sge"));
		ibv_wr_rdma_write(c->q.qpx, (uint32_t)number(o, "rkey"), number(o, "raddr"));
		ibv_wr_set_sge_list(c->q.qpx, n, sges);
	}
}
