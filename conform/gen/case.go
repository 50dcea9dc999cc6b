package gen

import (
	"encoding/hex"

	"github.com/sgfuzz/sgfuzz/mlx5model/libmlx5"
	"github.com/sgfuzz/sgfuzz/sg"
)

// caseJSON is a vector. Its field names are those of the recordings.
type caseJSON struct {
	ID         string  `json:"id"`
	Kind       string  `json:"kind"`
	Note       string  `json:"note"`
	Seed       uint64  `json:"seed"`
	QP         qpJSON  `json:"qp"`
	MultiBlock int     `json:"crypto_multi_block"`
	Mkeys      []mkey  `json:"mkeys"`
	Batches    []batch `json:"batches"`
}

type qpJSON struct {
	QPN       uint32 `json:"qpn"`
	WQECnt    int    `json:"wqe_cnt"`
	CurPost   uint32 `json:"cur_post"`
	FMCache   uint8  `json:"fm_cache"`
	SigAll    uint8  `json:"sq_sig_all"`
	WQSig     uint8  `json:"wq_sig"`
	MaxInline uint32 `json:"max_inline_data"`
	Prefill   uint8  `json:"prefill"`
}

type mkey struct {
	Lkey    uint32   `json:"lkey"`
	NumDesc uint16   `json:"num_desc"`
	Sig     *mkeySig `json:"sig,omitempty"`
	Crypto  bool     `json:"crypto,omitempty"`
}

type mkeySig struct {
	MemPSV     uint32 `json:"mem_psv"`
	WirePSV    uint32 `json:"wire_psv"`
	ErrCount   uint32 `json:"err_count"`
	ErrUpdated uint8  `json:"err_count_updated"`
}

func (m *mkey) model() libmlx5.Mkey {
	k := libmlx5.Mkey{Lkey: m.Lkey, NumDesc: m.NumDesc, Crypto: m.Crypto}
	if s := m.Sig; s != nil {
		k.Signature, k.MemPSV, k.WirePSV = true, s.MemPSV, s.WirePSV
		k.SigErrCount, k.SigErrUpdated = s.ErrCount, s.ErrUpdated != 0
	}
	return k
}

type batch struct {
	SigErr int     `json:"sig_err_before_mkey"` // 0 for none: key 0 has no signature
	WRs    []wr    `json:"wrs"`
	Out    outJSON `json:"out"`
}

// wr is a work request: its fields in JSON, and its call.
type wr interface {
	post(q *libmlx5.QP, keys []libmlx5.Mkey)
}

// call is what every work request has.
type call struct {
	Op    string            `json:"op"`
	Flags libmlx5.SendFlags `json:"wr_flags"`
}

type (
	sge   [3]uint64 // address, length, lkey
	block [4]uint64 // address, bytes, bytes skipped, lkey
)

func model(in []sge) []sg.Entry {
	l := make([]sg.Entry, len(in))
	for i, e := range in {
		l[i] = sg.Entry{Addr: e[0], Len: uint32(e[1]), Lkey: uint32(e[2])}
	}
	return l
}

func modelBlocks(in []block) []libmlx5.Interleaved {
	l := make([]libmlx5.Interleaved, len(in))
	for i, e := range in {
		l[i] = libmlx5.Interleaved{Addr: e[0], BytesCount: uint32(e[1]), BytesSkip: uint32(e[2]), Lkey: uint32(e[3])}
	}
	return l
}

type mrList struct {
	call
	Mkey   int            `json:"mkey"`
	Access libmlx5.Access `json:"access"`
	SGE    []sge          `json:"sge"`
}

func (w *mrList) post(q *libmlx5.QP, keys []libmlx5.Mkey) {
	q.Flags = w.Flags
	q.MRList(&keys[w.Mkey], w.Access, model(w.SGE))
}

type mrInterleaved struct {
	call
	Mkey    int            `json:"mkey"`
	Access  libmlx5.Access `json:"access"`
	Repeat  uint32         `json:"repeat_count"`
	Entries []block        `json:"entries"`
}

func (w *mrInterleaved) post(q *libmlx5.QP, keys []libmlx5.Mkey) {
	q.Flags = w.Flags
	q.MRInterleaved(&keys[w.Mkey], w.Access, w.Repeat, modelBlocks(w.Entries))
}

type configure struct {
	call
	Mkey       int               `json:"mkey"`
	ConfFlags  libmlx5.ConfFlags `json:"conf_flags"`
	NumSetters uint8             `json:"num_setters"`
	Setters    []setter          `json:"setters"`
}

func (w *configure) post(q *libmlx5.QP, keys []libmlx5.Mkey) {
	q.Flags = w.Flags
	q.MkeyConfigure(&keys[w.Mkey], w.NumSetters, w.ConfFlags)
	for _, s := range w.Setters {
		s.set(q)
	}
}

type localInv struct {
	call
	Rkey uint32 `json:"rkey"`
}

func (w *localInv) post(q *libmlx5.QP, _ []libmlx5.Mkey) {
	q.Flags = w.Flags
	q.LocalInv(w.Rkey)
}

type bindMW struct {
	call
	MWRkey  uint32         `json:"mw_rkey"`
	NewRkey uint32         `json:"new_rkey"`
	Addr    uint64         `json:"addr"`
	Length  uint64         `json:"length"`
	Access  libmlx5.Access `json:"access"`
	MRLkey  uint32         `json:"mr_lkey"`
}

func (w *bindMW) post(q *libmlx5.QP, _ []libmlx5.Mkey) {
	q.Flags = w.Flags
	q.BindMW(w.MWRkey, w.NewRkey, libmlx5.Window{Addr: w.Addr, Length: w.Length, Access: w.Access, Lkey: w.MRLkey})
}

type rdmaWrite struct {
	call
	Rkey  uint32 `json:"rkey"`
	RAddr uint64 `json:"raddr"`
	SGE   []sge  `json:"sge"`
}

func (w *rdmaWrite) post(q *libmlx5.QP, _ []libmlx5.Mkey) {
	q.Flags = w.Flags
	q.RDMAWrite(w.Rkey, w.RAddr, model(w.SGE))
}

// setter is a setter call of a configuration.
type setter interface {
	set(q *libmlx5.QP)
}

type setAccess struct {
	Set    string         `json:"set"`
	Access libmlx5.Access `json:"access"`
}

func (s *setAccess) set(q *libmlx5.QP) { q.SetAccess(s.Access) }

type setList struct {
	Set string `json:"set"`
	SGE []sge  `json:"sge"`
}

func (s *setList) set(q *libmlx5.QP) { q.SetLayoutList(model(s.SGE)) }

type setInterleaved struct {
	Set     string  `json:"set"`
	Repeat  uint32  `json:"repeat_count"`
	Entries []block `json:"entries"`
}

func (s *setInterleaved) set(q *libmlx5.QP) { q.SetLayoutInterleaved(s.Repeat, modelBlocks(s.Entries)) }

type setSigBlock struct {
	Set       string  `json:"set"`
	Flags     uint32  `json:"flags"`
	CheckMask uint8   `json:"check_mask"`
	CopyMask  uint8   `json:"copy_mask"`
	Mem       *domain `json:"mem"`
	Wire      *domain `json:"wire"`
}

// copyMaskFlag is MLX5DV_SIG_BLOCK_ATTR_FLAG_COPY_MASK of providers/mlx5/mlx5dv.h.
const copyMaskFlag = 1

func (s *setSigBlock) set(q *libmlx5.QP) {
	q.SetSigBlock(&libmlx5.SigBlock{
		Mem: s.Mem.model(), Wire: s.Wire.model(),
		CheckMask: s.CheckMask, CopyMask: s.CopyMask, UseCopy: s.Flags&copyMaskFlag != 0,
	})
}

// domain is one side of a signature. Which fields are written depends on the
// type; the others are nil.
type domain struct {
	Type      string               `json:"type"`
	BGType    *libmlx5.T10DIFType  `json:"bg_type,omitempty"`
	BG        *uint16              `json:"bg,omitempty"`
	AppTag    *uint16              `json:"app_tag,omitempty"`
	RefTag    *uint32              `json:"ref_tag,omitempty"`
	Flags     *libmlx5.T10DIFFlags `json:"flags,omitempty"`
	CRCType   *libmlx5.CRCType     `json:"crc_type,omitempty"`
	Seed      *uint64              `json:"seed,omitempty"`
	BlockSize libmlx5.BlockSize    `json:"block_size"`
}

func (d *domain) model() libmlx5.SigDomain {
	switch {
	case d == nil:
		return libmlx5.SigDomain{}
	case d.CRCType != nil:
		return libmlx5.SigDomain{Type: libmlx5.SigCRC, CRC: libmlx5.CRC{Type: *d.CRCType, Seed: *d.Seed}, BlockSize: d.BlockSize}
	}
	dif := libmlx5.T10DIF{Type: *d.BGType, BG: *d.BG, AppTag: *d.AppTag, RefTag: *d.RefTag, Flags: *d.Flags}
	return libmlx5.SigDomain{Type: libmlx5.SigT10DIF, T10DIF: dif, BlockSize: d.BlockSize}
}

type setCrypto struct {
	Set          string              `json:"set"`
	EncryptOnTX  uint8               `json:"encrypt_on_tx"`
	Order        libmlx5.CryptoOrder `json:"signature_crypto_order"`
	DataUnit     libmlx5.BlockSize   `json:"data_unit_size"`
	DEK          uint32              `json:"dek_object_id"`
	InitialTweak hexBytes            `json:"initial_tweak"`
	Keytag       hexBytes            `json:"keytag"`
}

func (s *setCrypto) set(q *libmlx5.QP) {
	q.SetCrypto(&libmlx5.Crypto{
		EncryptOnTX: s.EncryptOnTX != 0, Order: s.Order, DataUnit: s.DataUnit, DEK: s.DEK,
		InitialTweak: [16]byte(s.InitialTweak), Keytag: [8]byte(s.Keytag),
	})
}

// outJSON is what a batch left behind.
type outJSON struct {
	Ret        int       `json:"ret"`
	CurPost    uint32    `json:"cur_post"`
	FMCache    uint8     `json:"fm_cache"`
	DBRec      uint32    `json:"dbrec"`
	BFOffset   uint32    `json:"bf_offset"`
	BF         hexBytes  `json:"bf"`
	WQEs       []wqeJSON `json:"wqes"`
	Beyond     int       `json:"bytes_beyond_ring"`
	RingSegs   []ringSeg `json:"ring_segs,omitempty"` // in the last batch
	posted     uint32    // WQEBBs
	postedFrom uint32
}

type wqeJSON struct {
	Idx    uint32   `json:"idx"`
	DS     uint8    `json:"ds"`
	Opcode uint8    `json:"opcode"`
	Hex    hexBytes `json:"hex"`
	Stale  [][2]int `json:"stale"`
}

// ringSeg is [offset, bytes].
type ringSeg [2]any

// hexBytes are written as hexadecimal digits.
type hexBytes []byte

// MarshalText gives the digits.
func (h hexBytes) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h), nil }
