package fuzz

import (
	"testing"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// seedCases adds the embedded corpus, encoded as choice streams.
func seedCases(f *testing.F) {
	f.Helper()
	cases, err := corpus.EmbeddedCases()
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range cases {
		b, err := EncodeCase(nil, c)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
}

// FuzzStrategies takes bytes as a choice stream, draws a case, and runs it
// through every strategy and check.
func FuzzStrategies(f *testing.F) {
	seedCases(f)
	r := NewRunner(Options{Variants: true})
	var c corpus.Case
	var p sg.Params
	f.Fuzz(func(t *testing.T, data []byte) {
		Draw(sg.NewChoices(data), &c, &p)
		if v := r.Verdict(&c); v.Failed {
			t.Fatalf("%s\n%s\n%s", v.Class, v.Text, corpus.Format(&c))
		}
	})
}

// FuzzDecode takes bytes as a WQE: decoding never panics, what the strict
// decoder takes the lenient one takes too, with the same values, and encoding
// again is stable.
func FuzzDecode(f *testing.F) {
	f.Add(make([]byte, 64))
	f.Fuzz(func(t *testing.T, data []byte) {
		var strict, lenient mlx5model.WQE
		err := mlx5model.Decode(data, &lenient)
		if mlx5model.DecodeStrict(data, nil, &strict) == nil {
			if err != nil || lenient.Ctrl != strict.Ctrl || lenient.UMR != strict.UMR || lenient.Mkey != strict.Mkey {
				t.Fatalf("strict takes it, lenient says %v", err)
			}
		}
		if err != nil {
			return
		}
		canon := lenient.AppendTo(nil)
		var again mlx5model.WQE
		if err := mlx5model.Decode(canon, &again); err != nil {
			t.Fatalf("canonical encoding: %v", err)
		}
		if string(again.AppendTo(nil)) != string(canon) {
			t.Fatal("canonical encoding is not stable")
		}
	})
}
