package peers

import (
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/libmlx5"
	"github.com/sgfuzz/sgfuzz/sg"
)

// everything is a program of this test.
var everything = program{
	name: "everything", files: []string{"fakedev.c", "fakedev_method.c"},
	flags: []string{"-O2", "-I."}, libs: []string{"-lmlx5", "-libverbs"},
	headers: []string{"infiniband/mlx5dv.h", "rdma/mlx5-abi.h"}, need: "libibverbs-dev ibverbs-providers",
}

// TestFakeDevice posts every kind of work request by the library on the fake
// device and by the model, and compares the queues, unwritten bytes included.
func TestFakeDevice(t *testing.T) {
	p := everything
	main, err := filepath.Abs("testdata/everything.c")
	if err != nil {
		t.Fatal(err)
	}
	p.files = append(slices.Clip(p.files), main)
	dir := t.TempDir()
	bin, err := p.build(t.Context(), dir)
	if errors.Is(err, ErrMissing) {
		t.Skipf("SKIPPED: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := run(t.Context(), dir, bin)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	first, lines, _ := strings.Cut(out, "\n")
	var keys given
	if _, err := fmt.Sscan(first, &keys.plain, &keys.sig, &keys.mr, &keys.mw, &keys.addr); err != nil {
		t.Fatalf("%v in %q", err, first)
	}
	want := strings.Split(lines, "\n")
	got := post(t, &keys)
	if len(got) != len(want) {
		t.Fatalf("%d WQEBBs, the library posted %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("WQEBB %d\n   model %s\n library %s", i, got[i], want[i])
		}
	}
}

// given are the numbers that the device gave.
type given struct {
	plain, sig, mr, mw uint32
	addr               uint64 // of the window
}

// post makes the calls of testdata/everything.c on the model, and gives the
// queue's WQEBBs in hex.
func post(t *testing.T, keys *given) (wqebbs []string) {
	t.Helper()
	ring, err := mlx5model.NewRing(1024)
	if err != nil {
		t.Fatal(err)
	}
	ring.Fill(0xa5)
	qp, err := libmlx5.NewQP(ring, libmlx5.V44, 0xabcdef, 764)
	if err != nil {
		t.Fatal(err)
	}
	const all = libmlx5.LocalWrite | libmlx5.RemoteWrite | libmlx5.RemoteRead
	plain := libmlx5.NewMkey(keys.plain>>8, 12, libmlx5.InitIndirect)
	sig := libmlx5.NewMkey(keys.sig>>8, 12, libmlx5.InitIndirect|libmlx5.InitBlockSignature)
	sig.MemPSV, sig.WirePSV = 0x30, 0x31
	list := sg.List{{Addr: 0x1001, Len: 0xfff, Lkey: 0x4200}, {Addr: 0x20000, Len: 0x1001, Lkey: 0x4300}}

	qp.Start()
	qp.Flags = libmlx5.Inline | libmlx5.Signaled
	qp.MRList(&plain, all, list)
	qp.MRInterleaved(&plain, libmlx5.RemoteRead, 3, []libmlx5.Interleaved{
		{Addr: 0x3000, BytesCount: 8, BytesSkip: 2, Lkey: 0x4400}, {Addr: 0x5000, BytesCount: 16, Lkey: 0x4500},
	})
	qp.MkeyConfigure(&sig, 3, 0)
	qp.SetAccess(all)
	qp.SetLayoutList(list)
	qp.SetSigBlock(&libmlx5.SigBlock{
		Mem: libmlx5.SigDomain{Type: libmlx5.SigCRC, CRC: libmlx5.CRC{Type: libmlx5.CRC32C, Seed: 0xffffffff}, BlockSize: libmlx5.Block4096},
		Wire: libmlx5.SigDomain{
			Type: libmlx5.SigT10DIF, BlockSize: libmlx5.Block512,
			T10DIF: libmlx5.T10DIF{BG: 0xffff, AppTag: 0x5678, RefTag: 0x9abcdef0, Flags: libmlx5.T10DIFRefRemap},
		},
		CheckMask: 0xc0,
	})
	qp.Flags = libmlx5.Fence
	qp.LocalInv(keys.plain)
	qp.Flags = 0
	qp.BindMW(keys.mw, keys.mw+1, libmlx5.Window{Addr: keys.addr, Length: 0x2000, Access: libmlx5.RemoteRead, Lkey: keys.mr})
	qp.RDMAWrite(0x99, 0x777000, list)
	if err := qp.Complete(); err != nil {
		t.Fatal(err)
	}
	for b := range slices.Chunk(ring.Bytes()[:qp.CurPost*mlx5model.WQEBBSize], mlx5model.WQEBBSize) {
		wqebbs = append(wqebbs, hex.EncodeToString(b))
	}
	return wqebbs
}
