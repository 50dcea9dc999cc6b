package fuzz

import (
	"errors"
	"testing"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/sg"
)

func TestPassOverLong(t *testing.T) {
	ran := errors.New("ran")
	body := passOverLong(func([]byte) error { return ran })
	const most = instrumentedPages * 4096
	for _, row := range []struct {
		name string
		page uint64
		list sg.List
		want error
	}{
		{"4 GiB in small pages", 4096, sg.List{{Addr: 0x1000, Len: 1<<32 - 1}}, nil},
		{"4 GiB in large pages", 1 << 30, sg.List{{Addr: 0x1000, Len: 1<<32 - 1}}, ran},
		{"at the bound", 4096, sg.List{{Addr: 0x1000, Len: most}}, ran},
		{"past the bound in two entries", 4096, sg.List{{Addr: 0x1000, Len: most}, {Addr: 0x9000, Len: 4096}}, nil},
		{"at the bound of the default page size", 0, sg.List{{Addr: 0x1000, Len: most}}, ran},
		{"no bytes", 4096, sg.List{}, ran},
	} {
		data, err := EncodeCase(nil, &corpus.Case{PageSize: row.page, List: row.list})
		if err != nil {
			t.Fatal(err)
		}
		if got := body(data); got != row.want {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
}

func TestInstrumentedTargets(t *testing.T) {
	for _, target := range Targets() {
		got, ok := InstrumentedTarget(target.Name)
		if !ok || got.Name != target.Name || got.Body(nil) != nil {
			t.Errorf("%s: %v, %v", target.Name, ok, got.Name)
		}
	}
	if _, ok := InstrumentedTarget("nosuch"); ok {
		t.Error("a target that is not there")
	}
}
