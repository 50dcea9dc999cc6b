/* What the files of the player share: program.c, post.c, player.c. */
#ifndef PLAYER_H
#define PLAYER_H

#include "suite.h"

/* As in ../program/action.go. */
enum { MEMORY = 0x2000, ENDS = 6, PIECES = 12, BATCH = 8, OBJECTS = 512, RECEIVES = 16, NAMES = 8, NUMBERS = 6 };
#define BASE 0x2000000000UL

enum kind { PAIR, RECOVER, REGION, REREG, DEREG, MKEY, DESTROY, WINDOW, FREE, FILL, RECEIVE,
	    WRITE, READ, ADD, SWAP, SEND, SEND_INV, LOCAL_INV, LIST, INTERLEAVED, BIND, KINDS };

struct ref {
	unsigned object, back, tag;
};
struct piece {
	struct ref key;
	uint64_t addr;
	uint32_t len, skip;
};
struct action {
	enum kind kind;
	int line, pieces;
	bool held;
	uint64_t n[NUMBERS];
	struct ref key;
	struct piece piece[PIECES];
};

/* The names of an object are the keys that it has had, the last one is now's. */
struct object {
	enum kind kind;
	bool live;
	struct ibv_mr *mr;
	struct mlx5dv_mkey *mkey;
	struct ibv_mw *mw;
	int names;
	uint32_t name[NAMES];
};
struct end {
	bool broken;
	int receives;
};
extern struct object objects[OBJECTS];
extern struct end ends[ENDS];
extern struct pair *pairs[ENDS / 2];

/* Receives carry their line and this bit. */
#define RECEIVED (1ull << 32)

/* program.c: lines, and what their references stand for. */
struct action parse(char *text, int line);
uint32_t key_of(struct ref r);
void rename_to(struct object *o, uint32_t name);
int object_of(uint32_t name);
struct object *live(uint64_t n, enum kind kind);
int sges(const struct action *a, struct ibv_sge *list);

/* post.c: requests that are posted together, and what completes. */
void play_batch(struct action *batch, int n);
void tell_receive(int end, const struct ibv_wc *wc);

/* player.c */
void tell_memory(void);

#endif
