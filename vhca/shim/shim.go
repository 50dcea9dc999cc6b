// Package shim holds the C sources of the library that is preloaded into
// programs, for package launch to compile. c/engine.h describes the seam to the
// engine.
package shim

import "embed"

// Files are the sources and headers, in the directory c.
//
//go:embed c
var Files embed.FS
