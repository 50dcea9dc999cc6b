/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * Checks an implementation of both mappings against the tables:
 *
 *	cc -std=c11 -Wall -Wextra -o sgfuzz_example sgfuzz_example.c && ./sgfuzz_example
 *
 * Put the code under test in the place of map_pages and map_klms.
 */
#include <stdio.h>

#include "sgfuzz_vectors.h"

typedef uint32_t u32;
typedef uint64_t u64;

static unsigned char descs[SGFUZZ_MOST_DESC_BYTES];

static void put64(size_t word, u64 value)
{
	for (int k = 8; k-- > 0; value >>= 8)
		descs[8 * word + k] = (unsigned char)value;
}

/* What a list that ran out of room in entry i leaves: last was set last. */
static void full(const struct sgfuzz_case *c, struct sgfuzz_result *r, u32 i, u64 start, u64 last)
{
	u32 off = (u32)(last - c->sg[i].addr);

	r->length += last - start;
	r->ret = i == 0 && off == 0 ? -12 : (int)i;
	if (c->has_sg_offset)
		r->sg_offset_out = off;
}

static void map_pages(const struct sgfuzz_case *c, struct sgfuzz_result *r)
{
	u64 inside = (u64)c->page_size - 1, behind = 0;
	u32 off = c->has_sg_offset ? c->sg_offset : 0;

	if (c->nents == 0 || off > c->sg[0].len) {
		r->ret = -22;
		r->sg_offset_out = off;
		return;
	}
	r->iova = c->sg[0].addr + off;
	for (u32 i = 0; i < c->nents; i++, off = 0) {
		u64 start = c->sg[i].addr + off, last = start;
		u32 bytes = c->sg[i].len - off;
		u64 end = start + bytes, page = start & ~inside;

		r->ret = (int)i;
		if (i > 0 && ((behind | start) & inside) != 0) {
			if (behind != start)
				return;			/* a gap */
			page += c->page_size;		/* the first page is set already */
			if (page >= end)
				goto next;
		}
		do {
			if (r->ndescs == c->max_descs) {
				full(c, r, i, start, last);
				return;
			}
			put64(r->ndescs++, page | 3);	/* readable and writable */
			last = page;
			page += c->page_size;
		} while (page < end);
next:
		r->length += bytes;
		behind = end;
	}
	r->ret = (int)c->nents;
}

static void map_klms(const struct sgfuzz_case *c, struct sgfuzz_result *r)
{
	u32 off = c->has_sg_offset ? c->sg_offset : 0, nents = c->nents & 0xffff;

	r->iova = (c->nents ? c->sg[0].addr : 0) + off;
	for (u32 i = 0; i < nents && i < c->max_descs; i++, off = 0) {
		u32 bytes = c->sg[i].len - off;

		put64(2 * (size_t)i, (u64)bytes << 32 | c->lkey);
		put64(2 * (size_t)i + 1, c->sg[i].addr + off);
		r->length += bytes;
		r->ndescs++;
	}
	r->ret = (int)r->ndescs;
	if (c->has_sg_offset)
		r->sg_offset_out = off;
}

static int check(const char *what, const struct sgfuzz_case *c, u32 words,
		 void (*map)(const struct sgfuzz_case *, struct sgfuzz_result *))
{
	int differ = 0;

	for (int i = 0; i < SGFUZZ_CASES; i++, c++) {
		struct sgfuzz_result r = { .descs = descs };
		const char *field;

		map(c, &r);
		field = sgfuzz_differs(c, &r, words);
		if (!field)
			continue;
		printf("%s: %s: %s differs\n", what, c->name, field);
		differ++;
	}
	printf("%s: %d cases, %d differ\n", what, SGFUZZ_CASES, differ);
	return differ;
}

int main(void)
{
	int differ = check("sg_to_pages", sgfuzz_sg_to_pages, SGFUZZ_MTT_WORDS, map_pages);

	differ += check("sg_to_klms", sgfuzz_sg_to_klms, SGFUZZ_KLM_WORDS, map_klms);
	return differ != 0;
}
