package mlx5model

import (
	"errors"
	"fmt"
	"slices"
)

// ZeroKLM says what a KLM entry with byte_count 0 means inside a list. The
// hardware's behaviour is not documented; drivers/infiniband/hw/mlx5/odp.c
// pagefault_single_data_segment skips such entries.
type ZeroKLM uint8

// The readings of a KLM entry with byte_count 0.
const (
	ZeroKLMSkip  ZeroKLM = iota // no bytes: the walk goes on with the next entry
	ZeroKLM2GiB                 // 2^31 bytes, as in a data segment of a WQE
	ZeroKLMError                // the list ends in an error here
)

// Profile is what a device can do and how it behaves where no public text says
// so. The first group are capabilities of struct mlx5_ifc_cmd_hca_cap_bits
// (include/linux/mlx5/mlx5_ifc.h) under their own names, the second group are
// choices of this model, the third bounds the memory and time it takes.
//
// The zero value is not usable: start from ProfileByName and change fields.
type Profile struct {
	Name string // for ProfileByName
	Doc  string // one line for people

	MaxIndirection      int    // max_indirection: levels of keys that point to keys, 1..255
	LogMaxKLMListSize   uint8  // log_max_klm_list_size: log2 of the octowords of a KLM or KSM key's list
	LogMaxMRWSize       uint8  // log_max_mrw_sz: log2 of the longest region in bytes; 64 sets no limit
	LogMaxBSFListSize   uint8  // log_max_bsf_list_size: log2 of the octowords of a BSF area
	LogPageMin          uint8  // log_min_mkey_entity_size: smallest page or KSM entity, log2 of bytes, from 2: an MTT entry has two bits that are no address
	LogPageMax          uint8  // largest page or KSM entity, log2 of bytes; up to 63
	LogEntitySize5      bool   // umr_log_entity_size_5: MaskPageSize5 is known
	MaxKLMBytes         uint64 // longest KLM entry in bytes (DPDK MLX5_MAX_KLM_BYTE_COUNT is 2^31)
	FixedBufferSize     bool   // fixed_buffer_size: KSM keys exist
	UMRExtendedOffset   bool   // umr_extended_translation_offset: xlt_offset bits 47:16 count
	IMAICL              bool   // imaicl: KLM keys may be changed by UMR (SG_GAPS, memory windows)
	Atomic              bool   // remote atomics: keys may carry AccA
	ROWrite, RORead     bool   // relaxed_ordering_write, relaxed_ordering_read: allowed at creation
	ROWriteUMR          bool   // relaxed_ordering_write_umr: a UMR may change it
	ROReadUMR           bool   // relaxed_ordering_read_umr
	MaxWQEBytes         int    // max_wqe_sz_sq: longest WQE in bytes
	MaxSendWQEBBs       int    // log_max_qp_sz as a count: longest send queue in WQEBBs
	MaxMsgBytes         uint64 // log_max_msg as a count: longest message in bytes, up to 2^31
	UMRFence            uint8  // umr_fence as the control-segment byte a driver uses: FenceSmall, FenceNone or FenceStrong
	NullMkey            uint32 // null_mkey: a key whose every byte is not present; 0 for none
	UMRPointerAlignment uint32 // alignment in bytes of a UMR's list given by pointer; a power of two

	RepeatedBlockDisabled       bool // repeated_block_disabled: no repeat lists
	UMRModifyEntitySizeDisabled bool // umr_modify_entity_size_disabled: no MaskPageSize
	UMRModifyAtomicDisabled     bool // umr_modify_atomic_disabled: no MaskA
	UMRIndirectMkeyDisabled     bool // umr_indirect_mkey_disabled: no lists written to KLM and KSM keys

	HonourMTTBits    bool     // MTT entries need MTTRead or MTTWrite for the access
	ZeroKLM          ZeroKLM  // what byte_count 0 means
	KSMIndexByVA     bool     // KSM entry index from va and start separately, as for MTT; else from va-start
	ShortListError   bool     // a UMR fails when its list holds fewer bytes than the length it sets
	UnknownMaskError bool     // a UMR fails on mkey_mask bits outside MaskKnown; else they are counted
	UMRCheckPD       bool     // a UMR fails unless the key's PD is the queue's
	PointerByteCount bool     // a pointer's byte_count must cover the list; else it is ignored
	SynUMRCheck      Syndrome // a UMR that fails its own checks
	SynKeyLocal      Syndrome // a local key that does not allow the access
	SynKeyRemote     Syndrome // a remote key that does not, as the requester sees it

	MaxMkeys        int // keys that exist at a time
	MaxQPs          int // queue pairs that exist at a time
	MaxPSVs         int // PSV values remembered
	MaxXltOctowords int // sum of translations_octword_size over all keys; the model takes about 24 bytes for each and keeps up to twice as many for reuse
	MaxSteps        int // list entries and pages one access may touch
}

// ErrProfile reports a profile whose values contradict each other or the wire
// format.
var ErrProfile = errors.New("bad device profile")

// Validate refuses a profile that the model cannot execute.
func (p *Profile) Validate() error {
	for _, c := range []struct {
		bad  bool
		what string
	}{
		{p.MaxIndirection < 1 || p.MaxIndirection > 255, "MaxIndirection outside 1..255"},
		{p.LogMaxKLMListSize > 24, "LogMaxKLMListSize above 24"},
		{p.LogMaxMRWSize > 64, "LogMaxMRWSize above 64"},
		{p.LogMaxBSFListSize > 8, "LogMaxBSFListSize above 8"},
		{p.LogPageMin < 2 || p.LogPageMin > p.LogPageMax || p.LogPageMax > 63, "page sizes not within 2^2..2^63 or inverted"},
		{p.MaxKLMBytes < 1 || p.MaxKLMBytes > 1<<32-1, "MaxKLMBytes outside 1..2^32-1"},
		{p.MaxWQEBytes < WQEBBSize || p.MaxWQEBytes > MaxDS*DSSize, "MaxWQEBytes outside 64..1008"},
		{p.MaxSendWQEBBs < 1 || p.MaxSendWQEBBs > MaxRingWQEBBs, "MaxSendWQEBBs outside 1..32768"},
		{p.MaxMsgBytes < 1 || p.MaxMsgBytes > 1<<31, "MaxMsgBytes outside 1..2^31"},
		{p.UMRPointerAlignment == 0 || p.UMRPointerAlignment&(p.UMRPointerAlignment-1) != 0, "UMRPointerAlignment not a power of two"},
		{p.UMRFence&^FenceMask != 0, "UMRFence outside bits 7:5"},
		{p.ZeroKLM > ZeroKLMError, "ZeroKLM unknown"},
		{p.SynUMRCheck == SynOK || p.SynKeyLocal == SynOK || p.SynKeyRemote == SynOK, "a syndrome that means success"},
		{p.MaxMkeys < 1 || p.MaxMkeys > 1<<24, "MaxMkeys outside 1..2^24"},
		{p.MaxQPs < 1 || p.MaxQPs > 1<<24, "MaxQPs outside 1..2^24"},
		{p.MaxPSVs < 0 || p.MaxPSVs > 1<<24, "MaxPSVs outside 0..2^24"},
		{p.MaxXltOctowords < 1 || p.MaxXltOctowords > 1<<28, "MaxXltOctowords outside 1..2^28"},
		{p.MaxSteps < 1 || p.MaxSteps > 1<<30, "MaxSteps outside 1..2^30"},
	} {
		if c.bad {
			return fmt.Errorf("%w %q: %s", ErrProfile, p.Name, c.what)
		}
	}
	return nil
}

// MaxKLMs is the number of KLM entries one UMR can give a key of this device:
// what the key's list and the UMR's 16-bit count allow.
func (p *Profile) MaxKLMs() int { return min(1<<p.LogMaxKLMListSize, MaxKLMs) }

func defaultProfile() Profile {
	return Profile{
		Name:              "default",
		Doc:               "a current adapter; pages of 512 B to 2 GiB, every optional feature of lists",
		MaxIndirection:    4,
		LogMaxKLMListSize: 16, LogMaxMRWSize: 64, LogMaxBSFListSize: 4,
		LogPageMin: 9, LogPageMax: 31,
		MaxKLMBytes: 1 << 31, MaxMsgBytes: 1 << 31,
		FixedBufferSize: true, UMRExtendedOffset: true, IMAICL: true, Atomic: true,
		ROWrite: true, RORead: true, ROWriteUMR: true, ROReadUMR: true,
		MaxWQEBytes: MaxDS * DSSize, MaxSendWQEBBs: MaxRingWQEBBs,
		UMRFence: FenceStrong, UMRPointerAlignment: UMRPointerAlign,
		SynUMRCheck: SynMWBind, SynKeyLocal: SynLocalProt, SynKeyRemote: SynRemoteAccess,
		MaxMkeys: 1 << 16, MaxQPs: 1 << 12, MaxPSVs: 1 << 12,
		MaxXltOctowords: 1 << 22, MaxSteps: 1 << 22,
	}
}

// Profiles are the named profiles, "default" first. Their figures are choices
// that exercise the limits, not measurements of a device.
func Profiles() []Profile { return slices.Clone(profiles) }

// profiles is made once: cases look theirs up by name.
var profiles = namedProfiles()

func namedProfiles() []Profile {
	cx4 := defaultProfile()
	cx4.Name = "cx4"
	cx4.Doc = "an early adapter: one level of indirection, 4 KiB pages and up, no KSM, offsets of 16 bits, no relaxed ordering"
	cx4.MaxIndirection, cx4.LogMaxKLMListSize = 1, 15
	cx4.LogPageMin, cx4.FixedBufferSize, cx4.UMRExtendedOffset = 12, false, false
	cx4.ROWrite, cx4.RORead, cx4.ROWriteUMR, cx4.ROReadUMR = false, false, false, false
	cx4.MaxWQEBytes = 960

	cx7 := defaultProfile()
	cx7.Name = "cx7"
	cx7.Doc = "a recent adapter: 4 KiB pages and up, six bits of page size, lists of 2^16 entries"
	cx7.LogPageMin, cx7.LogPageMax, cx7.LogEntitySize5 = 12, 40, true

	small := defaultProfile()
	small.Name = "small"
	small.Doc = "tiny limits for tests: lists of 16 octowords, regions of 64 KiB, queues of 64 WQEBBs, 16 keys"
	small.MaxIndirection, small.LogMaxKLMListSize, small.LogMaxMRWSize = 2, 4, 16
	small.LogPageMax, small.MaxKLMBytes, small.MaxMsgBytes = 13, 1<<12, 1<<16
	small.MaxWQEBytes, small.MaxSendWQEBBs = 256, 64
	small.MaxMkeys, small.MaxQPs, small.MaxPSVs, small.MaxXltOctowords, small.MaxSteps = 16, 4, 4, 256, 1<<12

	strict := defaultProfile()
	strict.Name = "strict"
	strict.Doc = "default, but every undocumented choice falls on the refusing side"
	strict.HonourMTTBits, strict.ZeroKLM, strict.ShortListError = true, ZeroKLMError, true
	strict.UnknownMaskError, strict.UMRCheckPD, strict.PointerByteCount = true, true, true

	noumr := defaultProfile()
	noumr.Name = "noumr"
	noumr.Doc = "a virtual function that may not change page size, atomics or indirect keys by UMR, and has no repeat lists"
	noumr.UMRModifyEntitySizeDisabled, noumr.UMRModifyAtomicDisabled = true, true
	noumr.UMRIndirectMkeyDisabled, noumr.RepeatedBlockDisabled = true, true
	noumr.IMAICL = false

	return []Profile{defaultProfile(), cx4, cx7, small, strict, noumr}
}

// ProfileByName finds one of Profiles.
func ProfileByName(name string) (Profile, bool) {
	for i := range profiles {
		if profiles[i].Name == name {
			return profiles[i], true
		}
	}
	return Profile{}, false
}
