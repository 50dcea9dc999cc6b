package vhca

import "testing"

func TestParseFaults(t *testing.T) {
	f, err := ParseFaults("error=0.5,syndrome=0x13,delay=0.25,usec=7,lost=1,padding=0.125,reorder=0.75,seed=9")
	if err != nil || f.Error != 0.5 || f.Syndrome != 0x13 || f.Delay != 0.25 || f.DelayNs != 7000 || f.Lost != 1 || f.Padding != 0.125 || f.Reorder != 0.75 || f.Seed != 9 || !f.any() {
		t.Errorf("%+v, %v", f, err)
	}
	if f, err := ParseFaults(""); err != nil || f.any() || f.draw(0) {
		t.Errorf("%+v, %v", f, err)
	}
	for _, bad := range []string{"x", "error", "error=2", "error=-1", "error=NaN", "syndrome=0", "syndrome=0x40", "usec=-1", "seed=x", "error=0.1,,", "lost=0.1;x", "reorder=1.5"} {
		if _, err := ParseFaults(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
