/*
 * An implementation in C that "sgfuzz conform" can test: Linux' sg_to_pages and
 * sg_to_klms, and a registration by one UMR with a KLM list.
 * cc -O2 -o child child.c
 */
#include "reader.h"

#define MAX_INLINE 52 /* KLMs behind 128 bytes of segments in a WQE of 1008 */
static struct { uint32_t bcount, key; u64 va; } klm[MAX_SG];
static u64 mtt[2 * MAX_SG];

static void set_klm(int i, uint32_t bcount, uint32_t key, u64 va)
{
	klm[i].bcount = bcount, klm[i].key = key, klm[i].va = va;
}

static void print_klms(int n)
{
	for (int i = 0; i < n; i++)
		printf("%08x%08x%016llx", klm[i].bcount, klm[i].key, klm[i].va);
}

static void print_map(int ret, uint32_t off, u64 iova, u64 length, int n)
{
	printf("\"ok\":{\"ret\":%d,\"sg_offset_out\":%u,\"iova\":%llu,\"length\":%llu,\"ndescs\":%d,\"descs\":\"", ret, off, iova, length, n);
}

static void print_pages(int ret, uint32_t off, u64 iova, u64 length, int n)
{
	print_map(ret, off, iova, length, n);
	for (int i = 0; i < n; i++)
		printf("%016llx", mtt[i]);
	printf("\"}");
}

static void sg_to_pages(const char *line)
{
	int n = read_list(find(line, "sg")), max = number(line, "max_descs"), given = *find(line, "sg_offset") != 'n', np = 0, i;
	u64 size = number(line, "page_size"), mask = size - 1, off = number(line, "sg_offset"), iova = sg[0].addr + off, length = 0, end = 0;
	if (!n || off > sg[0].len) {
		print_pages(-22, off, 0, 0, 0);
		return;
	}
	for (i = 0; i < n; i++, off = 0) {
		u64 start = sg[i].addr + off, page = start & ~mask, before = start;
		int joins = i && ((end & mask) || (start & mask)); /* its first page is there already */
		if (joins && end != start) /* a gap */
			break;
		end = start + (uint32_t)(sg[i].len - off);
		for (page += joins ? size : 0; !joins || page < end; joins = 1, before = page, page += size) {
			if (np == max || np == 2 * MAX_SG) {
				uint32_t stop = before - sg[i].addr;
				print_pages(i || stop ? i : -12, given ? stop : 0, iova, length + before - start, np);
				return;
			}
			mtt[np++] = page | 3; /* readable and writable */
		}
		length += end - start;
	}
	print_pages(i, 0, iova, length, np);
}

static void sg_to_klms(const char *line)
{
	int n = read_list(find(line, "sg")), max = number(line, "max_descs"), given = *find(line, "sg_offset") != 'n', i;
	uint32_t off = number(line, "sg_offset");
	u64 iova = (n ? sg[0].addr : 0) + off, length = 0, lkey = number(line, "local_dma_lkey");
	for (i = 0; i < n && i < max; length += klm[i++].bcount, off = 0)
		set_klm(i, sg[i].len - off, lkey, sg[i].addr + off);
	print_map(i, given ? off : 0, iova, length, i);
	print_klms(i);
	printf("\"}");
}

static int has(const char *rights, const char *name)
{
	const char *p = strstr(rights, name);
	return p && p < strchr(rights, '"');
}

static void do_register(const char *line)
{
	int n = read_list(find(line, "list")), nk = 0;
	const char *keys = find(line, "keys"), *access = find(line, "access") + 1; /* the first key is a klm key */
	u64 max = number(line, "max_entries"), most = number(line, "max_entry_bytes"), total = 0, scratch = number(find(line, "scratch"), "addr");
	uint32_t key = number(keys, "key"), lkey = number(line, "lkey"), wqe[4 * 63] = { 0 };
	if (number(keys, "max") < max)
		max = number(keys, "max");
	for (int i = 0; i < n; i++) {
		if (sg[i].len && sg[i].addr + sg[i].len - 1 < sg[i].addr) {
			printf("\"reject\":\"EINVAL\",\"why\":\"entry %d wraps\"", i);
			return;
		}
		for (u64 done = 0; done < sg[i].len; done += klm[nk++].bcount) {
			if (nk == MAX_SG || (u64)nk == max) {
				printf("\"reject\":\"ENOMEM\",\"why\":\"more than %d pieces\"", nk);
				return;
			}
			set_klm(nk, sg[i].len - done < most ? sg[i].len - done : most, lkey, sg[i].addr + done);
			total += klm[nk].bcount;
		}
	}
	if (!total) {
		printf("\"reject\":\"EINVAL\",\"why\":\"no bytes\"");
		return;
	}
	int octowords = (nk + 3) & ~3, inl = nk <= MAX_INLINE, ds = inl ? 8 + octowords : 9;
	u64 iova = klm[0].va + total - 1 < klm[0].va ? 0 : klm[0].va; /* the region must not run past 2^64 */
	uint32_t fresh = (key & ~0xffu) | ((key + 1) & 0xff);
	wqe[0] = 0x25;						/* UMR */
	wqe[1] = (uint32_t)number(line, "qpn") << 8 | ds;
	wqe[3] = key;
	wqe[4] = inl ? 0xa0000000 : 0x20000000;			/* inline; the key must be free */
	wqe[5] = octowords << 16;
	wqe[7] = 0x203e2041;					/* mask: free, a, rw, rr, lw, lr, key, start, len */
	wqe[16] = 0x8200 | has(access, "lr") << 10 | has(access, "lw") << 11 | has(access, "rr") << 12 | has(access, "rw") << 13 | has(access, "a") << 14;
	wqe[17] = 0xffffff00 | (fresh & 0xff);
	wqe[20] = iova >> 32, wqe[21] = iova, wqe[22] = total >> 32, wqe[23] = total, wqe[29] = octowords;
	wqe[32] = 16 * octowords, wqe[33] = lkey, wqe[34] = scratch >> 32, wqe[35] = scratch; /* pointer to the list */
	printf("\"ok\":{\"regions\":[{\"rkey\":%u,\"addr\":%llu,\"len\":%llu}],\"wqes\":[\"", fresh, iova, total);
	for (int i = 0; i < 4 * (inl ? 8 : 9); i++)
		printf("%08x", wqe[i]);
	if (!inl)
		printf("\"],\"host\":[{\"addr\":%llu,\"bytes\":\"", scratch);
	memset(klm + nk, 0, (octowords - nk) * sizeof *klm);
	print_klms(octowords);
	printf(inl ? "\"]}" : "\"}]}");
}

static void answer(const char *line)
{
	const char *op = find(line, "op");
	printf("{\"id\":%llu,", number(line, "id"));
	if (op[1] == 'h')
		printf("\"ok\":{\"name\":\"example in C\",\"ops\":[\"sg_to_pages\",\"sg_to_klms\",\"register\"]}");
	else if (!strncmp(op, "\"sg_to_pages\"", 13))
		sg_to_pages(line);
	else if (!strncmp(op, "\"sg_to_klms\"", 12))
		sg_to_klms(line);
	else if (!strncmp(op, "\"register\"", 10))
		do_register(line);
	else
		printf("\"skip\":\"not implemented\"");
	puts("}");
}

int main(void) { return each_line(answer); }
