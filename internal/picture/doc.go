// Package picture shows one case: the list in memory, what each strategy makes
// of it, and the byte stream that comes out, so that an eye can follow a byte
// from one end to the other.
//
//	p, err := picture.Of(c, picture.Options{})
//
// Of runs the case as a campaign does, looks at every registration while it is
// live, and notes it as a Picture: plain values that are the JSON of "sgfuzz
// explain" and all that a renderer needs. What a piece of a key reaches is
// asked of the model device, never computed beside it.
//
// # What is wrong with it
//
// Every descriptor of a registration is compared with the list. Those that
// reach other memory than the list has there are marked, and Strategy.Blame
// names the one that is at fault: a KLM that is too short is blamed, not the
// one behind it whose bytes it shifts. A failure that no descriptor shows is
// put on the work request that the strict decoder objects to, or on the place
// that the oracle names.
//
// # Bounds
//
// Work grows with entries and descriptors, never with bytes. Rows of each kind
// are at most Options.Most: what is left out is a row of its own that says how
// much it stands for, so that the rows of a list and the pieces of a
// registration always add up to the whole. Runs of pages that continue each
// other in memory and stream are one row.
package picture
