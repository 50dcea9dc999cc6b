#define _GNU_SOURCE
#include "fakedev.h"
#include "fakedev_method.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/netlink.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * The device file is /dev/zero: a character device that everybody may open,
 * whose number the sysfs tree repeats.
 */
#define DEVICE_FILE "/dev/zero"
#define DEVICE_NUMBER "1:5"

static int device_fd = -1;

/* ---- the interposed functions ---- */

int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	va_start(ap, request);
	void *arg = va_arg(ap, void *);
	va_end(ap);
	if (request != RDMA_VERBS_IOCTL || fd != device_fd)
		return (int)syscall(SYS_ioctl, fd, request, arg);
	int err = fakedev_method(arg);
	if (!err)
		return 0;
	errno = err;
	return -1;
}

static bool is_device(const char *path) { return strncmp(path, "/dev/infiniband/", 16) == 0; }

int open(const char *path, int flags, ...)
{
	va_list ap;
	va_start(ap, flags);
	mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	if (!is_device(path))
		return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
	return device_fd = (int)syscall(SYS_openat, AT_FDCWD, DEVICE_FILE, flags, mode);
}

int stat(const char *restrict path, struct stat *restrict st)
{
	return fstatat(AT_FDCWD, is_device(path) ? DEVICE_FILE : path, st, 0);
}

/* mmap gives ordinary memory for the doorbell pages of the device. */
void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	if (fd >= 0 && fd == device_fd) {
		flags = (flags & ~MAP_SHARED) | MAP_PRIVATE | MAP_ANONYMOUS;
		prot |= PROT_READ; /* to see what was written */
		fd = -1;
		off = 0;
	}
	return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, off);
}

/* socket refuses the RDMA netlink, so that real devices stay out of sight. */
int socket(int domain, int type, int protocol)
{
	if (domain == AF_NETLINK && protocol == NETLINK_RDMA) {
		errno = EPROTONOSUPPORT;
		return -1;
	}
	return (int)syscall(SYS_socket, domain, type, protocol);
}

/* ---- opening ---- */

/* The files of sysfs that discovery reads; a NULL text is a directory. */
static const struct {
	const char *path, *text;
} sysfs[] = {
	{ "class", NULL },
	{ "class/infiniband_verbs", NULL },
	{ "class/infiniband_verbs/abi_version", "6" },
	{ "class/infiniband_verbs/uverbs0", NULL },
	{ "class/infiniband_verbs/uverbs0/ibdev", "mlx5_0" },
	{ "class/infiniband_verbs/uverbs0/dev", DEVICE_NUMBER },
	{ "class/infiniband_verbs/uverbs0/abi_version", "1" },
	{ "class/infiniband", NULL },
	{ "class/infiniband/mlx5_0", NULL },
	{ "class/infiniband/mlx5_0/node_type", "1: CA" },
	{ "class/infiniband/mlx5_0/device", NULL },
	{ "class/infiniband/mlx5_0/device/modalias", "pci:v000015B3d00001017sv000015B3sd00000000bc02sc07i00" },
};
enum { SYSFS_FILES = sizeof(sysfs) / sizeof(*sysfs) };

static int make_sysfs(int dir)
{
	for (int i = 0; i < SYSFS_FILES; i++) {
		if (!sysfs[i].text) {
			if (mkdirat(dir, sysfs[i].path, 0700))
				return -1;
			continue;
		}
		int fd = openat(dir, sysfs[i].path, O_WRONLY | O_CREAT, 0600);
		if (fd < 0 || dprintf(fd, "%s\n", sysfs[i].text) < 0 || close(fd))
			return -1;
	}
	return 0;
}

static void remove_sysfs(int dir)
{
	for (int i = SYSFS_FILES; i-- > 0;)
		unlinkat(dir, sysfs[i].path, sysfs[i].text ? 0 : AT_REMOVEDIR);
}

static struct ibv_context *open_first(const char **why)
{
	int n = 0;
	struct ibv_device **all = ibv_get_device_list(&n);
	struct ibv_context *ctx = NULL;
	*why = "the library finds no device: is its mlx5 driver installed?";
	if (all && n > 0) {
		ctx = ibv_open_device(all[0]);
		*why = "the library does not open the device";
	}
	if (all)
		ibv_free_device_list(all);
	return ctx;
}

struct ibv_context *fakedev_open(const char **why)
{
	const char *tmp = getenv("TMPDIR");
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/sgfuzz-sysfs-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	*why = "cannot make a directory for temporary files";
	if (!mkdtemp(path))
		return NULL;
	struct ibv_context *ctx = NULL;
	int dir = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0 && make_sysfs(dir) == 0 && setenv("SYSFS_PATH", path, 1) == 0)
		ctx = open_first(why);
	if (dir >= 0) {
		remove_sysfs(dir);
		close(dir);
	}
	rmdir(path);
	return ctx;
}

int fakedev_ready(struct ibv_qp *qp)
{
	static const enum ibv_qp_state states[] = { IBV_QPS_INIT, IBV_QPS_RTR, IBV_QPS_RTS };
	for (int i = 0; i < 3; i++) {
		struct ibv_qp_attr a = { .qp_state = states[i] };
		int err = ibv_modify_qp(qp, &a, IBV_QP_STATE);
		if (err)
			return err;
	}
	return 0;
}

int fakedev_map(struct ibv_qp *qp, struct ibv_cq *cq, struct fakedev_queue *q)
{
	memset(q, 0, sizeof(*q));
	q->qpn = qp->qp_num;
	struct mlx5dv_obj obj = { .qp = { .in = qp, .out = &q->qp }, .cq = { .in = cq, .out = &q->cq } };
	return mlx5dv_init_obj(&obj, MLX5DV_OBJ_QP | MLX5DV_OBJ_CQ);
}

void fakedev_complete(struct fakedev_queue *q, uint16_t index)
{
	uint32_t slot = q->produced & (q->cq.cqe_cnt - 1);
	uint8_t owner = q->produced / q->cq.cqe_cnt & 1;
	uint8_t *at = (uint8_t *)q->cq.buf + (size_t)slot * q->cq.cqe_size;
	struct mlx5_cqe64 *cqe = (struct mlx5_cqe64 *)(at + q->cq.cqe_size - sizeof(*cqe));
	memset(cqe, 0, offsetof(struct mlx5_cqe64, op_own));
	cqe->sop_drop_qpn = htobe32((uint32_t)MLX5_OPCODE_UMR << 24 | q->qpn);
	cqe->wqe_counter = htobe16(index);
	__atomic_store_n(&cqe->op_own, (uint8_t)(MLX5_CQE_REQ << 4 | owner), __ATOMIC_RELEASE);
	q->produced++;
}
