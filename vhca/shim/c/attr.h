/*
 * The attributes of one verbs ioctl: a method of an object. The fake device of
 * internal/peers reads and answers them with the same.
 */
#ifndef VHCA_ATTR_H
#define VHCA_ATTR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <rdma/rdma_user_ioctl_cmds.h>

typedef struct ib_uverbs_ioctl_hdr hdr;

/* attr finds an attribute, or gives NULL. */
static inline struct ib_uverbs_attr *attr(hdr *h, uint16_t id)
{
	for (unsigned i = 0; i < h->num_attrs; i++)
		if (h->attrs[i].attr_id == id)
			return &h->attrs[i];
	return NULL;
}

/* input gives an attribute's bytes, or NULL: up to eight are in the attribute. */
static inline const void *input(hdr *h, uint16_t id)
{
	struct ib_uverbs_attr *a = attr(h, id);
	if (!a)
		return NULL;
	return a->len <= sizeof(a->data) ? (const void *)&a->data : (const void *)(uintptr_t)a->data;
}

/* input_part copies at most size bytes of an attribute; the rest becomes 0. */
static inline void input_part(hdr *h, uint16_t id, void *to, size_t size)
{
	const void *from = input(h, id);
	size_t n = from ? attr(h, id)->len : 0;
	memset(to, 0, size);
	if (n)
		memcpy(to, from, n < size ? n : size);
}

/* number gives an attribute as a number or handle, 0 if it is absent. */
static inline uint64_t number(hdr *h, uint16_t id)
{
	struct ib_uverbs_attr *a = attr(h, id);
	return a ? a->data : 0;
}

/* output fills an attribute with n bytes, the rest of it with zeros. */
static inline void output(hdr *h, uint16_t id, const void *from, size_t n)
{
	struct ib_uverbs_attr *a = attr(h, id);
	if (!a)
		return;
	uint8_t *to = (uint8_t *)(uintptr_t)a->data;
	n = n < a->len ? n : a->len;
	if (n > 0)
		memmove(to, from, n); /* the library may give the request's own memory */
	memset(to + n, 0, a->len - n);
	a->flags |= UVERBS_ATTR_F_VALID_OUTPUT;
}

static inline void output32(hdr *h, uint16_t id, uint32_t v) { output(h, id, &v, sizeof(v)); }

/* new_handle answers with the handle of a new object. */
static inline void new_handle(hdr *h, uint16_t id, uint64_t handle)
{
	struct ib_uverbs_attr *a = attr(h, id);
	if (a)
		a->data = handle;
}

#endif
