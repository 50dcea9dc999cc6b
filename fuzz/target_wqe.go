package fuzz

import (
	"bytes"
	"slices"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/libmlx5"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/mlx5model/ofed"
	"github.com/sgfuzz/sgfuzz/mlx5model/spdk"
)

// decodeRules are the producers that the decode target knows, nil first.
var decodeRules = []*mlx5model.Rules{nil, &linux.Rules, &libmlx5.RulesV44, &libmlx5.RulesHead, &spdk.Rules, &ofed.Rules}

const (
	mostFindings = 64      // that Check gives
	mostDump     = 1 << 17 // bytes of text for one WQE
)

// decodeTarget takes bytes as a WQE and sets the decoders against each other.
func decodeTarget() Target {
	t := new(wqeTarget)
	return Target{
		Name: "Decode", Doc: "arbitrary bytes as a WQE: strict and lenient decoding, dump, canonical form",
		Body: t.run, Seeds: wqeSeeds,
	}
}

type wqeTarget struct {
	lenient, strict, again mlx5model.WQE
	canon, second          []byte
	findings               []mlx5model.Finding
	dump                   bytes.Buffer
}

func (t *wqeTarget) run(data []byte) error {
	err := mlx5model.Decode(data, &t.lenient)
	for _, rules := range decodeRules {
		if err := t.judge(data, rules, err); err != nil {
			return err
		}
	}
	if err := t.print(data); err != nil {
		return err
	}
	if err != nil {
		return nil
	}
	return t.canonical(data)
}

// judge holds the strict decoder against the lenient one and the checker: it
// takes what the lenient decoder takes and the checker finds no error in.
func (t *wqeTarget) judge(data []byte, rules *mlx5model.Rules, decodeErr error) error {
	name := "no"
	if rules != nil {
		name = rules.Name
	}
	strictErr := mlx5model.DecodeStrict(data, rules, &t.strict)
	t.findings = mlx5model.Check(t.findings[:0], data, &mlx5model.CheckContext{Rules: rules})
	bad := slices.ContainsFunc(t.findings, func(f mlx5model.Finding) bool { return f.Severity == mlx5model.Error })
	switch {
	case len(t.findings) > mostFindings:
		return failure("checker gives more findings than it says", "%d, %s rules\n% x", len(t.findings), name, data)
	case strictErr == nil && decodeErr != nil:
		return failure("strict decoder takes what the lenient one refuses", "%s rules: %v\n% x", name, decodeErr, data)
	case (strictErr == nil) != (decodeErr == nil && !bad):
		return failure("strict decoder and checker disagree", "%s rules: %v, %v\n%v\n% x", name, strictErr, decodeErr, t.findings, data)
	case strictErr == nil && !sameWQE(&t.strict, &t.lenient):
		return failure("strict and lenient decoder differ", "%s rules: %+v, %+v\n% x", name, t.strict, t.lenient, data)
	}
	for _, f := range t.findings {
		if f.Offset < 0 || f.Text == "" || f.Severity > mlx5model.Error {
			return failure("checker's finding says nothing", "%s rules: %+v\n% x", name, f, data)
		}
	}
	return nil
}

func sameWQE(a, b *mlx5model.WQE) bool {
	return a.Ctrl == b.Ctrl && a.UMR == b.UMR && a.Mkey == b.Mkey && a.HasPointer == b.HasPointer && a.Pointer == b.Pointer &&
		a.RAddr == b.RAddr && a.RKey == b.RKey && bytes.Equal(a.List, b.List) && bytes.Equal(a.BSF, b.BSF) && bytes.Equal(a.Data, b.Data)
}

// print demands of the dump that it is bounded text and of FieldAt that every
// byte has a name.
func (t *wqeTarget) print(data []byte) error {
	t.dump.Reset()
	if err := mlx5model.Dump(&t.dump, data, mlx5model.DumpOptions{}); err != nil {
		return failure("dump to memory fails", "%v\n% x", err, data)
	}
	if t.dump.Len() > mostDump+64*len(data) {
		return failure("dump is not bounded", "%d bytes of text for %d\n% x", t.dump.Len(), len(data), data)
	}
	if len(data) > 0 && mlx5model.FieldAt(&t.lenient, len(data)/2) == "" {
		return failure("byte of a WQE without a name", "%d\n% x", len(data)/2, data)
	}
	return nil
}

// canonical holds t.lenient, decoded from data, against its canonical form.
func (t *wqeTarget) canonical(data []byte) error {
	t.canon = t.lenient.AppendTo(t.canon[:0])
	if err := mlx5model.Decode(t.canon, &t.again); err != nil {
		return failure("canonical form cannot be decoded", "%v\n% x\n% x", err, data, t.canon)
	}
	if t.again.UMR != canonicalUMR(t.lenient.UMR) || t.again.Mkey != t.lenient.Mkey || t.again.Pointer != t.lenient.Pointer ||
		t.again.RAddr != t.lenient.RAddr || t.again.RKey != t.lenient.RKey || !bytes.Equal(t.again.Data, t.lenient.Data) {
		return failure("canonical form decodes to other values", "%+v\n%+v\n% x", t.lenient, t.again, data)
	}
	t.second = t.again.AppendTo(t.second[:0])
	if !bytes.Equal(t.canon, t.second) {
		return failure("canonical form is not stable", "% x\n% x\n% x", data, t.canon, t.second)
	}
	return nil
}

// canonicalUMR is what is left of a UMR control segment without its reserved
// bits.
func canonicalUMR(u mlx5model.UMRCtrl) mlx5model.UMRCtrl {
	u.Flags &^= 7
	return u
}

// wqeSeeds are the work requests that each dialect posts for a few of the
// corpus' lists.
func wqeSeeds() ([][]byte, error) {
	posted, err := seedRequests(64)
	if err != nil {
		return nil, err
	}
	seeds := [][]byte{make([]byte, 64)}
	for _, p := range posted {
		seeds = append(seeds, p.WQE)
	}
	return seeds, nil
}

// seedRequests is what the strategies post for the corpus, in every dialect,
// up to a number of cases for each.
func seedRequests(most int) ([]Posted, error) {
	cases, err := corpus.EmbeddedCases()
	if err != nil {
		return nil, err
	}
	r := NewRunner(Options{})
	var all []Posted
	for _, dialect := range corpus.Dialects() {
		n := 0
		for i := 0; i < len(cases) && n < most; i += 3 {
			c := cases[i].Clone()
			c.Dialect, c.Limits.Queue, c.Limits.RingStart = dialect, 64, 0
			for _, strategy := range []string{"indirect", "fastreg", "rdmarw"} {
				// refused and unusable cases have no requests
				posted, err := r.Encode(c, strategy)
				if err == nil && len(posted) > 0 {
					all = append(all, posted...)
					n++
				}
			}
		}
	}
	return all, nil
}
