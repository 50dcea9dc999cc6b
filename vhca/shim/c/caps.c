/* What the device says of itself. */
#define _GNU_SOURCE
#include "methods.h"
#include "dm.h"
#include "engine.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <infiniband/verbs.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5-abi.h>
#include <rdma/mlx5_user_ioctl_cmds.h>
#include <rdma/mlx5_user_ioctl_verbs.h>

enum { MAX_CQE = (1 << 22) - 1, MAX_SGE = 30, PORT_LID = 1 };

enum { GIDS = 8 }; /* places of the port's table */

/* The port's only GID, in the first place, as the sysfs tree has it. */
static const uint8_t port_gid[16] = { 0xfe, 0x80, [8] = 0x02, 0, 0, 0xff, 0xfe, 0, 0, 0x01 };

int query_port(hdr *h)
{
	if ((uint8_t)number(h, UVERBS_ATTR_QUERY_PORT_PORT_NUM) != 1)
		return EINVAL;
	struct ib_uverbs_query_port_resp_ex resp = {
		.legacy_resp = {
			.max_msg_sz = 1u << 30, .gid_tbl_len = GIDS, .pkey_tbl_len = 1, .lid = PORT_LID, .sm_lid = PORT_LID,
			.state = IBV_PORT_ACTIVE, .max_mtu = IBV_MTU_4096, .active_mtu = IBV_MTU_4096, .max_vl_num = 4,
			.active_width = 2, .active_speed = 32, .phys_state = 5,
			.link_layer = IBV_LINK_LAYER_INFINIBAND },
	};
	output(h, UVERBS_ATTR_QUERY_PORT_RESP, &resp, sizeof(resp));
	return 0;
}

/* query_port_steering says that no switch in the device steers the port: no flags. */
int query_port_steering(hdr *h)
{
	struct mlx5_ib_uapi_query_port resp = { 0 };
	if ((uint32_t)number(h, MLX5_IB_ATTR_QUERY_PORT_PORT_NUM) != 1)
		return EINVAL;
	output(h, MLX5_IB_ATTR_QUERY_PORT, &resp, sizeof(resp));
	return 0;
}

static struct ib_uverbs_gid_entry gid_entry(void)
{
	struct ib_uverbs_gid_entry g = { .port_num = 1, .gid_type = IB_UVERBS_GID_TYPE_IB };
	memcpy(g.gid, port_gid, sizeof(port_gid));
	return g;
}

int query_gid_entry(hdr *h)
{
	struct ib_uverbs_gid_entry g = gid_entry();
	uint32_t index = (uint32_t)number(h, UVERBS_ATTR_QUERY_GID_ENTRY_GID_INDEX);
	if ((uint32_t)number(h, UVERBS_ATTR_QUERY_GID_ENTRY_PORT) != 1 || index >= GIDS)
		return EINVAL;
	if (index != 0)
		return ENODATA; /* an empty place */
	output(h, UVERBS_ATTR_QUERY_GID_ENTRY_RESP_ENTRY, &g, sizeof(g));
	return 0;
}

int query_gid_table(hdr *h)
{
	struct ib_uverbs_attr *a = attr(h, UVERBS_ATTR_QUERY_GID_TABLE_RESP_ENTRIES);
	struct ib_uverbs_gid_entry g = gid_entry();
	uint64_t one = 1;
	if (!a || a->len < sizeof(g))
		return EINVAL;
	output(h, UVERBS_ATTR_QUERY_GID_TABLE_RESP_ENTRIES, &g, sizeof(g));
	output(h, UVERBS_ATTR_QUERY_GID_TABLE_RESP_NUM_ENTRIES, &one, sizeof(one));
	return 0;
}

static void device(struct ib_uverbs_query_device_resp *r)
{
	*r = (struct ib_uverbs_query_device_resp){
		.fw_ver = (uint64_t)16 << 32 | 35 << 16 | 1000,
		.node_guid = htobe64(0x020000fffe000001), .sys_image_guid = htobe64(0x020000fffe000001),
		.max_mr_size = ~0ull, .page_size_cap = ~0xfffull, .vendor_id = 0x2c9, .vendor_part_id = 4119,
		.max_qp = 4096, .max_qp_wr = MAX_QP_WR, .max_sge = MAX_SGE, .max_sge_rd = MAX_SGE, .max_cq = 1 << 16, .max_cqe = MAX_CQE,
		.max_mr = 1 << 16, .max_pd = 1 << 16, .max_qp_rd_atom = MAX_RD_ATOMIC, .max_res_rd_atom = 1 << 16, .max_qp_init_rd_atom = MAX_RD_ATOMIC,
		.atomic_cap = IBV_ATOMIC_HCA, .max_mw = 1 << 16, .max_ah = 1 << 20, .max_srq = 1 << 16, .max_srq_wr = MAX_QP_WR - 1, .max_srq_sge = 31,
		.max_pkeys = 1, .local_ca_ack_delay = 16, .phys_port_cnt = 1,
		.device_cap_flags = IB_UVERBS_DEVICE_MEM_WINDOW | IB_UVERBS_DEVICE_MEM_WINDOW_TYPE_2B | IB_UVERBS_DEVICE_XRC |
				    IB_UVERBS_DEVICE_MEM_MGT_EXTENSIONS | IB_UVERBS_DEVICE_RC_RNR_NAK_GEN | IB_UVERBS_DEVICE_CURR_QP_STATE_MOD |
				    IB_UVERBS_DEVICE_SYS_IMAGE_GUID | IB_UVERBS_DEVICE_PORT_ACTIVE_EVENT,
	};
}

/* A question without a request is whether this path exists; ENOSPC says yes. */
int query_device(hdr *h)
{
	if (!attr(h, UVERBS_ATTR_CORE_IN))
		return ENOSPC;
	struct ib_uverbs_query_device_resp r;
	device(&r);
	output(h, UVERBS_ATTR_CORE_OUT, &r, sizeof(r));
	return 0;
}

int query_device_ex(hdr *h)
{
	struct ib_uverbs_ex_query_device_resp r = {
		.response_length = sizeof(r),
		.odp_caps = { .general_caps = IBV_ODP_SUPPORT | IBV_ODP_SUPPORT_IMPLICIT, .per_transport_caps = { .rc_odp_caps = 0x3f, .ud_odp_caps = 0x3 } },
		.timestamp_mask = ~0ull, .hca_core_clock = 1000000,
		.xrc_odp_caps = 0x3f, .max_dm_size = DM_SIZE,
	};
	device(&r.base);
	r.device_cap_flags_ex = r.base.device_cap_flags;
	struct mlx5_ib_query_device_resp own = { .response_length = sizeof(own) };
	output(h, UVERBS_ATTR_CORE_OUT, &r, sizeof(r));
	output(h, UVERBS_ATTR_UHW_OUT, &own, sizeof(own));
	return 0;
}
