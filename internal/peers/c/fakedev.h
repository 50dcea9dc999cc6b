/*
 * An mlx5 device without hardware, for the libmlx5 that a distribution ships.
 *
 * The library opens its device and creates its objects through open, stat,
 * mmap and ioctl. fakedev.c defines these four, and socket, in the executable,
 * where they come before those of the C library; everything that is not about
 * the device goes on to the kernel. What the library then builds, it builds in
 * memory of this process, where it can be read.
 *
 * Nothing executes the work requests. All else is the public interface:
 * ibv_open_device, mlx5dv_create_qp, mlx5dv_init_obj and so on. One device and
 * one thread at a time. The device signs, but has no encryption: keys for that
 * need a login that nobody is there to answer.
 */
#ifndef FAKEDEV_H
#define FAKEDEV_H

#include <stdint.h>
#include <infiniband/verbs.h>
#include <infiniband/mlx5dv.h>

/*
 * Numbers that the device hands out next, of 24 bits each; every object takes
 * one and counts on. A key's lkey is mkey << 8.
 */
struct fakedev_numbers {
	uint32_t pdn, qpn, mkey, psv;
};
extern struct fakedev_numbers fakedev_next;

/*
 * fakedev_open opens the device. On failure it returns NULL and *why says what
 * went wrong.
 */
struct ibv_context *fakedev_open(const char **why);

/* A send queue and its completion queue, as the device would see them. */
struct fakedev_queue {
	struct mlx5dv_qp qp; /* sq.buf, sq.wqe_cnt (WQEBBs), dbrec, bf.reg */
	struct mlx5dv_cq cq;
	uint32_t qpn;
	uint32_t produced; /* completions written so far */
};

/* fakedev_ready brings the QP to the state in which it may send. */
int fakedev_ready(struct ibv_qp *qp);

/* fakedev_map finds the memory of both queues. */
int fakedev_map(struct ibv_qp *qp, struct ibv_cq *cq, struct fakedev_queue *q);

/*
 * fakedev_complete writes the completion of the send request that starts at
 * WQEBB number index, so that ibv_poll_cq frees everything up to it.
 */
void fakedev_complete(struct fakedev_queue *q, uint16_t index);

#endif
