/*
 * As much of include/kunit/test.h as the KUnit example uses, for a program in
 * user space: a compiler checks the example, and stub_run runs its suite.
 */
#ifndef STUB_KUNIT_TEST_H
#define STUB_KUNIT_TEST_H

#include <linux/types.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#define GFP_KERNEL 0u
typedef unsigned int gfp_t;

#define KUNIT_PARAM_DESC_SIZE 128

struct kunit {
	const void *param_value;
	int failed, skipped;
	jmp_buf end;
};

struct kunit_case {
	void (*run_case)(struct kunit *test);
	const char *name;
	const void *(*generate_params)(const void *prev, char *desc);
};

struct kunit_suite {
	const char name[256];
	struct kunit_case *test_cases;
};

#define KUNIT_CASE_PARAM(test_name, gen) { .run_case = test_name, .name = #test_name, .generate_params = gen }

#define KUNIT_ARRAY_PARAM(name, array, get_desc)						\
	static const void *name##_gen_params(const void *prev, char *desc)			\
	{											\
		const __typeof__((array)[0]) *next = prev;					\
												\
		next = next ? next + 1 : (array);						\
		if (next - (array) >= (long)(sizeof(array) / sizeof((array)[0])))		\
			return NULL;								\
		get_desc(next, desc);								\
		return next;									\
	}

static inline void *kunit_kcalloc(struct kunit *test, size_t n, size_t size, gfp_t gfp)
{
	(void)test;
	(void)gfp;
	return calloc(n, size); /* the process ends soon */
}

#define KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ptr) \
	do { if (!(ptr)) { (test)->failed = 1; longjmp((test)->end, 1); } } while (0)
#define KUNIT_FAIL(test, ...) \
	do { (test)->failed = 1; printf(__VA_ARGS__); putchar('\n'); } while (0)
#define kunit_skip(test, ...) \
	do { (test)->skipped = 1; longjmp((test)->end, 1); } while (0)

void stub_run(const struct kunit_suite *suite);

#define kunit_test_suite(suite) \
	int main(void) { stub_run(&(suite)); return 0; } \
	int main(void)

#endif
