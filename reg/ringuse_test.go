package reg

import (
	"bytes"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// TestRingIsFresh resets an Env after cases that post, wrap, fail and change
// encoders, and demands that the next case finds a ring without any trace of
// them.
func TestRingIsFresh(t *testing.T) {
	mem := sg.NewMemory(1)
	e := NewEnv(mem)
	profile, _ := mlx5model.ProfileByName("default")
	foreign := func(dialect string) Encoder {
		enc, err := NewEncoder(dialect)
		if err != nil {
			t.Fatal(err)
		}
		return enc
	}
	small := sg.List{{Addr: 0x10000e01, Len: 77}, {Addr: 0x20000000, Len: 4096}, {Addr: 0x30000007, Len: 1}}
	configs := []EnvConfig{
		{Dialect: "linux", Prefill: 0xcc},
		{Dialect: "linux", Prefill: 0xcc, Start: 1021},
		{Dialect: "libmlx5", Prefill: 0xcc},
		{Dialect: "libmlx5", Prefill: 0xcc, WQEBBs: 8, Start: 5},
		{Dialect: "spdk", Prefill: 0xcc, WQEBBs: 8, Start: 5},
		{Dialect: "spdk", Prefill: 0xcc, Encoder: foreign("spdk")},
		{Dialect: "ofed", Prefill: 0x11},
		{Dialect: "libmlx5-44", Prefill: 0xcc},
	}
	for round := range 3 {
		for i := range configs {
			c := configs[i]
			c.Profile = profile
			mem.Reset(1)
			if err := e.Reset(c, small); err != nil {
				t.Fatal(err)
			}
			want := bytes.Repeat([]byte{c.Prefill}, len(e.Ring.Bytes()))
			if !bytes.Equal(e.Ring.Bytes(), want) {
				t.Fatalf("round %d, configuration %d: the ring holds what an earlier case left", round, i)
			}
			var r Registration
			req := Request{List: small, PageSize: 4096, Access: mlx5model.AccLW | mlx5model.AccRR | mlx5model.AccRW, Dir: DirBoth}
			s := Strategy(Indirect{})
			for range 1 + i {
				if err := s.Register(e, &req, &r); err != nil {
					break
				}
				if err := s.Release(e, &r); err != nil {
					t.Fatal(err)
				}
			}
			if round == 1 && i%2 == 0 { // a post that fails after it wrote
				e.Ring.Write(e.Enc.PI(), 0, []byte{1, 2, 3})
				e.ringUse.soiled = true
			}
		}
	}
}
