package bench

import (
	"fmt"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz"
	"github.com/sgfuzz/sgfuzz/sg"
)

// checked is check by a quick fuzz.Runner: the whole list through the strategy
// indirect, one memory key, one KLM an entry. A round is a run; what a run
// registers a second time to try the keys again is not counted.
type checked struct {
	runner *fuzz.Runner
	c      corpus.Case
}

func newChecked(l sg.List) (work, error) {
	return &checked{fuzz.NewRunner(fuzz.Options{Quick: true}), corpus.Case{Strategy: "indirect", Dialect: "linux", List: l}}, nil
}

func (w *checked) rounds(n int) error {
	for range n {
		outs, err := w.runner.Run(&w.c)
		if err != nil {
			return err
		}
		if o := &outs[0]; o.Failed() || o.Answer != fuzz.Accepted {
			return fmt.Errorf("the list is %v by %s: %v", o.Answer, o.Strategy, o.Verdict.Failures)
		}
	}
	return nil
}

// output is empty: what a check makes is that nothing was found.
func (w *checked) output() []byte { return nil }

// copiedStream copies as many bytes as the list describes.
type copiedStream struct{ to, from []byte }

func newCopiedStream(l sg.List) (work, error) {
	n := l.Total()
	return &copiedStream{make([]byte, n), make([]byte, n)}, nil
}

func (w *copiedStream) rounds(n int) error {
	for range n {
		copy(w.to, w.from)
	}
	return nil
}

func (w *copiedStream) output() []byte { return nil }
