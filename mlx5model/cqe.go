package mlx5model

import "encoding/binary"

// CQESize is the size of a completion queue entry in bytes (struct
// mlx5_cqe64; in a 128-byte entry it is the last 64).
const CQESize = 64

// CQEOpcode is the upper half of a completion's last byte.
// Authority: include/linux/mlx5/device.h MLX5_CQE_REQ, MLX5_CQE_RESP_*,
// MLX5_CQE_SIG_ERR, MLX5_CQE_*_ERR, MLX5_CQE_INVALID.
type CQEOpcode uint8

// Completion opcodes.
const (
	CQERequester    CQEOpcode = 0x0
	CQERecvWriteImm CQEOpcode = 0x1
	CQERecvSend     CQEOpcode = 0x2
	CQERecvSendImm  CQEOpcode = 0x3
	CQERecvSendInv  CQEOpcode = 0x4
	CQEResize       CQEOpcode = 0x5
	CQESigErr       CQEOpcode = 0xc
	CQEReqErr       CQEOpcode = 0xd
	CQERespErr      CQEOpcode = 0xe
	CQEInvalid      CQEOpcode = 0xf
)

// CQE is a completion: what a mlx5_cqe64, or for CQEReqErr and CQERespErr a
// mlx5_err_cqe, says.
//
//	+20  user index (24 bits)         +24  immediate or invalidated key
//	+2C  byte count                   +36  vendor syndrome, syndrome (errors)
//	+38  WQE opcode | QPN (24 bits)   +3C  wqe counter (16 bits)
//	+3E  signature                    +3F  opcode | format | solicited | owner
//
// Authority: include/linux/mlx5/device.h struct mlx5_cqe64, struct mlx5_err_cqe.
type CQE struct {
	Opcode     CQEOpcode
	WQEOpcode  Opcode // of the WQE that completes
	Index      uint16 // WQEBB counter of that WQE's first WQEBB
	QPN        uint32 // 24 bits
	UIDX       uint32 // user index of the queue pair, 24 bits
	Syndrome   Syndrome
	Vendor     uint8  // vendor syndrome: the model's Reason
	ByteCount  uint32 // of an RDMA READ, or received
	Imm        uint32 // immediate or invalidated key of a receive
	Solicited  bool
	WantsEvent bool // the WQE asked for an event (CtrlCEEvent); not on the wire

	Sig *SigError // of CQESigErr, which has no other field but QPN
}

// Failed reports whether the completion is an error.
func (c *CQE) Failed() bool { return c.Opcode == CQEReqErr || c.Opcode == CQERespErr }

// Put writes the completion's 64 bytes to b, with owner bit 0 and all fields
// that CQE does not have 0. A user that polls the memory must see byte 3Fh
// last; its owner bit (bit 0) is (pi >> log2 of the queue's size) & 1.
func (c *CQE) Put(b []byte) {
	b = b[:CQESize]
	clear(b)
	b[0x3f] = uint8(c.Opcode)<<4 | flag(c.Solicited, 2)
	if c.Sig != nil {
		c.Sig.put(b)
		return
	}
	binary.BigEndian.PutUint32(b[0x20:], c.UIDX&0xffffff)
	if c.Failed() {
		b[0x36], b[0x37] = c.Vendor, uint8(c.Syndrome)
	} else {
		binary.BigEndian.PutUint32(b[0x24:], c.Imm)
		binary.BigEndian.PutUint32(b[0x2c:], c.ByteCount)
	}
	binary.BigEndian.PutUint32(b[0x38:], uint32(c.WQEOpcode)<<24|c.QPN&0xffffff)
	binary.BigEndian.PutUint16(b[0x3c:], c.Index)
}

// put writes the fields of a signature error.
func (s *SigError) put(b []byte) {
	binary.BigEndian.PutUint32(b[0x10:], s.Expected)
	binary.BigEndian.PutUint32(b[0x14:], s.Actual)
	binary.BigEndian.PutUint32(b[0x18:], s.ExpectedRef)
	binary.BigEndian.PutUint32(b[0x1c:], s.ActualRef)
	binary.BigEndian.PutUint16(b[0x20:], s.Syndrome)
	if !s.Wire {
		b[0x23] = sigMemory
	}
	binary.BigEndian.PutUint32(b[0x24:], s.Key)
	binary.BigEndian.PutUint64(b[0x28:], s.Offset)
	binary.BigEndian.PutUint32(b[0x38:], s.QPN&0xffffff)
}

// sigMemory is the memory as domain of a signature error.
const sigMemory = 1

func parseSigError(b []byte) *SigError {
	return &SigError{
		QPN: binary.BigEndian.Uint32(b[0x38:]) & 0xffffff, Key: binary.BigEndian.Uint32(b[0x24:]), Syndrome: binary.BigEndian.Uint16(b[0x20:]),
		Expected: binary.BigEndian.Uint32(b[0x10:]), Actual: binary.BigEndian.Uint32(b[0x14:]),
		ExpectedRef: binary.BigEndian.Uint32(b[0x18:]), ActualRef: binary.BigEndian.Uint32(b[0x1c:]),
		Wire: b[0x23] != sigMemory, Offset: binary.BigEndian.Uint64(b[0x28:]),
	}
}

// ParseCQE reads 64 bytes that Put, or a device, wrote.
func ParseCQE(b []byte) CQE {
	b = b[:CQESize]
	if op := CQEOpcode(b[0x3f] >> 4); op == CQESigErr {
		s := parseSigError(b)
		return CQE{Opcode: op, QPN: s.QPN, Sig: s, Solicited: b[0x3f]&2 != 0}
	}
	c := CQE{
		Opcode:    CQEOpcode(b[0x3f] >> 4),
		WQEOpcode: Opcode(b[0x38]),
		Index:     binary.BigEndian.Uint16(b[0x3c:]),
		QPN:       binary.BigEndian.Uint32(b[0x38:]) & 0xffffff,
		UIDX:      binary.BigEndian.Uint32(b[0x20:]) & 0xffffff,
		Solicited: b[0x3f]&2 != 0,
	}
	if c.Failed() {
		c.Vendor, c.Syndrome = b[0x36], Syndrome(b[0x37])
	} else {
		c.Imm, c.ByteCount = binary.BigEndian.Uint32(b[0x24:]), binary.BigEndian.Uint32(b[0x2c:])
	}
	return c
}
