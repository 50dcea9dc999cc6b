// Package sendq writes the parts of send-queue entries that several dialects
// write alike: the fixed 128 bytes of a UMR, the list behind them, and what the
// two posting loops of kernels share. The lists themselves are package xlt's.
//
// # Once and in order
//
// A byte is written once, by a word of eight bytes or by more at a time. The
// words are put together in registers: Head, Flags, UMR and Rights make them
// out of fields. So a WQE costs as many stores as it has words, and nothing
// lies between a list of entries and the ring.
//
// Bytes that were just written are read back in the pieces in which they were
// written, by Copy and Push: a wider load would wait until all of them are in
// the cache, which takes longer than the WQE did.
//
// # The ring's end
//
// A WQEBB never straddles it. At finds each by itself; a list goes up to the
// end in one piece and on from the start in another.
//
// # Implementations
//
// On amd64 with AVX2 lists are looked at and WQEs pushed by assembly. Other
// machines and builds with the tag purego take portable Go. Both give the same
// bytes, whatever the machine's byte order.
package sendq
