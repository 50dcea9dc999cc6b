/*
 * The installed libmlx5 as an implementation that "sgfuzz conform" can test, on
 * a device without hardware. docs/live-libmlx5.md says what it does and what it
 * skips.
 *
 * With --any-version it answers work requests meant for other versions, too:
 * what a run then finds is the difference between the two. With --dirty the
 * memory behind the queue is not zero. With --single-block the device encrypts no
 * more than one data unit under a key. The last two change the calls by which
 * lists are registered.
 */
#define _GNU_SOURCE
#include "answer.h"
#include "device.h"
#include "queue.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LONGEST_LINE = 16 << 20, FIXED_LENGTHS = 61, DIRT = 0x5a };

static char library[64] = "libmlx5";
static const char *version = "44";
static bool any_version;

/* ---- replies ---- */

static char *line;
static size_t line_len, line_room, line_head;

static void need(size_t n)
{
	if (line_room - line_len > n)
		return;
	line_room = 2 * line_room + n + 1024;
	line = realloc(line, line_room);
	if (!line)
		abort();
}

void put(const char *format, ...)
{
	va_list ap;
	char small[512];
	va_start(ap, format);
	int n = vsnprintf(small, sizeof(small), format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(small))
		abort();
	need((size_t)n);
	memcpy(line + line_len, small, (size_t)n);
	line_len += (size_t)n;
}

void put_hex(const uint8_t *bytes, size_t n)
{
	need(2 * n);
	for (size_t i = 0; i < n; i++) {
		line[line_len++] = "0123456789abcdef"[bytes[i] >> 4];
		line[line_len++] = "0123456789abcdef"[bytes[i] & 15];
	}
}

void put_restart(void) { line_len = line_head; }

/* ---- requests ---- */

/* Numbers are integers, or strings "0x…" under --hex. */
uint64_t number_of(struct json_object *v)
{
	if (json_object_is_type(v, json_type_string))
		return strtoull(json_object_get_string(v), NULL, 0);
	return json_object_get_uint64(v);
}

static struct json_object *field(struct json_object *o, const char *name)
{
	struct json_object *v = NULL;
	return json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, name, &v) ? v : NULL;
}

uint64_t number(struct json_object *o, const char *name) { return number_of(field(o, name)); }

const char *text(struct json_object *o, const char *name)
{
	struct json_object *v = field(o, name);
	return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : "";
}

struct json_object *list(struct json_object *o, const char *name) { return field(o, name); }

size_t length(struct json_object *l) { return json_object_is_type(l, json_type_array) ? json_object_array_length(l) : 0; }

struct json_object *item(struct json_object *l, size_t i) { return i < length(l) ? json_object_array_get_idx(l, i) : NULL; }

uint64_t at(struct json_object *l, size_t i) { return number_of(item(l, i)); }

/* ---- the conversation ---- */

/*
 * identify takes name and version from the library's file: libmlx5.so.1.24.44.0
 * is that of rdma-core 44. What differs between the versions modelled came with
 * 61.
 */
static void identify(void)
{
	Dl_info lib;
	char path[PATH_MAX];
	unsigned abi, minor, package;
	if (!dladdr((void *)mlx5dv_create_mkey, &lib) || !realpath(lib.dli_fname, path))
		return;
	const char *base = strrchr(path, '/') + 1;
	snprintf(library, sizeof(library), "%s", base);
	if (sscanf(base, "libmlx5.so.%u.%u.%u", &abi, &minor, &package) == 3 && package >= FIXED_LENGTHS)
		version = "head";
}

static const char *dispatch(struct json_object *request)
{
	const char *op = text(request, "op");
	if (!strcmp(op, "hello")) {
		put("\"ok\":{\"name\":\"%s, as %s%s\",\"ops\":[\"wqe\",\"register\"]}", library, version, any_version ? ", any version asked for" : "");
		return NULL;
	}
	if (!strcmp(op, "register"))
		return answer_register(request);
	if (strcmp(op, "wqe"))
		return "not implemented";
	const char *producer = text(request, "producer");
	if (strcmp(producer, "mrlist") && strcmp(producer, "ilv") && strcmp(producer, "conf"))
		return "another driver's work requests";
	if (!any_version && strcmp(text(request, "version"), version))
		return "another version of the library";
	return answer_wqe(request);
}

static void answer(const char *text, size_t n, struct json_tokener *tok)
{
	json_tokener_reset(tok);
	struct json_object *request = json_tokener_parse_ex(tok, text, (int)n);
	line_len = 0;
	put("{\"id\":%" PRIu64 ",", number(request, "id"));
	line_head = line_len;
	const char *why = request ? dispatch(request) : "the request is not JSON";
	if (why) {
		put_restart();
		put("\"skip\":\"%s\"", why);
	}
	put("}\n");
	fwrite(line, 1, line_len, stdout);
	json_object_put(request);
}

/* converse answers until the input ends; 0 if all of it was lines. */
static int converse(struct json_tokener *tok)
{
	size_t have = 0, size = 1 << 20;
	char *in = malloc(size);
	for (ssize_t n = 1; in && n > 0;) {
		char *from = in, *end;
		for (; (end = memchr(from, '\n', (size_t)(in + have - from))); from = end + 1)
			answer(from, (size_t)(end - from), tok);
		if (fflush(stdout)) /* before blocking on input */
			break;
		have -= (size_t)(from - in);
		memmove(in, from, have);
		if (have == size) {
			if (size >= LONGEST_LINE)
				break;
			char *more = realloc(in, size *= 2);
			if (!more)
				break;
			in = more;
		}
		do
			n = read(STDIN_FILENO, in + have, size - have);
		while (n < 0 && errno == EINTR);
		if (n == 0 && have == 0) {
			free(in);
			return 0;
		}
		have += n > 0 ? (size_t)n : 0;
	}
	free(in);
	return 1;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--any-version")) {
			any_version = true;
		} else if (!strcmp(argv[i], "--dirty")) {
			queue_behind = DIRT;
		} else if (!strcmp(argv[i], "--single-block")) {
			device_multi_block = false;
		} else if (!strcmp(argv[i], "--by-interleaved")) {
			register_by = BY_INTERLEAVED;
		} else if (!strcmp(argv[i], "--by-configure")) {
			register_by = BY_CONFIGURE;
		} else {
			fprintf(stderr, "usage: %s [--any-version] [--dirty] [--single-block] [--by-interleaved | --by-configure]\n", argv[0]);
			return 2;
		}
	}
	setenv("MLX5_SINGLE_THREADED", "1", 1); /* takes no locks */
	static char out[1 << 20];
	setvbuf(stdout, out, _IOFBF, sizeof(out));
	const char *why = queue_setup();
	struct json_tokener *tok = json_tokener_new();
	if (why || !tok) {
		fprintf(stderr, "%s\n", why ? why : "no memory");
		return 1;
	}
	identify();
	int status = converse(tok);
	json_tokener_free(tok);
	free(line);
	queue_teardown();
	return status;
}
