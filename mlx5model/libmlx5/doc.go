// Package libmlx5 builds send-queue entries as rdma-core's user library does:
// the same bytes at the same ring positions, the same bytes left alone, the
// same errors, roll-backs and doorbells.
//
// # Posting
//
// A QP is used the way the extended work-request API is. Start opens a batch,
// builders add to it, Complete posts it or rolls it back:
//
//	qp.Start()
//	qp.Flags = libmlx5.Inline | libmlx5.Signaled // struct ibv_qp_ex wr_flags
//	qp.MRList(&mkey, libmlx5.LocalWrite|libmlx5.RemoteRead, list)
//	err := qp.Complete()
//
// PostMRList is these four in one, and faster.
//
// Builders report nothing. An error is kept in the batch and comes out of
// Complete, which then puts CurPost and FMCache back to what they were at
// Start. What the builders wrote to the ring stays there, as it does in the
// library: free slots hold the remains of failed batches. After an error, later
// builders of the batch still write their slot, setters do nothing. A missing
// Inline flag overwrites an earlier error.
//
// # Fences
//
// FMCache is the fence that the next WQE gets: FenceSmall after every UMR,
// memory-window bind and local invalidate, none otherwise. The Fence flag puts
// FenceSmallAndFull in its place; the two are not ORed.
//
// # Memory keys under construction
//
// MkeyConfigure writes the fixed part of a UMR and waits for as many setters
// as it was told. QPN, DS and signature are written by the last one, and only
// then does the slot count as used. If setters are missing at Complete the
// batch succeeds, nothing is posted for that key, and FMCache stays armed.
//
// # Signature and crypto
//
// A key keeps its signature and crypto attributes. The setters write them to
// the key at once, and they stay when the batch fails later on. The UMR that
// follows carries them as one or two BSFs of 64 bytes behind the list; its
// completion is given up in favour of the last of the SET_PSVs that follow it,
// one for each signed domain. A signature error of the key makes the next UMR
// update the key's error counter and load the PSVs again.
//
// # Versions
//
// Head differs from V44 in one point that can be seen in the bytes: V44 adds up
// the lengths of a list in a signed 32-bit variable, so that a region of 2 GiB
// or more gets a wrong length (corrected upstream in e23cb0a72, version 61).
//
// # Sources
//
// rdma-core providers/mlx5/qp.c, wqe.h, mlx5dv.h and verbs.c, as recorded
// outputs of libmlx5 1.24.44 and 1.27.65 show them. Memory past the ring's end,
// which the signature of a wrapping WQE covers in the library, reads as zero.
package libmlx5
