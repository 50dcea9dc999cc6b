// Package conform speaks the conformance protocol, version 1, by which
// implementations written elsewhere are tested.
//
// The implementation is a child process. It reads requests from its standard
// input and writes replies to its standard output, one JSON object a line, in
// the same order:
//
//	{"id":0,"op":"hello","version":1}
//	{"id":0,"ok":{"name":"my driver 1.2","ops":["sg_to_klms","register"]}}
//	{"id":1,"op":"sg_to_klms","max_descs":4,"local_dma_lkey":5888,"sg":[[4294967297,4095]],"sg_offset":null}
//	{"id":1,"ok":{"ret":1,"sg_offset_out":0,"iova":4294967297,"length":4095,"ndescs":1,"descs":"00000fff000017000000000100000001"}}
//
// # Requests
//
// Every request has id (below 2^64) and op. A child ignores fields it does not
// know.
//
//	hello        version: 1
//	sg_to_pages  page_size (bytes, 32 bits), max_descs, sg, sg_offset: Linux' ib_sg_to_pages
//	sg_to_klms   max_descs, local_dma_lkey, sg, sg_offset: Linux' mlx5_ib_sg_to_klms
//	wqe          producer, version, and the inputs of a recorded vector of that producer
//	register     a list, the keys and limits to register it with, the rights to grant
//
// sg and list hold entries [addr,len] or [addr,len,lkey]; sg_offset is null
// where the caller passes no offset.
//
// # Replies
//
// Every reply has the id of its request and exactly one of ok (an object), reject
// (an errno name such as "EINVAL", with why as an optional text beside it) and
// skip (a text: not implemented). What ok holds depends on the operation:
//
//	hello        name, ops; optional: version
//	sg_to_pages, sg_to_klms
//	             ret, sg_offset_out, iova, length, ndescs, descs
//	wqe          ret (a list), wqes; optional: descs
//	register     regions, wqes; optional: host, copy_in, copy_out
//
// Fields come in any order. An optional list that is missing is empty.
//
// # Values
//
// A number is an integer up to 2^64-1, or a string "0x…" with hexadecimal
// digits; ret alone may be negative ("-0x16" in the string form). Requests are
// written with the string form above 2^53 on demand, for children whose JSON
// has only floating-point numbers. Bytes are a string of lower-case hexadecimal
// digits, two a byte.
//
// # Strictness
//
// ParseReply takes nothing that is not in the contract: a field unknown,
// repeated or missing, a number out of its field's range, anything behind the
// object, text that is not UTF-8. It refuses with a *LineError that names the
// field and the byte at fault. ParseRequest, for children written in Go, is as
// strict but for unknown fields. Both keep their storage: once it has grown,
// parsing and appending allocate nothing.
package conform
