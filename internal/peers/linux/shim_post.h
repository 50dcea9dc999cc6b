/*
 * What the kernel's posting code needs of the kernel, beyond shim.h. The layouts
 * and constants of work requests are not here: the build takes them from the
 * tree. Widths are those of drivers/infiniband/hw/mlx5/mlx5_ib.h, include/linux/
 * mlx5/driver.h and include/rdma/ib_verbs.h.
 */
#ifndef LINUX_SHIM_POST_H
#define LINUX_SHIM_POST_H

#include "shim.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef u16 __be16;

#define cpu_to_be16(x) ((__be16)htobe16(x))
#define fallthrough __attribute__((__fallthrough__))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define ALIGN(x, a) (((x) + (a) - 1) & ~((__typeof__(x))(a) - 1))
#define PTR_ALIGN(p, a) ((__typeof__(p))ALIGN((uintptr_t)(p), a))
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define min_t(type, a, b) ((type)(a) < (type)(b) ? (type)(a) : (type)(b))
#define ilog2(x) (31 - __builtin_clz((unsigned int)(x)))
#define struct_group(name, ...) union { struct { __VA_ARGS__ }; struct { __VA_ARGS__ } name; }

/* One thread, ordinary memory. */
#define spin_lock(lock) ((void)(lock))
#define spin_unlock(lock) ((void)(lock))
#define spin_lock_irqsave(lock, flags) ((void)(lock), (flags) = 0)
#define spin_unlock_irqrestore(lock, flags) ((void)(lock), (void)(flags))
#define wmb() __sync_synchronize()
#define mlx5_write64(value, to) memcpy(to, value, 8)
#define mlx5_ib_warn(dev, ...) ((void)(dev))

/* Of any value: they do not reach the device. */
enum ib_wr_opcode {
	IB_WR_SEND, IB_WR_SEND_WITH_IMM, IB_WR_SEND_WITH_INV, IB_WR_LSO, IB_WR_RDMA_WRITE, IB_WR_RDMA_WRITE_WITH_IMM,
	IB_WR_RDMA_READ, IB_WR_RDMA_READ_WITH_INV, IB_WR_ATOMIC_CMP_AND_SWP, IB_WR_ATOMIC_FETCH_AND_ADD, IB_WR_MASKED_ATOMIC_CMP_AND_SWP,
	IB_WR_MASKED_ATOMIC_FETCH_AND_ADD, IB_WR_LOCAL_INV, IB_WR_REG_MR, IB_WR_REG_MR_INTEGRITY, MLX5_IB_WR_UMR,
};
enum { IB_QPT_RC, IB_QPT_UC, IB_QPT_UD, IB_QPT_SMI, IB_QPT_GSI, IB_QPT_XRC_INI, MLX5_IB_QPT_HW_GSI };

/* As the requests give them; include/rdma/ib_verbs.h, enum ib_access_flags and enum ib_send_flags */
enum { IB_ACCESS_LOCAL_WRITE = 1, IB_ACCESS_REMOTE_WRITE = 2, IB_ACCESS_REMOTE_READ = 4, IB_ACCESS_REMOTE_ATOMIC = 8, IB_ACCESS_RELAXED_ORDERING = 1 << 20 };
enum { IB_SEND_FENCE = 1, IB_SEND_SIGNALED = 2, IB_SEND_SOLICITED = 4, IB_SEND_INLINE = 8 };

/* include/uapi/rdma/mlx5-abi.h */
enum { MLX5_QP_FLAG_SIGNATURE = 1 << 0 };

struct ib_sge {
	u64 addr;
	u32 length;
	u32 lkey;
};

struct ib_send_wr {
	struct ib_send_wr *next;
	u64 wr_id;
	struct ib_sge *sg_list;
	int num_sge;
	enum ib_wr_opcode opcode;
	int send_flags;
	union {
		__be32 imm_data;
		u32 invalidate_rkey;
	} ex;
};

struct ib_rdma_wr {
	struct ib_send_wr wr;
	u64 remote_addr;
	u32 rkey;
};

struct ib_reg_wr {
	struct ib_send_wr wr;
	struct ib_mr *mr;
	u32 key;
	int access;
};

#define rdma_wr(w) container_of(w, struct ib_rdma_wr, wr)
#define reg_wr(w) container_of(w, struct ib_reg_wr, wr)

struct mlx5_core_dev {
	int state;
	struct {
		bool atomic, umr_modify_atomic_disabled, relaxed_ordering_write, relaxed_ordering_write_umr, relaxed_ordering_read,
			relaxed_ordering_read_umr;
	} caps;
};
#define MLX5_CAP_GEN(mdev, cap) ((mdev)->caps.cap)

struct mlx5_ib_dev {
	struct ib_device ib_dev;
	struct mlx5_core_dev *mdev;
	u8 umr_fence;
	struct {
		bool has_smi;
	} port_caps[1];
};

struct mlx5_ib_pd {
	struct ib_pd ibpd;
};

struct ib_cq {
	int unused;
};

struct mlx5_ib_cq {
	struct ib_cq ibcq;
	int lock;
};

struct mlx5_buf_list {
	void *buf;
};

struct mlx5_frag_buf_ctrl {
	struct mlx5_buf_list *frags;
	u32 sz_m1;
	u16 frag_sz_m1;
	u16 strides_offset;
	u8 log_sz;
	u8 log_stride;
	u8 log_frag_strides;
};

struct mlx5_ib_wq {
	struct mlx5_frag_buf_ctrl fbc;
	u64 *wrid;
	u32 *wr_data;
	struct {
		u16 opcode;
		u16 next;
	} *w_list;
	unsigned int *wqe_head;
	int lock;
	int wqe_cnt;
	int max_post;
	int max_gs;
	unsigned int head;
	unsigned int tail;
	u16 cur_post;
	void *cur_edge;
};

struct ib_qp {
	struct ib_device *device;
	struct ib_pd *pd;
	struct ib_cq *send_cq;
};

struct mlx5_ib_qp {
	struct ib_qp ibqp;
	struct {
		struct {
			struct {
				u32 qpn;
			} mqp;
		} base;
	} trans_qp;
	struct mlx5_ib_wq sq;
	int type;
	u32 flags_en;
	u8 sq_signal_bits;
	u8 next_fence;
	u8 port;
	struct {
		__be32 *db;
	} db;
	struct mlx5_bf {
		struct {
			char *map;
		} *bfreg;
		unsigned int buf_size;
		unsigned int offset;
	} bf;
};

#define to_mdev(d) container_of(d, struct mlx5_ib_dev, ib_dev)
#define to_mqp(q) container_of(q, struct mlx5_ib_qp, ibqp)
#define to_mpd(p) container_of(p, struct mlx5_ib_pd, ibpd)
#define to_mcq(c) container_of(c, struct mlx5_ib_cq, ibcq)

/* Queues, requests and data that the child does not post. */
#define mlx5_ib_gsi_post_send(...) (abort(), 0)
#define handle_qpt_hw_gsi(...) abort()
#define handle_qpt_ud(...) abort()
#define handle_reg_mr_integrity(...) (abort(), 0)
#define set_data_inl_seg(...) (abort(), 0)
#define dump_wqe(...) abort()

#endif
