/* A case of the operation "wqe" under way. */
#ifndef LIVE_CASE_H
#define LIVE_CASE_H

#include "answer.h"
#include "queue.h"

enum { MOST_KEYS = 64, MOST_DEKS = 64, MOST_ENTRIES = 65535 };

struct live_case {
	struct queue q;
	struct json_object *mkeys;
	struct mlx5dv_mkey *keys[MOST_KEYS]; /* those that the case uses */
	struct mlx5dv_dek *deks[MOST_DEKS];
	size_t ndeks;
	bool multi_block; /* what a key with encryption needs of the device */
	struct ibv_mr *mr;
	struct ibv_mw *mw;
};

/*
 * case_post makes the call of a work request and, of a configuration, those of
 * its setters. Its operation, setters and key are known, and no list of it is
 * longer than MOST_ENTRIES.
 */
void case_post(struct live_case *c, struct json_object *wr);

#endif
