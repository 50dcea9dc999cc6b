package program

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Failure is the first step at which the player's answer was another than the
// prediction.
type Failure struct {
	Program Program
	Step    Step
	Got     string // the player's line, or what became of it
}

// Check compares the player's lines with what a program must come to: nil, or
// the first difference. A missing line differs.
func Check(p Program, lines []string) *Failure {
	for i, s := range Predict(p) {
		if i >= len(lines) {
			return &Failure{p, s, "nothing"}
		}
		if lines[i] != s.Want {
			return &Failure{p, s, lines[i]}
		}
	}
	return nil
}

// Explain is the program as a file that Parse takes, with the failure as
// comments.
func (f *Failure) Explain() string {
	var b strings.Builder
	for i := range f.Program {
		fmt.Fprintf(&b, "%s\n", &f.Program[i])
		if i == f.Step.After-1 {
			fmt.Fprintf(&b, "#   want: %s\n#   got:  %s\n", readable(f.Program, f.Step.Want), readable(f.Program, f.Got))
		}
	}
	return b.String()
}

var said = regexp.MustCompile(` ([sre])(\d+)(?:=(\d+))?`)

// readable spells out a line of the player's.
func readable(p Program, line string) string {
	return said.ReplaceAllStringFunc(line, func(word string) string {
		m := said.FindStringSubmatch(word)
		n, _ := strconv.Atoi(m[2])
		if m[1] == "e" {
			return fmt.Sprintf("; end %d in error", n)
		}
		status, _ := strconv.Atoi(m[3])
		what := "action " + m[2]
		if n < len(p) {
			what = p[n].Kind.String()
		}
		return fmt.Sprintf("; %s (line %d): %v", what, n+1, Status(status))
	})
}

// Statuses counts, by action and status, what completions a program's
// prediction has, and how many steps do nothing.
func Statuses(p Program, count map[string]int) {
	for _, s := range Predict(p) {
		if s.Want == "none" {
			count["none"]++
		}
		for _, m := range said.FindAllStringSubmatch(s.Want, -1) {
			n, _ := strconv.Atoi(m[2])
			status, _ := strconv.Atoi(m[3])
			if m[1] != "e" {
				count[fmt.Sprintf("%v %v", p[n].Kind, Status(status))]++
			}
		}
	}
}
