/*
 * Capabilities by DEVX, of the shim and of the fake device of internal/peers:
 * include/linux/mlx5/mlx5_ifc.h mlx5_ifc_query_hca_cap_in_bits, _out_bits.
 */
#ifndef VHCA_HCACAP_H
#define VHCA_HCACAP_H

#include "attr.h"

#include <errno.h>
#include <stdbool.h>
#include <rdma/mlx5_user_ioctl_cmds.h>

enum { QUERY_HCA_CAP = 0x100, OPMOD_GENERAL = 0, CAP_AT = 16 /* bytes before the capabilities */ };

static inline uint16_t be16_at(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }

/* asks_general says that a command asks for the general capabilities. */
static inline bool asks_general(const uint8_t *in) { return be16_at(in) == QUERY_HCA_CAP && be16_at(in + 6) >> 1 == OPMOD_GENERAL; }

/* set_caps sets bits of mlx5_ifc_cmd_hca_cap_bits in an answer; bit 0 is the first byte's highest. */
static inline void set_caps(uint8_t *out, const uint16_t *caps, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[CAP_AT + caps[i] / 8] |= (uint8_t)(0x80 >> caps[i] % 8);
}

/* answer_hca_cap answers with what signatures need; all other capabilities are 0. */
static inline int answer_hca_cap(hdr *h)
{
	static const uint16_t signatures[] = {
		0x217, /* sho */
		0x480, /* sigerr_domain_and_sig_type */
		0x1f0, /* sig_block_4048 */
		0x147, /* sig_crc64_xp10 */
		0x148, /* sig_crc32c */
	};
	const uint8_t *in = input(h, MLX5_IB_ATTR_DEVX_OTHER_CMD_IN);
	uint8_t out[CAP_AT + 4096] = { 0 };
	if (!in || be16_at(in) != QUERY_HCA_CAP)
		return EOPNOTSUPP;
	if (asks_general(in))
		set_caps(out, signatures, sizeof(signatures) / sizeof(*signatures));
	output(h, MLX5_IB_ATTR_DEVX_OTHER_CMD_OUT, out, sizeof(out));
	return 0;
}

#endif
