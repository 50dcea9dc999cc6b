// Package vectors checks recorded outputs of real drivers against this
// module's encoders.
//
// A vector file is JSON Lines, optionally compressed with gzip. Every line is
// one case: the inputs, and everything that unmodified production code made of
// them without hardware. The producer follows from the id, the text before its
// first '-':
//
//	sg2pages    Linux 6.1 ib_map_mr_sg on a page-list key
//	sg2klm      Linux 6.1 ib_map_mr_sg on an SG_GAPS key
//	regmr       Linux 6.1 ib_map_mr_sg, then one ib_post_send
//	createmkey  Linux 6.1 ib_alloc_mr: the CREATE_MKEY mailbox
//	integ       Linux 6.1 REG_MR_INTEGRITY: skipped, needs signature offload
//	mrlist, ilv, conf   rdma-core's libmlx5, version 44 or head
//	spdk        SPDK's lib/mlx5
//
// # What is compared
//
// All that the code produced: return values, queue state, doorbells, each
// WQE, the descriptor lists, and the whole ring. Each case runs twice, with
// ring and descriptor memory filled beforehand with the case's prefill byte and
// with its complement. A byte that follows the fill in both runs was not
// written; those ranges are compared with the recorded "stale" ranges.
//
// Decoding is strict. An unknown, misspelt, repeated or missing field, a null
// where none belongs, and an array of the wrong length are failures of the
// case: what is not read cannot be checked.
package vectors
