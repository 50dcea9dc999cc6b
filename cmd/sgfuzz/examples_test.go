package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sgfuzz/sgfuzz/internal/usage"
)

// examplesOf are the command lines in the help of a verb.
func examplesOf(c *usage.Cmd) (lines []string) {
	_, text, _ := strings.Cut(c.Detail, "Examples:")
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// shellJoins stand between the commands of a line.
var shellJoins = regexp.MustCompile(`\s*(\||&&)\s*`)

var redirects = regexp.MustCompile(`\s[<>]\s*\S+`)

// TestExamplesParse demands examples of every verb, of which the first begins
// with it, and that each is a command line that is understood.
func TestExamplesParse(t *testing.T) {
	for _, c := range program().Cmds {
		examples := examplesOf(&c)
		if !slices.ContainsFunc(examples, func(line string) bool { return strings.HasPrefix(line+" ", "sgfuzz "+c.Name+" ") }) {
			t.Errorf("%s: no examples: %q", c.Name, c.Detail)
		}
		for _, line := range examples {
			parseLine(t, c.Name, line)
		}
	}
}

// parseLine parses each sgfuzz in a shell's line.
func parseLine(t *testing.T, where, line string) {
	t.Helper()
	for _, part := range shellJoins.Split(redirects.ReplaceAllString(line, ""), -1) {
		args := strings.Fields(part)
		if len(args) == 0 || args[0] != "sgfuzz" {
			continue
		}
		if _, err := newParser(io.Discard, io.Discard, 0).Parse(unquote(args[1:])); err != nil {
			t.Errorf("%s: %s: %v", where, line, err)
		}
	}
}

// unquote joins what stands in quotes and drops what is from a comment on.
func unquote(words []string) (args []string) {
	open := ""
	for _, w := range words {
		switch {
		case open != "":
			args[len(args)-1] += " " + strings.TrimSuffix(w, open)
			if strings.HasSuffix(w, open) {
				open = ""
			}
			continue
		case w == "#":
			return args
		}
		if q := w[:1]; (q == `"` || q == "'") && (len(w) == 1 || !strings.HasSuffix(w, q)) {
			open = q
		}
		args = append(args, strings.Trim(w, `"'`))
	}
	return args
}

// commandLine is a line of a document that shows what to type.
var commandLine = regexp.MustCompile(`^(?:\$ |    |)((?:\S+ \| )?sgfuzz [a-z].*)$`)

// TestDocumentsParse holds the command lines in the documents' code to what the
// verbs take, so that a renamed flag shows there.
func TestDocumentsParse(t *testing.T) {
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for _, file := range append(files, "../../README.md", "../../CONTRIBUTING.md") {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		fenced := false
		for n, line := range strings.Split(strings.ReplaceAll(string(data), "\\\n", " "), "\n") {
			if strings.HasPrefix(line, "```") {
				fenced = !fenced
			}
			found := commandLine.FindStringSubmatch(line)
			if found == nil || !fenced && !strings.HasPrefix(line, "    ") || strings.Contains(line, "…") {
				continue
			}
			parseLine(t, fmt.Sprintf("%s, line %d", filepath.Base(file), n+1), found[1])
			lines++
		}
	}
	if lines < 40 {
		t.Errorf("only %d command lines found", lines)
	}
}

// longExamples begin those that are not run: they take long, or end by ctrl-C
// only, or what they need is not on every machine.
var longExamples = []string{
	"sgfuzz run\n", "sgfuzz run --for", "sgfuzz mutants\n", "sgfuzz mutants --json", "sgfuzz bench\n", "sgfuzz bench --json", "sgfuzz exhaust --entries 4", "sgfuzz conform", "sgfuzz serve", "sgfuzz vhca",
}

// TestExamplesRun runs the others with a shell, in a directory with the files
// that they name. Exit status 0 or 1 is fine: there may be findings.
func TestExamplesRun(t *testing.T) {
	if testing.Short() {
		t.Skip("seconds of work: not in short runs")
	}
	shell, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash on this machine")
	}
	home := t.TempDir()
	env := programEnv(t, home, "case.sgcase")
	exampleFiles(t, home)
	ran := 0
	for _, c := range program().Cmds {
		for _, line := range examplesOf(&c) {
			if isLong(line) {
				continue
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			cmd := exec.CommandContext(ctx, shell, "-o", "pipefail", "-c", line)
			cmd.Env, cmd.Dir = env, home
			out, err := cmd.CombinedOutput()
			cancel()
			if code := cmd.ProcessState.ExitCode(); code != exitFine && code != exitFindings {
				t.Errorf("%s: %v\n%s", line, err, clip(string(out)))
			}
			ran++
		}
	}
	if ran < 30 {
		t.Errorf("%d examples run", ran)
	}
}

func isLong(line string) bool {
	for _, long := range longExamples {
		if strings.HasPrefix(line+"\n", long) {
			return true
		}
	}
	return false
}

// programEnv makes the test binary callable as sgfuzz and gives the environment
// that finds it, in a fresh home with the files given.
func programEnv(t *testing.T, home string, files ...string) []string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(exe, filepath.Join(bin, "sgfuzz")); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(home, f), []byte(plainCase), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return []string{
		"PATH=" + bin + ":" + os.Getenv("PATH"), asProgram + "=1", "HOME=" + home, "ZDOTDIR=" + home, "XDG_CONFIG_HOME=" + home,
		"TERM=xterm", "LC_ALL=C.UTF-8", "HISTFILE=/dev/null", "PS1=", "GOCOVERDIR=" + t.TempDir(),
	}
}

// exampleFiles writes what the examples read.
func exampleFiles(t *testing.T, dir string) {
	t.Helper()
	vector := func(name string) string {
		data, err := os.ReadFile(filepath.Join("../../internal/vectors/testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	for name, text := range map[string]string{
		"failing.sgcase": wrongCase, "cases/one.sgcase": gapCase, "findings/two.sgcase": plainCase,
		"writes.iov": "writev 0x1000+3 0x2000+5\n", "kernel-sg2klm.jsonl.gz": vector("kernel-sg2klm.jsonl.gz"),
		"dmesg.txt": nopHex, "libmlx5-conf.jsonl": skippedVector, "fuzz/testdata/fuzz/FuzzStrategies/seed": "go test fuzz v1\n[]byte(\"0123456789abcdef0123456789abcdef\")\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}
