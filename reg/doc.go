// Package reg has the ways in which an upper-layer protocol registers a
// scatter/gather list, each a Strategy that posts mlx5 work requests as bytes
// in a send queue.
//
// # Use
//
//	env := reg.NewEnv(mem)
//	err := env.Reset(reg.EnvConfig{Profile: profile, Dialect: "linux"}, list)
//	s, _ := reg.StrategyByName("indirect")
//	var r reg.Registration
//	err = s.Register(env, &reg.Request{List: list, Access: access, Dir: reg.DirBoth}, &r)
//	// the peer uses r.Tuples
//	err = s.Release(env, &r)
//
// Env is the consumer's side of one connection: device, queue pair, send queue,
// a pool of memory keys, driver memory that no entry of the list reaches, and
// the counts of DMA mapping. Reset makes it fresh for the next case. Env,
// Request and Registration are reused; Reset, Register and Release of a list
// that fits what was there before allocate nothing.
//
// # Strategies
//
//	fastreg   one page list; the longest prefix with Request.Partial
//	multimr   as many regions as needed, told in an SRP command
//	bounce    a copy in pages of its own, one key always
//	pool512   one page list of 4 KiB pages, else of 512-byte pages
//	indirect  one KLM list of entries of any alignment
//	rdmarw    moves the data itself, by RDMA READ or WRITE
//	umem      one key made by CREATE_MKEY, with the best page size
//	auto      the cheapest of these that takes the list
//
// # Life cycle
//
// Register maps the list for DMA with its original entry count, works with the
// mapped entries, takes keys from the pool, gives each the next tag where the
// dialect can set one, posts, and rings the doorbell. Release posts a local
// invalidate for each key, waits for it, puts the keys back and unmaps with the
// original count. SPDK's library has no invalidate and umem has no work
// requests: there the key is destroyed, and the next one at its place carries
// another tag; Env.KeysDestroyed counts them. What a Registration said stays
// readable after Release, to try its tuples again. A second Release does
// nothing.
//
// When Register fails, everything is given back and the Registration is empty.
// A list that cannot be taken is a *Refusal with reason, place and limit; an
// error completion is a *CompletionError, after which the queue is recovered
// and usable.
//
// # Positions
//
// Request.Offset leaves out bytes at the start of the stream. Request.From, if
// it is not the zero position, is used instead: Registration.Next of a partial
// registration goes there to continue. Entries without bytes are skipped.
//
// # Limits
//
// One region's descriptors are bounded by what a UMR counts, by the key of the
// device, by what the dialect posts and by Limits.MaxEntries (ReasonEntries),
// and, for lists inline, by the longest WQE and the queue (ReasonQueue). KLMs
// are cut at the device's longest, or at Limits.MaxEntryBytes. A region longer
// than the device's longest, or than the dialect's length field holds, is
// ReasonTotal; multimr then takes several. A region that would run past 2^64
// starts at its first address modulo the page size instead.
//
// # Cost
//
// Cost counts what was posted to register, the doorbells' work included and
// releases left out; Registration.AuxKeys (the key of an SRP table) are among
// Cost.MRs and Cost.Descriptors, though they serve no byte of the list.
//
// # Sources
//
// Behaviour follows drivers/infiniband/core/{verbs,rw,umem}.c,
// ulp/srp/ib_srp.c, ulp/iser/iser_memory.c and include/scsi/srp.h of Linux;
// where a strategy departs from them its comment says so.
package reg
