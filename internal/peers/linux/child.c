/*
 * The mapping and posting code of a Linux source tree as an implementation that "sgfuzz
 * conform" can test. docs/live-linux.md says how it is built and what it shows.
 *
 * A request to map is one call of ib_map_mr_sg on a memory region of mlx5's. List
 * and descriptors lie before inaccessible pages: to read or write behind them ends the
 * child.
 */
#include "child.h"
#include "memory.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	LONGEST_LINE = 16 << 20, /* the protocol's limit */
	LEFTOVER = 0xa5,	 /* what descriptors hold before they are written */
};

/* ---- requests ---- */

const char *find(const char *line, const char *name)
{
	char pattern[32];
	int n = snprintf(pattern, sizeof(pattern), "\"%s\":", name);
	const char *p = strstr(line, pattern);
	return p ? p + n : "";
}

uint64_t next(const char **p)
{
	bool quoted = **p == '"';
	char *end;
	uint64_t v = strtoull(*p + quoted, &end, quoted ? 16 : 10);
	*p = end + (quoted && *end == '"');
	return v;
}

uint64_t number(const char *line, const char *name)
{
	const char *p = find(line, name);
	return next(&p);
}

/* read_list returns the entries, and in n how many; NULL if there is no memory. */
static struct scatterlist *read_list(const char *p, int *n)
{
	static struct guarded memory;
	size_t count = 0;
	for (const char *q = p; *q && *q != ']'; count++) {
		q = strchr(q, ']');
		q = q ? q + 1 : "";
		if (*q != ',' && *q != ']')
			break;
	}
	if (*p != '[' || p[1] != '[')
		count = 0;
	*n = (int)count;
	/* an empty list has a first entry that may be looked at: sgl[0] is */
	struct scatterlist *l = guarded_last(&memory, (count ? count : 1) * sizeof(*l), 0);
	for (size_t i = 0; l && i < count; i++) {
		p += 2; /* "[[" or ",[" */
		l[i].dma_address = next(&p);
		p += *p == ',';
		l[i].dma_length = (unsigned int)next(&p);
		p = strchr(p, ']'); /* read_list counted it */
		p++;
	}
	return l;
}

/* ---- replies ---- */

void skip(const char *why) { printf("\"skip\":\"%s\"", why); }

void put_hex(const void *bytes, size_t n)
{
	const unsigned char *d = bytes;
	for (char hex[4096]; n;) {
		size_t some = n < sizeof(hex) / 2 ? n : sizeof(hex) / 2;
		for (size_t i = 0; i < some; i++) {
			hex[2 * i] = "0123456789abcdef"[d[i] >> 4];
			hex[2 * i + 1] = "0123456789abcdef"[d[i] & 15];
		}
		fwrite(hex, 1, 2 * some, stdout);
		d += some;
		n -= some;
	}
}

void put_descs(const struct mlx5_ib_mr *mr) { put_hex(mr->descs, (size_t)mr->mmkey.ndescs * (size_t)mr->desc_size); }

/* ---- operations ---- */

const char *map_region(const char *request, bool klms, int leftover, struct region *r)
{
	static struct ib_device device = { .ops.map_mr_sg = mlx5_ib_map_mr_sg };
	r->mr.access_mode = klms ? MLX5_MKC_ACCESS_MODE_KLMS : MLX5_MKC_ACCESS_MODE_MTT;
	r->mr.desc_size = klms ? (int)sizeof(struct mlx5_klm) : (int)sizeof(__be64);
	r->mr.ibmr.device = &device;
	uint64_t max = number(request, "max_descs");
	if (max > MOST_DESCS)
		return "more descriptors than this child has memory for";
	int n;
	struct scatterlist *l = read_list(find(request, "sg"), &n);
	r->mr.max_descs = (int)max;
	r->mr.descs = guarded_last(&r->memory, (size_t)max * (size_t)r->mr.desc_size, leftover);
	if (!l || !r->mr.descs)
		return "no memory";
	bool given = *find(request, "sg_offset") != 'n';
	r->offset = given ? (unsigned int)number(request, "sg_offset") : 0;
	/* KLMs have no pages; ULPs pass any size */
	unsigned int page_size = klms ? 4096 : (unsigned int)number(request, "page_size");
	r->ret = ib_map_mr_sg(&r->mr.ibmr, l, n, given ? &r->offset : NULL, page_size);
	return NULL;
}

static void map(const char *line, bool klms)
{
	static struct guarded memory;
	struct ib_pd pd = { .local_dma_lkey = (u32)number(line, "local_dma_lkey") };
	struct region r = { .mr.ibmr.pd = &pd, .memory = memory };
	const char *why = map_region(line, klms, LEFTOVER, &r);
	memory = r.memory;
	if (why) {
		skip(why);
		return;
	}
	printf("\"ok\":{\"ret\":%d,\"sg_offset_out\":%u,\"iova\":%" PRIu64 ",\"length\":%" PRIu64 ",\"ndescs\":%u,\"descs\":\"",
	       r.ret, r.offset, r.mr.ibmr.iova, r.mr.ibmr.length, r.mr.mmkey.ndescs);
	put_descs(&r.mr);
	printf("\"}");
}

static void answer(char *line)
{
	const char *op = find(line, "op");
	printf("{\"id\":%" PRIu64 ",", number(line, "id"));
	if (!strncmp(op, "\"hello\"", 7))
		printf("\"ok\":{\"name\":\"%s\",\"ops\":[\"sg_to_pages\",\"sg_to_klms\",\"wqe\"]}", LINUX_VERSION);
	else if (!strncmp(op, "\"sg_to_pages\"", 13))
		map(line, false);
	else if (!strncmp(op, "\"sg_to_klms\"", 12))
		map(line, true);
	else if (!strncmp(op, "\"wqe\"", 5) && !strncmp(find(line, "producer"), "\"regmr\"", 7))
		post(line);
	else
		skip("not this driver's, or not implemented");
	printf("}\n");
}

/* ---- the conversation ---- */

/* fill reads what there is behind the bytes held; false at the end of input. */
static bool fill(char **buf, size_t *size, size_t *have)
{
	if (*have == *size) {
		char *more = *size < LONGEST_LINE ? realloc(*buf, 2 * *size) : NULL;
		if (!more)
			return false;
		*buf = more;
		*size *= 2;
	}
	ssize_t n;
	do
		n = read(STDIN_FILENO, *buf + *have, *size - *have);
	while (n < 0 && errno == EINTR);
	*have += n > 0 ? (size_t)n : 0;
	return n > 0;
}

int main(void)
{
	static char out[1 << 18];
	setvbuf(stdout, out, _IOFBF, sizeof(out));
	size_t size = 1 << 20, have = 0;
	char *buf = malloc(size);
	while (buf && fill(&buf, &size, &have)) {
		char *line = buf, *end;
		for (; (end = memchr(line, '\n', (size_t)(buf + have - line))); line = end + 1) {
			*end = 0;
			answer(line);
		}
		have -= (size_t)(line - buf);
		memmove(buf, line, have);
		if (fflush(stdout)) /* before blocking on input */
			return 1;
	}
	free(buf);
	return have != 0;
}
