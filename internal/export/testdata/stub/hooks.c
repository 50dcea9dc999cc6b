/* The user-space example's mappings, for the hooks of the KUnit example. */
#define main sgfuzz_example_main
#include "sgfuzz_example.c"
#undef main
#include <string.h>

void stub_pages(const void *c, void *r, void *to);
void stub_klms(const void *c, void *r, void *to);

static void call(void (*map)(const struct sgfuzz_case *, struct sgfuzz_result *), const struct sgfuzz_case *c,
		 struct sgfuzz_result *r, void *to, size_t size)
{
	map(c, r);
	memcpy(to, descs, r->ndescs * size);
}

void stub_pages(const void *c, void *r, void *to)
{
	call(map_pages, c, r, to, 8);
}

void stub_klms(const void *c, void *r, void *to)
{
	call(map_klms, c, r, to, 16);
}
