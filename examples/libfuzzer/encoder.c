/*
 * PLANTED is the number of a bug to build in, 0 for none:
 *   1  the length of the key is summed in 32 bits
 *   2  every piece of a long segment begins where the segment does
 *   3  the variant of the key carries into its index
 */
#include "encoder.h"
#include <errno.h>
#include <string.h>

#ifndef PLANTED
#define PLANTED 0
#endif

enum { /* include/linux/mlx5/qp.h, device.h and mlx5_ifc.h */
	OPCODE_UMR = 0x25, UMR_INLINE = 0x80, UMR_CHECK_NOT_FREE = 0x20, ANY_QPN = 0xffffff,
	MASK_LEN = 1 << 0, MASK_START_ADDR = 1 << 6, MASK_KEY = 1 << 13, MASK_ACCESS = 0x1f << 17, MASK_FREE = 1 << 29,
	UMR_CTRL = 16, MKC = 64, LIST = 128,		 /* segments of the WQE */
	MAX_INLINE = (63 * 16 - LIST) / 64 * 4,		 /* lists come in fours */
};

static void be32(uint8_t *p, uint32_t v)
{
	for (int i = 3; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

static void be64(uint8_t *p, uint64_t v)
{
	be32(p, (uint32_t)(v >> 32));
	be32(p + 4, (uint32_t)v);
}

/* Writes the KLMs of the segments, in pieces that the device takes. */
static int write_list(struct umr *u, const struct target *t, const struct segment *seg, size_t n, size_t *klms)
{
	size_t k = 0;

	u->length = 0;
	for (size_t i = 0; i < n; i++) {
		if (seg[i].len && seg[i].addr + (seg[i].len - 1) < seg[i].addr)
			return EINVAL;
		for (uint64_t done = 0, len; done < seg[i].len; done += len, k++) {
			len = seg[i].len - done < t->most_bytes ? seg[i].len - done : t->most_bytes;
			if (k == t->most || k == MAX_KLMS)
				return ENOMEM;
			be32(u->list + 16 * k, (uint32_t)len);
			be32(u->list + 16 * k + 4, t->lkey);
			be64(u->list + 16 * k + 8, seg[i].addr + (PLANTED == 2 ? 0 : done));
			u->iova = k ? u->iova : seg[i].addr;
			u->length = PLANTED == 1 ? (uint32_t)(u->length + len) : u->length + len;
		}
	}
	*klms = k;
	return k ? 0 : EINVAL;
}

int encode(struct umr *u, const struct target *t, const struct segment *seg, size_t n)
{
	size_t klms = 0, octowords, ds;
	int err = write_list(u, t, seg, n, &klms), in_wqe = klms <= MAX_INLINE;

	if (err)
		return err;
	if (u->iova + (u->length - 1) < u->iova)
		u->iova = 0; /* the key's own addresses must not wrap */
	octowords = (klms + 3) & ~(size_t)3;
	ds = LIST / 16 + (in_wqe ? octowords : 1);
	u->rkey = PLANTED == 3 ? t->mkey + 1 : (t->mkey & ~0xffu) | ((t->mkey + 1) & 0xff);
	u->wqe_len = 16 * ds;
	u->list_len = in_wqe ? 0 : 16 * octowords;

	memset(u->list + 16 * klms, 0, 16 * (octowords - klms));
	memset(u->wqe, 0, sizeof u->wqe);
	be32(u->wqe, OPCODE_UMR);
	be32(u->wqe + 4, t->qpn << 8 | (uint32_t)ds);
	be32(u->wqe + 12, t->mkey);
	u->wqe[UMR_CTRL] = UMR_CHECK_NOT_FREE | (in_wqe ? UMR_INLINE : 0);
	be32(u->wqe + UMR_CTRL + 4, (uint32_t)octowords << 16);
	be64(u->wqe + UMR_CTRL + 8, MASK_LEN | MASK_START_ADDR | MASK_KEY | MASK_ACCESS | MASK_FREE);
	u->wqe[MKC + 2] = t->access;
	be32(u->wqe + MKC + 4, (uint32_t)ANY_QPN << 8 | (u->rkey & 0xff));
	be64(u->wqe + MKC + 16, u->iova);
	be64(u->wqe + MKC + 24, u->length);
	be32(u->wqe + LIST, (uint32_t)u->list_len); /* a pointer, unless the list follows */
	be32(u->wqe + LIST + 4, t->lkey);
	be64(u->wqe + LIST + 8, t->list_addr);
	if (in_wqe)
		memcpy(u->wqe + LIST, u->list, 16 * octowords);
	return 0;
}
