/*
 * The functions of the tree that are called from outside their file. layout.h is
 * written by build.sh: what the device sees, and where in the queue it is.
 */
#ifndef LINUX_KERNEL_H
#define LINUX_KERNEL_H

#include "shim_post.h"

#include "layout.h"

int ib_map_mr_sg(struct ib_mr *mr, struct scatterlist *sg, int sg_nents, unsigned int *sg_offset, unsigned int page_size);
int ib_sg_to_pages(struct ib_mr *mr, struct scatterlist *sgl, int sg_nents, unsigned int *sg_offset,
		   int (*set_page)(struct ib_mr *, u64));
int mlx5_ib_map_mr_sg(struct ib_mr *mr, struct scatterlist *sg, int sg_nents, unsigned int *sg_offset);
int mlx5_ib_post_send(struct ib_qp *qp, const struct ib_send_wr *wr, const struct ib_send_wr **bad_wr, bool drain);

#endif
