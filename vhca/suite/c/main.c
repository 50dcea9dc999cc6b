#include "suite.h"

#include <unistd.h>

__thread jmp_buf *failing_now;

#ifdef LATENCY /* ../bench */
void latency(void);
void play(void) { }
static const struct test bench[] = { { "latency", latency }, { 0 } };
static const struct test *const files[] = { bench };
#else
static const struct test *const files[] = { rc_tests, error_tests, key_tests, window_tests, cq_tests, srq_tests, ud_tests, xrc_tests,
					    limits_tests, thread_tests, fork_tests, signature_tests, process_tests, strict_tests, order_tests };
#endif

void fail(const char *file, int line, const char *what, long got, long want)
{
	const char *base = strrchr(file, '/');
	printf("  %s:%d: %s: got %ld (%#lx), want %ld\n", base ? base + 1 : file, line, what, got, got, want);
	fflush(stdout);
	if (!failing_now)
		_exit(1);
	longjmp(*failing_now, 1);
}

static bool open_device(void)
{
	int n = 0;
	struct ibv_device **list = ibv_get_device_list(&n);
	if (!list || !n)
		return false;
	ctx = ibv_open_device(list[0]);
	ibv_free_device_list(list);
	pd = ctx ? ibv_alloc_pd(ctx) : NULL;
	return pd;
}

static bool passes(const struct test *t)
{
	jmp_buf back;
	failing_now = &back;
	bool ok = setjmp(back) == 0;
	if (ok)
		t->run();
	failing_now = NULL;
	printf("%s %s\n", ok ? "ok  " : "FAIL", t->name);
	fflush(stdout);
	return ok;
}

/* Arguments are parts of the names of the tests to run; none runs all; play is
 * not one of them. */
static bool wanted(const char *name, char **parts)
{
	if (!*parts)
		return true;
	for (; *parts; parts++)
		if (strstr(name, *parts))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	int ran = 0, failed = 0;
	alarm(120); /* a test that hangs fails all */
	if (!open_device()) {
		printf("no device: run by sgfuzz vhca\n");
		return 2;
	}
	if (argc == 2 && !strcmp(argv[1], "play")) {
		alarm(0);
		play();
		exit(0);
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		for (const struct test *t = files[i]; t->name; t++)
			if (wanted(t->name, argv + 1)) {
				ran++;
				failed += !passes(t);
				if (failed && getenv("SUITE_STOP"))
					exit(1);
			}
	printf("%d tests, %d failed\n", ran, failed);
	fflush(stdout);
	exit(failed || !ran);
}
