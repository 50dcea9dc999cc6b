// Package gen draws work-request cases for libmlx5 and writes them as vectors:
// the inputs, and what the model posts for them.
//
// A vector is a line of JSON as the recordings in internal/vectors have them
// (testdata/README.md there), so that whatever takes recordings takes these:
// "sgfuzz conform --vectors" asks an implementation the same and compares.
//
//	go run ./conform/gen/draw --producer mrlist --seed 1 --cases 5000 >libmlx5-drawn.jsonl
//
// # Producers
//
//	mrlist  one mlx5dv_wr_mr_list or a few, among invalidates, binds and writes
//	ilv     the same with mlx5dv_wr_mr_interleaved
//	conf    mlx5dv_wr_mkey_configure with its setters, signatures and encryption
//	        among them, in one to three batches, with signature errors in between
//
// Queues have the lengths and inline limits that the library gives queues, the
// counters of their rings stand anywhere, and a batch has no more requests than
// the queue takes: all of it can be reached by calls. Lists are of the shapes of
// package sg; the values beside them lie on borders as often as anywhere. Some
// cases are wrong on purpose: entries beyond a key's capacity, unknown rights,
// setters twice, too few or none, no inline flag.
//
// # Determinism
//
// A case depends on the seed, the producer and its number. Its id says them,
// PRODUCER-gSEED-NUMBER, followed by "+2gib" if a list in it has 2 GiB or more,
// where the versions of the library differ, and by "+sigwrap" if a WQE with a
// signature runs over the ring's end, where the library's signature depends on
// memory that is not the ring's.
package gen
