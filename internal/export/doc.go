// Package export writes what this module knows about case files in forms that
// need none of it: vectors, and tables for C.
//
// # Inputs
//
// A case stands for one call of ib_map_mr_sg on a page-list key and one on an
// SG_GAPS key, as Linux 6.1 makes it:
//
//	sg list          the case's list behind its DMA-mapping stage; lkeys are left out
//	sg_offset        the case's offset; NULL if it has none
//	page size        the case's page size
//	max_num_sg       the case's max-entries, else DefaultEntries
//	local_dma_lkey   any number that follows from the case
//
// The outputs are those of mlx5model/linux: computed by the model that
// internal/vectors holds to recordings of the kernel, not recorded. A case
// that no call stands for is left out and counted, by reason.
//
// # Forms
//
// JSONL writes one file for each producer, in the schema of the recordings
// (package vectors):
//
//	kernel-sg2pages   ib_map_mr_sg on a page-list key
//	kernel-sg2klm     ib_map_mr_sg on an SG_GAPS key
//	kernel-regmr      both mappings, each with one ib_post_send of a REG_MR and a
//	                  LOCAL_INV on a send queue of the case's size and position, if
//	                  both fit
//
// Ids are the producer's prefix, "-x-" and the case's name; a name that occurs
// again gets "~2" and so on. The regmr line of a page-list key ends in "-mtt",
// of an SG_GAPS key in "-klm".
//
// CHeader writes HeaderName, tables of the first two kinds as C99, and beside
// it two programs that use them: ExampleName for user space, with an
// implementation that passes, and KUnitName for a kernel tree, where the call of
// the code under test is to be filled in.
//
// Both write all of their files or none, and the same cases give the same bytes.
package export
