package vectors

import (
	"encoding/json"
	"fmt"

	"github.com/sgfuzz/sgfuzz/mlx5model/libmlx5"
	"github.com/sgfuzz/sgfuzz/sg"
)

func init() {
	for _, prefix := range []string{"mrlist", "ilv", "conf"} {
		checkers[prefix] = checkLibMLX5
	}
}

// libCase is a case of the libmlx5 files: batches of work requests on one QP.
type libCase struct {
	ID               string     `json:"id"`
	Kind             string     `json:"kind"`
	Note             string     `json:"note"`
	Seed             uint64     `json:"seed"`
	QP               libQP      `json:"qp"`
	CryptoMultiBlock int        `json:"crypto_multi_block"`
	Mkeys            []libMkey  `json:"mkeys"`
	Batches          []libBatch `json:"batches"`
}

type libQP struct {
	QPN           uint32 `json:"qpn"`
	WQECnt        int    `json:"wqe_cnt"`
	CurPost       uint32 `json:"cur_post"`
	FMCache       uint8  `json:"fm_cache"`
	SigAll        uint8  `json:"sq_sig_all"`
	WQSig         uint8  `json:"wq_sig"`
	MaxInlineData uint32 `json:"max_inline_data"`
	Prefill       uint8  `json:"prefill"`
}

type libMkey struct {
	Lkey    uint32      `json:"lkey"`
	NumDesc uint16      `json:"num_desc"`
	Sig     *libMkeySig `json:"sig,omitempty"`
	Crypto  bool        `json:"crypto,omitempty"`
}

type libMkeySig struct {
	MemPSV          uint32 `json:"mem_psv"`
	WirePSV         uint32 `json:"wire_psv"`
	ErrCount        uint32 `json:"err_count"`
	ErrCountUpdated uint8  `json:"err_count_updated"`
}

type libBatch struct {
	SigErrBeforeMkey int     `json:"sig_err_before_mkey"`
	WRs              []libWR `json:"wrs"`
	Out              libOut  `json:"out"`
}

type libOut struct {
	Ret             int       `json:"ret"`
	CurPost         uint32    `json:"cur_post"`
	FMCache         uint8     `json:"fm_cache"`
	DBRec           uint32    `json:"dbrec"`
	BFOffset        uint32    `json:"bf_offset"`
	BF              string    `json:"bf"`
	WQEs            []wqeJSON `json:"wqes"`
	BytesBeyondRing int       `json:"bytes_beyond_ring"`
	RingSegs        []ringSeg `json:"ring_segs,omitempty"` // only in the last batch
	Ring            *string   `json:"ring,omitempty"`      // likewise, not in every case
}

// libWR is one work request; which of the structs below it holds depends on
// its op.
type libWR struct {
	flags libmlx5.SendFlags
	post  func(r *libRun, q *libmlx5.QP)
}

type libHead struct {
	Op    string            `json:"op"`
	Flags libmlx5.SendFlags `json:"wr_flags"`
}

// UnmarshalJSON decodes the fields that the op has, no more and no fewer.
func (w *libWR) UnmarshalJSON(raw []byte) error {
	var head libHead
	if err := json.Unmarshal(raw, &head); err != nil {
		return err
	}
	decode, ok := libOps[head.Op]
	if !ok {
		return fmt.Errorf("unknown op %q", head.Op)
	}
	post, err := decode(raw)
	if err != nil {
		return fmt.Errorf("op %s: %w", head.Op, err)
	}
	*w = libWR{head.Flags, post}
	return nil
}

type libPost = func(*libRun, *libmlx5.QP)

var libOps = map[string]func(raw []byte) (libPost, error){
	"mr_list":        decodeAs(postMRList),
	"mr_interleaved": decodeAs(postMRInterleaved),
	"mkey_configure": decodeAs(postConfigure),
	"local_inv":      decodeAs(postLocalInv),
	"bind_mw":        decodeAs(postBindMW),
	"rdma_write":     decodeAs(postRDMAWrite),
}

// decodeAs decodes strictly into a T and hands it to post at each posting.
func decodeAs[T any](post func(*T, *libRun, *libmlx5.QP)) func([]byte) (libPost, error) {
	return func(raw []byte) (libPost, error) {
		v := new(T)
		if err := decodeStrict(raw, v); err != nil {
			return nil, err
		}
		return func(r *libRun, q *libmlx5.QP) { post(v, r, q) }, nil
	}
}

type mrListWR struct {
	Op     string         `json:"op"`
	Flags  uint32         `json:"wr_flags"`
	Mkey   int            `json:"mkey"`
	Access libmlx5.Access `json:"access"`
	SGE    []userSGE      `json:"sge"`
}

func postMRList(w *mrListWR, r *libRun, q *libmlx5.QP) {
	q.MRList(r.mkey(w.Mkey), w.Access, userList(w.SGE))
}

type mrInterleavedWR struct {
	Op      string         `json:"op"`
	Flags   uint32         `json:"wr_flags"`
	Mkey    int            `json:"mkey"`
	Access  libmlx5.Access `json:"access"`
	Repeat  uint32         `json:"repeat_count"`
	Entries []interleaved  `json:"entries"`
}

func postMRInterleaved(w *mrInterleavedWR, r *libRun, q *libmlx5.QP) {
	q.MRInterleaved(r.mkey(w.Mkey), w.Access, w.Repeat, interleavedList(w.Entries))
}

type configureWR struct {
	Op         string            `json:"op"`
	Flags      uint32            `json:"wr_flags"`
	Mkey       int               `json:"mkey"`
	ConfFlags  libmlx5.ConfFlags `json:"conf_flags"`
	NumSetters uint8             `json:"num_setters"`
	Setters    []libSetter       `json:"setters"`
}

func postConfigure(w *configureWR, r *libRun, q *libmlx5.QP) {
	q.MkeyConfigure(r.mkey(w.Mkey), w.NumSetters, w.ConfFlags)
	for _, s := range w.Setters {
		s.post(r, q)
	}
}

type localInvWR struct {
	Op    string `json:"op"`
	Flags uint32 `json:"wr_flags"`
	Rkey  uint32 `json:"rkey"`
}

func postLocalInv(w *localInvWR, _ *libRun, q *libmlx5.QP) { q.LocalInv(w.Rkey) }

type bindMWWR struct {
	Op      string         `json:"op"`
	Flags   uint32         `json:"wr_flags"`
	MWRkey  uint32         `json:"mw_rkey"`
	NewRkey uint32         `json:"new_rkey"`
	Addr    uint64         `json:"addr"`
	Length  uint64         `json:"length"`
	Access  libmlx5.Access `json:"access"`
	MRLkey  uint32         `json:"mr_lkey"`
}

func postBindMW(w *bindMWWR, _ *libRun, q *libmlx5.QP) {
	q.BindMW(w.MWRkey, w.NewRkey, libmlx5.Window{Addr: w.Addr, Length: w.Length, Access: w.Access, Lkey: w.MRLkey})
}

type rdmaWriteWR struct {
	Op    string    `json:"op"`
	Flags uint32    `json:"wr_flags"`
	Rkey  uint32    `json:"rkey"`
	RAddr uint64    `json:"raddr"`
	SGE   []userSGE `json:"sge"`
}

func postRDMAWrite(w *rdmaWriteWR, _ *libRun, q *libmlx5.QP) {
	q.RDMAWrite(w.Rkey, w.RAddr, userList(w.SGE))
}

type userSGE sg.Entry

// UnmarshalJSON accepts exactly [address, length, lkey].
func (e *userSGE) UnmarshalJSON(raw []byte) error {
	var length, lkey uint32
	err := decodeTuple(raw, &e.Addr, &length, &lkey)
	e.Len, e.Lkey = length, lkey
	return err
}

type interleaved libmlx5.Interleaved

// UnmarshalJSON accepts exactly [address, bytes_count, bytes_skip, lkey].
func (e *interleaved) UnmarshalJSON(raw []byte) error {
	return decodeTuple(raw, &e.Addr, &e.BytesCount, &e.BytesSkip, &e.Lkey)
}

func decodeTuple(raw []byte, into ...any) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		return err
	}
	if len(parts) != len(into) {
		return fmt.Errorf("entry %s has %d numbers, want %d", raw, len(parts), len(into))
	}
	for i, p := range parts {
		if string(p) == "null" {
			return fmt.Errorf("entry %s: null", raw)
		}
		if err := json.Unmarshal(p, into[i]); err != nil {
			return err
		}
	}
	return nil
}

func userList(in []userSGE) []sg.Entry {
	list := make([]sg.Entry, len(in))
	for i, e := range in {
		list[i] = sg.Entry(e)
	}
	return list
}

func interleavedList(in []interleaved) []libmlx5.Interleaved {
	list := make([]libmlx5.Interleaved, len(in))
	for i, e := range in {
		list[i] = libmlx5.Interleaved(e)
	}
	return list
}
