package mlx5model

// Names of the segments in the layout table.
const (
	SegCtrl      = "ctrl"         // control segment, 16 bytes
	SegUMRCtrl   = "umr_ctrl"     // UMR control segment, 48 bytes
	SegMkc       = "mkc"          // memory-key context, 64 bytes
	SegData      = "data_seg"     // data segment, 16 bytes
	SegRaddr     = "raddr"        // remote address segment, 16 bytes
	SegKLM       = "klm"          // KLM list entry, 16 bytes
	SegKSM       = "ksm"          // KSM list entry, 16 bytes
	SegMTT       = "mtt"          // MTT list entry, 8 bytes
	SegRepeat    = "repeat"       // header of a repeat list, 16 bytes
	SegRepeatEnt = "repeat_entry" // entry of a repeat list, 16 bytes
	SegBSF       = "bsf"          // byte stream format with signature, 64 bytes
	SegBSFCrypto = "bsf_crypto"   // byte stream format with encryption, 64 bytes
	SegPSV       = "psv"          // body of a SET_PSV, 16 bytes
	SegErrCQE    = "cqe64"        // completion queue entry, error form, 64 bytes
	SegSigErrCQE = "sig_err_cqe"  // completion queue entry, form of a signature error, 64 bytes
)

// Field is one field of a segment: the only place where its position stands.
type Field struct {
	Segment, Name string
	Bit           uint32 // offset from the segment's start, most significant bit first
	Width         uint8  // bits, 1 to 64
	Authority     string // header and symbol
}

// segmentLayout is a segment's row in the layout table. The bits that no field
// covers are reserved.
type segmentLayout struct {
	name      string
	size      int
	authority string
	fields    []Field
	reserved  []byte  // size bytes, 1 bits where no field is
	all       []Field // fields and, named reserved, the runs of bits between them
}

// fd is a field row: name, byte offset, bits from that byte's most significant
// bit, width in bits.
func fd(name string, byteOff, msb uint32, width uint8) Field {
	return Field{Name: name, Bit: byteOff*8 + msb, Width: width}
}

// The layout table. A segment's authority stands for each of its fields unless
// the field names another.
var layout = finishLayout([]segmentLayout{
	{name: SegCtrl, size: CtrlSize, authority: "include/linux/mlx5/qp.h mlx5_wqe_ctrl_seg", fields: []Field{
		fd("opmod", 0x0, 0, 8), fd("wqe_index", 0x1, 0, 16), fd("opcode", 0x3, 0, 8),
		fd("qpn", 0x4, 0, 24), fd("ds", 0x7, 2, 6),
		fd("signature", 0x8, 0, 8),
		fd("fm", 0xb, 0, 3), fd("ce", 0xb, 4, 2), fd("se", 0xb, 6, 1),
		fd("imm", 0xc, 0, 32),
	}},
	{name: SegUMRCtrl, size: UMRCtrlSize, authority: "include/linux/mlx5/qp.h mlx5_wqe_umr_ctrl_seg", fields: []Field{
		fd("inline", 0x0, 0, 1), fd("check_free", 0x0, 1, 1), fd("check_not_free", 0x0, 2, 1),
		fd("translation_offset_en", 0x0, 3, 1),
		{Name: "check_qpn", Bit: 4, Width: 1, Authority: "providers/mlx5/mlx5dv.h MLX5_WQE_UMR_CTRL_FLAG_CHECK_QPN"},
		fd("xlt_octowords", 0x4, 0, 16),
		// A union: the low half of the offset with translation_offset_en,
		// else the octoword count of the BSF area.
		fd("xlt_offset_15_0/bsf_octowords", 0x6, 0, 16),
		fd("mkey_mask", 0x8, 0, 64),
		fd("xlt_offset_47_16", 0x10, 0, 32),
	}},
	{name: SegMkc, size: MkeySize, authority: "include/linux/mlx5/mlx5_ifc.h mlx5_ifc_mkc_bits", fields: []Field{
		fd("free", 0x00, 1, 1), fd("access_mode_4_2", 0x00, 3, 3),
		fd("relaxed_ordering_write", 0x01, 5, 1), fd("small_fence_on_rdma_read_response", 0x01, 7, 1),
		fd("umr_en", 0x02, 0, 1), fd("a", 0x02, 1, 1), fd("rw", 0x02, 2, 1), fd("rr", 0x02, 3, 1),
		fd("lw", 0x02, 4, 1), fd("lr", 0x02, 5, 1), fd("access_mode_1_0", 0x02, 6, 2),
		fd("ma_translation_mode", 0x03, 2, 2),
		fd("qpn", 0x04, 0, 24), fd("mkey_7_0", 0x07, 0, 8),
		fd("length64", 0x0c, 0, 1), fd("bsf_en", 0x0c, 1, 1), fd("sync_umr", 0x0c, 2, 1),
		fd("expected_sigerr_count", 0x0c, 5, 1), fd("en_rinval", 0x0c, 7, 1), fd("pd", 0x0d, 0, 24),
		fd("start_addr", 0x10, 0, 64), fd("len", 0x18, 0, 64),
		fd("bsf_octword_size", 0x20, 0, 32), fd("translations_octword_size", 0x34, 0, 32),
		// Older devices have five bits of log_page_size; the sixth is written
		// under MLX5_MKEY_MASK_PAGE_SIZE_5.
		fd("relaxed_ordering_read", 0x3b, 1, 1), fd("log_page_size", 0x3b, 2, 6),
		{Name: "crypto_en", Bit: 0x3c*8 + 3, Width: 2, Authority: "providers/mlx5/mlx5_ifc.h mlx5_ifc_mkc_bits"},
	}},
	{name: SegData, size: DataSegSize, authority: "include/linux/mlx5/qp.h mlx5_wqe_data_seg", fields: []Field{
		fd("byte_count", 0x0, 0, 32), fd("lkey", 0x4, 0, 32), fd("addr", 0x8, 0, 64),
	}},
	{name: SegRaddr, size: RaddrSize, authority: "include/linux/mlx5/qp.h mlx5_wqe_raddr_seg", fields: []Field{
		fd("raddr", 0x0, 0, 64), fd("rkey", 0x8, 0, 32),
	}},
	{name: SegKLM, size: KLMSize, authority: "include/linux/mlx5/qp.h mlx5_klm", fields: []Field{
		fd("byte_count", 0x0, 0, 32), fd("key", 0x4, 0, 32), fd("va", 0x8, 0, 64),
	}},
	{name: SegKSM, size: KSMSize, authority: "include/linux/mlx5/qp.h mlx5_ksm", fields: []Field{
		fd("key", 0x4, 0, 32), fd("va", 0x8, 0, 64),
	}},
	{name: SegMTT, size: MTTSize, authority: "include/linux/mlx5/device.h MLX5_EN_RD, MLX5_EN_WR, mlx5_mtt", fields: []Field{
		fd("address_63_2", 0x0, 0, 62), fd("write", 0x7, 6, 1), fd("read", 0x7, 7, 1),
	}},
	{name: SegRepeat, size: OctowordSize, authority: "include/linux/mlx5/qp.h mlx5_stride_block_ctrl_seg", fields: []Field{
		fd("bytes_per_cycle", 0x0, 0, 32), fd("op", 0x4, 0, 32), fd("repeat_count", 0x8, 0, 32), fd("num_entries", 0xe, 0, 16),
	}},
	{name: SegRepeatEnt, size: OctowordSize, authority: "include/linux/mlx5/qp.h mlx5_stride_block_entry", fields: []Field{
		fd("stride", 0x0, 0, 16), fd("byte_count", 0x2, 0, 16), fd("key", 0x4, 0, 32), fd("va", 0x8, 0, 64),
	}},
	{name: SegBSF, size: 64, authority: "include/linux/mlx5/qp.h mlx5_bsf", fields: []Field{
		fd("bsf_size", 0x00, 0, 2), fd("sbs", 0x00, 3, 1), fd("bsf_type", 0x00, 4, 4), fd("check_byte_mask", 0x01, 0, 8),
		fd("copy_byte_mask/wire_block_size", 0x02, 0, 8), fd("mem_block_size", 0x03, 0, 8),
		fd("raw_data_size", 0x04, 0, 32),
		fd("wire_bfs", 0x08, 0, 8), fd("wire_psv", 0x09, 0, 24), fd("mem_bfs", 0x0c, 0, 8), fd("mem_psv", 0x0d, 0, 24),
		fd("t_init_gen_pro_size", 0x10, 0, 32), fd("epi_size", 0x14, 0, 32),
		fd("wire_tfs", 0x18, 0, 8), fd("wire_tfs_psv", 0x19, 0, 24), fd("mem_tfs", 0x1c, 0, 8), fd("mem_tfs_psv", 0x1d, 0, 24),
		fd("wire_vld_refresh", 0x20, 0, 16), fd("wire_app_tag", 0x22, 0, 16), fd("wire_ref_tag", 0x24, 0, 32),
		fd("wire_sig_type", 0x28, 0, 8), fd("wire_rp_inv_seed", 0x29, 0, 8), fd("wire_inc_escape", 0x2d, 0, 8), fd("wire_app_mask", 0x2e, 0, 16),
		fd("mem_vld_refresh", 0x30, 0, 16), fd("mem_app_tag", 0x32, 0, 16), fd("mem_ref_tag", 0x34, 0, 32),
		fd("mem_sig_type", 0x38, 0, 8), fd("mem_rp_inv_seed", 0x39, 0, 8), fd("mem_inc_escape", 0x3d, 0, 8), fd("mem_app_mask", 0x3e, 0, 16),
	}},
	{name: SegBSFCrypto, size: 64, authority: "providers/mlx5/wqe.h mlx5_crypto_bsf", fields: []Field{
		fd("bsf_size", 0x00, 0, 2), fd("bsf_type", 0x00, 4, 4), fd("encryption_order", 0x01, 0, 8), fd("encryption_standard", 0x03, 0, 8),
		fd("raw_data_size", 0x04, 0, 32), fd("block_size", 0x08, 0, 8),
		fd("xts_initial_tweak_hi", 0x10, 0, 64), fd("xts_initial_tweak_lo", 0x18, 0, 64),
		fd("dek", 0x20, 0, 32), fd("keytag", 0x28, 0, 64),
	}},
	{name: SegPSV, size: 16, authority: "include/linux/mlx5/qp.h mlx5_seg_set_psv", fields: []Field{
		fd("psv_index", 0x0, 0, 32), fd("syndrome", 0x4, 0, 16), fd("transient_signature", 0x8, 0, 64),
	}},
	{name: SegErrCQE, size: 64, authority: "include/linux/mlx5/device.h mlx5_err_cqe", fields: []Field{
		fd("srqn", 0x21, 0, 24),
		{Name: "hw_error_syndrome", Bit: 0x34 * 8, Width: 8, Authority: authHWSynd}, {Name: "hw_syndrome_type", Bit: 0x35 * 8, Width: 4, Authority: authHWSynd},
		fd("vendor_err_synd", 0x36, 0, 8), fd("syndrome", 0x37, 0, 8),
		fd("s_wqe_opcode", 0x38, 0, 8), fd("qpn", 0x39, 0, 24), fd("wqe_counter", 0x3c, 0, 16), fd("signature", 0x3e, 0, 8),
		fd("opcode", 0x3f, 0, 4), fd("format", 0x3f, 4, 2), fd("se", 0x3f, 6, 1), fd("owner", 0x3f, 7, 1),
	}},
	{name: SegSigErrCQE, size: 64, authority: "include/linux/mlx5/device.h mlx5_sig_err_cqe", fields: []Field{
		fd("expected_trans_sig", 0x10, 0, 32), fd("actual_trans_sig", 0x14, 0, 32),
		fd("expected_reftag", 0x18, 0, 32), fd("actual_reftag", 0x1c, 0, 32),
		fd("syndrome", 0x20, 0, 16), fd("mkey", 0x24, 0, 32), fd("err_offset", 0x28, 0, 64),
		fd("qpn", 0x39, 0, 24), fd("signature", 0x3e, 0, 8),
		fd("opcode", 0x3f, 0, 4), fd("format", 0x3f, 4, 2), fd("se", 0x3f, 6, 1), fd("owner", 0x3f, 7, 1),
	}},
})

// authHWSynd names two bytes that mlx5_err_cqe calls reserved.
const authHWSynd = "include/linux/mlx5/mlx5_ifc.h mlx5_ifc_cqe_error_syndrome_bits"

// reservedName stands in for the name of bits that no field covers.
const reservedName = "reserved"

// finishLayout completes the fields of each segment and derives its reserved
// bits.
func finishLayout(segs []segmentLayout) []segmentLayout {
	for i := range segs {
		s := &segs[i]
		s.reserved = make([]byte, s.size)
		for j := range s.reserved {
			s.reserved[j] = 0xff
		}
		for j := range s.fields {
			f := &s.fields[j]
			f.Segment = s.name
			if f.Authority == "" {
				f.Authority = s.authority
			}
			for b := f.Bit; b < f.Bit+uint32(f.Width); b++ {
				s.reserved[b/8] &^= 0x80 >> (b % 8)
			}
		}
		s.fillGaps()
	}
	return segs
}

// fillGaps derives all: runs of reserved bits are cut at each eighth byte, as
// a Field has 64 bits at most.
func (s *segmentLayout) fillGaps() {
	end := uint32(0)
	for _, f := range append(s.fields[:len(s.fields):len(s.fields)], Field{Bit: uint32(s.size) * 8}) {
		for end < f.Bit {
			n := min(f.Bit-end, 64-end%64)
			s.all = append(s.all, Field{Segment: s.name, Name: reservedName, Bit: end, Width: uint8(n), Authority: s.authority})
			end += n
		}
		if f.Width > 0 {
			s.all = append(s.all, f)
			end = f.Bit + uint32(f.Width)
		}
	}
}

func findSegment(name string) *segmentLayout {
	for i := range layout {
		if layout[i].name == name {
			return &layout[i]
		}
	}
	return nil
}

// Segments lists the names of all segments in the table.
func Segments() []string {
	names := make([]string, len(layout))
	for i := range layout {
		names[i] = layout[i].name
	}
	return names
}

// SegmentSize is a segment's length in bytes, 0 for an unknown name.
func SegmentSize(name string) int {
	if s := findSegment(name); s != nil {
		return s.size
	}
	return 0
}

// Fields lists a segment's fields in the order of their bits; nil for an
// unknown name. The caller must not change the result.
func Fields(name string) []Field {
	if s := findSegment(name); s != nil {
		return s.fields
	}
	return nil
}

// ReservedMask has a 1 in each bit of the segment that no field covers; nil
// for an unknown name. The caller must not change the result.
func ReservedMask(name string) []byte {
	if s := findSegment(name); s != nil {
		return s.reserved
	}
	return nil
}

// FindField looks a field up by its segment and name.
func FindField(seg, name string) (Field, bool) {
	for _, f := range Fields(seg) {
		if f.Name == name {
			return f, true
		}
	}
	return Field{}, false
}

// Get reads the field from a segment's bytes. It panics if b ends before the
// field does.
func (f Field) Get(b []byte) uint64 {
	var v uint64
	end := f.Bit + uint32(f.Width)
	for bit := f.Bit; bit < end; {
		n := min(8-bit%8, end-bit) // bits of this byte
		part := b[bit/8] >> (8 - bit%8 - n) & uint8(1<<n-1)
		v = v<<n | uint64(part)
		bit += n
	}
	return v
}

// Put writes the low Width bits of v to the field and leaves the bits around
// it. It panics if b ends before the field does.
func (f Field) Put(b []byte, v uint64) {
	end := f.Bit + uint32(f.Width)
	for bit := f.Bit; bit < end; {
		n := min(8-bit%8, end-bit)
		shift := 8 - bit%8 - n
		mask := uint8(1<<n-1) << shift
		b[bit/8] = b[bit/8]&^mask | uint8(v>>(end-bit-n))<<shift&mask
		bit += n
	}
}
