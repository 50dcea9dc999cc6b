//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package runner

import (
	"os/exec"
	"syscall"
)

// ownGroup makes the child the leader of a process group, so that killGroup
// reaches what it starts, and a ctrl-C at the terminal is for the runner alone.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killGroup ends the child and everything in its group.
func killGroup(cmd *exec.Cmd) {
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it may be gone
	}
}
