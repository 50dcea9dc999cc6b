// Package serve shows cases and work requests live in a browser: a page on which
// one edits a list and sees pages, keys, work requests and verdict at once. All
// of it is in the binary: the page loads nothing from elsewhere, and every
// answer is computed by the same code as that of the command line.
//
//	srv := serve.New(serve.Config{})
//	err := srv.Serve(ctx, listener)
//
// # Requests
//
//	GET  /                 the page; ?case=NAME opens an embedded case
//	GET  /api/options      names that the page offers: strategies, dialects, profiles, bugs, cases
//	GET  /api/case?name=N  the text of an embedded case
//	POST /api/explain      {"text": case, "strategy": name, "bug": name} → Explained
//	POST /api/decode       {"text": dump, "dialect": name} → Decoded
//	POST /api/import       {"text": iovec log} → Imported
//
// An answer that is no success is {"error": Problem}; where the input is at
// fault, it says in which field, line, column and entry. Addresses and keys are
// strings of hexadecimal digits in JSON, as JavaScript's numbers would lose
// their low bits.
//
// # Who is answered
//
// The server keeps no state, reads and writes no file and opens no connection.
// What must not happen is that another site's page uses it from the reader's
// browser. So a request is answered only if its Host is the address that it
// arrived at, "localhost" on a loopback address, or one of Config.Hosts; this
// keeps names out that were made to point here (DNS rebinding). A request that
// a browser marks as coming from another site or origin is refused, and a POST
// must be application/json.
//
// # Bounds
//
// Bodies, lists and the number of computations at a time are bounded by Config.
// A computation ends when its request does: cancelled by the reader, or after
// Config.Timeout.
package serve
