/*
 * The functions of the C library by which the verbs libraries find, open and
 * command a device. Preloaded, these come first; everything that is not about
 * the device goes on to the kernel.
 */
#define _GNU_SOURCE
#include "methods.h"
#include "dm.h"
#include "engine.h"
#include "events.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>
#include <rdma/mlx5-abi.h>

/*
 * The device file is /dev/zero: a character device that everybody may open,
 * whose number the sysfs tree repeats.
 */
#define DEVICE_FILE "/dev/zero"
enum { DEVICE_MAJOR = 1, DEVICE_MINOR = 5 };

/*
 * Descriptors that were opened as the device, by the process that did; 0 for
 * others. Some may have been closed unseen.
 */
enum { FDS = 65536 };
static atomic_int opened[FDS];

static bool is_device_file(int fd)
{
	struct stat st;
	return fd >= 0 && fd < FDS && fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(DEVICE_MAJOR, DEVICE_MINOR);
}

static bool is_device_fd(int fd) { return fd >= 0 && fd < FDS && opened[fd] && is_device_file(fd); }

static bool is_device(const char *path) { return path && strncmp(path, "/dev/infiniband/uverbs", 22) == 0; }

/* A verbs request says by itself that the descriptor is the device's, perhaps by dup. */
int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	va_start(ap, request);
	void *arg = va_arg(ap, void *);
	va_end(ap);
	if (request != RDMA_VERBS_IOCTL || !is_device_file(fd))
		return (int)syscall(SYS_ioctl, fd, request, arg);
	pid_t me = getpid();
	if (!opened[fd])
		opened[fd] = me;
	engine_foreign = opened[fd] != me;
	int err = method(arg);
	engine_foreign = false;
	if (!err)
		return 0;
	errno = err;
	return -1;
}

static int open_file(const char *path, int flags, mode_t mode)
{
	bool device = is_device(path);
	int fd = -1;
	for (int i = 0; i < 2 && fd < 0; i++) {
		fd = (int)syscall(SYS_openat, AT_FDCWD, device ? DEVICE_FILE : path, flags, device ? 0 : mode);
		if (fd >= 0 || errno != EMFILE || !events_make_room())
			break;
	}
	if (device && fd >= FDS) {
		close(fd);
		errno = EMFILE;
		return -1;
	}
	if (fd >= 0 && fd < FDS)
		opened[fd] = device ? getpid() : 0;
	return fd;
}

int close(int fd)
{
	events_closing(fd);
	if (fd >= 0 && fd < FDS && opened[fd] == getpid())
		opened[fd] = 0;
	return (int)syscall(SYS_close, fd);
}

#define MODE_OF(flags, mode)                                                          \
	mode_t mode = 0;                                                              \
	if ((flags) & O_CREAT || ((flags) & O_TMPFILE) == O_TMPFILE) {                \
		va_list ap;                                                           \
		va_start(ap, flags);                                                  \
		mode = va_arg(ap, mode_t);                                            \
		va_end(ap);                                                           \
	}

int open(const char *path, int flags, ...)
{
	MODE_OF(flags, mode)
	return open_file(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	MODE_OF(flags, mode)
	return open_file(path, flags | O_LARGEFILE, mode);
}

int stat(const char *restrict path, struct stat *restrict st)
{
	return fstatat(AT_FDCWD, is_device(path) ? DEVICE_FILE : path, st, 0);
}

static uint64_t now_ns(clockid_t which)
{
	struct timespec t;
	clock_gettime(which, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/*
 * The device's pages become ordinary memory: nobody reads doorbell registers,
 * and the clock page says that a tick is a nanosecond, and what time it is by
 * the device's clock and by the wall's. Device memory is what it is. The command
 * is in the page offset from bit 8 on, what it is about below
 * (providers/mlx5/mlx5.h MLX5_MMAP_GET_..._CMD).
 */
static void *map_device(void *addr, size_t len, int prot, int flags, off_t off)
{
	off_t page = off / sysconf(_SC_PAGESIZE);
	bool clock = page >> 8 == MLX5_IB_MMAP_CLOCK_INFO;
	if (page >> 8 == MLX5_IB_MMAP_DEVICE_MEM)
		return dm_map(page & 0xff, len);
	flags = (flags & ~(MAP_SHARED | MAP_SHARED_VALIDATE)) | MAP_PRIVATE | MAP_ANONYMOUS;
	void *p = (void *)syscall(SYS_mmap, addr, len, prot | PROT_READ | PROT_WRITE, flags, -1, 0);
	if (p != MAP_FAILED && clock && len >= sizeof(struct mlx5_ib_clock_info))
		*(struct mlx5_ib_clock_info *)p = (struct mlx5_ib_clock_info){
			.mult = 1, .mask = ~0ull, .cycles = now_ns(CLOCK_MONOTONIC), .nsec = now_ns(CLOCK_REALTIME) };
	return p;
}

static void *map(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	if (!(flags & MAP_ANONYMOUS) && is_device_fd(fd))
		return map_device(addr, len, prot, flags, off);
	return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, off);
}

void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	return map(addr, len, prot, flags, fd, off);
}

void *mmap64(void *addr, size_t len, int prot, int flags, int fd, off64_t off)
{
	return map(addr, len, prot, flags, fd, off);
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
