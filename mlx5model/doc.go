// Package mlx5model is an mlx5 adapter as far as memory registration goes: the
// wire layout of work requests and memory keys, and a Device that executes
// them.
//
// # What is where
//
//   - Units and constants: DS, WQEBB, octoword and list sizes; opcodes, fences,
//     UMR flags, mkey_mask bits, access modes and rights, with String methods
//     and MaskString, UMRFlagsString, AccessString, FmCeSeString for dumps.
//   - Layout: one table of every field of every segment, by bit offset, width
//     and authority (Fields, FindField, Field.Get, Field.Put, ReservedMask,
//     FieldAt). Bits that no field covers are reserved. The structures Ctrl,
//     UMRCtrl, MkeyContext, DataSeg and KLM encode the same segments for speed;
//     tests hold them against the table.
//   - WQE: Decode takes bytes apart, WQE.AppendTo puts them together in
//     canonical form.
//   - Ring: a send queue's memory. A WQE may wrap from its last WQEBB to the
//     first; Decode, Check and Dump take linear bytes (Ring.Read makes them).
//   - Check and DecodeStrict: the strict decoder. Dump: annotated text.
//   - Rules: what a producer writes, zeroes and leaves alone, as data.
//   - Device: memory keys, queues, UMR execution, translation, completions.
//
// # Lenient and strict
//
// Decode is lenient, as the hardware is: it follows the length fields and
// judges nothing. Check reports what breaks a rule, with the byte offset, the
// field and the authority. Its findings are of three severities: Error for a
// WQE that no sound producer writes, Warn for what is legal as far as is known
// but hardly meant, Note for what is legal and worth knowing. DecodeStrict
// refuses a WQE with an Error. What it accepts, Decode accepts with equal
// values.
//
// A WQE has more than one encoding: padding may hold anything, reserved bits
// are ignored. AppendTo writes zeros there, so
//
//	AppendTo(Decode(AppendTo(Decode(b)))) = AppendTo(Decode(b))
//
// for every b that Decode takes, and AppendTo(Decode(b)) = b on the bytes that
// a producer writes.
//
// # Dialects
//
// Each subpackage encodes as one producer does, byte for byte, and has its
// Rules: linux (the kernel's wr.c and umr.c, version 6.1), libmlx5 (rdma-core
// 44 as RulesV44, and head as RulesHead; they differ in the length of lists of
// 2 GiB and more), spdk (lib/mlx5) and ofed (the original indirect
// registration). With a producer's rules, Check also tells whether the WQE is
// one that this producer posts: its flags, mask, context, form and fences; and
// it knows which bytes the producer never writes. With nil rules only what
// holds for every producer is judged, and mkey contexts of invalidations and
// window binds get warnings where they may be stale.
//
// What the rules tolerate, because the producer does it:
//
//   - libmlx5 cuts stride and byte_count of interleaved entries to 16 bits, and
//     version 44 sign-extends the length of a list from 32 bits.
//   - Linux posts a list of 2^16 octowords with a count of 0, fills a WQE
//     signature with ffh, and gives signature keys a length that need not be
//     whole blocks.
//   - SPDK takes a key's length from the caller.
//
// # What is known, and how well
//
// Layouts, encodings and rules come from the headers and drivers named beside
// them and were compared with recorded outputs of the unmodified code. No public
// text specifies the hardware's behaviour: what a Device does follows the
// drivers' assumptions where they show, and is a parameter of its profile where
// they do not, such as the largest byte_count of a KLM, the smallest page, the
// nesting depth of keys, and the syndrome of a UMR that fails its checks.
//
// Hot paths allocate nothing in steady state: Decode, AppendTo into a slice
// with room, and Check of a WQE without findings.
package mlx5model
