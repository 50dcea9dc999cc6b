// Package sg has what is to be registered: scatter/gather lists, the memory
// they point into, and the generators that make both. It knows nothing of any
// device.
//
// # Lists
//
// An Entry is a struct ib_sge: an address, a length in bytes and an lkey. A
// List is entries in order, and stands for a byte stream: the bytes of the
// first entry, then those of the second, and so on. Any list is a value that
// can be held; Validate tells those that a registration may refuse (a range
// past 2^64, no bytes at all) from the others. A range that ends exactly at
// 2^64 is legal and the place where much code goes wrong: Entry.End is 0 then,
// so compare last bytes rather than ends.
//
// AppendExtents says which host memory a window of the stream is. Stats and
// Features say what a list is like: Features is a set of bits, and two lists
// with the same set are likely to fail for the same reason.
//
// # Memory
//
// Memory has all 2^64 byte addresses. Untouched bytes hold Pattern, a function
// of the address and a seed in which all address bits are mixed, and take no
// room: a list of a million entries of 4 GiB costs nothing to point at.
// Written bytes are kept, and remembered one by one. AppendWritten lists them,
// which is how writes outside a list are found.
//
// # DMA mapping
//
// DMA stands between the list a caller has and the list a device gets. It
// merges or splits entries without changing the stream, so that code which
// confuses the two counts is found out.
//
// # Choices and generators
//
// A generator makes a list from a stream of choices. Choices come from bytes,
// such as a fuzzer's input, or from a seed; a stream from a seed records its
// bytes, so that every case can be had from bytes. Every byte string is a
// valid stream: it goes on with zeros behind its end, zero always stands for
// the simplest choice, and there is one choice per element whether another
// element follows, so that no count runs away from its elements.
//
//	c := sg.NewRandom(seed)
//	for {
//		list, name = sg.Generate(c, params, list[:0])
//		…                          // use the list
//		c.ResetRandom(next seed)   // nothing is allocated once all has grown
//	}
//
// The first byte picks a generator by weight; Generators lists them with the
// reason for each. EncodeList goes the other way, from a list to a stream for
// which Generate gives that list: it turns a corpus of lists into a fuzzer's
// seeds. Streams are not stable between versions of this package; keep lists,
// in the text form.
//
// # Shrinking
//
// Shrink makes a failing list smaller as long as it fails: it works on the
// list, not on the stream that it came from.
//
// # Text
//
// An entry is written 0xADDR+LEN, the length in decimal bytes, followed by
// lkey=0xKEY if the key is not zero; a list is one entry per line. ParseEntry
// and ParseList read that back, with either base for all numbers.
//
// # Limits
//
// Errors are typed and nothing is changed when one is returned. What can grow
// is bounded: Memory by SetLimit (1 GiB unless told otherwise), the output of
// DMA.Map by MaxDMAEntries, generated lists by Params, random streams by
// MaxRandomChoices, Shrink by its number of steps.
package sg
