// Package sendq writes the parts of send-queue entries that several dialects
// write alike: the fixed 128 bytes of a UMR, the translation list behind them,
// and what the kernel's two posting loops share.
//
// # Once and in order
//
// Every byte is written once, in rising order, in words of eight bytes or more.
// The words are put together in registers: Head, Flags, UMR and Context make
// them out of the fields. So a WQE costs as many stores as it has words, no
// store is read back in parts, and nothing lies between a list of entries and
// the ring.
//
// # The ring's end
//
// A WQEBB never straddles it. The fixed part of a UMR is two WQEBBs that are
// found by themselves; a list goes up to the end in one piece and on from the
// start in another.
package sendq
