/* Runs a suite of the stub and prints its counts. */
#include <kunit/test.h>

void stub_run(const struct kunit_suite *suite)
{
	static char desc[KUNIT_PARAM_DESC_SIZE];

	for (struct kunit_case *c = suite->test_cases; c->run_case; c++) {
		unsigned int passed = 0, failed = 0, skipped = 0;

		for (const void *p = c->generate_params(NULL, desc); p; p = c->generate_params(p, desc)) {
			static struct kunit test;

			test = (struct kunit){ .param_value = p };
			if (!setjmp(test.end))
				c->run_case(&test);
			passed += !test.failed && !test.skipped;
			failed += test.failed;
			skipped += test.skipped;
		}
		printf("%s.%s: %u passed, %u failed, %u skipped\n", suite->name, c->name, passed, failed, skipped);
	}
}
