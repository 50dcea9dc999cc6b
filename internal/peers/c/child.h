/*
 * A contestant that lives in a process of its own and times itself.
 *
 * Requests are lines on standard input, each answered by one line:
 *
 *	load HEX              the list: entries of 16 bytes as struct entry
 *	                      answer: ok
 *	emit BENCH            build the list's output once, in a fresh state
 *	                      answer: ok HEX
 *	time BENCH ROUNDS     build it ROUNDS times
 *	                      answer: ok NANOSECONDS
 *
 * What cannot be done is answered by "error" and a reason. The first line, sent
 * without a request, is "ready NAME". End of input ends the process.
 */
#ifndef CHILD_H
#define CHILD_H

#include <stddef.h>
#include <stdint.h>

/* One list entry: the layout of struct ibv_sge and, in Go, of sg.Entry. */
struct entry {
	uint64_t addr;
	uint32_t length, lkey;
};

struct list {
	struct entry *e;
	uint64_t *pages; /* the addresses alone */
	uint64_t bytes;  /* the sum of the lengths */
	size_t n;
};

/* An answer of emit; the largest is a WQE and a list of 65,536 descriptors. */
struct output {
	uint8_t *bytes;
	size_t n, room;
};

/* child_put appends to an output. */
void child_put(struct output *o, const void *p, size_t n);

/*
 * One benchmark. emit and time return NULL or why it cannot be done. time
 * gives the nanoseconds that the rounds took.
 */
struct bench {
	const char *name;
	const char *(*emit)(const struct list *l, struct output *o);
	const char *(*time)(const struct list *l, uint64_t rounds, uint64_t *ns);
};

uint64_t child_now(void); /* nanoseconds */

/* child_run serves requests until the input ends; the result is for main. */
int child_run(const char *name, const struct bench *benches, size_t n);

#endif
