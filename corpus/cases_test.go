package corpus

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/sg"
)

func embeddedCases(t *testing.T) []*Case {
	t.Helper()
	cases, err := EmbeddedCases()
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// TestEmbeddedIsCanonical also holds the set to its families.
func TestEmbeddedIsCanonical(t *testing.T) {
	families := map[string]int{}
	for _, c := range embeddedCases(t) {
		text, err := fs.ReadFile(Embedded(), c.Name+Ext)
		if err != nil {
			t.Fatal(err)
		}
		if got := Format(c); got != string(text) {
			t.Errorf("%s is not canonical", c.Name)
		}
		if len(c.Comments) == 0 {
			t.Errorf("%s does not say what it is for", c.Name)
		}
		families[path.Dir(c.Name)]++
	}
	for family, least := range map[string]int{"features": 61, "bugs": 56, "mutants": 20, "captures": 19, "found": 100} {
		if families[family] < least {
			t.Errorf("%d cases in %s, %d expected", families[family], family, least)
		}
		if _, err := fs.Stat(Embedded(), family+"/README.md"); err != nil {
			t.Error(err)
		}
		delete(families, family)
	}
	if len(families) != 0 {
		t.Errorf("cases outside the families: %v", families)
	}
}

// TestEmbeddedRefusals holds the written cases that no registration can represent
// to refusals by every strategy, and the others to acceptance by some.
func TestEmbeddedRefusals(t *testing.T) {
	for _, c := range embeddedCases(t) {
		if strings.HasPrefix(c.Name, "found/") {
			continue // nobody wrote down what is wanted
		}
		rejects := 0
		for _, w := range c.Wants {
			if w.Verdict == WantReject {
				rejects++
			}
		}
		all := rejects == len(strategies)
		if err := c.Validate(); (err != nil) != all {
			t.Errorf("%s: Validate says %v, %d of %d strategies are to refuse", c.Name, err, rejects, len(strategies))
		}
	}
}

// TestEmbeddedPageRule compares the wants for the page list with the page rule
// written out once more: each border between mapped entries is a page border
// or the entries touch, and the pages fit.
func TestEmbeddedPageRule(t *testing.T) {
	checked := 0
	for _, c := range embeddedCases(t) {
		w, ok := c.Want("fastreg")
		if !ok || c.Validate() != nil || c.Profile != "" { // the rule knows nothing of devices
			continue
		}
		checked++
		verdict, reason := pageRule(t, c)
		if w.Verdict != verdict || w.Reason != reason {
			t.Errorf("%s: %q %q stated, the rule gives %q %q", c.Name, w.Verdict, w.Reason, verdict, reason)
		}
	}
	if checked < 60 {
		t.Errorf("only %d cases checked", checked)
	}
}

func pageRule(t *testing.T, c *Case) (verdict, reason string) {
	t.Helper()
	l, err := c.DMA.Map(nil, c.List)
	if err != nil {
		t.Fatal(err)
	}
	page := c.EffectivePageSize()
	l[0].Addr += c.Offset
	l[0].Len -= uint32(c.Offset)
	var pages uint64
	for i, e := range l {
		first := e.Addr / page
		if i > 0 && l[i-1].End() == e.Addr {
			if e.Addr%page != 0 {
				first++
			}
		} else if i > 0 && (l[i-1].End()%page != 0 || e.Addr%page != 0) {
			return WantReject, fmt.Sprintf("gap@%d", i)
		}
		pages += e.Last()/page + 1 - first
	}
	if most := uint64(c.Limits.MaxEntries); most != 0 && pages > most {
		return WantReject, ""
	}
	return WantOK, ""
}

// TestEmbeddedKLMRule does the same for the KLM list, of whose rule only the
// capacity can refuse a valid list.
func TestEmbeddedKLMRule(t *testing.T) {
	const least = 3 // WQEBBs of a UMR that points to its list
	checked := 0
	for _, c := range embeddedCases(t) {
		w, ok := c.Want("indirect")
		if !ok || c.Validate() != nil {
			continue
		}
		checked++
		l, err := c.DMA.Map(nil, c.List)
		if err != nil {
			t.Fatal(err)
		}
		klms := uint64(0)
		for _, e := range l {
			klms += (uint64(e.Len) + 1<<31 - 1) >> 31
		}
		want := WantOK
		if m := c.Limits.MaxEntries; m != 0 && klms > uint64(m) || c.Limits.Queue != 0 && c.Limits.Queue < least {
			want = WantReject
		}
		if w.Verdict != want {
			t.Errorf("%s: %q stated, the rule gives %q", c.Name, w.Verdict, want)
		}
	}
	if checked < 80 {
		t.Errorf("only %d cases checked", checked)
	}
}

// TestBugWitnesses: a defect has a witness or a line in the README that says
// why not, never both.
func TestBugWitnesses(t *testing.T) {
	readme, err := fs.ReadFile(Embedded(), "bugs/README.md")
	if err != nil {
		t.Fatal(err)
	}
	excused := map[string]bool{}
	for line := range strings.Lines(string(readme)) {
		if strings.HasPrefix(line, "| B") {
			for _, n := range regexp.MustCompile(`B(\d\d)`).FindAllStringSubmatch(strings.Split(line, "|")[1], -1) {
				excused[n[1]] = true
			}
		}
	}
	witnessed := map[string]bool{}
	name := regexp.MustCompile(`^bugs/(b\d\d|l\d)-[a-z0-9-]+$`)
	for _, c := range embeddedCases(t) {
		if !strings.HasPrefix(c.Name, "bugs/") {
			continue
		}
		m := name.FindStringSubmatch(c.Name)
		if m == nil {
			t.Errorf("%s: the name must be bNN-title or lN-title", c.Name)
			continue
		}
		witnessed[strings.TrimPrefix(m[1], "b")] = true
		if len(c.Comments) < 3 {
			t.Errorf("%s: the comment must say what went wrong and why this list shows it", c.Name)
		}
	}
	for n := range excused {
		if witnessed[n] {
			t.Errorf("B%s has a witness and an excuse", n)
		}
	}
	if len(witnessed) < 45 || len(excused) < 20 {
		t.Errorf("%d witnessed, %d excused", len(witnessed), len(excused))
	}
}

// TestCapturesHoldNoInvalidList: what real programs built is registrable.
func TestCapturesHoldNoInvalidList(t *testing.T) {
	var longest int
	var total sg.List
	for _, c := range embeddedCases(t) {
		if strings.HasPrefix(c.Name, "captures/") {
			longest = max(longest, len(c.List))
			total = append(total, c.List...)
			if err := c.List.Validate(); err != nil {
				t.Errorf("%s: %v", c.Name, err)
			}
		}
	}
	if longest < 100 || len(total) < 1300 {
		t.Errorf("longest list %d, %d entries in all", longest, len(total))
	}
}
