//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal opens both ends of a pseudo terminal.
func terminal(t *testing.T) (user, shell *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { user.Close() })
	raw, err := user.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	var bad error
	if err := raw.Control(func(fd uintptr) {
		if bad = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); bad == nil {
			n, bad = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
		if bad == nil {
			bad = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: 50, Col: 200})
		}
	}); err != nil || bad != nil {
		t.Fatal(err, bad)
	}
	shell, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return user, shell
}

// shellCase is a command line typed into a shell: ⇥ stands for the tab key.
// The shell must make want of it, at once behind the last tab.
type shellCase struct{ typed, want string }

// TestCompletionInShells types command lines into real shells on a terminal,
// puts a printf in front and reads the words that it gets.
func TestCompletionInShells(t *testing.T) {
	if testing.Short() {
		t.Skip("seconds of waiting: not in short runs")
	}
	cases := []shellCase{
		{"repl⇥", "replay"},
		{"corpus min⇥", "corpus|minimize"},
		{"run --gen⇥lit⇥", "run|--generator=literal"},
		{"run --strategy=fastreg,ind⇥", "run|--strategy=fastreg,indirect"},
		{"run --no-g⇥", "run|--no-guide"},
		{"replay my⇥", "replay|mycase.sgcase"},
		{"replay features/single-e⇥", "replay|features/single-entry"},
		{"encode --str⇥ind⇥ my⇥", "encode|--strategy=indirect|mycase.sgcase"},
		{"encode --out=myc⇥", "encode|--out=mycase.sgcase"},
		{"version --json=myc⇥", "version|--json=mycase.sgcase"},
		{"mutants raw-c⇥", "mutants|raw-count-takes-regions"},
		{"help corp⇥ li⇥", "help|corpus|list"},
		{"completion z⇥", "completion|zsh"},
		{"conform -- zcom⇥", "conform|--|zcommand"},
	}
	for _, sh := range []struct {
		name string
		args []string
		init string
	}{
		{"bash", []string{"--norc", "--noprofile", "-i"}, "source <(sgfuzz completion bash); bind 'set enable-bracketed-paste off'\n"},
		{"zsh", []string{"-f", "-i"}, "autoload -U compinit; compinit -D -u; source <(sgfuzz completion zsh); unsetopt zle_bracketed_paste\n"},
		{"fish", []string{"--no-config", "-i"}, "sgfuzz completion fish | source\n"},
	} {
		t.Run(sh.name, func(t *testing.T) {
			path, err := exec.LookPath(sh.name)
			if err != nil {
				t.Skipf("no %s on this machine", sh.name)
			}
			for _, c := range cases {
				if got := typed(t, path, sh.args, sh.init, c.typed); got != c.want {
					t.Errorf("%s: %s, want %s", c.typed, got, c.want)
				}
			}
		})
	}
}

// typed runs a shell on a terminal of its own and gives the words that a
// command line has after completion, joined by '|'.
func typed(t *testing.T, shell string, args []string, init, line string) string {
	t.Helper()
	user, its := terminal(t)
	home := t.TempDir()
	cmd := exec.Command(shell, args...)
	cmd.Env, cmd.Dir = programEnv(t, home, "mycase.sgcase"), home
	if err := os.WriteFile(filepath.Join(home, "zcommand"), []byte("#!/bin/sh\n"), 0o777); err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(cmd.Env, "PATH="+home+":"+strings.TrimPrefix(cmd.Env[0], "PATH="))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = its, its, its
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	its.Close()
	keys := init + "sgfuzz " + strings.ReplaceAll(line, "⇥", "\t") + "\x01/usr/bin/printf '|%s' '<<' \x05 '>>' '\n'\nexit\n"
	if _, err := user.WriteString(keys); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	var seen bytes.Buffer
	_, _ = seen.ReadFrom(user) // ends with an error when the shell does
	_ = cmd.Wait()
	found := regexp.MustCompile(`\|<<\|sgfuzz\|(.*)\|>>`).FindSubmatch(seen.Bytes())
	if found == nil {
		return fmt.Sprintf("nothing printed: %q", seen.String())
	}
	return string(found[1])
}

// TestTerminal looks at what the program does on a terminal and off it: colours
// and a progress bar there, unless NO_COLOR or TERM says otherwise, and neither
// anywhere else.
func TestTerminal(t *testing.T) {
	home := t.TempDir()
	env := programEnv(t, home, "case.sgcase")
	decode := "sgfuzz encode case.sgcase | sgfuzz decode"
	// So few cases take long enough for a bar, as all checks are made.
	work := "sgfuzz run --no-corpus --for 600ms --jobs 1 --seed 1"
	const colour, bar = "\x1b[", "%"
	for _, row := range []struct {
		name, line string
		env        []string
		has, lacks string
	}{
		{"colours", decode, nil, colour, ""},
		{"NO_COLOR", decode, []string{"NO_COLOR=1"}, "opcode", colour},
		{"NO_COLOR empty", decode, []string{"NO_COLOR="}, colour, ""},
		{"dumb terminal", decode, []string{"TERM=dumb"}, "opcode", colour},
		{"to a pipe", decode + " | cat", nil, "opcode", colour},
		{"to JSON", decode + " --json", nil, `"format"`, colour},
		{"waiting for input", "sgfuzz decode", nil, "reading standard input", ""},
		{"no one waits", "sgfuzz decode < case.sgcase", nil, "neither hex", "reading"},
		{"progress bar", work, nil, bar, ""},
		{"progress to a file", work + " 2>err; cat err", nil, "seed 1", bar},
		{"progress bar beside a pipe", work + " | cat", nil, bar, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			user, its := terminal(t)
			cmd := exec.Command("/bin/sh", "-c", row.line)
			cmd.Env, cmd.Dir = append(slices.Clone(env), row.env...), home
			cmd.Stdin, cmd.Stdout, cmd.Stderr = its, its, its
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			its.Close()
			if _, err := user.WriteString("\x04"); err != nil { // ctrl-D
				t.Fatal(err)
			}
			var seen bytes.Buffer
			_, _ = seen.ReadFrom(user) // ends with an error when the shell does
			_ = cmd.Wait()             // of no input there is an error
			if out := seen.String(); !strings.Contains(out, row.has) || row.lacks != "" && strings.Contains(out, row.lacks) {
				t.Errorf("%q", clip(out))
			}
		})
	}
}
