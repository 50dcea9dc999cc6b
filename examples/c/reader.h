/*
 * As much of a JSON reader as a child of "sgfuzz conform" needs: fields of a
 * request by name, lists of entries, and lines, each answered in its turn.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_SG 65536
typedef unsigned long long u64;
static struct { u64 addr, len; } sg[MAX_SG];

/* The fields of a request are known, so a search for the name will do. */
static const char *find(const char *line, const char *name)
{
	char pattern[32];
	snprintf(pattern, sizeof pattern, "\"%s\":", name);
	const char *p = strstr(line, pattern);
	return p ? p + strlen(pattern) : "";
}
#define number(line, name) strtoull(find(line, name), NULL, 10) /* 0 for null */

static int read_list(const char *p)
{
	int n = 0;
	for (p++; *p == '[' && n < MAX_SG; n++, p += *p == ',') {
		sg[n].addr = strtoull(p + 1, (char **)&p, 10);
		sg[n].len = strtoull(p + 1, (char **)&p, 10);
		p = strchr(p, ']') + 1;
	}
	return n;
}

/* The exit status: 0 at the end of input, else what is wrong with it. */
static int each_line(void (*answer)(const char *line))
{
	size_t have = 0, size = 1 << 16;
	char *in = malloc(size), *line, *end;
	static char out[1 << 16];
	setvbuf(stdout, out, _IOFBF, sizeof out);
	for (ssize_t n = 1; n > 0; have += n > 0 ? n : 0) {
		for (line = in; (end = memchr(line, '\n', in + have - line)); line = end + 1) {
			*end = 0;
			answer(line);
		}
		fflush(stdout); /* before blocking on input */
		memmove(in, line, have -= line - in);
		if (have == size && !(in = realloc(in, size *= 2)))
			return 3;
		n = read(0, in + have, size - have);
	}
	free(in);
	return have != 0;
}
