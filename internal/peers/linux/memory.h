/* Memory for lists: an access behind its end is a fault. */
#ifndef LINUX_MEMORY_H
#define LINUX_MEMORY_H

#include <stddef.h>

/* A run of pages with an inaccessible one behind it; all zero is an empty one. */
struct guarded {
	char *end;
	size_t size;
};

/*
 * guarded_last is the last n bytes of the memory, which grows as needed, all of
 * them fill. NULL if there is no memory; what it returned before is void then.
 */
void *guarded_last(struct guarded *g, size_t n, int fill);

#endif
