// Package linux is the kernel dialect of mlx5model: what Linux 6.1 maps,
// writes and posts when a kernel consumer registers memory.
//
// # Two kinds of mapping
//
// SGToPages and SGToKLMs give, number for number, what ib_map_mr_sg leaves
// behind on an mlx5 device, faults included: a zero-length entry that takes a
// page, an end at 2^64 that reads as 0, a length that underflows when the list
// is one page long. They exist to be compared with recordings.
//
// MapPages and MapKLMs are what a registration should use. They describe the
// longest prefix that is legal, never more and never less, can be resumed at
// any byte, and name the differences from the kernel one by one.
//
// # Posting
//
// QP.PostSend is one ib_post_send call on a chain of work requests. It writes
// the bytes that the kernel writes and no others, so that stale ring content
// shows through where it does in reality, and keeps the fence state and the
// refusals of the kernel.
//
// QP.Register maps a list and posts the registration in one call. On amd64 with
// AVX2 the plain ones, of KLMs, are written by assembly, which the module in
// _generate makes: one pass over the list, and wide stores. MapSG and PostSend
// say what it writes; all others, and other machines, take them.
//
// # Creating keys
//
// MemRegContext and its siblings are the contexts that keys have before the
// first UMR changes them, CreateMkeyIn the firmware command that creates them.
package linux
