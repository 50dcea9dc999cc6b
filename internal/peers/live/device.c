/*
 * Stands between the library and fakedev_method (linker option
 * --wrap=fakedev_method).
 */
#include "device.h"
#include "attr.h"
#include "fakedev.h"
#include "fakedev_method.h"
#include "hcacap.h"

#include <errno.h>
#include <string.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5_user_ioctl_cmds.h>

/* include/linux/mlx5/mlx5_ifc.h: an opcode, a kind of object */
enum { CREATE_GENERAL_OBJECT = 0xa00, ENCRYPTION_KEY = 0xc };

/* mlx5_ifc_cmd_hca_cap_bits; bit 0 is the first byte's highest. */
enum {
	CAP_SINGLE_BLOCK = 0x3f1,                       /* aes_xts_single_block_le_tweak */
	CAP_MULTI_BLOCK = 0x3f2,                        /* aes_xts_multi_block_be_tweak */
	CAP_OBJECT_KEY = 0x400 + 63 - ENCRYPTION_KEY,   /* general_obj_types, of 64 bits */
	CAP_CRYPTO = 0x469,                             /* crypto */
};

uint32_t device_next_psv, device_next_dek;
bool device_multi_block = true;

/* memory is what an attribute of more than eight bytes points to. */
static void *memory(hdr *h, uint16_t id)
{
	struct ib_uverbs_attr *a = attr(h, id);
	return a ? (void *)(uintptr_t)a->data : NULL;
}

static bool is(const hdr *h, uint16_t object, uint16_t method) { return h->object_id == object && h->method_id == method; }

/* encrypts adds encryption to the general capabilities. */
static void encrypts(const uint8_t *in, uint8_t *out)
{
	const uint16_t caps[] = { CAP_CRYPTO, CAP_OBJECT_KEY, device_multi_block ? CAP_MULTI_BLOCK : CAP_SINGLE_BLOCK };
	if (asks_general(in))
		set_caps(out, caps, sizeof(caps) / sizeof(*caps));
}

/* create_dek makes a data encryption key: a number. */
static int create_dek(hdr *h)
{
	struct ib_uverbs_attr *a = attr(h, MLX5_IB_ATTR_DEVX_OBJ_CREATE_CMD_OUT);
	uint8_t *out = memory(h, MLX5_IB_ATTR_DEVX_OBJ_CREATE_CMD_OUT);
	memset(out, 0, a->len);
	for (int i = 0; i < 4; i++) /* obj_id */
		out[8 + i] = (uint8_t)(device_next_dek >> (24 - 8 * i));
	a->flags |= UVERBS_ATTR_F_VALID_OUTPUT;
	attr(h, MLX5_IB_ATTR_DEVX_OBJ_CREATE_HANDLE)->data = 1; /* destroying looks at no handle */
	return 0;
}

int __real_fakedev_method(hdr *h);
int __wrap_fakedev_method(hdr *h);

int __wrap_fakedev_method(hdr *h)
{
	if (is(h, MLX5_IB_OBJECT_DEVX_OBJ, MLX5_IB_METHOD_DEVX_OBJ_CREATE)) {
		const uint8_t *in = memory(h, MLX5_IB_ATTR_DEVX_OBJ_CREATE_CMD_IN);
		if (be16_at(in) == CREATE_GENERAL_OBJECT && be16_at(in + 6) == ENCRYPTION_KEY)
			return create_dek(h);
	}
	/* The answer with a queue's capabilities goes where the question is, and must leave them. */
	struct ib_uverbs_qp_cap *cap = is(h, UVERBS_OBJECT_QP, UVERBS_METHOD_QP_CREATE) ? memory(h, UVERBS_ATTR_CREATE_QP_CAP) : NULL;
	struct ib_uverbs_qp_cap kept = cap ? *cap : (struct ib_uverbs_qp_cap){ 0 };
	uint32_t psv = fakedev_next.psv;
	int err = __real_fakedev_method(h);
	if (cap)
		*cap = kept;
	if (fakedev_next.psv != psv) /* a key's second object comes next */
		fakedev_next.psv = device_next_psv;
	if (!err && is(h, MLX5_IB_OBJECT_DEVX, MLX5_IB_METHOD_DEVX_OTHER))
		encrypts(memory(h, MLX5_IB_ATTR_DEVX_OTHER_CMD_IN), memory(h, MLX5_IB_ATTR_DEVX_OTHER_CMD_OUT));
	return err;
}
