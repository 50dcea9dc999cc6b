package mlx5model

import (
	"bytes"
	"errors"
	"testing"

	"github.com/sgfuzz/sgfuzz/sg"
)

func TestCreateMkeyRefusals(t *testing.T) {
	for _, tt := range []struct {
		name  string
		edit  func(*Profile)
		ctx   MkeyContext
		index uint32
		xlt   []byte
		want  error
	}{
		{"fine", nil, klmContext(8), 1, make([]byte, 128), nil},
		{"index", nil, klmContext(8), 1 << 24, nil, ErrMkeyLimit},
		{"in use", nil, klmContext(8), KeyIndex(localKey), nil, ErrKeyInUse},
		{"null key", func(p *Profile) { p.NullMkey = 0x5500 }, klmContext(8), 0x55, nil, ErrKeyInUse},
		{"too many", func(p *Profile) { p.MaxMkeys = 1 }, klmContext(8), 1, nil, ErrMkeyLimit},
		{"qpn", nil, MkeyContext{QPN: 1 << 24}, 1, nil, ErrMkeyFields},
		{"pd", nil, MkeyContext{PD: 1 << 24}, 1, nil, ErrMkeyFields},
		{"page size field", nil, MkeyContext{LogPageSize: 64}, 1, nil, ErrMkeyFields},
		{"access", nil, MkeyContext{Access: 1}, 1, nil, ErrMkeyFields},
		{"mode", nil, MkeyContext{Mode: ModeMEMIC}, 1, nil, ErrMkeyCap},
		{"ksm", func(p *Profile) { p.FixedBufferSize = false }, MkeyContext{Mode: ModeKSM, Free: true}, 1, nil, ErrMkeyCap},
		{"imaicl", func(p *Profile) { p.IMAICL = false }, klmContext(8), 1, nil, ErrMkeyCap},
		{"atomic", func(p *Profile) { p.Atomic = false }, MkeyContext{Access: AccA}, 1, nil, ErrMkeyCap},
		{"ro write", func(p *Profile) { p.ROWrite = false }, MkeyContext{ROWrite: true}, 1, nil, ErrMkeyCap},
		{"ro read", func(p *Profile) { p.RORead = false }, MkeyContext{RORead: true}, 1, nil, ErrMkeyCap},
		{"klm list at limit", func(p *Profile) { p.LogMaxKLMListSize = 4 }, klmContext(16), 1, nil, nil},
		{"klm list", func(p *Profile) { p.LogMaxKLMListSize = 4 }, klmContext(17), 1, nil, ErrMkeyLimit},
		{"page list is not a klm list", func(p *Profile) { p.LogMaxKLMListSize = 4 }, MkeyContext{Mode: ModeMTT, Free: true, XltOctowords: 17}, 1, nil, nil},
		{"bsf", nil, MkeyContext{BSFOctowords: 17}, 1, nil, ErrMkeyLimit},
		{"memory at limit", func(p *Profile) { p.MaxXltOctowords = 8 }, klmContext(8), 1, nil, nil},
		{"memory", func(p *Profile) { p.MaxXltOctowords = 8 }, klmContext(9), 1, nil, ErrMkeyLimit},
		{"list too long", nil, klmContext(8), 1, make([]byte, 129), ErrMkeyFields},
		{"page size", nil, live(ModeMTT, 0, 1, 8, 1), 1, nil, ErrMkeyLimit},
		{"page size of a free key", nil, MkeyContext{Mode: ModeMTT, Free: true}, 1, nil, nil},
		{"length at limit", func(p *Profile) { p.LogMaxMRWSize = 20 }, live(ModePA, 0, 1<<20, 0, 0), 1, nil, nil},
		{"length", func(p *Profile) { p.LogMaxMRWSize = 20 }, live(ModePA, 0, 1<<20+1, 0, 0), 1, nil, ErrMkeyLimit},
	} {
		r := newRig(t, tt.edit)
		key, err := r.dev.CreateMkey(tt.index, tt.ctx, tt.xlt)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		if want := 1 + btoi(tt.want == nil); r.dev.MkeyCount() != want || tt.want == nil && key != tt.index<<8 {
			t.Errorf("%s: key %#x, %d keys exist, want %d", tt.name, key, r.dev.MkeyCount(), want)
		}
		var e *MkeyError
		if err != nil && (!errors.As(err, &e) || e.Index != tt.index || e.Field == "") {
			t.Errorf("%s: error %#v", tt.name, err)
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestDestroyFreesEverything(t *testing.T) {
	r := newRig(t, func(p *Profile) { p.MaxMkeys, p.MaxXltOctowords = 3, 16 })
	list := klms(KLM{4, localKey, 0x10})
	for range 5 {
		a := r.mkey(0x105, live(ModeKLM, 0, 4, 0, 8), list...)
		b := r.mkey(0x206, live(ModeKLM, 0, 4, 0, 8))
		if _, err := r.dev.CreateMkey(3, klmContext(4), nil); !errors.Is(err, ErrMkeyLimit) {
			t.Errorf("key beyond the limits: %v", err)
		}
		r.extents(remote(RemoteRead, a, 0, 4), sg.Extent{Addr: 0x10, Len: 4})
		// The storage of a key that is gone must not show through.
		r.refused(remote(RemoteRead, b, 0, 4), ReasonListEnd)
		for _, key := range []uint32{a, b &^ 0xff} {
			if err := r.dev.DestroyMkey(key); err != nil {
				t.Error(err)
			}
		}
		if err := r.dev.DestroyMkey(a); !errors.Is(err, ErrNoKey) {
			t.Errorf("second destroy: %v", err)
		}
		r.refused(remote(RemoteRead, a, 0, 4), ReasonNoKey)
		if _, ok := r.dev.QueryMkey(a); ok || r.dev.QueryXlt(a) != nil || r.dev.QueryBSF(a) != nil || r.dev.MkeyCount() != 1 {
			t.Error("destroyed key can be queried")
		}
	}
}

// TestRecycledKeyShowsNothing fills a key, destroys it and looks for what it
// held through the keys that take over its storage, and through index 0.
func TestRecycledKeyShowsNothing(t *testing.T) {
	r := newRig(t, nil)
	ctx := klmContext(16)
	ctx.BSFOctowords = 4
	key := r.mkey(64<<8, ctx, bytes.Repeat(klms(KLM{1, localKey, 0x10}), 16)...)
	r.ok(r.umrRaw(key, UMRCtrl{Flags: UMRInline, BSFOctowords: 4, Mask: MaskFree}, MkeyContext{}, bytes.Repeat([]byte{1}, 64)))
	r.refused(remote(RemoteRead, 0, 0, 1), ReasonNoKey)
	r.dev.DestroyMkey(key)
	r.refused(remote(RemoteRead, 0, 0, 1), ReasonNoKey)
	ctx.Free, ctx.Len, ctx.Access = false, 32, AccRights
	r.mkey(0x100, ctx)
	// A list that starts behind a gap: the gap holds no bytes.
	r.ok(r.umr(0x100, UMRCtrl{Flags: UMROffsetEn, XltOffset: 4}, MkeyContext{}, klms(KLM{8, localKey, 0x80})))
	r.extents(remote(RemoteRead, 0x100, 0, 8), sg.Extent{Addr: 0x80, Len: 8})
	if got := r.dev.QueryBSF(0x100); len(got) != 0 {
		t.Errorf("BSF of a new key: % x", got)
	}
}

func TestResetReusesStorage(t *testing.T) {
	r := newRig(t, nil)
	r.mkey(0x100, live(ModeKLM, 0, 4, 0, 8), klms(KLM{4, localKey, 0x10})...)
	r.extents(remote(RemoteRead, 0x100, 0, 4), sg.Extent{Addr: 0x10, Len: 4})
	old := r.qp
	small, _ := ProfileByName("small")
	bad := small
	bad.MaxSteps = 0
	if err := r.dev.Reset(bad, r.mem); !errors.Is(err, ErrProfile) || r.dev.MkeyCount() != 2 || r.qp.State() != QPReady {
		t.Errorf("reset with a bad profile: %v, %d keys", err, r.dev.MkeyCount())
	}
	if err := r.dev.Reset(small, r.mem); err != nil {
		t.Fatal(err)
	}
	if r.dev.MkeyCount() != 0 || old.State() != QPGone || r.dev.Profile().Name != "small" {
		t.Error("reset left keys or queues")
	}
	r.refused(remote(RemoteRead, 0x100, 0, 4), ReasonNoKey)
	r.mkey(0x100, live(ModeKLM, 0, 4, 0, 8))
	r.refused(remote(RemoteRead, 0x100, 0, 4), ReasonListEnd)
}

// TestMemoryStaysBounded creates and destroys keys with large lists and checks
// that retired storage is given up beyond the profile's bound.
func TestMemoryStaysBounded(t *testing.T) {
	r := newRig(t, func(p *Profile) { p.MaxXltOctowords = 1 << 12 })
	list := bytes.Repeat(klms(KLM{1, localKey, 0}), 1<<12)
	for i := range uint32(50) {
		for j := uint32(1); j <= 4; j++ {
			r.mkey(i<<16|j<<8, klmContext(1<<10), list[:1<<14]...)
		}
		for j := uint32(1); j <= 4; j++ {
			r.dev.DestroyMkey(i<<16 | j<<8)
		}
		r.mkey(i<<16, klmContext(1<<12), list...)
		r.dev.DestroyMkey(i << 16)
	}
	var held int
	for _, k := range r.dev.pool {
		held += cap(k.xlt) / OctowordSize
	}
	if held > 1<<13 || held != int(r.dev.xltHeld) {
		t.Errorf("%d octowords kept, %d accounted, limit %d", held, r.dev.xltHeld, 1<<13)
	}
}

// TestResetToLessMemory leaves large lists behind and resets to a profile that
// may hold only a fraction.
func TestResetToLessMemory(t *testing.T) {
	r := newRig(t, nil)
	for i := range uint32(4) {
		r.mkey(i<<8, klmContext(1<<12), bytes.Repeat(klms(KLM{1, localKey, 0}), 1<<12)...)
	}
	small, _ := ProfileByName("small")
	if err := r.dev.Reset(small, r.mem); err != nil {
		t.Fatal(err)
	}
	if r.dev.xltHeld > uint64(small.MaxXltOctowords) {
		t.Errorf("%d octowords held under a profile of %d", r.dev.xltHeld, small.MaxXltOctowords)
	}
}

func TestProfiles(t *testing.T) {
	seen := map[string]bool{}
	for i, p := range Profiles() {
		if err := p.Validate(); err != nil || p.Doc == "" || seen[p.Name] || i == 0 && p.Name != "default" {
			t.Errorf("profile %q: %v, %q", p.Name, err, p.Doc)
		}
		seen[p.Name] = true
		if q, ok := ProfileByName(p.Name); !ok || q != p {
			t.Errorf("ProfileByName(%q) = %v", p.Name, ok)
		}
	}
	if _, ok := ProfileByName("nonesuch"); ok {
		t.Error("a profile that does not exist was found")
	}
	p, _ := ProfileByName("default")
	if p.MaxKLMs() != MaxKLMs || p.LogPageMin != 9 {
		t.Errorf("default profile takes %d KLMs, pages from 2^%d", p.MaxKLMs(), p.LogPageMin)
	}
	if p, _ := ProfileByName("small"); p.MaxKLMs() != 16 {
		t.Errorf("small profile takes %d KLMs", p.MaxKLMs())
	}
}

func TestProfileValidate(t *testing.T) {
	for i, spoil := range []func(*Profile){
		func(p *Profile) { p.MaxIndirection = 0 }, func(p *Profile) { p.MaxIndirection = 256 }, func(p *Profile) { p.LogMaxKLMListSize = 25 },
		func(p *Profile) { p.LogMaxMRWSize = 65 }, func(p *Profile) { p.LogMaxBSFListSize = 9 }, func(p *Profile) { p.LogPageMin = 1 },
		func(p *Profile) { p.LogPageMax = 64 }, func(p *Profile) { p.LogPageMin, p.LogPageMax = 13, 12 }, func(p *Profile) { p.MaxKLMBytes = 0 },
		func(p *Profile) { p.MaxKLMBytes = 1 << 32 }, func(p *Profile) { p.MaxWQEBytes = 1009 }, func(p *Profile) { p.MaxWQEBytes = 63 },
		func(p *Profile) { p.MaxSendWQEBBs = 0 }, func(p *Profile) { p.MaxMsgBytes = 1<<31 + 1 }, func(p *Profile) { p.UMRPointerAlignment = 3 },
		func(p *Profile) { p.UMRPointerAlignment = 0 }, func(p *Profile) { p.UMRFence = 1 }, func(p *Profile) { p.ZeroKLM = 3 },
		func(p *Profile) { p.SynKeyLocal = SynOK }, func(p *Profile) { p.MaxMkeys = 0 }, func(p *Profile) { p.MaxQPs = 0 },
		func(p *Profile) { p.MaxPSVs = -1 }, func(p *Profile) { p.MaxXltOctowords = 0 }, func(p *Profile) { p.MaxSteps = 0 },
	} {
		p, _ := ProfileByName("default")
		spoil(&p)
		if err := p.Validate(); !errors.Is(err, ErrProfile) {
			t.Errorf("row %d: %v", i, err)
		}
		if d, err := NewDevice(p, nil); err == nil || d != nil {
			t.Errorf("row %d: a device came out", i)
		}
	}
}
