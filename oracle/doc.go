// Package oracle plays the remote peer of a registration and judges it.
//
// It reads a reg.Registration, a plain value: what the peer was told, the
// rights, the send queue and the Device that executed it, the part of the list
// that is covered, the copies that the registering side makes, the cost it
// claims. Nothing in it says which strategy made it, so that an implementation
// from outside can be judged by filling the same value.
//
//	o := oracle.New()
//	o.Begin(mem)          // a case begins; mem is untouched host memory
//	err := s.Register(env, &req, &r)
//	o.Judge(&r, &verdict) // every check of one live registration
//	s.Release(env, &r)
//	o.JudgeReleased(env, tuples, &verdict)
//
// # Checks
//
// They are numbered, so that a failure, a mutant and a report name the same
// thing:
//
//	 1  read-stream    remote READ of all tuples, in order, is the original byte stream
//	 2  write-stream   remote WRITE lands on exactly the original bytes; of aliases the last in stream order wins
//	 3  confinement    no host byte outside the list changes; the bytes next to every tuple are out of reach
//	 4  sub-range      any window of the stream is the same window of the list
//	 5  conservation   lengths add up in 64 bits, nothing is mapped twice or dropped beyond the list's own aliases
//	 6  resume         a prefix is the longest its region can hold; parts continue each other (JudgeChain)
//	 7  rights         access flags, PD, key variant, freed and re-registered keys (JudgeReleased)
//	 8  structure      strict decode of every work request; SRP commands read back as the target does
//	 9  round-trip     decode and encode are inverse on the bytes the dialect writes
//	10  agreement      strategies, and lists that mean the same, expose the same memory (JudgeAgreement)
//	11  cost           the cost record is what is there; no more page-list regions than the page rule asks for
//	12  vector         encoders write what real drivers wrote (JudgeVectors)
//	13  dma            original entry counts for mapping and unmapping, mapped ones for registering
//	14  limits         capacities are respected; a refusal is typed and what it states is true (JudgeRefusal)
//	15  termination    every registration makes progress, with work bounded by the list
//
// A Failure says what differs and, as far as its check knows, where: a byte of
// the stream, the entry it belongs to, a host address (Place).
//
// TestEveryCheckFires breaks one thing at a time and lists, for each, every
// check that sees it.
//
// # Exact without moving every byte
//
// A stream is compared as intervals: what the tuples translate to, neighbours
// merged, against the list's entries, neighbours merged. Equal intervals are
// equal for every byte. Real bytes are moved at all entry borders, at both ends
// and at sampled interiors, and whole for streams of up to 4 KiB. What the
// peer's writes should have done is done to a reference memory through the
// plain list, and the two memories are compared wherever either was ever
// written. Oracle.Full moves every byte instead.
//
// The cost of a verdict grows with entries and descriptors, never with bytes
// (unless Full), and once its storage is warm a sound registration is judged
// without allocating.
//
// # Initiators
//
// A registration that moves the data itself (reg.Registration.Initiator) is
// judged through a Peer: it owns the remote buffer, is connected before the
// registration is made, and keeps which local memory each RDMA READ or WRITE
// reached.
package oracle
