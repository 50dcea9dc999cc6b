// Package bench measures the encoders and the check loop beside contestants
// that do the same: a copy of the same bytes, straightforward Go, plain C under
// two sets of compiler flags, and the libmlx5 of the distribution.
//
// # Benchmarks
//
//	klm_list     entries to KLMs, each under its own key
//	mtt_list     page addresses to MTTs
//	wqe_linux    ib_map_mr_sg of a KLM list and ib_post_send of the REG_MR
//	wqe_libmlx5  mlx5dv_wr_mr_list between ibv_wr_start and ibv_wr_complete
//	wqe_spdk     spdk_mlx5_umr_configure and spdk_mlx5_qp_complete_send
//	check        one checked registration: half a fuzz.Runner run, which
//	             registers, executes and judges a list twice
//
// A work request goes into a ring of 1024 WQEBBs, wherever the one before it
// ended, the list by pointer into its buffer, the counter into the doorbell
// record and the doorbell's bytes into ordinary memory.
//
// # Contestants
//
//	sgfuzz         this project, as this machine runs it
//	portable       this project without AVX2, in a process of its own
//	naive          encoding/binary, one field after another
//	copy           copy() of the bytes that the others make; for check, of
//	               the list's bytes
//	gcc-O2         package peers: plain C
//	gcc-O3-native
//	libmlx5        package peers: the library, on a fake device
//
// # How a figure comes about
//
// Before anything is timed every contestant builds its output once, and all
// must be the same bytes. Then they take turns, a slice of time each, for a
// number of rounds, each round beginning with another of them: what disturbs
// the machine disturbs all of them. The buffers of those written in Go lie
// elsewhere in each round. A contestant's ratio to copy is taken in each round;
// its median and quartiles over the rounds are what is reported.
package bench
