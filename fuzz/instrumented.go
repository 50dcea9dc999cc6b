package fuzz

import (
	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/sg"
)

// instrumentedPages bounds the pages of a list for InstrumentedTarget: 16 MiB
// in pages of 4 KiB. A list of 4 GiB in such pages takes 0.1 s as it is, but
// seconds where the engine is told of every comparison, and after a few of
// those a coverage-guided engine does little else.
const instrumentedPages = 4096

// InstrumentedTarget is TargetByName for engines that trace every comparison:
// go-fuzz and libFuzzer. Its Body passes over inputs of "Strategies" whose list
// has too many pages; the native engine and campaigns take those.
func InstrumentedTarget(name string) (Target, bool) {
	t, ok := TargetByName(name)
	if !ok || name != "Strategies" {
		return t, ok
	}
	t.Body = passOverLong(t.Body)
	return t, true
}

func passOverLong(body func([]byte) error) func([]byte) error {
	var c corpus.Case
	var p sg.Params
	ch := sg.NewChoices(nil)
	return func(data []byte) error {
		ch.Reset(data)
		Draw(ch, &c, &p)
		if c.List.Total()/c.EffectivePageSize() > instrumentedPages {
			return nil
		}
		return body(data)
	}
}
