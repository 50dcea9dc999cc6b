package fuzz

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// saved is small with a state directory.
func saved(t *testing.T) Config {
	c := small(t)
	c.State, c.Out = filepath.Join(t.TempDir(), "state"), ""
	return c
}

// TestResume interrupts a campaign again and again and demands what one that
// was left alone finds.
func TestResume(t *testing.T) {
	whole := saved(t)
	whole.Cases = 960
	want := campaignOf(t, whole)
	parts := whole
	parts.State = filepath.Join(t.TempDir(), "state")
	for _, parts.Cases = range []uint64{10, 64, 100, 192, 500, 960} {
		campaignOf(t, parts)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	got, err := Campaign(ctx, parts) // nothing is left to do
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(figures(got), figures(want)) {
		t.Errorf("in parts %+v\nat once %+v", figures(got), figures(want))
	}
	if got.Earlier != 960 {
		t.Errorf("%d cases of earlier sessions", got.Earlier)
	}
	a, b := tree(t, filepath.Join(parts.State, "findings")), tree(t, filepath.Join(whole.State, "findings"))
	if !reflect.DeepEqual(a, b) || len(a) == 0 {
		t.Errorf("in parts %v\nat once %v", a, b)
	}
}

// TestTornJournal cuts the journal at every length and demands that it loads,
// and that nothing of what whole lines say is lost.
func TestTornJournal(t *testing.T) {
	c := saved(t)
	c.Cases = 192
	campaignOf(t, c)
	file := filepath.Join(c.State, journalName)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	accept := func(*line, bool) error { return nil }
	full, good, err := readJournal(bytes.NewReader(whole), accept)
	if err != nil || full < 6 || good != int64(len(whole)) { // the campaign, a session, two rounds, a finding, the end
		t.Fatalf("%d lines, %v", full, err)
	}
	for n := 0; n < len(whole); n += 1 + n/1000 {
		lines, good, err := readJournal(bytes.NewReader(whole[:n]), accept)
		if want := strings.Count(string(whole[:n]), "\n"); err != nil || lines != want || good > int64(n) {
			t.Fatalf("cut at %d: %d lines of %d, %d bytes, %v", n, lines, want, good, err)
		}
	}
	end := strings.LastIndex(strings.TrimSuffix(string(whole), "\n"), "\n") + 1
	if !strings.Contains(string(whole[end:end+20]), `{"end"`) {
		t.Fatalf("the last line is %.40q", whole[end:])
	}
	whole = whole[:end] // what a session that has nothing to do leaves as it is
	last := strings.LastIndex(strings.TrimSuffix(string(whole), "\n"), "\n") + 1
	for _, n := range []int{last + 5, last - 7, len(whole) - 1} {
		if err := os.WriteFile(file, whole[:n], 0o666); err != nil {
			t.Fatal(err)
		}
		if sum := campaignOf(t, c); sum.Cases != 192 {
			t.Errorf("cut at %d: %d cases", n, sum.Cases)
		}
		if again, _ := os.ReadFile(file); len(again) < len(whole)-200 {
			t.Errorf("cut at %d: %d bytes after another session, %d before", n, len(again), len(whole))
		}
	}
}

// TestTornLineIsCutOff leaves a long half line, which a session that has
// nothing to add must take away.
func TestTornLineIsCutOff(t *testing.T) {
	c := saved(t)
	c.Cases = 64
	campaignOf(t, c)
	file := filepath.Join(c.State, journalName)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, torn := range []string{`01234567 {"round":{"next":`, "0123", strings.Repeat("x", 1000), strings.Repeat("\x00", 512) + "\n"} {
		if err := os.WriteFile(file, append(whole[:len(whole):len(whole)], torn...), 0o666); err != nil {
			t.Fatal(err)
		}
		campaignOf(t, c)
		if now, _ := os.ReadFile(file); string(now) != string(whole) {
			t.Errorf("%.30q: %d bytes, want %d", torn, len(now), len(whole))
		}
	}
}

func TestBadState(t *testing.T) {
	c := saved(t)
	c.Cases = 64
	campaignOf(t, c)
	file := filepath.Join(c.State, journalName)
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	flip := func(at int) string { b := []byte(string(good)); b[at] ^= 4; return string(b) }
	for _, row := range []struct {
		name, text string
		edit       func(*Config)
		want       string
	}{
		{"another seed", string(good), func(c *Config) { c.Seed++ }, "seed 3, not 4"},
		{"other strategies", string(good), func(c *Config) { c.Strategies = nil }, "strategies [indirect fastreg], not []"},
		{"damaged in the middle", flip(40), nil, "line 1: wrong checksum"},
		{"something else", "#!/bin/sh\n", nil, "not a journal"},
		{"no head", string(good[strings.IndexByte(string(good), '\n')+1:]), nil, "line 1: out of place"},
		{"round twice", string(good) + string(good[strings.IndexByte(string(good), '\n')+1:]), nil, "out of order"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if err := os.WriteFile(file, []byte(row.text), 0o666); err != nil {
				t.Fatal(err)
			}
			changed := c
			if row.edit != nil {
				row.edit(&changed)
			}
			_, err := Campaign(context.Background(), changed)
			if !errors.Is(err, ErrState) || !strings.Contains(err.Error(), row.want) {
				t.Errorf("%v", err)
			}
			if now, _ := os.ReadFile(file); string(now) != row.text {
				t.Error("the journal was changed")
			}
		})
	}
}

// TestStateInUse demands that two campaigns do not write to one state.
func TestStateInUse(t *testing.T) {
	c := saved(t)
	k := newCampaign(c)
	if err := k.open(); err != nil {
		t.Fatal(err)
	}
	defer k.journal.close()
	if _, err := Campaign(context.Background(), c); !errors.Is(err, ErrState) || !strings.Contains(err.Error(), "in use") {
		t.Errorf("%v", err)
	}
}

// TestInterruptedShrinkIsDoneAgain takes the shrunk findings out of a state.
func TestInterruptedShrinkIsDoneAgain(t *testing.T) {
	c := saved(t)
	c.Cases = 192
	campaignOf(t, c)
	want := tree(t, filepath.Join(c.State, "findings"))
	file := filepath.Join(c.State, journalName)
	whole, _ := os.ReadFile(file)
	var kept []string
	for text := range strings.Lines(string(whole)) {
		if !strings.Contains(text[:20], `{"shrunk"`) {
			kept = append(kept, text)
		}
	}
	if err := os.WriteFile(file, []byte(strings.Join(kept, "")), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(c.State, "findings")); err != nil {
		t.Fatal(err)
	}
	s, err := ReadState(c.State)
	if err != nil || len(s.Findings) == 0 || s.Findings[0].Shrunk || s.Next != 192 {
		t.Fatalf("%v %+v", err, s)
	}
	campaignOf(t, c)
	if got := tree(t, filepath.Join(c.State, "findings")); !reflect.DeepEqual(got, want) || len(got) == 0 {
		t.Errorf("%v\nwant %v", got, want)
	}
	if s, err := ReadState(c.State); err != nil || !s.Findings[0].Shrunk {
		t.Errorf("%v %+v", err, s)
	}
}
