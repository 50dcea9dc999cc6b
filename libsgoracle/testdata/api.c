/*
 * Tests of libsgoracle from C: every function with right and with wrong
 * arguments, garbage of every kind, threads, and memory over many sessions.
 * Meant to run under a leak checker. Links with examples/libfuzzer/encoder.c.
 *
 *   api [ROUNDS]   default 2000
 *   api leak       leaks a block, for the leak checker to be seen at work
 */
#include "../../examples/libfuzzer/encoder.h"
#include "sgoracle.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int checks, failures;
static void note(int ok, const char *what, int line)
{
	__atomic_add_fetch(&checks, 1, __ATOMIC_RELAXED);
	if (ok)
		return;
	__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
	fprintf(stderr, "api.c:%d: %s\n", line, what);
}
#define CHECK(cond) note((cond), #cond, __LINE__)

static uint64_t next(uint64_t *state) /* xorshift64 */
{
	*state ^= *state << 13, *state ^= *state >> 7, *state ^= *state << 17;
	return *state;
}

static void fill(uint64_t *rng, void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = (uint8_t)next(rng);
}

static int encode_request(struct umr *u, const struct sgo_request *q)
{
	struct segment seg[SGO_DRAWN_ENTRIES];
	struct target t = { q->keys[0].key, q->lkey, q->qpn, (uint8_t)q->access,
		q->keys[0].max < q->max_entries ? q->keys[0].max : q->max_entries, q->max_entry_bytes, q->scratch_addr };
	for (size_t i = 0; i < q->count; i++)
		seg[i] = (struct segment){ q->list[i].addr, q->list[i].len };
	return encode(u, &t, seg, q->count);
}

static void feed(sgo_session s, struct umr *u, const struct sgo_request *q, int err)
{
	CHECK(sgo_begin(s, q) == SGO_OK);
	if (err) {
		CHECK(sgo_reject(s, err) == SGO_OK);
		return;
	}
	/* the library keeps no pointer to what it is given */
	uint8_t *gone = malloc(u->list_len + u->wqe_len);
	memcpy(gone, u->list, u->list_len);
	memcpy(gone + u->list_len, u->wqe, u->wqe_len);
	CHECK(sgo_write_host(s, q->scratch_addr, gone, u->list_len) == SGO_OK);
	CHECK(sgo_post(s, gone + u->list_len, u->wqe_len) == SGO_OK);
	memset(gone, 0xee, u->list_len + u->wqe_len);
	free(gone);
	CHECK(sgo_region(s, u->rkey, u->iova, u->length) == SGO_OK);
}

static const struct sgo_entry two[] = { { 0x10fff, 1, 0 }, { 0x20000, 4096, 0 } };
static const struct sgo_key klm_key[] = { { 0xabc00, SGO_MODE_KLM, 256, 0 } };
static struct sgo_request simple(void)
{
	struct sgo_request q = SGO_REQUEST_INIT;
	q.list = two, q.count = 2, q.keys = klm_key, q.key_count = 1;
	return q;
}

static void verdicts(struct umr *u)
{
	char text[4096], small[4];
	struct sgo_request q = simple();
	sgo_session s;
	int n;

	CHECK(sgo_api_version() == SGO_API_VERSION);
	CHECK(sgo_version(text, sizeof text) > 0 && !strncmp(text, "libsgoracle ", 12));
	CHECK(sgo_new(&s) == SGO_OK && s != 0);
	CHECK(sgo_error(s, text, sizeof text) == 0 && !*text);

	CHECK(encode_request(u, &q) == 0);
	feed(s, u, &q, 0);
	CHECK(sgo_judge(s) == SGO_OK && sgo_judge(s) == SGO_OK && sgo_failure_class(s) == 0);
	CHECK(sgo_verdict_text(s, text, sizeof text) == 8 && !strcmp(text, "accepted"));
	CHECK(sgo_verdict_text(s, small, sizeof small) == 8 && !strcmp(small, "acc"));
	CHECK(sgo_verdict_text(s, small, 1) == 8 && !*small);
	CHECK(sgo_verdict_text(s, NULL, 0) == 8);
	CHECK(sgo_case_text(s, text, sizeof text) > 0 && strstr(text, "sg 0x10fff+1\nsg 0x20000+4096\n"));
	CHECK(sgo_post(s, u->wqe, u->wqe_len) == SGO_ESTATE && sgo_reject(s, 1) == SGO_ESTATE);
	CHECK(sgo_judge(s) == SGO_OK); /* too late to spoil it */

	feed(s, u, &q, 0);
	CHECK(sgo_region(s, u->rkey, u->iova, 1) == SGO_OK);
	CHECK(sgo_judge(s) == SGO_FINDING && sgo_judge(s) == SGO_FINDING);
	n = sgo_failure_class(s);
	CHECK(n == 5 && sgo_class_name(n, text, sizeof text) == 12 && !strcmp(text, "conservation"));
	CHECK(sgo_verdict_text(s, text, sizeof text) > 20 && !strncmp(text, "conservation: ", 14));

	u->wqe[3] = 0x26; /* no such opcode */
	feed(s, u, &q, 0);
	CHECK(sgo_judge(s) == SGO_FINDING && sgo_failure_class(s) == 8);

	feed(s, u, &q, 12);
	CHECK(sgo_judge(s) == SGO_FINDING && sgo_failure_class(s) == 14);
	feed(s, u, &q, 12);
	CHECK(sgo_region(s, 1, 2, 3) == SGO_ESTATE && sgo_judge(s) == SGO_ESTATE);

	/* a list that wraps, and an empty one: to be refused, never accepted */
	struct sgo_entry wraps[] = { { 0x1000, 4096, 0 }, { UINT64_MAX, 2, 0 } };
	for (size_t count = 0; count <= 2; count += 2) {
		q.list = count ? wraps : NULL, q.count = count;
		feed(s, u, &q, 22);
		CHECK(sgo_judge(s) == SGO_OK && sgo_verdict_text(s, text, sizeof text) == 7 && !strcmp(text, "refused"));
		feed(s, u, &q, 0);
		CHECK(sgo_judge(s) == SGO_FINDING && sgo_failure_class(s) == 14);
	}
	CHECK(sgo_free(s) == SGO_OK);
}

/* A bounce buffer: the list's bytes are copied to and from scratch memory. */
static void bounce(struct umr *u)
{
	struct sgo_request q = simple(), shadow = simple();
	struct sgo_entry there = { q.scratch_addr, 4097, 0 };
	sgo_session s;

	shadow.list = &there, shadow.count = 1;
	CHECK(sgo_new(&s) == SGO_OK && encode_request(u, &shadow) == 0);
	for (int spoil = 0; spoil < 2; spoil++) {
		feed(s, u, &q, 0);
		for (uint64_t i = 0, at = q.scratch_addr; i < 2; at += two[i++].len) {
			CHECK(sgo_copy_in(s, two[i].addr, at, two[i].len) == SGO_OK);
			CHECK(sgo_copy_out(s, at + (uint64_t)spoil * i, two[i].addr, two[i].len) == SGO_OK);
		}
		CHECK(sgo_judge(s) == (spoil ? SGO_FINDING : SGO_OK));
	}
	CHECK(sgo_free(s) == SGO_OK);
}

static void misuse(struct umr *u)
{
	struct sgo_request q = simple();
	static struct sgo_drawn d;
	char text[4096];
	sgo_session s = 0, dead = 0;
	uint8_t byte = 0;

	for (int c = SGO_EINTERNAL - 1; c <= SGO_FINDING + 1; c++)
		for (int other = SGO_EINTERNAL; other < c; other++)
			CHECK(*sgo_strerror(c) && (c > SGO_FINDING || strcmp(sgo_strerror(c), sgo_strerror(other))));
	CHECK(sgo_new(NULL) == SGO_ENULL && sgo_version(NULL, 1) == SGO_ENULL);
	CHECK(sgo_class_name(0, text, sizeof text) == SGO_ERANGE && sgo_class_name(-1, NULL, 0) == SGO_ERANGE);
	CHECK(sgo_class_name(16, text, sizeof text) == SGO_ERANGE && sgo_class_name(1, NULL, 5) == SGO_ENULL);
	CHECK(sgo_new(&s) == SGO_OK && sgo_new(&dead) == SGO_OK && s != dead && sgo_free(dead) == SGO_OK);

	const sgo_session none[] = { 0, dead, UINT64_MAX };
	for (size_t i = 0; i < 3; i++) {
		sgo_session x = none[i];
		CHECK(sgo_free(x) == SGO_ESESSION && sgo_error(x, text, sizeof text) == SGO_ESESSION);
		CHECK(sgo_begin(x, &q) == SGO_ESESSION && sgo_draw_list(x, &byte, 1, &d) == SGO_ESESSION);
		CHECK(sgo_write_host(x, 0, &byte, 1) == SGO_ESESSION && sgo_post(x, &byte, 1) == SGO_ESESSION);
		CHECK(sgo_region(x, 1, 2, 3) == SGO_ESESSION && sgo_reject(x, 22) == SGO_ESESSION);
		CHECK(sgo_copy_in(x, 1, 2, 3) == SGO_ESESSION && sgo_copy_out(x, 1, 2, 3) == SGO_ESESSION);
		CHECK(sgo_judge(x) == SGO_ESESSION && sgo_failure_class(x) == SGO_ESESSION);
		CHECK(sgo_verdict_text(x, text, 1) == SGO_ESESSION && sgo_case_text(x, text, 1) == SGO_ESESSION);
	}

	CHECK(sgo_judge(s) == SGO_ESTATE && sgo_post(s, &byte, 1) == SGO_ESTATE && sgo_reject(s, 1) == SGO_ESTATE);
	CHECK(sgo_failure_class(s) == SGO_ESTATE && sgo_verdict_text(s, text, 9) == SGO_ESTATE && sgo_case_text(s, text, 9) == SGO_ESTATE);
	CHECK(sgo_error(s, text, sizeof text) > 0 && strstr(text, "sgo_case_text"));
	CHECK(sgo_error(s, NULL, 5) == SGO_ENULL);
	CHECK(sgo_draw_list(s, NULL, 1, &d) == SGO_ENULL && sgo_draw_list(s, &byte, 1, NULL) == SGO_ENULL);
	CHECK(sgo_draw_list(s, &byte, SIZE_MAX, &d) == SGO_ERANGE && sgo_draw_list(s, NULL, 0, &d) == SGO_OK && d.request.count <= 1);
	CHECK(sgo_begin(s, NULL) == SGO_ENULL);
	q.list = NULL;
	CHECK(sgo_begin(s, &q) == SGO_ENULL && sgo_judge(s) == SGO_ESTATE);
	q = simple(), q.keys = NULL;
	CHECK(sgo_begin(s, &q) == SGO_ENULL);
	q = simple(), q.count = SIZE_MAX;
	CHECK(sgo_begin(s, &q) == SGO_ERANGE);
	q = simple(), q.key_count = SGO_MAX_KEYS + 1;
	CHECK(sgo_begin(s, &q) == SGO_ERANGE);
	q = simple(), q.page_size = 3;
	CHECK(sgo_begin(s, &q) == SGO_EREQUEST && sgo_error(s, text, sizeof text) > 0 && strstr(text, "page_size"));
	q = simple(), q.access = 0x110;
	CHECK(sgo_begin(s, &q) == SGO_EREQUEST);
	q = simple(), q.dir = 0x101;
	CHECK(sgo_begin(s, &q) == SGO_EREQUEST);
	q = simple(), q.scratch_addr = 0x20fff;
	CHECK(sgo_begin(s, &q) == SGO_EREQUEST && sgo_error(s, text, sizeof text) > 0 && strstr(text, "entry 1"));
	q = simple(), q.max_entries = SGO_MAX_DESCRIPTORS;
	CHECK(sgo_begin(s, &q) == SGO_OK);
	q.max_entries++;
	CHECK(sgo_begin(s, &q) == SGO_EREQUEST);
	struct sgo_key odd = { 0xabc00, 0x101, 1, 0 };
	q = simple(), q.keys = &odd;
	CHECK(sgo_begin(s, &q) == SGO_EREQUEST);

	/* what fails on the way is sgo_judge's, until the next case */
	q = simple();
	CHECK(encode_request(u, &q) == 0);
	feed(s, u, &q, 0);
	CHECK(sgo_post(s, NULL, 16) == SGO_ENULL && sgo_verdict_text(s, text, 9) == SGO_ESTATE && sgo_judge(s) == SGO_ENULL && sgo_judge(s) == SGO_ENULL);
	feed(s, u, &q, 0);
	CHECK(sgo_verdict_text(s, text, 9) == SGO_ESTATE && sgo_judge(s) == SGO_OK); /* a question too early spoils nothing */
	feed(s, u, &q, 0);
	CHECK(sgo_write_host(s, 0, &byte, SIZE_MAX) == SGO_ERANGE && sgo_judge(s) == SGO_ERANGE);
	feed(s, u, &q, 0);
	for (int i = 1; i < SGO_MAX_CALLS; i++)
		sgo_region(s, u->rkey, 0, 0);
	CHECK(sgo_region(s, u->rkey, 0, 0) == SGO_ERANGE && sgo_judge(s) == SGO_ERANGE);
	CHECK(sgo_begin(s, &q) == SGO_OK && sgo_post(s, NULL, 0) == SGO_OK && sgo_judge(s) == SGO_FINDING);
	CHECK(sgo_free(s) == SGO_OK && sgo_free(s) == SGO_ESESSION);

	static sgo_session many[SGO_MAX_SESSIONS];
	int n = 0;
	while (n < SGO_MAX_SESSIONS && sgo_new(&many[n]) == SGO_OK)
		n++;
	CHECK(n == SGO_MAX_SESSIONS && sgo_new(&s) == SGO_ERANGE);
	while (n > 0)
		CHECK(sgo_free(many[--n]) == SGO_OK);
	CHECK(sgo_new(&s) == SGO_OK && sgo_free(s) == SGO_OK);
}

/* One case of garbage: drawn or random, then random calls. */
static void garbage_case(sgo_session s, uint64_t *rng, struct sgo_drawn *d, int *findings)
{
	uint8_t bytes[1100];
	size_t n = next(rng) % 64;
	struct sgo_request q;

	fill(rng, bytes, sizeof bytes);
	CHECK(sgo_draw_list(s, bytes, n, d) == SGO_OK);
	q = d->request;
	size_t numbers = offsetof(struct sgo_request, page_size);
	switch (next(rng) % 8) {
	case 0: fill(rng, (uint8_t *)&q + numbers, sizeof q - numbers); break;
	case 1: fill(rng, (uint8_t *)&q + numbers + 4 * (next(rng) % ((sizeof q - numbers) / 4)), 4); break;
	case 2: q.count = SGO_MAX_ENTRIES + 1 + (size_t)(next(rng) >> next(rng) % 64); break;
	case 3: q.key_count = SGO_MAX_KEYS + 1 + (size_t)(next(rng) >> next(rng) % 64); break;
	}
	int ret = sgo_begin(s, &q);
	CHECK(ret == SGO_OK || (ret <= SGO_ENULL && ret > SGO_EINTERNAL));
	for (uint64_t i = next(rng) % 8; i > 0; i--) {
		uint64_t a = q.scratch_addr + next(rng) % 8192, b = q.count && q.count < 300 ? q.list[next(rng) % q.count].addr : a, len = next(rng) % 5000;
		switch (next(rng) % 8) {
		case 0: ret = sgo_write_host(s, next(rng), bytes, n); break;
		case 1: ret = sgo_write_host(s, a, bytes, n); break;
		case 2: ret = sgo_post(s, bytes, next(rng) % sizeof bytes); break;
		case 3: /* the right head, then garbage */
			memset(bytes, 0, 16);
			bytes[3] = (uint8_t[]){ 0x25, 0x10, 0x08, 0x00, 0x20 }[next(rng) % 5];
			bytes[4] = (uint8_t)(q.qpn >> 16), bytes[5] = (uint8_t)(q.qpn >> 8), bytes[6] = (uint8_t)q.qpn;
			bytes[7] = (uint8_t)(next(rng) & 63);
			ret = sgo_post(s, bytes, 16 * (size_t)bytes[7]);
			break;
		case 4: ret = sgo_region(s, d->keys[0].key, next(rng), next(rng)); break;
		case 5: ret = sgo_copy_in(s, b, a, len); break;
		case 6: ret = sgo_copy_out(s, a, b, len); break;
		case 7: ret = next(rng) % 8 ? SGO_OK : sgo_reject(s, (int)next(rng)); break;
		}
		CHECK(ret == SGO_OK || (ret <= SGO_ENULL && ret > SGO_EINTERNAL));
	}
	ret = sgo_judge(s);
	CHECK(ret == SGO_OK || ret == SGO_FINDING || (ret <= SGO_ENULL && ret > SGO_EINTERNAL));
	*findings += ret == SGO_FINDING;
}

static void garbage(int rounds)
{
	static struct sgo_drawn d;
	uint64_t rng = 0x9e3779b97f4a7c15;
	sgo_session s;
	int findings = 0;

	CHECK(sgo_new(&s) == SGO_OK);
	for (int i = 0; i < rounds; i++)
		garbage_case(s, &rng, &d, &findings);
	CHECK(findings > rounds / 8);
	CHECK(sgo_free(s) == SGO_OK);
}

struct job { int rounds; uint64_t seed; sgo_session shared; };

/* Right cases with a session of one's own, and garbage with one that all share. */
static void *work(void *p)
{
	struct job *j = p;
	uint64_t rng = j->seed;
	struct sgo_drawn *d = malloc(sizeof *d);
	struct umr *u = malloc(sizeof *u);
	sgo_session s;
	uint8_t bytes[300];
	char text[200];

	CHECK(sgo_new(&s) == SGO_OK);
	for (int i = 0; i < j->rounds; i++) {
		fill(&rng, bytes, sizeof bytes);
		CHECK(sgo_draw_list(s, bytes, next(&rng) % sizeof bytes, d) == SGO_OK);
		feed(s, u, &d->request, encode_request(u, &d->request));
		CHECK(sgo_judge(s) == SGO_OK);
		sgo_begin(j->shared, &d->request); /* what comes of these, nobody knows */
		sgo_post(j->shared, u->wqe, u->wqe_len);
		sgo_judge(j->shared);
		sgo_verdict_text(j->shared, text, sizeof text);
		sgo_error(j->shared, text, sizeof text);
		if (i % 64 == 63)
			CHECK(sgo_free(s) == SGO_OK && sgo_new(&s) == SGO_OK);
	}
	CHECK(sgo_free(s) == SGO_OK);
	free(u);
	free(d);
	return NULL;
}

static void threads(int rounds)
{
	enum { N = 6 };
	pthread_t t[N];
	struct job j[N];
	sgo_session shared;

	CHECK(sgo_new(&shared) == SGO_OK);
	for (int i = 0; i < N; i++) {
		j[i] = (struct job){ rounds, 77 + (uint64_t)i, shared };
		CHECK(pthread_create(&t[i], NULL, work, &j[i]) == 0);
	}
	CHECK(sgo_free(shared) == SGO_OK); /* under their hands */
	for (int i = 0; i < N; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
}

static long resident(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	if (f && fscanf(f, "%*d %ld", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return pages * 4;
}

/* What sessions took is given back. */
static void memory(struct umr *u, int rounds)
{
	struct sgo_request q = simple();
	long first = 0;

	CHECK(encode_request(u, &q) == 0);
	for (int i = 0; i < 2 * rounds; i++) {
		sgo_session s;
		CHECK(sgo_new(&s) == SGO_OK);
		feed(s, u, &q, 0);
		CHECK(sgo_judge(s) == SGO_OK && sgo_free(s) == SGO_OK);
		if (i == rounds)
			first = resident();
	}
	long grown = resident() - first;
	printf("%d sessions: %ld KiB more than after the first %d\n", 2 * rounds, grown, rounds);
	CHECK(grown < 12 * 1024); /* a session that stays costs some 15 KiB */
}

int main(int argc, char **argv)
{
	static struct umr u;
	int rounds = argc > 1 ? atoi(argv[1]) : 2000;

	if (argc > 1 && !strcmp(argv[1], "leak")) {
		void *volatile lost = malloc(77);
		lost = NULL;
		return lost != NULL;
	}
	verdicts(&u);
	bounce(&u);
	misuse(&u);
	garbage(10 * rounds);
	threads(rounds / 4);
	memory(&u, rounds);
	printf("%d checks, %d failed\n", checks, failures);
	return failures != 0;
}
