// Package suite tests the virtual adapter through the installed libibverbs and
// libmlx5: programs in C (directory c) and Python (directory python, by
// pyverbs), run as sgfuzz vhca runs programs, on libraries built for the test.
//
// The tests skip where Debian's libibverbs-dev, ibverbs-providers and, for
// Python, python3-pyverbs are not installed, and say so. With -mutants the
// suites must also catch every wrong engine of mutants_test.go.
//
// c/random.c draws programs: SUITE_SEED and SUITE_STEPS choose one.
package suite
