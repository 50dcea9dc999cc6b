package report

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz"
	"github.com/sgfuzz/sgfuzz/sg"
)

// campaign makes a state directory and gives what the campaign says of itself.
func campaign(t *testing.T, dir string, change func(*fuzz.Config)) *fuzz.Summary {
	t.Helper()
	c := fuzz.Config{
		Seed: 7, Cases: 200, Jobs: 1, Keep: 2, Variants: true, Shrink: 200, Dialects: []string{"linux", "ofed"},
		Mutant: "klm-neighbours-swapped", State: dir, Version: "v9",
	}
	if change != nil {
		change(&c)
	}
	sum, err := fuzz.Campaign(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

func read(t *testing.T, dir string, o Options) *Report {
	t.Helper()
	if o.Now.IsZero() {
		o.Now = noon
	}
	r, err := Read(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func html(t *testing.T, r *Report) string {
	t.Helper()
	var b strings.Builder
	if err := r.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// demand looks for texts in a page whose blanks and tags do not matter.
func demand(t *testing.T, page string, texts ...string) {
	t.Helper()
	_, page, _ = strings.Cut(page, "<body>")
	page = strings.Join(strings.Fields(tags.ReplaceAllString(page, " ")), " ")
	for _, want := range texts {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if t.Failed() {
		t.Log(page[:min(len(page), 6000)])
	}
}

var tags = regexp.MustCompile(`<[^>]*>`)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestCampaign holds a report to what the campaign itself says.
func TestCampaign(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	sum := campaign(t, dir, nil)
	r := read(t, dir, Options{Version: "v10"})
	c := r.Campaign
	if c.Seed != 7 || c.Cases != 200 || c.Whole != 192 || c.Executions != sum.Runs || c.Features != sum.Features || c.Failed != sum.Failed ||
		c.Checks != sum.ChecksRun() || c.Mutated != sum.Mutated || c.Screened != sum.Screened || c.Pool != sum.Pool || c.Version != "v9" || c.State != Ended {
		t.Errorf("%+v\nthe campaign says %+v", c, sum.Stats)
	}
	if want := []Strategy{{"indirect", sum.Runs, sum.Strategies[4].Accepted, sum.Strategies[4].Partial, sum.Strategies[4].Refused, 0, sum.Failed}}; !reflect.DeepEqual(c.ByStrategy, want) {
		t.Errorf("%+v, want %+v", c.ByStrategy, want)
	}
	if len(c.Points) != 2 || c.Points[1].Cases != 192 || c.Points[1].Seconds <= c.Points[0].Seconds || c.Seconds < c.Points[1].Seconds {
		t.Errorf("%+v", c.Points)
	}
	if len(c.Sessions) != 1 || c.Sessions[0].End != fuzz.EndCases || c.Sessions[0].Cases != 200 || c.Sessions[0].Jobs != 1 {
		t.Errorf("%+v", c.Sessions)
	}
	if r.Findings.Total != len(sum.Findings) || len(r.Findings.Classes) != len(sum.Classes) || r.Findings.Total < 3 {
		t.Fatalf("%d findings, the campaign has %d", r.Findings.Total, len(sum.Findings))
	}
	shown := 0
	for i := range r.Findings.All {
		f := &r.Findings.All[i]
		shown += 1 + len(f.Also)
		if _, err := os.Stat(f.File); err != nil || f.Replay != "sgfuzz explain --mutant=klm-neighbours-swapped "+f.File || f.Text == "" || f.Trigger == nil {
			t.Errorf("%v: %+v", err, f)
		}
		if !strings.Contains(f.Redraw, "--seed=7 ") || !strings.Contains(f.Redraw, " --strategy=indirect --dialect=linux,ofed --mutant=") {
			t.Error(f.Redraw)
		}
		p := &f.Picture
		if len(p.Failures) > 0 != p.Shown || p.Shown && p.Failures[0].Stream == nil {
			t.Errorf("%s: shown %v, %+v", f.Class, p.Shown, p.Failures)
		}
		if !p.Fails || p.Class != f.Class || p.SVG == "" || p.Shown == strings.HasPrefix(f.Class, "agreement") {
			t.Errorf("%s: %v %v %q %.40q", f.Class, p.Fails, p.Shown, p.Class, p.SVG)
		}
		if _, err := corpus.Parse([]byte(f.Case)); err != nil || strings.Contains(f.Case, "#") {
			t.Errorf("%v in %q", err, f.Case)
		}
	}
	if shown != r.Findings.Total || r.Findings.LeftOut != 0 || r.Findings.NoPicture != 0 {
		t.Errorf("%d of %d findings shown", shown, r.Findings.Total)
	}
	demand(t, html(t, r),
		fmt.Sprintf("%d findings of %d classes", r.Findings.Total, len(r.Findings.Classes)), "all cases asked for were run", "cases 200", "seed 7",
		"linux, ofed", "sgfuzz run --state="+dir+" --strategy=indirect --dialect=linux,ofed --mutant=klm-neighbours-swapped --keep=2",
		"To blame", "192 are in whole rounds", "Made 2026-07-01 12:00:00 UTC by sgfuzz v10",
		"sgfuzz mutants --json="+dir+"/mutants.json", "sgfuzz bench --json="+dir+"/bench.json")
}

// TestHeat adds the heat map up.
func TestHeat(t *testing.T) {
	dir := t.TempDir()
	campaign(t, dir, func(c *fuzz.Config) { c.Cases, c.Mutant, c.Keep = 192, "", 1 })
	r := read(t, dir, Options{})
	h := r.Heat
	if h.Cases != 192 || h.All != 192 || len(h.Strategies) != len(corpus.Strategies()) || len(h.Rows)+len(h.Empty) != len(fuzz.ListFeatures()) {
		t.Fatalf("%+v", h)
	}
	byCount := map[string]uint64{} // each list has one of these features
	for _, row := range h.Rows {
		if row.Meaning == "" || len(row.Cells) != len(h.Strategies) {
			t.Errorf("%+v", row)
		}
		var tried uint64
		for i, c := range row.Cells {
			tried += c.Tried()
			if row.Group == groupCount {
				byCount[h.Strategies[i]] += c.Tried()
			}
		}
		if tried != row.Tried || tried == 0 {
			t.Errorf("%s: %d tried, the cells say %d", row.Feature, row.Tried, tried)
		}
	}
	for _, s := range r.Campaign.ByStrategy {
		if byCount[s.Name] != s.Cases {
			t.Errorf("%s: %d lists in the map, %d cases", s.Name, byCount[s.Name], s.Cases)
		}
	}
	if r.Findings.Total != 0 || r.Findings.All == nil {
		t.Errorf("%+v", r.Findings)
	}
	demand(t, html(t, r), "Nothing was found", "two entries share a byte", "Device profiles all")
}

// TestStates: resumed, killed, running, torn and damaged state directories.
func TestStates(t *testing.T) {
	dir := t.TempDir()
	for _, cases := range []uint64{64, 250} {
		campaign(t, dir, func(c *fuzz.Config) { c.Cases = cases })
	}
	r := read(t, dir, Options{})
	if s := r.Campaign.Sessions; len(s) != 2 || s[1].Earlier != 64 || s[1].Cases != 186 || math.Abs(s[0].Seconds+s[1].Seconds-r.Campaign.Seconds) > 1e-6 {
		t.Errorf("resumed: %+v, %v s", s, r.Campaign.Seconds)
	}
	journal := filepath.Join(dir, "journal")
	whole, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	last := strings.LastIndex(strings.TrimSuffix(string(whole), "\n"), "\n") + 1
	write(t, journal, string(whole[:last+30])) // killed while it wrote its end
	r = read(t, dir, Options{})
	if c := r.Campaign; c.State != Killed || c.Torn != 30 || c.Cases != 192 || c.Sessions[0].End != fuzz.EndCases || c.Sessions[1].End != Killed || c.Sessions[1].Cases != 128 {
		t.Errorf("killed: %+v", c)
	}
	demand(t, html(t, r), "killed; the figures are those of its last whole round", "not written whole (30 bytes)")
	whole[len(whole)/2] ^= 1
	write(t, journal, string(whole))
	if _, err := Read(dir, Options{}); !errors.Is(err, fuzz.ErrState) || !strings.Contains(err.Error(), ": line ") || !strings.Contains(err.Error(), dir) {
		t.Errorf("damaged: %v", err)
	}
	write(t, journal, "#!/bin/sh\n")
	if _, err := Read(dir, Options{}); !errors.Is(err, fuzz.ErrState) || !strings.Contains(err.Error(), "not a journal") {
		t.Errorf("foreign: %v", err)
	}
	if _, err := Read(filepath.Join(dir, "none"), Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	if _, err := Read(journal, Options{}); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("a file: %v", err)
	}
}

// TestRunningAndFailed: a campaign that is at work while it is read, and one that
// ended with an error.
func TestRunningAndFailed(t *testing.T) {
	dir := t.TempDir()
	var during *Report
	campaign(t, dir, func(c *fuzz.Config) {
		c.Cases, c.Every = 960, time.Millisecond
		c.Progress = func(s fuzz.Stats) {
			if s.Cases > 64 && during == nil {
				during = read(t, dir, Options{PictureBytes: -1})
			}
		}
	})
	if during == nil {
		t.Fatal("the campaign was over too soon")
	}
	if c := during.Campaign; c.State != Running || c.Sessions[0].End != Running || c.Cases < 64 || c.Cases >= 960 {
		t.Errorf("%+v", c)
	}
	demand(t, html(t, during), "still running")
	dir = filepath.Join(t.TempDir(), "state")
	file := filepath.Join(t.TempDir(), "a file")
	write(t, file, "")
	_, err := fuzz.Campaign(context.Background(), fuzz.Config{Seed: 7, Cases: 64, Jobs: 1, Mutant: "klm-neighbours-swapped", State: dir, Out: file})
	if err == nil {
		t.Fatal("findings were saved in a file")
	}
	r := read(t, dir, Options{})
	if c := r.Campaign; c.State != Ended || c.Sessions[0].End != fuzz.EndError || !strings.Contains(c.StopText, err.Error()) || len(r.Problems) != 1 {
		t.Errorf("%+v, %q", c, r.Problems)
	}
}

// TestOldState is of a version that noted neither sessions nor counts.
func TestOldState(t *testing.T) {
	dir := t.TempDir()
	campaign(t, dir, nil)
	s, err := fuzz.ReadState(dir)
	if err != nil {
		t.Fatal(err)
	}
	s.History.Sessions[0].Start, s.History.Sessions[0].End, s.Tally = time.Time{}, nil, fuzz.Tally{}
	if c := campaignOf(s); c.State != Unknown || c.Sessions[0].Start != nil || c.Sessions[0].End != Unknown || c.Cases != 192 {
		t.Errorf("%+v", c)
	}
	if h := heatOf(s); h != nil {
		t.Errorf("%+v", h)
	}
	r := read(t, dir, Options{})
	r.Campaign, r.Heat = campaignOf(s), nil
	demand(t, html(t, r), "not noted by the version that ran it", "Nothing is counted by feature")
}

// TestNoData is a directory without a campaign: every section says what makes
// its data. Of an empty one there is no page.
func TestNoData(t *testing.T) {
	dir := t.TempDir()
	if _, err := Read(dir, Options{}); !errors.Is(err, ErrNothing) {
		t.Errorf("an empty directory: %v", err)
	}
	results := filepath.Join(t.TempDir(), "mutants.json")
	write(t, results, goodMutants)
	page := html(t, read(t, dir, Options{Mutants: results}))
	demand(t, page, "No campaign yet", "sgfuzz run --state="+dir, "sgfuzz bench --json=")
	for _, id := range []string{"summary", "growth", "heat", "findings", "bench"} {
		_, section, _ := strings.Cut(page, `<section id="`+id+`">`)
		section, _, _ = strings.Cut(section, "</section>")
		if !strings.Contains(section, `class="note"`) {
			t.Errorf("section %s says nothing: %s", id, section)
		}
	}
	campaign(t, dir, nil)
	demand(t, html(t, read(t, dir, Options{})), "sgfuzz mutants --json=")
}

// TestSelfContained demands that a page with everything loads nothing.
func TestSelfContained(t *testing.T) {
	dir := t.TempDir()
	campaign(t, dir, nil)
	write(t, filepath.Join(dir, "mutants.json"), goodMutants)
	write(t, filepath.Join(dir, "bench.json"), goodBench)
	page := html(t, read(t, dir, Options{}))
	for _, m := range regexp.MustCompile(`(?i)(src|srcset|href|action|data|poster|background)\s*=\s*["'][^"']*`).FindAllString(page, -1) {
		if !strings.HasPrefix(m, `href="#`) {
			t.Errorf("the page refers to %s", m)
		}
	}
	plain := strings.ReplaceAll(page, `xmlns="http://www.w3.org/2000/svg"`, "")
	for _, m := range regexp.MustCompile(`(?i)[a-z]+://|@import|url\([^#]|<script|<link|<iframe|<object|<base`).FindAllString(plain, -1) {
		t.Errorf("the page has %s", m)
	}
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if ids[m[1]] {
			t.Errorf("two elements are %s", m[1])
		}
		ids[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`(?:href="#|url\(#)([^")]*)`).FindAllStringSubmatch(page, -1) {
		if !ids[m[1]] {
			t.Errorf("no element is %s", m[1])
		}
	}
	if n := strings.Count(page, "<svg"); n < 9 {
		t.Errorf("%d pictures and charts", n)
	}
	if again := html(t, read(t, dir, Options{})); again != page {
		t.Error("a second page differs")
	}
}

const evil = `<script>alert("x")</script>&'` + "`"

// TestEscaped puts markup into every text that comes from outside.
func TestEscaped(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "<b>dir&")
	c := &corpus.Case{List: sg.List{{Addr: 1, Len: 1}}, Comments: []corpus.Comment{
		{Text: "# " + evil + "/indirect, found as case 3 of seed 4"}, {Text: "# check 1: " + evil},
		{Text: "# fails with " + evil + "; dialect: any; profile: any"}, {Text: "# needs list: " + evil + "; options: none"},
	}}
	write(t, filepath.Join(dir, "findings", "<i>x.sgcase"), corpus.Format(c))
	write(t, filepath.Join(dir, "findings", "<u>bad.sgcase"), "sg <u>\n")
	write(t, filepath.Join(dir, "mutants.json"), strings.ReplaceAll(goodMutants, "CAUSE", `<script>alert(1)</script>`))
	write(t, filepath.Join(dir, "bench.json"), strings.ReplaceAll(goodBench, "gcc-O2", `<script>alert(2)</script>`))
	r := read(t, dir, Options{Version: evil})
	if r.Findings.Total != 1 || r.Findings.All[0].Class != evil+"/indirect" || len(r.Problems) != 1 || len(r.Mutants.All) != 2 || len(r.Bench.Rows) == 0 {
		t.Fatalf("%+v", r)
	}
	page := html(t, r)
	for _, bad := range []string{"<script", "<b>dir", "<i>x", "<u>", evil} {
		if strings.Contains(page, bad) {
			i := strings.Index(page, bad)
			t.Errorf("%q is in the page: %q", bad, page[max(i-80, 0):i+80])
		}
	}
	if n := strings.Count(page, "&lt;script"); n < 8 {
		t.Errorf("%d times escaped: some text was lost", n)
	}
}

// TestManyFindings has more than a page takes: of each class the first are
// shown, and pictures as long as there is room.
func TestManyFindings(t *testing.T) {
	dir := t.TempDir()
	const classes, each = 5, 100
	for class := range classes {
		for n := range each {
			c := &corpus.Case{Strategy: "indirect", List: sg.List{{Addr: uint64(n), Len: 1}, {Addr: 4096, Len: 9}}, Comments: []corpus.Comment{
				{Text: fmt.Sprintf("# made-%d/indirect, found as case %d of seed 4", class, class*each+n)}, {Text: "# check 1: text"},
			}}
			write(t, filepath.Join(dir, "findings", fmt.Sprintf("%d-%03d.sgcase", class, n)), corpus.Format(c))
		}
	}
	r := read(t, dir, Options{Findings: 52, PictureBytes: 100_000})
	if r.Findings.Total != classes*each || len(r.Findings.All) != 52 || r.Findings.LeftOut != classes*each-52 || len(r.Findings.Classes) != classes {
		t.Fatalf("%d findings, %d shown, %d left out", r.Findings.Total, len(r.Findings.All), r.Findings.LeftOut)
	}
	shown, drawn, size := map[string]int{}, map[string]int{}, 0
	for _, f := range r.Findings.All {
		shown[f.Class]++
		size += len(f.Picture.SVG)
		if f.Picture.SVG != "" {
			drawn[f.Class]++
		}
		if f.Picture.Fails {
			t.Errorf("%s fails", f.File)
		}
	}
	for class, n := range shown {
		if n < 52/classes || drawn[class] < 1 {
			t.Errorf("%s: %d shown, %d drawn", class, n, drawn[class])
		}
	}
	if len(shown) != classes || r.Findings.NoPicture == 0 || size > 100_000 {
		t.Errorf("%d classes shown, %d without a picture, %d bytes of them", len(shown), r.Findings.NoPicture, size)
	}
	page := html(t, r)
	demand(t, page, "448 of 500 findings are left out", fmt.Sprintf("%d findings have no picture", r.Findings.NoPicture), "of another campaign, of seed 4", "it does not fail")
	if all := read(t, dir, Options{Findings: 500}); all.Findings.LeftOut != 0 || len(html(t, all)) > 5<<20 {
		t.Errorf("%d left out, %d bytes", all.Findings.LeftOut, len(html(t, all)))
	}
	if none := read(t, dir, Options{PictureBytes: -1}); none.Findings.NoPicture != 200 || none.Findings.All[0].Picture.SVG != "" {
		t.Errorf("%d without a picture", none.Findings.NoPicture)
	}
	stop := make(chan struct{})
	at := 0
	stopped := read(t, dir, Options{Stop: stop, Progress: func(done, all int) {
		if done == 20 {
			close(stop)
		}
		at = all
	}})
	if at != 200 || stopped.Findings.NoPicture != 180 {
		t.Errorf("%d of %d without a picture", stopped.Findings.NoPicture, at)
	}
}

// TestLooseFindings are those of a round that was not finished.
func TestLooseFindings(t *testing.T) {
	dir := t.TempDir()
	sum := campaign(t, dir, func(c *fuzz.Config) { c.Cases = 20 })
	if len(sum.Findings) == 0 {
		t.Fatal("nothing found")
	}
	r := read(t, dir, Options{})
	if r.Findings.Total == 0 || r.Campaign.Cases != 20 || r.Campaign.Whole != 0 || r.Campaign.Failed != sum.Failed {
		t.Errorf("%+v", r.Campaign)
	}
	for _, f := range r.Findings.All {
		if !f.Loose || f.Seed != 7 || !f.Shrunk || !f.Picture.Fails || !strings.Contains(f.Replay, "--mutant=") {
			t.Errorf("%+v", f)
		}
	}
	demand(t, html(t, r), "of a round that was not finished", "Fewer than two whole rounds")
	write(t, filepath.Join(dir, "findings", "mine.sgcase"), "sg 0x1+1\n")
	write(t, filepath.Join(dir, "findings", "notes.txt"), "sg 0x1+1\n")
	if r = read(t, dir, Options{}); len(r.Problems) != 1 || !strings.Contains(r.Problems[0], "mine.sgcase: a case, but not a finding") {
		t.Errorf("%q", r.Problems)
	}
	if err := os.RemoveAll(filepath.Join(dir, "findings")); err != nil {
		t.Fatal(err)
	}
	if r = read(t, dir, Options{}); r.Findings.Total != 0 || len(r.Findings.Classes) == 0 {
		t.Errorf("%+v", r.Findings)
	}
}
