package libmlx5

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/sg"
)

// goldenList is the list that most recorded WQEs hold: entry i has 200h+100h·i
// bytes.
func goldenList(n int) []sg.Entry {
	list := make([]sg.Entry, n)
	for i := range list {
		list[i] = sg.Entry{Addr: 0x7f0000001000 + uint64(i)*0x10010, Len: 0x200 + uint32(i)*0x100, Lkey: 0x181a00 + uint32(i)}
	}
	return list
}

// Recorded from libmlx5 1.27.65, prefilled once with 00 and once with CC; xx
// are bytes that it did not write.
var golden = []struct {
	name string
	pi   uint32
	prep func(q *QP)
	post func(q *QP)
	want string
}{
	{
		name: "list of 3",
		pi:   5,
		post: func(q *QP) {
			q.MRList(&Mkey{Lkey: 0xabcd00, NumDesc: 64}, LocalWrite|RemoteRead|RemoteWrite, goldenList(3))
		},
		want: `
			00000525 0012340c 00000008 00abcd00  80000000 00040000 00000000 203c2001
			00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
			00003800 ffffff00 00000000 00000000  00000000 00000000 00000000 00000900
			00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
			00000200 00181a00 00007f00 00001000  00000300 00181a01 00007f00 00011010
			00000400 00181a02 00007f00 00021020  00000000 00000000 00000000 00000000`,
	},
	{
		name: "empty list",
		post: func(q *QP) {
			q.MRList(&Mkey{Lkey: 0xabcd00, NumDesc: 64}, LocalWrite|RemoteRead|RemoteWrite, nil)
		},
		want: `
			00000025 00123408 00000008 00abcd00  80000000 00000000 00000000 203c2001
			00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
			00003800 ffffff00 00000000 00000000  00000000 00000000 00000000 00000000
			00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000`,
	},
	{
		// The signature is cf.
		name: "list of 5, signature",
		prep: func(q *QP) { q.WQSig = true },
		post: func(q *QP) {
			q.MRList(&Mkey{Lkey: 0xabcd00, NumDesc: 64}, LocalWrite|RemoteRead|RemoteWrite, goldenList(5))
		},
		want: `
			00000025 00123410 cf000008 00abcd00  80000000 00080000 00000000 203c2001
			00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
			00003800 ffffff00 00000000 00000000  00000000 00000000 00000000 00001400
			00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
			00000200 00181a00 00007f00 00001000  00000300 00181a01 00007f00 00011010
			00000400 00181a02 00007f00 00021020  00000500 00181a03 00007f00 00031030
			00000600 00181a04 00007f00 00041040  00000000 00000000 00000000 00000000
			00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000`,
	},
	{
		name: "interleaved, 2 entries 3 times",
		pi:   5,
		post: func(q *QP) {
			q.MRInterleaved(&Mkey{Lkey: 0xabcd00, NumDesc: 64}, LocalWrite|RemoteRead|RemoteWrite, 3, []Interleaved{
				{Addr: 0x7f0000001000, BytesCount: 0x200, BytesSkip: 4, Lkey: 0x181a00},
				{Addr: 0x7f0000020000, BytesCount: 8, BytesSkip: 0, Lkey: 0x181b00},
			})
		},
		want: `
			00000525 0012340c 00000008 00abcd00  80000000 00040000 00000000 203c2001
			00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
			00003800 ffffff00 00000000 00000000  00000000 00000000 00000000 00000618
			00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
			00000208 00000400 00000003 00000002  02040200 00181a00 00007f00 00001000
			00080008 00181b00 00007f00 00020000  00000000 00000000 00000000 00000000`,
	},
	{
		// Block 10200h becomes 200h and stride 10230h becomes 230h, but the
		// region is 20400h bytes long.
		name: "interleaved, cut to 16 bits",
		prep: func(q *QP) { q.Flags = Inline },
		post: func(q *QP) {
			q.MRInterleaved(&Mkey{Lkey: 0xabcd00, NumDesc: 64}, 0, 2, []Interleaved{{Addr: 0x1000, BytesCount: 0x10200, BytesSkip: 0x30, Lkey: 0x11}})
		},
		want: `
			00000025 0012340c 00000000 00abcd00  80000000 00040000 00000000 203c2001
			00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
			00000000 ffffff00 00000000 00000000  00000000 00000000 00000000 00020400
			00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
			00010200 00000400 00000002 00000001  02300200 00000011 00000000 00001000
			00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000`,
	},
	{
		name: "local invalidate",
		post: func(q *QP) { q.LocalInv(0xabcd5a) },
		want: `
			00000025 00123408 00000008 00abcd5a  98000000 00000000 00000000 20006000
			00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
			40xxxxxx ffffff00 xxxxxxxx xxxxxxxx  xxxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx
			xxxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx  xxxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx`,
	},
	{
		name: "bind type 2",
		post: func(q *QP) {
			q.BindMW(0x556600, 0x556601, Window{Addr: 0x7f0000001040, Length: 0x800, Access: RemoteRead | RemoteWrite, Lkey: 0x181a00})
		},
		want: `
			00000025 0012340c 00000008 00556600  b0000000 00040000 00000000 203c6041
			00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
			00xx30xx 00123401 xxxxxxxx xxxxxxxx  00007f00 00001040 00000000 00000800
			xxxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx  xxxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx
			00000800 00181a00 00007f00 00001040  00000000 00000000 00000000 00000000
			00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000`,
	},
	{
		name: "bind type 2, zero based",
		post: func(q *QP) {
			q.BindMW(0x556600, 0x556601, Window{Addr: 0x7f0000001040, Length: 0x800, Access: RemoteRead | ZeroBased, Lkey: 0x181a00})
		},
		want: `
			00000025 0012340c 00000008 00556600  b0000000 00040000 00000000 203c6041
			00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
			00xx10xx 00123401 xxxxxxxx xxxxxxxx  00000000 00000000 00000000 00000800
			xxxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx  xxxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx
			00000800 00181a00 00007f00 00001040  00000000 00000000 00000000 00000000
			00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000`,
	},
	{
		// An invalidate arms the small fence; a read with IBV_SEND_FENCE puts
		// the full one in its place. Data segments are left out.
		name: "fence chain",
		prep: func(q *QP) { q.Flags = 0 },
		post: func(q *QP) {
			q.LocalInv(0x100)
			q.RDMARead(0, 0, nil)
			q.Flags = Fence
			q.LocalInv(0x100)
			q.RDMARead(0, 0, []sg.Entry{{Len: 0}})
		},
		want: `
			00000025 00123408 00000000 00000100  98000000 00000000 00000000 20006000
			00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
			40xxxxxx ffffff00 xxxxxxxx xxxxxxxx  xxxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx
			xxxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx  xxxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx
			00000210 00123402 00000020 xxxxxxxx  00000000 00000000 00000000 00000000
			xxxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx  xxxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx
			00000325 00123408 00000080 00000100  98000000 00000000 00000000 20006000
			00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
			40xxxxxx ffffff00 xxxxxxxx xxxxxxxx  xxxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx
			xxxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx  xxxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx
			00000510 00123402 00000080 xxxxxxxx  00000000 00000000 00000000 00000000
			xxxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx  xxxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx`,
	},
}

// expect gives the bytes of a golden text with fill where it says xx.
func expect(t *testing.T, text string, fill byte) []byte {
	t.Helper()
	text = strings.Join(strings.Fields(text), "")
	b, err := hex.DecodeString(strings.ReplaceAll(text, "xx", hex.EncodeToString([]byte{fill})))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newQP(t testing.TB, wqebbs int, fill byte) *QP {
	t.Helper()
	ring, err := mlx5model.NewRing(wqebbs)
	if err != nil {
		t.Fatal(err)
	}
	ring.Fill(fill)
	q, err := NewQP(ring, Head, 0x1234, 764)
	if err != nil {
		t.Fatal(err)
	}
	q.Flags = Inline | Signaled
	return q
}

func TestGolden(t *testing.T) {
	for _, tt := range golden {
		t.Run(tt.name, func(t *testing.T) {
			for _, fill := range []byte{0x00, 0xcc} {
				q := newQP(t, 32, fill)
				q.CurPost = tt.pi
				if tt.prep != nil {
					tt.prep(q)
				}
				q.Start()
				tt.post(q)
				if err := q.Complete(); err != nil {
					t.Fatal(err)
				}
				want := expect(t, tt.want, fill)
				got := make([]byte, len(want))
				q.Ring.Read(tt.pi, 0, got)
				if hex.EncodeToString(got) != hex.EncodeToString(want) {
					t.Errorf("fill %#x:\ngot  %x\nwant %x", fill, got, want)
				}
				if used := int(q.CurPost-tt.pi) * mlx5model.WQEBBSize; used != len(want) {
					t.Errorf("%d bytes of queue used, want %d", used, len(want))
				}
			}
		})
	}
}
