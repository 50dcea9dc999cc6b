/* As much of include/linux/scatterlist.h as the example uses. */
#ifndef STUB_LINUX_SCATTERLIST_H
#define STUB_LINUX_SCATTERLIST_H

#include <linux/types.h>
#include <string.h>

struct scatterlist {
	unsigned long page_link;
	unsigned int offset, length;
	dma_addr_t dma_address;
	unsigned int dma_length;
};

#define sg_dma_address(sg) ((sg)->dma_address)
#define sg_dma_len(sg) ((sg)->dma_length)

static inline void sg_init_table(struct scatterlist *sgl, unsigned int nents)
{
	memset(sgl, 0, sizeof(*sgl) * nents);
}

#endif
