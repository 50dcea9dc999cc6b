// Package runner tests an implementation that speaks the protocol of package
// conform: it starts the child, sends requests, judges the replies, and shrinks
// what fails through the child.
//
//	s, err := runner.Run(ctx, runner.Config{Command: []string{"./driver", "--conform"}, Cases: 10000})
//	// s.Findings, s.Ops
//
// # Requests
//
// An operation gets recorded vectors first, then the cases of Config.Corpus,
// then drawn ones. Every request but those of recorded work requests is made of
// a corpus.Case, and depends on it alone: its keys and numbers are derived from
// the list. So a finding is a case file, and asking again asks the same. A drawn
// case depends on the seed, the operation and its number.
//
// # Verdicts
//
// Mappings and work requests are exact: equal to what the driver named by the
// operation does, by this module's model of it or by a recording; bytes that
// the driver leaves unwritten are not compared. On -EINVAL only ret is.
//
// Registrations are semantic: the model HCA executes the work requests, the
// oracle plays the peer. Of its checks, read-stream, write-stream, confinement,
// sub-range, conservation, rights, structure and limits apply. Bytes are moved
// for one registration in eight; for all of them the host memory behind every
// byte of the stream is compared. A rejection is judged by the list: it wraps,
// has no bytes or an empty entry, or its pieces are more than max_entries or
// the largest KLM key allow. A list by pointer is asked to be aligned to 64
// bytes, no more.
//
// With Semantic, mappings are judged the same way, as far as they say they
// reach, and ret and sg_offset_out must name the place where they end.
//
// # Breaches
//
// A child that is silent, ends, or writes what is no reply is ended with its
// process group, and another one is started. The request that provoked a
// malformed reply is known; for silence and ends, those outstanding are sent
// again one by one. An operation is given up after 8 breaks that had to be
// waited for, or 400 others. Time in which the runner itself did not run is not
// the child's.
//
// # Findings
//
// Of each kind, operation and check, the first few are shrunk, and kept unless
// they say the same as one before.
package runner
