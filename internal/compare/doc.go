// Package compare puts the ways of registering a workload's lists side by side:
// which lists each takes, what a list costs, how large a pool must be, and about
// how long it takes. A workload is a sequence of cases: case files, captured
// iovec logs, or lists drawn from a generator.
//
//	c := compare.New(compare.Config{})
//	for each case {
//		err := c.Add(ctx, theCase)
//	}
//	result, err := c.Result(ctx)
//	err = result.WriteText(os.Stdout)
//	err = result.WriteHTML(f)
//
// # Ways
//
// A way is a strategy of package reg, or a strategy with another that takes what
// it refuses, as an initiator does. Ways lists them. multimr here registers page
// lists only, as many as it takes; of the KLM lists that it otherwise falls back
// to, indirect shows the cost. There are as many keys as the device
// has unless a case says otherwise, so that what a list needs shows, not what
// there happens to be.
//
// Every registration is executed by the model device and judged by the oracle,
// intervals only. One that is judged wrong is an error.
//
// A list is accepted by the way's strategy, taken by its fallback, or refused.
// Costs are those of lists taken; a share refused stands beside them, and a way
// that takes nothing has no costs. Lists of no bytes are refused by all.
//
// # Memory
//
// A captured iovec has virtual addresses. They are taken as they are: one entry
// is one run of memory, as with a mapping through an IOMMU or in huge pages.
// Without those an entry becomes as many runs as it has pages; Config.DMA with
// sg.Split at 4096 has that many, though next to each other, so that page lists
// and borders stay what they were and only KLMs and data segments multiply.
//
// # Columns
//
// What one list costs (Row), registration only: releases are in the estimated
// time. Regions are memory keys in use, an SRP command's descriptor table
// included; rkeys are the {key, address, length} tuples that the peer must
// handle; descriptors are MTT entries, KLMs and local data segments; fetches are
// reads that the device makes before it knows the registration, one a work
// request and one a list by pointer. Buffers are pages of Case.PageSize bytes.
//
// Means and maxima are of all lists. Quantiles, and the needs that the queue
// model draws from, are of all lists too up to MaxSample lists, then of MaxSample
// of them, each list as likely as any other (Result.Sampled says so). Quantiles
// lie between two values where the rank does (golang.org/x/exp/stats).
//
// # Time
//
// The estimate of one list is a sum of products: how often a thing happens times
// a constant (Constants, where each has its authority). Nothing overlaps, nothing
// waits; data transfer, which is the same for all, interrupts, locks and the
// doorbell are left out. It ranks ways and shows which cause dominates; it
// predicts no benchmark.
//
//	cpu       work requests, one to invalidate each region, and descriptors written
//	copy      bytes copied once, in the direction of the transfer
//	allocate  bounce pages
//	register  regions registered and invalidated by the device
//	fetch     lists by pointer, and WQEs and lists over the bus
//	walk      KLMs that an access goes through
//	mkey      keys created and destroyed by command
//	remote    requests that the peer, or the initiator, posts for the data, one a
//	          tuple, and the reading of a descriptor table longer than the
//	          information unit holds
//
// rdmarw is the other end's way: it moves data to or from a peer whose memory is
// registered already. Its rows say what the local side costs.
//
// # Queue and pools
//
// A queue has Depth slots. Each issues an I/O, waits for its completion, is idle
// for a time and issues the next. Every I/O draws its list from the workload,
// each list as likely as any other. Service and idle times are independent of
// the list; idle times are exponential, service times exponential or fixed. An
// I/O holds what it needs of a pool from its issue to its completion. If fewer
// elements are free than it needs it is turned away, holds nothing, and the slot
// is idle once more (ib_srp's answer to the lack of a region, SAM_STAT_TASK_SET_FULL,
// is to be tried again later). The exhaustion probability is the share of I/Os
// turned away.
//
// This is a loss system with a finite source: Engset's if every list needs one
// element, with Erlang's as its limit for many slots that are seldom busy. The
// share of time that a slot is busy while nothing is turned away is service /
// (service + idle); where the tests can compute a probability, it depends on
// nothing else. A way's pools (regions, bounce pages, regions of 512-byte pages)
// are looked at one at a time, as if the others never ran out. The simulation is
// an event list with a generator seeded by Queue.Seed: the same on every machine.
//
// The size reported is the smallest from which on the exhaustion probability is
// at most Queue.Target, looked for from above. (A larger pool can turn more I/Os
// away than a smaller one, when it begins to let in those that need much.) Worst is the size that never runs out, depth times the largest
// need. An element's bytes are the longest list of one region, as a region must
// have room for it (ib_alloc_mr's max_num_sg), or a page.
package compare
