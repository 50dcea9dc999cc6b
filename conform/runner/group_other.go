//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package runner

import "os/exec"

// ownGroup does nothing where there are no process groups.
func ownGroup(*exec.Cmd) {}

// killGroup ends the child; what it started is the user's to end.
func killGroup(cmd *exec.Cmd) {
	if cmd.Process != nil {
		_ = cmd.Process.Kill() // it may be gone
	}
}
