package mlx5model

import (
	"bytes"
	"testing"

	"github.com/sgfuzz/sgfuzz/sg"
)

// kernelSmall is what a kernel UMR's completion bits and fence are.
const regMask = MaskLen | MaskStartAddr | MaskEnRinval | MaskKey | MaskLR | MaskLW | MaskRR | MaskRW | MaskSmallFence | MaskFree

func TestUMRRegistersKLMList(t *testing.T) {
	r := newRig(t, nil)
	key := r.mkey(0xabcd00, klmContext(8))
	ctx := MkeyContext{Access: AccLR | AccLW | AccRR | AccRW, Tag: 0x5a, Start: 0x1001, Len: 0x12b}
	r.ok(r.umr(key+0x5a, UMRCtrl{Flags: UMRCheckNotFree, Mask: regMask}, ctx,
		klms(KLM{7, localKey, 0x1001}, KLM{0x123, localKey, 0x5003}, KLM{1, localKey, 0x9000})))
	key += 0x5a
	r.extents(remote(RemoteRead, key, 0x1001, 0x12b), sg.Extent{Addr: 0x1001, Len: 7}, sg.Extent{Addr: 0x5003, Len: 0x123}, sg.Extent{Addr: 0x9000, Len: 1})
	r.extents(remote(RemoteWrite, key, 0x1007, 3), sg.Extent{Addr: 0x1007, Len: 1}, sg.Extent{Addr: 0x5003, Len: 2})
	r.refused(remote(RemoteRead, key, 0x1000, 1), ReasonBounds)
	r.refused(remote(RemoteRead, key, 0x1001+0x12b, 1), ReasonBounds)
	r.refused(remote(RemoteRead, key-1, 0x1001, 1), ReasonTag)

	got := make([]byte, 9)
	if err := r.dev.ReadHost(remote(RemoteRead, key, 0x1007, 0), got[:3]); err != nil {
		t.Fatal(err)
	}
	if want := []byte{patternByte(0x1007), patternByte(0x5003), patternByte(0x5004)}; !bytes.Equal(got[:3], want) {
		t.Errorf("read % x, want % x", got[:3], want)
	}
}
