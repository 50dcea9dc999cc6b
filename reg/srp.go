package reg

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/sgfuzz/sgfuzz/sg"
)

// Sizes and codes of the SCSI RDMA protocol. Authority: include/scsi/srp.h
// struct srp_cmd, srp_direct_buf, srp_indirect_buf, srp_imm_buf, enum
// SRP_DATA_DESC_*; drivers/infiniband/ulp/srp/ib_srp.h SRP_IMM_DATA_OFFSET.
const (
	SRPCmdOpcode    = 0x02 // srp_cmd.opcode
	SRPCmdSize      = 48   // srp_cmd without add_data
	SRPDirectSize   = 16   // srp_direct_buf: be64 va, be32 key, be32 len
	SRPIndirectSize = 20   // srp_indirect_buf without desc_list
	SRPImmOffset    = 68   // where immediate data starts in the message

	srpBufFmt   = 0x05 // data-out format in bits 7:4, data-in format in bits 3:0
	srpOutCount = 0x06 // descriptors of the data-out table that the unit holds
	srpInCount  = 0x07
	srpTag      = 0x08
	srpLUN      = 0x14
	srpTaskAttr = 0x1d
	srpAddCDB   = 0x1f // bytes of CDB beyond the first 16, a multiple of 4
	srpCDB      = 0x20

	// DefaultCmdSGEntries is ib_srp's cmd_sg_entries: descriptors that the
	// information unit holds before an external table is needed.
	DefaultCmdSGEntries = 12
	maxCmdSGEntries     = 255 // the count is one byte
)

// SRPFormat is a data-buffer descriptor format, SRP_DATA_DESC_*.
type SRPFormat uint8

// Formats.
const (
	SRPNone      SRPFormat = 0
	SRPDirect    SRPFormat = 1
	SRPIndirect  SRPFormat = 2
	SRPImmediate SRPFormat = 3
)

// SRPHeader is what the SCSI side puts into a command.
type SRPHeader struct {
	Tag      uint64
	LUN      uint64 // eight bytes of struct scsi_lun, first byte highest
	TaskAttr uint8
	CDB      []byte // up to 16+252 bytes
}

// SRPCommand is an SRP_CMD information unit as an initiator writes it, and
// where its tables lie.
type SRPCommand struct {
	IU     []byte    // the unit's bytes; immediate data is not among them
	Format SRPFormat // of the one or both directions
	Dir    Dir

	// Table is the external descriptor table of SRPIndirect: its key, its
	// address and the bytes of descriptors in it. It always exists, also when
	// the unit holds a copy of all of it.
	Table Tuple
	// Imm are the data segments that follow the unit in the message; stream
	// bytes that no key is needed for.
	Imm []sg.Entry
}

// reset empties c, keeps its storage and starts a unit.
func (c *SRPCommand) reset(h *SRPHeader, dir Dir) error {
	*c = SRPCommand{IU: c.IU[:0], Imm: c.Imm[:0], Dir: dir}
	add := max(len(h.CDB)-16, 0)
	if add > 0xfc {
		return fmt.Errorf("CDB of %d bytes: %w", len(h.CDB), ErrSRPCDB)
	}
	add = (add + 3) &^ 3
	for range SRPCmdSize + add {
		c.IU = append(c.IU, 0)
	}
	c.IU[0] = SRPCmdOpcode
	binary.BigEndian.PutUint64(c.IU[srpTag:], h.Tag)
	binary.BigEndian.PutUint64(c.IU[srpLUN:], h.LUN)
	c.IU[srpTaskAttr] = h.TaskAttr
	c.IU[srpAddCDB] = uint8(add)
	copy(c.IU[srpCDB:], h.CDB)
	return nil
}

// setFormat enters the buffer format for each direction of the data: what the
// peer reads is data-out, what it writes is data-in.
func (c *SRPCommand) setFormat(f SRPFormat, count int) {
	c.Format = f
	if c.Dir&DirRead != 0 {
		c.IU[srpBufFmt] |= uint8(f) << 4
		c.IU[srpOutCount] = uint8(count)
	}
	if c.Dir&DirWrite != 0 {
		c.IU[srpBufFmt] |= uint8(f)
		c.IU[srpInCount] = uint8(count)
	}
}

// directions is how often the descriptors stand in the unit: a command that
// moves data both ways carries them once for data-out, then once for data-in.
func (c *SRPCommand) directions() int { return int(c.Dir&1 + c.Dir>>1&1) }

// direct appends one srp_direct_buf. ib_srp leaves the counts 0.
func (c *SRPCommand) direct(t Tuple) {
	c.setFormat(SRPDirect, 0)
	for range c.directions() {
		c.IU = appendDirect(c.IU, t)
	}
}

// indirect appends an srp_indirect_buf with the first inline descriptors.
func (c *SRPCommand) indirect(table Tuple, total uint32, descs []Tuple, inline int) {
	count := min(len(descs), inline)
	c.Table = table
	c.setFormat(SRPIndirect, count)
	for range c.directions() {
		c.IU = appendDirect(c.IU, table)
		c.IU = binary.BigEndian.AppendUint32(c.IU, total)
		for _, t := range descs[:count] {
			c.IU = appendDirect(c.IU, t)
		}
	}
}

// immediate appends an srp_imm_buf and pads the unit to SRPImmOffset.
func (c *SRPCommand) immediate(total uint32, segs sg.List) {
	c.setFormat(SRPImmediate, 0)
	c.IU = binary.BigEndian.AppendUint32(c.IU, total)
	for len(c.IU) < SRPImmOffset {
		c.IU = append(c.IU, 0)
	}
	c.Imm = append(c.Imm, segs...)
}

// appendDirect adds a srp_direct_buf; the caller knows that Len has 32 bits.
func appendDirect(dst []byte, t Tuple) []byte {
	dst = binary.BigEndian.AppendUint64(dst, t.Addr)
	dst = binary.BigEndian.AppendUint32(dst, t.Rkey)
	return binary.BigEndian.AppendUint32(dst, uint32(t.Len))
}

func parseDirect(b []byte) Tuple {
	return Tuple{
		Addr: binary.BigEndian.Uint64(b),
		Rkey: binary.BigEndian.Uint32(b[8:]),
		Len:  uint64(binary.BigEndian.Uint32(b[12:])),
	}
}

// Errors of SRP units, wrapped with the figures at fault.
var (
	ErrSRPCDB    = errors.New("CDB does not fit an SRP command")
	ErrSRPShort  = errors.New("SRP unit is cut short")
	ErrSRPOpcode = errors.New("not an SRP command")
	ErrSRPFormat = errors.New("SRP buffer format not expected")
	ErrSRPTable  = errors.New("SRP descriptor table contradicts the unit")
	ErrSRPTotal  = errors.New("SRP descriptors do not add up to the total length")
)

// MaxSRPDescs bounds the table that ParseSRP fetches: 2^20 descriptors.
const MaxSRPDescs = 1 << 20

// ParseSRP reads a unit as a target does and appends the descriptors of one
// direction, DirRead for data-out or DirWrite for data-in, to dst, in order.
// When the unit holds only part of an indirect table, fetch is called once to
// read the whole of it from the initiator's memory; it gets the table's key,
// address and size, and len(p) = Tuple.Len bytes to fill. Without fetch such a
// unit is ErrSRPTable. Immediate data has no descriptors: total tells its
// bytes. On error dst comes back as it was.
func ParseSRP(iu []byte, dir Dir, dst []Tuple, fetch func(t Tuple, p []byte) error) (out []Tuple, f SRPFormat, total uint64, err error) {
	f, count, body, err := srpBody(iu, dir)
	if err != nil {
		return dst, f, 0, err
	}
	switch f {
	case SRPNone:
		return dst, f, 0, nil
	case SRPImmediate:
		return dst, f, uint64(binary.BigEndian.Uint32(body)), nil
	case SRPDirect:
		t := parseDirect(body)
		return append(dst, t), f, t.Len, nil
	}
	out, total, err = parseIndirect(body, count, dst, fetch)
	if err != nil {
		return dst, f, 0, err
	}
	return out, f, total, nil
}

// srpBody finds the descriptors of a direction in the unit.
func srpBody(iu []byte, dir Dir) (f SRPFormat, count int, body []byte, err error) {
	if len(iu) < SRPCmdSize {
		return 0, 0, nil, fmt.Errorf("%d bytes: %w", len(iu), ErrSRPShort)
	}
	if iu[0] != SRPCmdOpcode {
		return 0, 0, nil, fmt.Errorf("opcode %#x: %w", iu[0], ErrSRPOpcode)
	}
	out, in := SRPFormat(iu[srpBufFmt]>>4), SRPFormat(iu[srpBufFmt]&0xf)
	at := SRPCmdSize + int(iu[srpAddCDB]&^3)
	f, count = out, int(iu[srpOutCount])
	if dir == DirWrite {
		at += srpSize(out, count)
		f, count = in, int(iu[srpInCount])
	}
	if f > SRPImmediate || dir != DirRead && dir != DirWrite {
		return f, 0, nil, fmt.Errorf("format %d, direction %d: %w", f, dir, ErrSRPFormat)
	}
	size := srpSize(f, count)
	if at+size > len(iu) {
		return f, 0, nil, fmt.Errorf("%d bytes, format %d needs %d: %w", len(iu), f, at+size, ErrSRPShort)
	}
	return f, count, iu[at : at+size], nil
}

// srpSize is the bytes that a direction's descriptors take.
func srpSize(f SRPFormat, count int) int {
	switch f {
	case SRPDirect:
		return SRPDirectSize
	case SRPIndirect:
		return SRPIndirectSize + count*SRPDirectSize
	case SRPImmediate:
		return 4
	}
	return 0
}

func parseIndirect(body []byte, count int, dst []Tuple, fetch func(Tuple, []byte) error) ([]Tuple, uint64, error) {
	table := parseDirect(body)
	total := uint64(binary.BigEndian.Uint32(body[SRPDirectSize:]))
	n := table.Len / SRPDirectSize
	if table.Len%SRPDirectSize != 0 || n == 0 || n > MaxSRPDescs || uint64(count) > n {
		return nil, 0, fmt.Errorf("table of %d bytes, %d descriptors in the unit: %w", table.Len, count, ErrSRPTable)
	}
	descs := body[SRPIndirectSize:]
	if uint64(count) < n {
		if fetch == nil {
			return nil, 0, fmt.Errorf("%d of %d descriptors in the unit and no way to fetch: %w", count, n, ErrSRPTable)
		}
		whole := make([]byte, table.Len)
		if err := fetch(table, whole); err != nil {
			return nil, 0, fmt.Errorf("descriptor table: %w", err)
		}
		if string(whole[:len(descs)]) != string(descs) {
			return nil, 0, fmt.Errorf("the first %d descriptors differ: %w", count, ErrSRPTable)
		}
		descs = whole
	}
	var sum uint64
	for ; len(descs) >= SRPDirectSize; descs = descs[SRPDirectSize:] {
		t := parseDirect(descs)
		sum += t.Len
		dst = append(dst, t)
	}
	if sum != total {
		return nil, 0, fmt.Errorf("%d bytes of %d: %w", sum, total, ErrSRPTotal)
	}
	return dst, total, nil
}
