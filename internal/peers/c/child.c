#define _GNU_SOURCE
#include "child.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_ENTRIES = 65536, OUTPUT_ROOM = 2 << 20 };

uint64_t child_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void child_put(struct output *o, const void *p, size_t n)
{
	if (n > o->room - o->n)
		abort(); /* a benchmark's output is bounded by the list's */
	memcpy(o->bytes + o->n, p, n);
	o->n += n;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* parse reads n bytes of hex. */
static int parse(uint8_t *to, const char *hex, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);
		if (high < 0 || low < 0)
			return -1;
		to[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

static void unload(struct list *l)
{
	free(l->e);
	free(l->pages);
	memset(l, 0, sizeof(*l));
}

/* load replaces the list; after an error there is none. */
static const char *load(struct list *l, const char *hex)
{
	size_t n = strlen(hex) / 2 / sizeof(*l->e);
	unload(l);
	if (n == 0 || strlen(hex) != 2 * n * sizeof(*l->e) || n > MAX_ENTRIES)
		return "a list is whole entries, at most 65,536";
	l->e = malloc(n * sizeof(*l->e));
	l->pages = malloc(n * sizeof(*l->pages));
	if (!l->e || !l->pages || parse((uint8_t *)l->e, hex, n * sizeof(*l->e))) {
		unload(l);
		return "a list is lower-case hex";
	}
	for (size_t i = 0; i < n; i++) {
		l->pages[i] = l->e[i].addr;
		l->bytes += l->e[i].length;
	}
	l->n = n;
	return NULL;
}

static const char *emit(const struct bench *b, const struct list *l, struct output *o)
{
	o->n = 0;
	const char *why = b->emit(l, o);
	if (why)
		return why;
	fputs("ok ", stdout);
	for (size_t i = 0; i < o->n; i++)
		printf("%02x", o->bytes[i]);
	putchar('\n');
	return NULL;
}

static const char *measure(const struct bench *b, const struct list *l, const char *rounds)
{
	char *end;
	uint64_t n = strtoull(rounds ? rounds : "", &end, 10), ns = 0;
	if (n == 0 || *end)
		return "rounds: at least 1";
	const char *why = b->time(l, n, &ns);
	if (!why)
		printf("ok %" PRIu64 "\n", ns);
	return why;
}

static const char *serve(char *line, const struct bench *benches, size_t n, struct list *l, struct output *o)
{
	char *save = NULL, *word = strtok_r(line, " \n", &save), *name = strtok_r(NULL, " \n", &save);
	if (!word || !name)
		return "load HEX, emit BENCH, time BENCH ROUNDS";
	if (!strcmp(word, "load")) {
		const char *why = load(l, name);
		if (!why)
			puts("ok");
		return why;
	}
	for (size_t i = 0; i < n; i++) {
		if (strcmp(benches[i].name, name))
			continue;
		if (!l->n)
			return "no list is loaded";
		if (!strcmp(word, "emit"))
			return emit(&benches[i], l, o);
		if (!strcmp(word, "time"))
			return measure(&benches[i], l, strtok_r(NULL, " \n", &save));
		return "unknown request";
	}
	return "unknown benchmark";
}

int child_run(const char *name, const struct bench *benches, size_t n)
{
	struct list l = { 0 };
	struct output o = { .bytes = malloc(OUTPUT_ROOM), .room = OUTPUT_ROOM };
	char *line = NULL;
	size_t size = 0;
	if (!o.bytes)
		return 1;
	signal(SIGINT, SIG_IGN); /* the one who asks decides; its end is the input's */
	printf("ready %s\n", name);
	while (fflush(stdout) == 0 && getline(&line, &size, stdin) > 0) {
		const char *why = serve(line, benches, n, &l, &o);
		if (why)
			printf("error %s\n", why);
	}
	free(line);
	free(o.bytes);
	unload(&l);
	return 0;
}
