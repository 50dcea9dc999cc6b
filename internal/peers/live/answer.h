/* What the parts of the child share: requests read, replies written. */
#ifndef LIVE_ANSWER_H
#define LIVE_ANSWER_H

#include <stddef.h>
#include <stdint.h>
#include <json-c/json.h>

/* The line under construction. */
void put(const char *format, ...) __attribute__((format(printf, 1, 2)));
void put_hex(const uint8_t *bytes, size_t n);
void put_restart(void); /* forget what was put since the id */

/* Fields of a request; a missing one is 0, "" or NULL. */
uint64_t number_of(struct json_object *value);
uint64_t number(struct json_object *object, const char *name);
const char *text(struct json_object *object, const char *name);
struct json_object *list(struct json_object *object, const char *name);
size_t length(struct json_object *list);
struct json_object *item(struct json_object *list, size_t i);
/* number i of a list of numbers */
uint64_t at(struct json_object *list, size_t i);

/* The calls that "register" makes its regions with. */
enum register_by {
	BY_LIST,        /* mlx5dv_wr_mr_list */
	BY_INTERLEAVED, /* mlx5dv_wr_mr_interleaved: a block for each piece, once */
	BY_CONFIGURE,   /* mlx5dv_wr_mkey_configure: the list, then the rights */
};
extern enum register_by register_by;

/*
 * The operations put "ok" or "reject" and return NULL, or return why the
 * request is skipped.
 */
const char *answer_wqe(struct json_object *request);
const char *answer_register(struct json_object *request);

#endif
