// Package corpus keeps test cases on disk: one case, one text file that a
// person can write, read and review in a diff.
//
// # The text form
//
// A case file ends in ".sgcase" and holds one item a line: a key, blanks, a
// value. '#' starts a comment, alone on a line or behind a value. Numbers are
// decimal or 0x hexadecimal. Keys other than sg and want occur at most once and
// may stand in any order; Format puts them in this one:
//
//	page-size N          page size in bytes (default 4096); umem: the system's
//	dialect NAME         linux, libmlx5, spdk or ofed (default: the strategy's choice)
//	profile NAME         device profile (default: "default")
//	access LIST          rights joined by '|': lr lw rr rw a (default lw|rr|rw)
//	dma MODE [N]         DMA-mapping stage, as package sg names it (default: identity)
//	offset N             bytes of the first entry left out (sg_offset, default 0)
//	dir read|write       what the peer does (default: both)
//	strategy NAME        the one strategy meant (default: all)
//	max-entries N        descriptors one region holds (max_num_sg, MR capacity)
//	max-entry-bytes N    bytes one descriptor covers
//	max-regions N        memory regions one command may use
//	max-inline N         bytes of a list that may stand in the WQE itself
//	queue N [@ POS]      send queue of N WQEBBs, producer counter at POS
//	pool N               elements (regions or buffers) in the strategy's pool
//	iova N               address that the peer uses for byte 0 (umem)
//	pgsz-bitmap N        supported page sizes, bit n for 2^n bytes (umem)
//	sg ADDR+LEN [lkey=N] one entry of the list; repeated, in stream order
//	sg none              the list is empty
//	want STRATEGY VERDICT [REASON]
//	                     expectation; VERDICT is ok, reject or fail
//
// Limits that are left out are the profile's. Without want lines every
// strategy is tried, and must accept rightly or refuse rightly. A file without
// any sg line is refused, so that a file cut short is not taken for a case.
//
// # Several cases in one file
//
// A file that begins with the line "sgfuzz-cases-1" holds several cases, each
// between a line "case NAME" and a line "end HASH", with the Hash of what stands
// between them. Such a file only grows: who appends a case locks it and cuts off
// what a writer that died left behind the last whole case (WholeSeries), and a
// reader takes no notice of that. The usual ending is ".sgcases".
//
// # What Format keeps
//
// Comments, the blank lines between groups (two or more become one) and every
// value. A comment above a line moves with that line; comments above the first
// line of the file stay on top. Values that equal the zero value of their
// field, such as "offset 0", are dropped. Format(Parse(Format(c))) = Format(c).
//
// # Bounds
//
// A line is at most MaxLine bytes, a list at most MaxEntries entries, with at
// most MaxComments comments; a line of an iovec log is at most MaxIovecLine
// bytes. An error names the bound it enforces, and file, line and column.
//
// # The embedded set
//
// Embedded holds five families: features/ (one case for each class of list),
// bugs/ (one witness for each historical defect that a list can show), mutants/
// (witnesses of defects that package internal/mutants re-creates or makes up, if
// none of the others is one), captures/ (lists that real programs and the kernel
// built) and found/ (cases that fuzzing made). Each case of the last two shows
// something that no other case of the set does.
package corpus
