// Package launch builds the two libraries of the virtual adapter, lays out the
// device tree, and makes the environment in which a program finds the adapter.
//
// The shim is compiled from sources that are part of this package; the engine
// is built by the Go tool from the module's own sources: where this binary was
// built, or in the module cache. Both go to a directory of the user's cache by
// the version. A version that is not a release is built each time, which the
// build cache makes quick.
package launch
