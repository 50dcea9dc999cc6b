// Package suite tests the virtual adapter through the installed libibverbs and
// libmlx5: programs in C (directory c) and Python (directory python, by
// pyverbs), run as sgfuzz vhca runs programs, on libraries built for the test.
//
// The tests skip where Debian's libibverbs-dev, ibverbs-providers and, for
// Python, python3-pyverbs are not installed, and say so. With -mutants the
// suites must also catch every wrong engine of mutants_test.go.
//
// # Random programs
//
// Package program draws sequences of verbs calls and says what each must come
// to, by the model of fuzz's stateful target. The C program plays them when its
// argument is play, any number of them in one process. One that comes to
// something else is shrunk and shown:
//
//	go test ./vhca/suite -run RandomPrograms -args -seed 1 -programs 1000 -keep DIR
//	go test ./vhca/suite -run RandomPrograms -args -program DIR/FILE
//
// FuzzPrograms makes programs from a fuzzer's bytes. With -mutants all -hunt 200
// TestHunt looks for each wrong engine by that many programs.
package suite
