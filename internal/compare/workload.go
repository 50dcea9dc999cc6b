package compare

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz"
	"github.com/sgfuzz/sgfuzz/sg"
)

// ErrGenerator reports an unknown generator.
var ErrGenerator = errors.New("unknown generator")

// AllGenerators names the mix of all generators that a campaign draws from.
const AllGenerators = "all"

// Capture reads an iovec log and gives each of its lists to fn as a case, named
// after file and line. The case is valid until fn returns. Errors are
// corpus.ReadIovecs's and fn's.
func Capture(r io.Reader, file string, fn func(*corpus.Case) error) error {
	return corpus.ReadIovecs(r, file, func(line int, _ string, l sg.List) error {
		return fn(&corpus.Case{Name: fmt.Sprintf("%s:%d", file, line), List: l})
	})
}

// Draw gives count lists of a generator of package sg, or of AllGenerators, to
// fn, the same for the same seed. Errors wrap ErrGenerator or are fn's.
func Draw(generator string, seed uint64, count int, fn func(*corpus.Case) error) error {
	draw := func(c *sg.Choices, dst sg.List) sg.List {
		l, _ := sg.Generate(c, nil, dst)
		return l
	}
	if generator != AllGenerators {
		g, ok := sg.GeneratorByName(generator)
		if !ok {
			return fmt.Errorf("%q: %w", generator, ErrGenerator)
		}
		draw = func(c *sg.Choices, dst sg.List) sg.List { return g.Draw(c, nil, dst) }
	}
	ch := sg.NewChoices(nil)
	var l sg.List
	for n := range count {
		ch.ResetRandom(fuzz.CaseSeed(seed, uint64(n)))
		l = draw(ch, l[:0])
		if err := fn(&corpus.Case{Name: fmt.Sprintf("%s, seed %d, number %d", generator, seed, n), List: l}); err != nil {
			return err
		}
	}
	return nil
}

// Generators are the names that Draw knows.
func Generators() []string {
	names := []string{AllGenerators}
	for _, g := range sg.Generators() {
		names = append(names, g.Name)
	}
	return slices.Clip(names)
}
