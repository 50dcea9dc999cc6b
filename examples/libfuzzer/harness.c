/*
 * A libFuzzer harness for encoder.c with libsgoracle:
 *   clang -g -fsanitize=fuzzer,address -I ../../libsgoracle encoder.c harness.c libsgoracle.so
 */
#include "encoder.h"
#include "sgoracle.h"
#include <stdio.h>
#include <stdlib.h>

static void finding(sgo_session s)
{
	char text[8192], name[32];

	sgo_class_name(sgo_failure_class(s), name, sizeof name);
	sgo_verdict_text(s, text, sizeof text);
	fprintf(stderr, "FINDING %s\n%s\n", name, text);
	sgo_case_text(s, text, sizeof text);
	fprintf(stderr, "%s", text); /* for sgfuzz replay */
	abort();
}

static void check(sgo_session s, int ret)
{
	char text[8192];

	if (ret == SGO_FINDING)
		finding(s);
	if (ret == SGO_OK)
		return;
	sgo_error(s, text, sizeof text);
	fprintf(stderr, "libsgoracle: %s: %s\n", sgo_strerror(ret), text);
	exit(2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static sgo_session s;
	static struct sgo_drawn d;
	static struct umr u;
	struct segment seg[SGO_DRAWN_ENTRIES];
	const struct sgo_request *q = &d.request;

	if (!s)
		check(s, sgo_new(&s));
	check(s, sgo_draw_list(s, data, size, &d));
	check(s, sgo_begin(s, q));
	for (size_t i = 0; i < q->count; i++)
		seg[i] = (struct segment){ q->list[i].addr, q->list[i].len };
	struct target t = { /* the first key drawn is one for KLMs */
		q->keys[0].key, q->lkey, q->qpn, (uint8_t)q->access,
		q->keys[0].max < q->max_entries ? q->keys[0].max : q->max_entries, q->max_entry_bytes, q->scratch_addr,
	};
	int err = encode(&u, &t, seg, q->count);
	if (err) {
		sgo_reject(s, err);
	} else {
		sgo_write_host(s, t.list_addr, u.list, u.list_len);
		sgo_post(s, u.wqe, u.wqe_len);
		sgo_region(s, u.rkey, u.iova, u.length);
	}
	check(s, sgo_judge(s));
	return 0;
}
