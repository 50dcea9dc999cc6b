// Package mutants re-creates defects of memory registration on top of the
// correct code, so that generators and checks can be measured by whether they
// find them. Most happened: each names the project, the year, the commit where
// it is known, and the cause in one line. The others, of project "made", break
// one field or rule each, to show that every check bites.
//
// A Mutant stands in the place of one part of the registering side: the
// reg.Mapper, the reg.Encoder, a reg.Strategy or the device's way to host
// memory. The production code has no
// switches and does not know this package. Defects of memory keys made by
// command (user memory registration) are put in by making the key again on the
// device with what the defective driver would have written.
//
// Nothing here shares code with a driver; the defects are described by their
// effect. Where the original needs hardware or a life that the model does not
// have, Cause tells the form it takes here. Missing lists the catalogue's
// defects that have none, with reasons.
package mutants
