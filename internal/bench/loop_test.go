package bench

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestLoop(t *testing.T) {
	for _, strategy := range []string{AllStrategies, "indirect"} {
		r, err := Loop(t.Context(), strategy, 2, 20*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		per := r.NsPerEntry * float64(r.N) * r.PerSecond / float64(r.Workers)
		if r.PerSecond <= 0 || r.Strategies != strategy || per < 0.999e9 || per > 1.001e9 {
			t.Errorf("%+v", r)
		}
	}
	if _, err := Loop(t.Context(), "nonsense", 1, time.Millisecond); err == nil {
		t.Error("an unknown strategy is taken")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Loop(ctx, "indirect", 1, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
