#define _GNU_SOURCE
#include "memory.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void *guarded_last(struct guarded *g, size_t n, int fill)
{
	if (n > SIZE_MAX / 4)
		return NULL;
	if (!g->end || n > g->size) {
		size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (2 * n + page) & ~(page - 1);
		if (g->size)
			munmap(g->end - g->size, g->size + page);
		*g = (struct guarded){ 0 };
		char *p = mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			return NULL;
		if (mprotect(p + size, page, PROT_NONE)) {
			munmap(p, size + page);
			return NULL;
		}
		g->end = p + size;
		g->size = size;
	}
	return memset(g->end - n, fill, n);
}
