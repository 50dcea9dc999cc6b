/* What the parts of the child share. */
#ifndef LINUX_CHILD_H
#define LINUX_CHILD_H

#include "kernel.h"
#include "memory.h"

enum { MOST_DESCS = 1 << 19 }; /* as many as the runner's model writes */

/* find is the value of a field, "" if there is none. Names do not occur in values. */
const char *find(const char *line, const char *name);

/* next reads an integer, or a string "0x…" as it comes under --hex, and moves p on. */
uint64_t next(const char **p);
uint64_t number(const char *line, const char *name);

void skip(const char *why);
void put_hex(const void *bytes, size_t n);
void put_descs(const struct mlx5_ib_mr *mr);

/* A memory region of ib_alloc_mr, and what ib_map_mr_sg made of it. */
struct region {
	struct mlx5_ib_mr mr;
	struct guarded memory; /* of the descriptors */
	unsigned int offset;   /* as left by the mapping */
	int ret;
};

/*
 * map_region maps the list of a request: pages, or KLMs as for
 * IB_MR_TYPE_SG_GAPS. The domain is set already; descriptors hold the byte
 * leftover before. It returns why it cannot.
 */
const char *map_region(const char *request, bool klms, int leftover, struct region *r);

/* post answers a request for work requests. */
void post(char *line);

#endif
