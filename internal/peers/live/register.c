/*
 * The operation "register": a list becomes one region or several, as an
 * application that knows the library's limits does it. The library looks at
 * neither lengths nor addresses, so the application leaves out what is empty,
 * splits what is too long, and refuses what wraps; it knows that a block of an
 * interleaved layout has 16 bits of length, and that such a layout takes one more
 * place of the key than it has entries.
 */
#include "answer.h"
#include "queue.h"

#include <inttypes.h>
#include <string.h>

enum {
	RING = 64,        /* WQEBBs */
	MAX_INLINE = 764, /* the most that a queue has: 48 entries */
	MOST_PIECES = 1 << 16,
	MOST_KEYS = 64,
	LONGEST_BLOCK = 65535,
};

enum register_by register_by = BY_LIST;

static struct ibv_sge pieces[MOST_PIECES];

static unsigned rights(const char *access)
{
	static const struct {
		const char *name;
		unsigned flag;
	} known[] = { { "lw", IBV_ACCESS_LOCAL_WRITE }, { "rr", IBV_ACCESS_REMOTE_READ }, { "rw", IBV_ACCESS_REMOTE_WRITE }, { "a", IBV_ACCESS_REMOTE_ATOMIC } };
	unsigned flags = 0;
	for (const char *p = access; *p; p += strcspn(p, "|"), p += *p == '|')
		for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
			if (strcspn(p, "|") == strlen(known[i].name) && !strncmp(p, known[i].name, strlen(known[i].name)))
				flags |= known[i].flag;
	return flags;
}

/*
 * split cuts the list into pieces. It returns their number, or puts a reject and
 * returns -1.
 */
static long split(struct json_object *request)
{
	struct json_object *l = list(request, "list");
	uint64_t most = number(request, "max_entry_bytes"), max = number(request, "max_entries");
	uint32_t lkey = (uint32_t)number(request, "lkey");
	long n = 0;
	for (size_t i = 0; i < length(l); i++) {
		struct json_object *e = item(l, i);
		uint64_t addr = at(e, 0), len = at(e, 1);
		if (len && addr + len - 1 < addr) {
			put("\"reject\":\"EINVAL\",\"why\":\"entry %zu wraps\"", i);
			return -1;
		}
		for (uint64_t size; len > 0; addr += size, len -= size) {
			size = len < most ? len : most;
			if (n == MOST_PIECES || (uint64_t)n == max) {
				put("\"reject\":\"ENOMEM\",\"why\":\"more than %ld pieces\"", n);
				return -1;
			}
			pieces[n++] = (struct ibv_sge){ .addr = addr, .length = (uint32_t)size, .lkey = lkey };
		}
	}
	if (n == 0)
		put("\"reject\":\"EINVAL\",\"why\":\"no bytes\"");
	return n ? n : -1;
}

/* A region: a key and the pieces that it gets. */
struct region {
	uint32_t key;
	uint16_t capacity;
	long first, n;
	uint64_t bytes;
};

/* share deals pieces out to the keys, in order; -1 if they have no room. */
static int share(struct json_object *request, long n, struct region *r, uint64_t *largest)
{
	struct json_object *keys = list(request, "keys");
	uint64_t regions = number(request, "max_regions");
	long done = 0;
	int used = 0;
	*largest = 0;
	for (size_t i = 0; i < length(keys); i++) {
		struct json_object *o = item(keys, i);
		uint64_t room = number(o, "max");
		if (strcmp(text(o, "mode"), "klm"))
			continue;
		*largest = room > *largest ? room : *largest;
		if (done == n || used == MOST_KEYS || (uint64_t)used == regions || room == 0)
			continue;
		uint64_t take = (MAX_INLINE + 4) / DS_SIZE;
		take = room < take ? room : take;
		take -= register_by == BY_INTERLEAVED;
		if (take == 0)
			continue;
		take = (uint64_t)(n - done) < take ? (uint64_t)(n - done) : take;
		r[used] = (struct region){ .key = (uint32_t)number(o, "key"), .capacity = (uint16_t)(room < 65532 ? room : 65532), .first = done, .n = (long)take };
		for (long k = done; k < done + (long)take; k++)
			r[used].bytes += pieces[k].length;
		done += (long)take;
		used++;
	}
	return done == n ? used : -1;
}

/* call makes the calls for a region. */
static void call(struct queue *q, struct mlx5dv_mkey *m, const struct region *r, unsigned access)
{
	static struct mlx5dv_mr_interleaved blocks[(MAX_INLINE + 4) / DS_SIZE];
	struct ibv_sge *list = pieces + r->first;
	uint16_t n = (uint16_t)r->n;
	switch (register_by) {
	case BY_LIST:
		mlx5dv_wr_mr_list(q->mqp, m, access, n, list);
		break;
	case BY_INTERLEAVED:
		for (uint16_t i = 0; i < n; i++)
			blocks[i] = (struct mlx5dv_mr_interleaved){ .addr = list[i].addr, .bytes_count = list[i].length, .lkey = list[i].lkey };
		mlx5dv_wr_mr_interleaved(q->mqp, m, access, 1, n, blocks);
		break;
	case BY_CONFIGURE:
		mlx5dv_wr_mkey_configure(q->mqp, m, 2, &(struct mlx5dv_mkey_conf_attr){ 0 });
		mlx5dv_wr_set_mkey_layout_list(q->mqp, n, list);
		mlx5dv_wr_set_mkey_access_flags(q->mqp, access);
	}
}

/* post makes one region and puts its WQE. */
static const char *post(struct queue *q, const struct region *r, unsigned access, const char *comma)
{
	uint16_t from, posted, n;
	uint8_t wqe[1024];
	struct mlx5dv_mkey *m = queue_key(&(struct key){ .lkey = r->key, .max_entries = r->capacity });
	if (!m)
		return "mlx5dv_create_mkey failed";
	ibv_wr_start(q->qpx);
	q->qpx->wr_flags = IBV_SEND_INLINE | IBV_SEND_SIGNALED;
	call(q, m, r, access);
	const char *why = queue_complete(q, &from, &posted) ? "the library refuses the region" : NULL;
	if (!why) {
		size_t size = queue_read(q, from, wqe, &n);
		put("%s\"", comma);
		put_hex(wqe, size);
		put("\"");
		why = queue_reap(q, from);
	}
	mlx5dv_destroy_mkey(m);
	return why;
}

const char *answer_register(struct json_object *request)
{
	struct region regions[MOST_KEYS];
	uint64_t largest;
	long n = split(request);
	if (n < 0)
		return NULL;
	for (long i = 0; register_by == BY_INTERLEAVED && i < n; i++)
		if (pieces[i].length > LONGEST_BLOCK)
			return "an entry of 64 KiB or more, which no block of an interleaved layout has";
	int used = share(request, n, regions, &largest);
	if (used < 0 && (uint64_t)n > largest) {
		put("\"reject\":\"ENOMEM\",\"why\":\"%ld pieces, room for %" PRIu64 "\"", n, largest);
		return NULL;
	}
	if (used < 0)
		return "more pieces than the library puts into the requests for these keys";
	struct queue q;
	const char *why = queue_open(&q, &(struct shape){ .qpn = (uint32_t)number(request, "qpn"), .wqebbs = RING, .max_inline = MAX_INLINE });
	if (why)
		return why;
	unsigned access = rights(text(request, "access"));
	put("\"ok\":{\"regions\":[");
	for (int i = 0; i < used; i++)
		put("%s{\"rkey\":%u,\"addr\":0,\"len\":%" PRIu64 "}", i ? "," : "", regions[i].key, regions[i].bytes);
	put("],\"wqes\":[");
	for (int i = 0; i < used && !why; i++)
		why = post(&q, &regions[i], access, i ? "," : "");
	put("]}");
	queue_close(&q);
	return why;
}
