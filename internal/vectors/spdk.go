package vectors

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/spdk"
)

func init() { checkers["spdk"] = checkSPDK }

// spdkCase is a case of spdk-umr: operations on one QP, then one
// spdk_mlx5_qp_complete_send.
type spdkCase struct {
	ID   string   `json:"id"`
	Kind string   `json:"kind"`
	Note string   `json:"note"`
	Seed uint64   `json:"seed"`
	QP   spdkQP   `json:"qp"`
	Ops  []spdkOp `json:"ops"`
	Out  spdkOut  `json:"out"`
}

type spdkQP struct {
	QPN         uint32       `json:"qpn"`
	WQECnt      int          `json:"wqe_cnt"`
	PI          uint16       `json:"pi"`
	SigMode     spdk.SigMode `json:"sigmode"`
	TxAvailable uint16       `json:"tx_available"`
	MaxSendSGE  uint32       `json:"max_send_sge"`
	Prefill     uint8        `json:"prefill"`
}

type spdkOut struct {
	PI                     uint16    `json:"pi"`
	TxAvailable            uint16    `json:"tx_available"`
	NonsignaledOutstanding uint16    `json:"nonsignaled_outstanding"`
	DBRec                  uint32    `json:"dbrec"`
	DBBytes                string    `json:"db_bytes"`
	WQEs                   []wqeJSON `json:"wqes"`
	RingSegs               []ringSeg `json:"ring_segs"`
	BytesBeyondRing        int       `json:"bytes_beyond_ring"`
	Ring                   *string   `json:"ring,omitempty"`
}

// spdkOp is one operation and the return value that was recorded for it.
type spdkOp struct {
	ret  int
	post func(q *spdk.QP) error
}

type spdkPost interface {
	post(q *spdk.QP) error
}

// UnmarshalJSON decodes the fields that the op has, no more and no fewer.
func (o *spdkOp) UnmarshalJSON(raw []byte) error {
	var head struct {
		Op  string `json:"op"`
		Ret int    `json:"ret"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return err
	}
	var err error
	o.ret = head.Ret
	switch head.Op {
	case "umr":
		o.post, err = decodeSPDK(raw, &spdkUMR{})
	case "umr_crypto":
		o.post, err = decodeSPDK(raw, &spdkUMRCrypto{})
	case "umr_sig":
		o.post, err = decodeSPDK(raw, &spdkUMRSig{})
	case "set_psv":
		o.post, err = decodeSPDK(raw, &spdkSetPSV{})
	case "rdma_write":
		o.post, err = decodeSPDK(raw, &spdkWrite{})
	default:
		err = errors.New("unknown op")
	}
	if err != nil {
		return fmt.Errorf("op %q: %w", head.Op, err)
	}
	return nil
}

func decodeSPDK(raw []byte, op spdkPost) (func(*spdk.QP) error, error) {
	return op.post, decodeStrict(raw, op)
}

type spdkUMR struct {
	Op     string    `json:"op"`
	Flags  uint8     `json:"flags"`
	Mkey   uint32    `json:"mkey"`
	UMRLen uint32    `json:"umr_len"`
	SGE    []userSGE `json:"sge"`
	Ret    int       `json:"ret"`
}

func (o *spdkUMR) post(q *spdk.QP) error {
	return q.UMRConfigure(o.Mkey, o.UMRLen, userList(o.SGE), o.Flags)
}

type spdkUMRCrypto struct {
	Op     string     `json:"op"`
	Flags  uint8      `json:"flags"`
	Mkey   uint32     `json:"mkey"`
	UMRLen uint32     `json:"umr_len"`
	SGE    []userSGE  `json:"sge"`
	Crypto spdkCrypto `json:"crypto"`
	Ret    int        `json:"ret"`
}

type spdkCrypto struct {
	EncOrder   uint8  `json:"enc_order"`
	BSSelector uint8  `json:"bs_selector"`
	TweakMode  uint8  `json:"tweak_mode"`
	DEKObjID   uint32 `json:"dek_obj_id"`
	XTSIV      uint64 `json:"xts_iv"`
	Keytag     uint64 `json:"keytag"`
}

func (o *spdkUMRCrypto) post(q *spdk.QP) error {
	c := spdk.Crypto{
		EncOrder: o.Crypto.EncOrder, BlockSize: o.Crypto.BSSelector, Tweak: spdk.TweakMode(o.Crypto.TweakMode),
		DEK: o.Crypto.DEKObjID, IV: o.Crypto.XTSIV, Keytag: o.Crypto.Keytag, RawDataSize: o.UMRLen,
	}
	return q.UMRConfigureCrypto(o.Mkey, o.UMRLen, userList(o.SGE), &c, o.Flags)
}

type spdkUMRSig struct {
	Op     string    `json:"op"`
	Flags  uint8     `json:"flags"`
	Mkey   uint32    `json:"mkey"`
	UMRLen uint32    `json:"umr_len"`
	SGE    []userSGE `json:"sge"`
	Sig    spdkSig   `json:"sig"`
	Ret    int       `json:"ret"`
}

type spdkSig struct {
	Seed        uint32 `json:"seed"`
	PSVIndex    uint32 `json:"psv_index"`
	Domain      uint8  `json:"domain"`
	SigErrCount uint32 `json:"sigerr_count"`
	RawDataSize uint32 `json:"raw_data_size"`
	Init        uint8  `json:"init"`
	CheckGen    uint8  `json:"check_gen"`
}

func (o *spdkUMRSig) post(q *spdk.QP) error {
	s := spdk.Sig{
		Seed: o.Sig.Seed, PSVIndex: o.Sig.PSVIndex, Domain: spdk.Domain(o.Sig.Domain), SigErrCount: o.Sig.SigErrCount,
		RawDataSize: o.Sig.RawDataSize, Init: o.Sig.Init != 0, CheckGenerate: o.Sig.CheckGen != 0,
	}
	return q.UMRConfigureSig(o.Mkey, o.UMRLen, userList(o.SGE), &s, o.Flags)
}

type spdkSetPSV struct {
	Op       string `json:"op"`
	Flags    uint8  `json:"flags"`
	PSVIndex uint32 `json:"psv_index"`
	CRCSeed  uint32 `json:"crc_seed"`
	Ret      int    `json:"ret"`
}

func (o *spdkSetPSV) post(q *spdk.QP) error { return q.SetPSV(o.PSVIndex, o.CRCSeed, o.Flags) }

type spdkWrite struct {
	Op    string    `json:"op"`
	Flags uint8     `json:"flags"`
	SGE   []userSGE `json:"sge"`
	RAddr uint64    `json:"raddr"`
	Rkey  uint32    `json:"rkey"`
	Ret   int       `json:"ret"`
}

func (o *spdkWrite) post(q *spdk.QP) error {
	return q.RDMAWrite(userList(o.SGE), o.RAddr, o.Rkey, o.Flags)
}

// spdkRun is one run of a case.
type spdkRun struct {
	qp   *spdk.QP
	rets []int
	wqes []gotWQE
}

func runSPDK(c *spdkCase, ring *mlx5model.Ring) (*spdkRun, error) {
	q := spdk.NewQP(ring, c.QP.SigMode, c.QP.QPN, c.QP.MaxSendSGE)
	q.PI, q.TxAvailable = c.QP.PI, c.QP.TxAvailable
	r := &spdkRun{qp: q}
	for i := range c.Ops {
		var errno spdk.Errno
		if err := c.Ops[i].post(q); err != nil && !errors.As(err, &errno) {
			return nil, fmt.Errorf("op %d: %w", i, err)
		}
		r.rets = append(r.rets, int(errno))
	}
	q.CompleteSend()
	r.wqes = appendWQEs(nil, ring, uint32(c.QP.PI), uint32(q.PI-c.QP.PI))
	return r, nil
}

func checkSPDK(line []byte, env *Env) Outcome {
	var c spdkCase
	if err := decodeStrict(line, &c); err != nil {
		return failf("decode: %v", err)
	}
	ringA, ringB, err := prefillRings(c.QP.WQECnt, c.QP.Prefill)
	if err != nil {
		return failf("ring: %v", err)
	}
	a, err := runSPDK(&c, ringA)
	if err != nil {
		return failf("%v", err)
	}
	b, err := runSPDK(&c, ringB)
	if err != nil {
		return failf("%v", err)
	}
	d := newDiffs(env)
	for i := range c.Ops {
		eq(d, fmt.Sprintf("ops[%d].ret", i), c.Ops[i].ret, a.rets[i])
	}
	eq(d, "out.pi", c.Out.PI, a.qp.PI)
	eq(d, "out.tx_available", c.Out.TxAvailable, a.qp.TxAvailable)
	eq(d, "out.nonsignaled_outstanding", c.Out.NonsignaledOutstanding, a.qp.NonsignaledOutstanding)
	eq(d, "out.dbrec", c.Out.DBRec, a.qp.DBRec)
	d.hex("out.db_bytes", c.Out.DBBytes, a.qp.Doorbell[:], func(off int) string { return fieldAt(0, nil, off) })
	compareWQEs(d, "out.wqes", c.Out.WQEs, a.wqes, b.wqes, c.QP.Prefill)
	compareRing(d, "out", c.Out.RingSegs, c.Out.Ring, c.QP.Prefill, ringA.Bytes())
	eq(d, "out.bytes_beyond_ring", c.Out.BytesBeyondRing, 0)
	return d.outcome()
}
