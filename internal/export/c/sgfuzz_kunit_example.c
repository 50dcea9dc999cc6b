// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0
/*
 * A KUnit suite over the tables: a test for each call of ib_map_mr_sg. Fill in
 * sgfuzz_map_pages and sgfuzz_map_klms; until then every test is skipped. Wants
 * addresses of 64 bits (CONFIG_ARCH_DMA_ADDR_T_64BIT).
 *
 *	obj-$(CONFIG_KUNIT) += sgfuzz_kunit_example.o
 */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/types.h>

#include "sgfuzz_vectors.h"

static_assert(sizeof(dma_addr_t) == sizeof(u64), "the tables have addresses of 64 bits");

/*
 * The hooks call the code under test with sg, c->nents, sg_offset, c->page_size
 * or c->lkey, and a region whose descriptors go to descs, room for c->max_descs
 * of them and not a byte more. They enter the return value, iova, length and
 * ndescs into r. The scatterlist is mapped: sg_dma_address and sg_dma_len are
 * set. sg_offset is NULL where NULL is to be passed.
 *
 * For an mlx5_ib_mr: ret = ib_map_mr_sg(&mr->ibmr, sg, c->nents, sg_offset,
 * c->page_size); iova and length are those of mr->ibmr, and descs is mr->descs.
 */
static int sgfuzz_map_pages(struct kunit *test, const struct sgfuzz_case *c, struct scatterlist *sg,
			    unsigned int *sg_offset, void *descs, struct sgfuzz_result *r)
{
	return -EOPNOTSUPP;
}

static int sgfuzz_map_klms(struct kunit *test, const struct sgfuzz_case *c, struct scatterlist *sg,
			   unsigned int *sg_offset, void *descs, struct sgfuzz_result *r)
{
	return -EOPNOTSUPP;
}

static struct scatterlist *sgfuzz_scatterlist(struct kunit *test, const struct sgfuzz_case *c)
{
	unsigned int i, n = c->nents ? c->nents : 1;
	struct scatterlist *sg = kunit_kcalloc(test, n, sizeof(*sg), GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sg);
	sg_init_table(sg, n);
	for (i = 0; i < c->nents; i++) {
		sg_dma_address(&sg[i]) = c->sg[i].addr;
		sg_dma_len(&sg[i]) = c->sg[i].len;
	}
	return sg;
}

typedef int (*sgfuzz_hook)(struct kunit *test, const struct sgfuzz_case *c, struct scatterlist *sg,
			   unsigned int *sg_offset, void *descs, struct sgfuzz_result *r);

static void sgfuzz_run(struct kunit *test, sgfuzz_hook map, u32 desc_words)
{
	const struct sgfuzz_case *c = test->param_value;
	struct scatterlist *sg = sgfuzz_scatterlist(test, c);
	void *descs = kunit_kcalloc(test, c->max_descs, desc_words * sizeof(u64), GFP_KERNEL);
	unsigned int sg_offset = c->sg_offset;
	struct sgfuzz_result r = { .descs = descs };
	const char *field;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, descs);
	if (map(test, c, sg, c->has_sg_offset ? &sg_offset : NULL, descs, &r) == -EOPNOTSUPP)
		kunit_skip(test, "the hook is not filled in");
	r.sg_offset_out = c->has_sg_offset ? sg_offset : 0;
	field = sgfuzz_differs(c, &r, desc_words);
	if (field)
		KUNIT_FAIL(test, "%s: %s differs", c->name, field);
}

static void sgfuzz_pages_test(struct kunit *test)
{
	sgfuzz_run(test, sgfuzz_map_pages, SGFUZZ_MTT_WORDS);
}

static void sgfuzz_klms_test(struct kunit *test)
{
	sgfuzz_run(test, sgfuzz_map_klms, SGFUZZ_KLM_WORDS);
}

static void sgfuzz_describe(const struct sgfuzz_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(sgfuzz_pages, sgfuzz_sg_to_pages, sgfuzz_describe);
KUNIT_ARRAY_PARAM(sgfuzz_klms, sgfuzz_sg_to_klms, sgfuzz_describe);

static struct kunit_case sgfuzz_cases[] = {
	KUNIT_CASE_PARAM(sgfuzz_pages_test, sgfuzz_pages_gen_params),
	KUNIT_CASE_PARAM(sgfuzz_klms_test, sgfuzz_klms_gen_params),
	{}
};

static struct kunit_suite sgfuzz_suite = {
	.name = "sgfuzz",
	.test_cases = sgfuzz_cases,
};

kunit_test_suite(sgfuzz_suite);

MODULE_DESCRIPTION("ib_map_mr_sg against the tables of sgfuzz");
MODULE_LICENSE("GPL");
