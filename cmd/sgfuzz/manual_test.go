package main

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// TestManualPage holds docs/sgfuzz.1 to the command line, and the page to what
// groff says about it.
func TestManualPage(t *testing.T) {
	page, err := manualPage()
	if err != nil {
		t.Fatal(err)
	}
	sameAsFile(t, "../../docs/sgfuzz.1", []byte(page))
	for _, c := range program().Cmds {
		if !strings.Contains(page, "\n.SS "+c.Name+"\n") {
			t.Errorf("%s: no section", c.Name)
		}
		for _, f := range c.Flags {
			if !strings.Contains(page, strings.ReplaceAll(f.Name, "-", `\-`)) {
				t.Errorf("%s: nothing about --%s", c.Name, f.Name)
			}
		}
	}
	for _, c := range program().Cmds {
		if !strings.Contains(packageComment, "\n//\t"+c.Name+" ") {
			t.Errorf("%s: not in the package comment", c.Name)
		}
	}
	for _, r := range page {
		if r > 0x7e || r < ' ' && r != '\n' {
			t.Fatalf("%q is not plain", r)
		}
	}
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Skip("no groff on this machine: the page is not rendered")
	}
	cmd := exec.Command(groff, "-man", "-Tutf8", "-ww", "-b", "-rLL=78n")
	cmd.Stdin = strings.NewReader(page)
	var out, complaints strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil || complaints.Len() > 0 {
		t.Errorf("groff: %v\n%s", err, complaints.String())
	}
	for _, text := range []string{"SGFUZZ(1)", "EXIT STATUS", "sgfuzz encode case.sgcase | sgfuzz decode", "--json", "NO_COLOR"} {
		if !strings.Contains(plainText(out.String()), text) {
			t.Errorf("%q is not on the page", text)
		}
	}
}

var typography = regexp.MustCompile("\x1b\\[[0-9;]*m|.\b")

// plainText takes colours and overstriking out of groff's output.
func plainText(s string) string { return typography.ReplaceAllString(s, "") }

func TestManualVerb(t *testing.T) {
	sgfuzz("", "man").want(t, exitFine, ".TH SGFUZZ 1", ".SS corpus minimize")
	sgfuzz("", "schema", "version").want(t, exitFine, "https://json-schema.org/draft/2020-12/schema")
	sgfuzz("", "schema", "version", "--json").want(t, exitFine, `"verb": "version"`)
	sgfuzz("", "schema", "corpus", "lits").want(t, exitUsage, `unknown verb "corpus lits" (did you mean "corpus list"`)
	sgfuzz("", "help", "corpus", "list").want(t, exitFine, "Usage: sgfuzz corpus list", "Examples:")
	sgfuzz("", "help", "corpus").want(t, exitFine, "corpus minimize", "corpus list")
	sgfuzz("", "help", "bnech").want(t, exitUsage, `did you mean "bench"?`)
	sgfuzz("", "help").want(t, exitFine, "Find lists that break something:", "This program:")
	sgfuzz("", "completion", "tcsh").want(t, exitUsage, `unknown shell "tcsh": one of bash, zsh, fish`)
	sgfuzz("", "rnu").want(t, exitUsage, `did you mean "run"`)
	sgfuzz("", "replay", "--stategy=x").want(t, exitUsage, `did you mean "--strategy"`)
	sgfuzz("", "encode", "--strategy=indrect", "x").want(t, exitUsage, `did you mean "indirect"?`)
}
