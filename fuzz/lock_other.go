//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package fuzz

import "os"

// lock does nothing where files cannot be locked: two campaigns on one state
// directory are then the user's to avoid.
func lock(*os.File) error { return nil }

// inUse cannot tell.
func inUse(*os.File) bool { return false }
