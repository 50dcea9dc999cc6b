package fuzz

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/sg"
)

func stateOf(t *testing.T, dir string) *State {
	t.Helper()
	s, err := ReadState(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestHistory runs a campaign in three sessions and demands their limits and
// ends, and a point for every round.
func TestHistory(t *testing.T) {
	c := saved(t)
	c.Version, c.Jobs = "v9", 1
	for _, c.Cases = range []uint64{64, 200} {
		campaignOf(t, c)
	}
	c.Cases = 10_000
	ctx, cancel := context.WithCancel(context.Background())
	c.Every, c.Progress = time.Millisecond, func(s Stats) {
		if s.Cases > 500 {
			cancel()
		}
	}
	if _, err := Campaign(ctx, c); err != nil {
		t.Fatal(err)
	}
	c.For, c.Progress = time.Nanosecond, nil
	campaignOf(t, c)
	s := stateOf(t, c.State)
	h := &s.History
	var ends []string
	for i := range h.Sessions {
		x := &h.Sessions[i]
		if x.End == nil || x.Version != "v9" || x.Jobs != 1 || x.Start.IsZero() || x.End.Time.Before(x.Start) || x.Out != "" {
			t.Fatalf("session %d: %+v", i, x)
		}
		ends = append(ends, x.End.Reason)
	}
	// the last one has no time for a round and leaves nothing
	if want := []string{EndCases, EndCases, EndInterrupted}; !reflect.DeepEqual(ends, want) {
		t.Errorf("ends %v, want %v", ends, want)
	}
	if got := h.Sessions[1]; got.Earlier != 64 || got.Cases != 200 || got.End.Stats.Cases != 200 {
		t.Errorf("second session %+v, end %+v", got, got.End)
	}
	for i, p := range h.Points {
		if i == 0 {
			continue
		}
		q := h.Points[i-1]
		if p.Cases <= q.Cases || p.Runs <= q.Runs || p.Features < q.Features || p.Elapsed <= q.Elapsed || p.Session < q.Session {
			t.Errorf("point %d: %+v after %+v", i, p, q)
		}
	}
	if first, last := h.Points[0], h.Points[len(h.Points)-1]; first.Cases != 64 || last.Cases != s.Stats.Cases || last.Session != 2 ||
		last.Features != s.Stats.Features || last.Findings != len(s.Findings) || last.Findings == 0 {
		t.Errorf("from %+v to %+v, the state is at %+v", first, last, s.Stats)
	}
	var sum time.Duration
	for i := range h.Sessions {
		sum += h.Sessions[i].End.Stats.Elapsed
	}
	if h.Elapsed != sum || s.Stats.Elapsed != sum {
		t.Errorf("%v and %v, the sessions took %v", h.Elapsed, s.Stats.Elapsed, sum)
	}
	if s.Running || s.Torn != 0 || s.Config.Seed != c.Seed || !reflect.DeepEqual(s.Config.Profiles, c.Profiles) {
		t.Errorf("%+v", s)
	}
}

// TestEndByTimeAndError: the two other ways to end.
func TestEndByTimeAndError(t *testing.T) {
	c := saved(t)
	c.Cases, c.For = 0, 2*time.Second
	campaignOf(t, c)
	if h := stateOf(t, c.State).History; len(h.Sessions) != 1 || h.Sessions[0].End.Reason != EndTime || h.Sessions[0].For != c.For {
		t.Errorf("%+v", h.Sessions)
	}
	c = saved(t)
	c.Out = filepath.Join(t.TempDir(), "a file")
	if err := os.WriteFile(c.Out, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	_, failed := Campaign(context.Background(), c)
	h := stateOf(t, c.State).History
	if failed == nil || h.Sessions[0].End.Reason != EndError || h.Sessions[0].End.Error != failed.Error() || h.Sessions[0].Out != c.Out {
		t.Errorf("%v: %+v", failed, h.Sessions)
	}
}

// TestStateInUseIsSeen reads a state that a campaign is at work on, and one with
// half a line.
func TestStateInUseIsSeen(t *testing.T) {
	c := saved(t)
	c.Cases = 64
	campaignOf(t, c)
	file := filepath.Join(c.State, journalName)
	whole, _ := os.ReadFile(file)
	if err := os.WriteFile(file, append(whole, "0123"...), 0o666); err != nil {
		t.Fatal(err)
	}
	if s := stateOf(t, c.State); s.Torn != 4 || s.Running {
		t.Errorf("torn %d, running %v", s.Torn, s.Running)
	}
	k := newCampaign(c)
	if err := k.check(); err != nil {
		t.Fatal(err)
	}
	if err := k.open(); err != nil {
		t.Fatal(err)
	}
	defer k.journal.close()
	if s := stateOf(t, c.State); !s.Running {
		t.Error("not seen to be in use")
	}
}

// TestHistoryOfOldStates takes the lines away that earlier versions did not
// write.
func TestHistoryOfOldStates(t *testing.T) {
	var h History
	for _, s := range []Stats{
		{Cases: 64, Elapsed: 2}, {Cases: 192, Elapsed: 5},
		{Cases: 448, Elapsed: 1, Earlier: 192}, {Cases: 960, Elapsed: 4, Earlier: 192},
	} {
		h.round(&s)
	}
	if a, b := h.Sessions[0], h.Sessions[1]; a.Elapsed != 5 || a.Done != 192 || b.Elapsed != 4 || b.Done != 960 {
		t.Errorf("%+v", h.Sessions)
	}
	if len(h.Sessions) != 2 || h.Sessions[1].Earlier != 192 || h.Elapsed != 9 || h.Points[2].Elapsed != 6 || h.Points[2].Session != 1 {
		t.Errorf("%+v", h)
	}
	if err := new(History).end(&SessionEnd{}); err == nil {
		t.Error("an end without a start is taken")
	}
}

// TestHistoryIsBounded thins out the points of a campaign of 2^36 cases.
func TestHistoryIsBounded(t *testing.T) {
	var h History
	for n, round := uint64(1024), uint64(0); n < 1<<36; n += 1024 + n/4096 {
		round++
		h.round(&Stats{Cases: n, Elapsed: time.Duration(round)})
		last := h.Points[len(h.Points)-1]
		if last.Cases != n {
			t.Fatalf("the last point is at %d of %d", last.Cases, n)
		}
	}
	if most := int(thin*math.Log(1<<36/1024)) + thin; len(h.Points) > most || len(h.Points) < most/2 {
		t.Errorf("%d points, at most %d are wanted", len(h.Points), most)
	}
	for i := 1; i < len(h.Points)-1; i++ {
		if a, b := h.Points[i-1].Cases, h.Points[i].Cases; a > 64*1024 && b-a < a/thin {
			t.Fatalf("points at %d and %d", a, b)
		}
	}
}

// TestTally counts the cases of a campaign by hand, on one worker and on three,
// in one session and in several.
func TestTally(t *testing.T) {
	c := saved(t)
	c.Cases, c.Variants = 448, true
	want := map[[2]string]uint64{} // feature and strategy, of those that were tried
	r := NewRunner(Options{Strategies: c.Strategies})
	plain := c
	plain.NoGuide, plain.Keep, plain.State = true, 1, filepath.Join(t.TempDir(), "drawn")
	k := newCampaign(plain)
	w := newWorker(k, nil)
	for n := range c.Cases {
		w.make(n)
		outs, err := r.Run(&w.c)
		if err != nil {
			t.Fatal(err)
		}
		for i := range outs {
			for f := range w.c.List.Features(w.c.EffectivePageSize()).All() {
				want[[2]string{f, outs[i].Strategy}]++
			}
		}
	}
	tries := func(tally *Tally) map[[2]string]uint64 {
		got := map[[2]string]uint64{}
		for s, strategy := range corpus.Strategies() {
			for f, feature := range ListFeatures() {
				cell := tally.Cell(s, f)
				if cell.Cases() > 0 {
					got[[2]string{feature, strategy}] = cell.Cases()
				}
				if cell.Failed > cell.Cases() {
					t.Errorf("%s %s: %+v", strategy, feature, cell)
				}
			}
		}
		return got
	}
	campaignOf(t, plain)
	s := stateOf(t, plain.State)
	if got := tries(&s.Tally); !reflect.DeepEqual(got, want) || s.Tally.Cases != c.Cases {
		t.Errorf("%d cases counted, %v\nwant %v", s.Tally.Cases, got, want)
	}
	var failed, accepted uint64
	for f := range 10 { // n0 to n65536+: of each list one
		for s := range corpus.Strategies() {
			cell := stateOf(t, plain.State).Tally.Cell(s, f)
			failed, accepted = failed+cell.Failed, accepted+cell.Accepted
		}
	}
	var total uint64
	for _, x := range s.Stats.Strategies {
		total += x.Accepted
	}
	if failed != s.Stats.Failed || accepted != total || failed == 0 {
		t.Errorf("%d failures and %d accepted, the campaign had %d and %d", failed, accepted, s.Stats.Failed, total)
	}
	c.Jobs = 3
	campaignOf(t, c)
	parts := c
	parts.Jobs, parts.State = 1, filepath.Join(t.TempDir(), "parts")
	for _, parts.Cases = range []uint64{10, 192, 300, 448} {
		campaignOf(t, parts)
	}
	if a, b := stateOf(t, c.State).Tally, stateOf(t, parts.State).Tally; !reflect.DeepEqual(a, b) || a.Cases != c.Cases {
		t.Errorf("in parts %+v\nat once %+v", b, a)
	}
}

// TestMutantCampaign finds a re-created defect and nothing else.
func TestMutantCampaign(t *testing.T) {
	c := saved(t)
	c.Options, c.Strategies, c.Profiles, c.Mutant, c.Cases = nil, nil, nil, "klm-neighbours-swapped", 64
	sum := campaignOf(t, c)
	if len(sum.Findings) != 2 || !strings.HasSuffix(sum.Findings[0].Class, "-stream/indirect") {
		t.Errorf("%+v", sum.Findings)
	}
	if s := stateOf(t, c.State); s.Config.Mutant != c.Mutant || !reflect.DeepEqual(s.Config.Strategies, []string{"indirect"}) {
		t.Errorf("%+v", s.Config)
	}
	c.Mutant = ""
	if _, err := Campaign(context.Background(), c); !errors.Is(err, ErrState) {
		t.Errorf("goes on without the mutant: %v", err)
	}
	c.Mutant = "no-such"
	if _, err := Campaign(context.Background(), c); err == nil {
		t.Error("an unknown mutant is taken")
	}
}

// TestTallyText reads what appendTally writes, and nothing else.
func TestTallyText(t *testing.T) {
	w := newWorker(newCampaign(Config{}), nil)
	all := ^sg.Features(0)
	for n := range 3 {
		w.tally.count([]Outcome{{Strategy: "umem", Answer: Refused}, {Strategy: "auto", Answer: Accepted}}, all>>(64-numFeatures)>>n)
	}
	text := appendTally(nil, []*worker{w, w})
	var tally Tally
	if err := tally.add(text); err != nil {
		t.Fatal(err)
	}
	umem, auto := int(index(strategyNames, "umem")-1), int(index(strategyNames, "auto")-1)
	if got, last := tally.Cell(umem, 0), tally.Cell(auto, numFeatures-1); got != (TallyCell{Refused: 6}) || last != (TallyCell{Accepted: 2}) || tally.Cases != 6 {
		t.Errorf("%+v, %+v of %d cases", got, last, tally.Cases)
	}
	before := tally
	large := append([]byte(nil), text...)
	large[len(large)-1] = 7 // of 6 cases
	for name, bad := range map[string][]byte{"empty": {}, "short": text[:len(text)-1], "long": append(text[:len(text):len(text)], 0), "too many": large, "foreign": {1, 2, 3, 4}} {
		if err := tally.add(bad); !errors.Is(err, errTally) || !reflect.DeepEqual(tally, before) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// BenchmarkTally is what counting a case by feature takes, beside running it
// (BenchmarkScreen and others).
func BenchmarkTally(b *testing.B) {
	tally := newRoundTally()
	var outs []Outcome
	for _, s := range corpus.Strategies() {
		outs = append(outs, Outcome{Strategy: s, Answer: Accepted})
	}
	for i := range b.N {
		if i%fullRound == 0 {
			tally.reset()
		}
		tally.count(outs, sg.Features(i)*0x9e3779b97f4a7c15)
	}
}
