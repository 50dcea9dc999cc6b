/* Memory regions, windows, and the library's own keys. */
#include "methods.h"
#include "engine.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <infiniband/verbs.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5_user_ioctl_cmds.h>

int reg_mr(hdr *h)
{
	struct ib_uverbs_reg_mr in;
	input_part(h, UVERBS_ATTR_CORE_IN, &in, sizeof(in));
	struct hca_mr m = { .pd = in.pd_handle, .access = in.access_flags, .addr = in.start, .length = in.length, .iova = in.hca_va };
	int err = engine_call(HCA_MR_REG, &m);
	if (err)
		return err;
	struct ib_uverbs_reg_mr_resp r = { .mr_handle = m.key >> 8, .lkey = m.key, .rkey = m.key };
	output(h, UVERBS_ATTR_CORE_OUT, &r, sizeof(r));
	return 0;
}

int rereg_mr(hdr *h)
{
	struct ib_uverbs_rereg_mr in;
	input_part(h, UVERBS_ATTR_CORE_IN, &in, sizeof(in));
	struct hca_mr m = { .key = in.mr_handle, .flags = in.flags, .pd = in.pd_handle, .access = in.access_flags,
			    .addr = in.start, .length = in.length, .iova = in.hca_va };
	int err = engine_call(HCA_MR_REREG, &m);
	if (err)
		return err;
	struct ib_uverbs_rereg_mr_resp r = { .lkey = m.key, .rkey = m.key };
	output(h, UVERBS_ATTR_CORE_OUT, &r, sizeof(r));
	return 0;
}

int query_mr(hdr *h)
{
	struct hca_mr m = { .key = (uint32_t)number(h, UVERBS_ATTR_QUERY_MR_HANDLE) };
	int err = engine_call(HCA_MR_QUERY, &m);
	if (err)
		return err;
	output32(h, UVERBS_ATTR_QUERY_MR_RESP_LKEY, m.key);
	output32(h, UVERBS_ATTR_QUERY_MR_RESP_RKEY, m.key);
	output(h, UVERBS_ATTR_QUERY_MR_RESP_LENGTH, &m.length, sizeof(m.length));
	output(h, UVERBS_ATTR_QUERY_MR_RESP_IOVA, &m.iova, sizeof(m.iova));
	return 0;
}

/* prefetchable tells whether a domain may ask for a part of a region, as mlx5's driver does. */
static int prefetchable(uint32_t pd, uint32_t advice, const struct ib_uverbs_sge *s)
{
	struct hca_mr m = { .key = s->lkey >> 8 };
	if (engine_call(HCA_MR_QUERY, &m) || m.key != s->lkey)
		return ENOENT;
	if (m.pd != pd || (advice == IB_UVERBS_ADVISE_MR_ADVICE_PREFETCH_WRITE && !(m.access & IBV_ACCESS_LOCAL_WRITE)))
		return EPERM;
	if (!(m.access & IBV_ACCESS_ON_DEMAND))
		return EINVAL;
	return s->length > m.length || s->addr - m.iova > m.length - s->length ? EFAULT : 0;
}

/*
 * advise_mr checks what is asked for; nothing has to be fetched. Authority:
 * drivers/infiniband/hw/mlx5/odp.c mlx5_ib_advise_mr_prefetch.
 */
int advise_mr(hdr *h)
{
	struct ib_uverbs_attr *list = attr(h, UVERBS_ATTR_ADVISE_MR_SGE_LIST);
	const struct ib_uverbs_sge *s = input(h, UVERBS_ATTR_ADVISE_MR_SGE_LIST);
	uint32_t advice = (uint32_t)number(h, UVERBS_ATTR_ADVISE_MR_ADVICE), pd = (uint32_t)number(h, UVERBS_ATTR_ADVISE_MR_PD_HANDLE);
	if (advice > IB_UVERBS_ADVISE_MR_ADVICE_PREFETCH_NO_FAULT)
		return EOPNOTSUPP;
	if (number(h, UVERBS_ATTR_ADVISE_MR_FLAGS) & ~(uint64_t)IB_UVERBS_ADVISE_MR_FLAG_FLUSH || !s || list->len % sizeof(*s) || list->len == 0)
		return EINVAL;
	int err = 0;
	for (size_t i = 0; i < list->len / sizeof(*s) && !err; i++)
		err = prefetchable(pd, advice, &s[i]);
	return err;
}

int alloc_mw(hdr *h)
{
	struct ib_uverbs_alloc_mw in;
	input_part(h, UVERBS_ATTR_CORE_IN, &in, sizeof(in));
	if (in.mw_type != IBV_MW_TYPE_1 && in.mw_type != IBV_MW_TYPE_2)
		return EINVAL;
	struct hca_mr m = { .pd = in.pd_handle, .flags = in.mw_type };
	int err = engine_call(HCA_MW_ALLOC, &m);
	if (err)
		return err;
	struct ib_uverbs_alloc_mw_resp r = { .mw_handle = m.key >> 8, .rkey = m.key };
	output(h, UVERBS_ATTR_CORE_OUT, &r, sizeof(r));
	return 0;
}

/* ---- commands of the device's own interface (DEVX): include/linux/mlx5/mlx5_ifc.h ---- */

enum { CREATE_MKEY = 0x200, CREATE_PSV = 0x600 };
enum { MKC_AT = 16, OCTOWORDS_AT = 96, LIST_AT = 272 }; /* mlx5_ifc_create_mkey_in_bits */
enum { KIND_MKEY = 1 << 28, KIND_PSV = 2 << 28, NUMBER = (1 << 28) - 1 }; /* handles */

static uint32_t be32_at(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

static void put_be32(uint8_t *p, uint32_t v)
{
	v = htobe32(v);
	memcpy(p, &v, sizeof(v));
}

static int create_mkey(const uint8_t *in, size_t size, uint8_t *out, uint64_t *handle)
{
	if (size < OCTOWORDS_AT + 4)
		return EINVAL;
	struct hca_mkey m = { .mkc = in + MKC_AT };
	uint32_t n = be32_at(in + OCTOWORDS_AT);
	if (size > LIST_AT && n <= (size - LIST_AT) / 16) {
		m.list = in + LIST_AT;
		m.octowords = n;
	}
	int err = engine_call(HCA_MKEY_CREATE, &m);
	put_be32(out + 8, m.index);
	*handle = KIND_MKEY | m.index;
	return err;
}

int devx_create(hdr *h)
{
	struct ib_uverbs_attr *a = attr(h, MLX5_IB_ATTR_DEVX_OBJ_CREATE_CMD_IN);
	const uint8_t *in = input(h, MLX5_IB_ATTR_DEVX_OBJ_CREATE_CMD_IN);
	uint8_t out[64] = { 0 };
	uint64_t handle = KIND_PSV;
	int err = 0;
	if (!in || a->len < 16)
		return EINVAL;
	switch (be32_at(in) >> 16) {
	case CREATE_MKEY:
		err = create_mkey(in, a->len, out, &handle);
		break;
	case CREATE_PSV:
		for (int i = 0; i < in[8] >> 4 && i < 4 && !err; i++) { /* num_psv */
			struct hca_value v = { 0 };
			err = engine_call(HCA_PSV, &v);
			put_be32(out + 16 + 4 * i, v.n);
		}
		break;
	default:
		err = EOPNOTSUPP;
	}
	if (err)
		return err;
	output(h, MLX5_IB_ATTR_DEVX_OBJ_CREATE_CMD_OUT, out, sizeof(out));
	new_handle(h, MLX5_IB_ATTR_DEVX_OBJ_CREATE_HANDLE, handle);
	return 0;
}

int devx_destroy(hdr *h)
{
	uint64_t handle = number(h, MLX5_IB_ATTR_DEVX_OBJ_DESTROY_HANDLE);
	struct hca_value v = { .n = (uint32_t)handle & NUMBER };
	if (handle & KIND_MKEY)
		return engine_call(HCA_MKEY_DESTROY, &v);
	return 0; /* PSV numbers are not used again */
}
