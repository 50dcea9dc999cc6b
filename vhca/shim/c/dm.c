/*
 * Device memory: a few pages that the library maps by their number and that the
 * engine reaches as memory of the process. The processes that a program forks
 * share them, and the table of what is allocated.
 */
#define _GNU_SOURCE
#include "dm.h"

#include "methods.h"
#include "engine.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/mlx5_user_ioctl_cmds.h>
#include <rdma/mlx5_user_ioctl_verbs.h>

enum { MIN_PAGE = 4096, MOST = DM_SIZE / MIN_PAGE };

/* An allocation's handle is one more than its first page. */
struct arena {
	pthread_mutex_t turn;
	struct {
		uint64_t length;  /* bytes asked for, 0 if nothing begins here */
		uint32_t regions; /* keys of it that there are */
	} at[MOST];
	_Alignas(1 << 16) uint8_t memory[DM_SIZE];
};
static struct arena *arena;
static size_t page_size;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The keys of device memory that this process made. */
static struct region {
	struct region *next;
	uint32_t mr;
	size_t page;
} *regions;

static void make(void)
{
	pthread_mutexattr_t shared;
	page_size = (size_t)sysconf(_SC_PAGESIZE);
	void *p = (void *)syscall(SYS_mmap, NULL, 2 * sizeof(*arena), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED || page_size > _Alignof(struct arena))
		return;
	arena = (struct arena *)(((uintptr_t)p + _Alignof(struct arena) - 1) & -_Alignof(struct arena));
	pthread_mutexattr_init(&shared);
	pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&arena->turn, &shared);
}

static int lock(void)
{
	pthread_once(&once, make);
	if (!arena)
		return ENOMEM;
	pthread_mutex_lock(&arena->turn);
	return 0;
}

static int unlock(int err)
{
	pthread_mutex_unlock(&arena->turn);
	return err;
}

static size_t pages(uint64_t length) { return (length + page_size - 1) / page_size; }

/* find gives the page of a handle's allocation, or -1. The lock is held. */
static ssize_t find(uint64_t handle)
{
	return handle - 1 < MOST && arena->at[handle - 1].length ? (ssize_t)handle - 1 : -1;
}

/* room gives the first page of so many that are free, or -1. */
static ssize_t room(size_t n)
{
	size_t from = 0;
	for (size_t i = 0; from + n <= DM_SIZE / page_size; i++) {
		if (i == from + n)
			return (ssize_t)from;
		if (arena->at[i].length)
			from = i + pages(arena->at[i].length);
		if (i < from)
			i = from - 1;
	}
	return -1;
}

static void tell(hdr *h, size_t page, uint16_t offset_id, uint16_t page_id)
{
	uint64_t offset = 0;
	uint16_t index = (uint16_t)page;
	output(h, offset_id, &offset, sizeof(offset));
	output(h, page_id, &index, sizeof(index));
}

int alloc_dm(hdr *h)
{
	uint64_t length = number(h, UVERBS_ATTR_ALLOC_DM_LENGTH);
	if (number(h, MLX5_IB_ATTR_ALLOC_DM_REQ_TYPE) != MLX5_IB_UAPI_DM_TYPE_MEMIC)
		return EOPNOTSUPP;
	if (length == 0 || number(h, UVERBS_ATTR_ALLOC_DM_ALIGNMENT) > 16)
		return EINVAL;
	if (length > DM_SIZE || lock())
		return ENOMEM;
	ssize_t page = room(pages(length));
	if (page < 0)
		return unlock(ENOMEM);
	arena->at[page].length = length;
	memset(arena->memory + (size_t)page * page_size, 0, length);
	tell(h, (size_t)page, MLX5_IB_ATTR_ALLOC_DM_RESP_START_OFFSET, MLX5_IB_ATTR_ALLOC_DM_RESP_PAGE_INDEX);
	new_handle(h, UVERBS_ATTR_ALLOC_DM_HANDLE, (uint64_t)page + 1);
	return unlock(0);
}

int free_dm(hdr *h)
{
	if (lock())
		return EINVAL;
	ssize_t page = find(number(h, UVERBS_ATTR_FREE_DM_HANDLE));
	if (page < 0)
		return unlock(EINVAL);
	if (arena->at[page].regions)
		return unlock(EBUSY);
	arena->at[page].length = 0;
	return unlock(0);
}

/* query_dm answers a context that imports another's. */
int query_dm(hdr *h)
{
	if (lock())
		return EINVAL;
	ssize_t page = find(number(h, MLX5_IB_ATTR_QUERY_DM_REQ_HANDLE));
	if (page < 0)
		return unlock(EINVAL);
	tell(h, (size_t)page, MLX5_IB_ATTR_QUERY_DM_RESP_START_OFFSET, MLX5_IB_ATTR_QUERY_DM_RESP_PAGE_INDEX);
	output(h, MLX5_IB_ATTR_QUERY_DM_RESP_LENGTH, &arena->at[page].length, sizeof(arena->at[page].length));
	return unlock(0);
}

int reg_dm_mr(hdr *h)
{
	uint64_t offset = number(h, UVERBS_ATTR_REG_DM_MR_OFFSET), length = number(h, UVERBS_ATTR_REG_DM_MR_LENGTH);
	uint32_t access = (uint32_t)number(h, UVERBS_ATTR_REG_DM_MR_ACCESS_FLAGS);
	if (!(access & IB_UVERBS_ACCESS_ZERO_BASED) || lock())
		return EINVAL;
	ssize_t page = find(number(h, UVERBS_ATTR_REG_DM_MR_DM_HANDLE));
	if (page < 0 || offset > arena->at[page].length || length > arena->at[page].length - offset)
		return unlock(EINVAL);
	struct region *r = malloc(sizeof(*r));
	struct hca_mr m = { .pd = (uint32_t)number(h, UVERBS_ATTR_REG_DM_MR_PD_HANDLE), .access = access, .length = length,
			    .addr = (uintptr_t)arena->memory + (size_t)page * page_size + offset };
	int err = r ? engine_call(HCA_MR_REG_DM, &m) : ENOMEM;
	if (err) {
		free(r);
		return unlock(err);
	}
	*r = (struct region){ regions, m.key >> 8, (size_t)page };
	regions = r;
	arena->at[page].regions++;
	output32(h, UVERBS_ATTR_REG_DM_MR_RESP_LKEY, m.key);
	output32(h, UVERBS_ATTR_REG_DM_MR_RESP_RKEY, m.key);
	new_handle(h, UVERBS_ATTR_REG_DM_MR_HANDLE, m.key >> 8);
	return unlock(0);
}

void dm_forget(uint32_t mr)
{
	if (!arena)
		return;
	lock();
	for (struct region **p = &regions; *p; p = &(*p)->next) {
		if ((*p)->mr != mr)
			continue;
		struct region *gone = *p;
		arena->at[gone->page].regions--;
		*p = gone->next;
		free(gone);
		break;
	}
	unlock(0);
}

/* A shared mapping of no length, moved, is one more mapping of its pages: mremap(2). */
void *dm_map(size_t page, size_t len)
{
	if (!arena || page > DM_SIZE / page_size || len > DM_SIZE - page * page_size) {
		errno = EINVAL;
		return MAP_FAILED;
	}
	return mremap(arena->memory + page * page_size, 0, len, MREMAP_MAYMOVE);
}
