//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package fuzz

import (
	"os"
	"syscall"
)

// lock claims a file until it is closed or the process ends.
func lock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }

// inUse says whether somebody else has claimed a file.
func inUse(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) != nil
}
