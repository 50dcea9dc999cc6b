/* Programs as text: a line becomes an action, a reference a key. */
#include "player.h"

struct object objects[OBJECTS];

static const struct {
	const char *name;
	int numbers;
	bool key; /* a key stands second */
} kinds[KINDS] = {
	{ "pair", 5, false }, { "recover", 1, false }, { "region", 6, false }, { "rereg", 6, false }, { "dereg", 1, false },
	{ "mkey", 4, false }, { "destroy", 1, false }, { "window", 2, false }, { "free", 1, false }, { "fill", 3, false },
	{ "receive", 1, false }, { "write", 2, true }, { "read", 2, true }, { "add", 3, true }, { "swap", 4, true }, { "send", 1, false },
	{ "send_inv", 1, true }, { "local_inv", 1, true }, { "list", 3, false }, { "interleaved", 4, false }, { "bind", 6, false },
};

uint32_t key_of(struct ref r)
{
	struct object *o = objects + r.object;
	uint32_t name = 0xf00000 << 8;
	if (o->names)
		name = o->name[(int)r.back < o->names ? o->names - 1 - (int)r.back : 0];
	return (name & ~0xffu) | ((name + r.tag) & 0xff);
}

void rename_to(struct object *o, uint32_t name)
{
	if (o->names == NAMES)
		memmove(o->name, o->name + 1, sizeof(*o->name) * --o->names);
	o->name[o->names++] = name;
}

int object_of(uint32_t name)
{
	for (int i = 0; i < OBJECTS; i++)
		for (int k = 0; k < objects[i].names; k++)
			if (objects[i].name[k] == name)
				return i;
	return -1;
}

struct object *live(uint64_t n, enum kind kind)
{
	return objects[n].live && objects[n].kind == kind ? objects + n : NULL;
}

static struct ref ref_of(const char *s, char **end)
{
	struct ref r = { .object = (unsigned)strtoul(s, end, 10) };
	if (**end == '~')
		r.back = (unsigned)strtoul(*end + 1, end, 10);
	if (**end == '+')
		r.tag = (unsigned)strtoul(*end + 1, end, 10);
	CHECK(r.object < OBJECTS);
	return r;
}

static struct piece piece_of(const char *s)
{
	char *end;
	struct piece p = { .key = ref_of(s, &end) };
	p.addr = strtoull(end + 1, &end, 0);
	p.len = (uint32_t)strtoul(end + 1, &end, 0);
	if (*end == '/')
		p.skip = (uint32_t)strtoul(end + 1, &end, 0);
	return p;
}

struct action parse(char *text, int line)
{
	struct action a = { .line = line };
	char *w = strtok(text, " \n"), *end;
	while (a.kind < KINDS && strcmp(kinds[a.kind].name, w))
		a.kind++;
	CHECK(a.kind < KINDS);
	for (int i = 0; i < kinds[a.kind].numbers; i++) {
		if (i == 1 && kinds[a.kind].key)
			a.key = ref_of(strtok(NULL, " \n"), &end);
		CHECK((w = strtok(NULL, " \n")));
		a.n[i] = strtoull(w, NULL, 0);
	}
	if (kinds[a.kind].key && kinds[a.kind].numbers == 1)
		a.key = ref_of(strtok(NULL, " \n"), &end);
	while ((w = strtok(NULL, " \n"))) {
		if (*w == '&') {
			a.held = true;
			continue;
		}
		CHECK(a.pieces < PIECES);
		a.piece[a.pieces++] = piece_of(w);
	}
	return a;
}

int sges(const struct action *a, struct ibv_sge *list)
{
	for (int i = 0; i < a->pieces; i++)
		list[i] = (struct ibv_sge){ a->piece[i].addr, a->piece[i].len, key_of(a->piece[i].key) };
	return a->pieces;
}
