/*
 * What the kernel's mapping code needs of the kernel, for user space: own
 * declarations of the names that it uses, with the widths it relies on. Layouts
 * and constants that the device sees are not here: the build takes them from the
 * tree. The widths and signs are those of include/linux/scatterlist.h, include/rdma/
 * ib_verbs.h and drivers/infiniband/hw/mlx5/mlx5_ib.h; members that the mapping
 * does not touch are left out. On a tree that uses other names the build fails.
 */
#ifndef LINUX_SHIM_H
#define LINUX_SHIM_H

#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef u32 __be32;
typedef u64 __be64;
typedef u64 dma_addr_t; /* CONFIG_ARCH_DMA_ADDR_T_64BIT */

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define cpu_to_be32(x) ((__be32)htobe32(x))
#define cpu_to_be64(x) ((__be64)htobe64(x))
#define container_of(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))

/* An unchained list; the CPU's side of an entry is of no concern here. */
struct scatterlist {
	dma_addr_t dma_address;
	unsigned int dma_length;
};

#define sg_dma_address(sg) ((sg)->dma_address)
#define sg_dma_len(sg) ((sg)->dma_length)
#define for_each_sg(sgl, sg, n, i) for ((i) = 0, (sg) = (sgl); (i) < (n); (i)++, (sg)++)

struct ib_mr;

struct ib_device {
	struct {
		int (*map_mr_sg)(struct ib_mr *mr, struct scatterlist *sg, int sg_nents, unsigned int *sg_offset);
	} ops;
};

struct ib_pd {
	struct ib_device *device;
	u32 local_dma_lkey;
};

struct ib_mr {
	struct ib_device *device;
	struct ib_pd *pd;
	u64 iova;
	u64 length;
	unsigned int page_size;
};

/* Memory is coherent. */
enum dma_data_direction { DMA_TO_DEVICE = 1 };
#define ib_dma_sync_single_for_cpu(device, addr, size, dir) ((void)(device), (void)(addr), (void)(size), (void)(dir))
#define ib_dma_sync_single_for_device(device, addr, size, dir) ((void)(device), (void)(addr), (void)(size), (void)(dir))

struct mlx5_ib_mr {
	struct ib_mr ibmr;
	struct {
		unsigned int ndescs;
	} mmkey;
	void *descs;
	dma_addr_t desc_map;
	int max_descs;
	int desc_size;
	int access_mode;
	int meta_ndescs;
	int meta_length;
	int data_length;
};

#define to_mmr(mr) container_of(mr, struct mlx5_ib_mr, ibmr)

#endif
