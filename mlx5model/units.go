package mlx5model

// Sizes of the device's units in bytes. Authority: include/linux/mlx5/qp.h
// (MLX5_SEND_WQE_BB, MLX5_SEND_WQE_DS) and include/linux/mlx5/device.h
// (MLX5_OCTWORD).
const (
	OctowordSize = 16 // an octoword
	DSSize       = 16 // one data-segment unit of a WQE
	WQEBBSize    = 64 // a WQE basic block: WQEs start on these
	MaxDS        = 63 // the control segment's DS field has 6 bits

	CtrlSize    = 16 // mlx5_wqe_ctrl_seg
	UMRCtrlSize = 48 // mlx5_wqe_umr_ctrl_seg
	MkeySize    = 64 // mlx5_mkey_seg, mlx5_ifc_mkc_bits
	RaddrSize   = 16 // mlx5_wqe_raddr_seg
	DataSegSize = 16 // mlx5_wqe_data_seg

	MTTSize = 8  // mlx5_mtt
	KLMSize = 16 // mlx5_klm
	KSMSize = 16 // mlx5_ksm

	// UMRDataOff is where a UMR's data area (list or pointer) begins.
	UMRDataOff = CtrlSize + UMRCtrlSize + MkeySize
	// UMRFixedDS is the DS count of a UMR without data.
	UMRFixedDS = UMRDataOff / DSSize
	// UMRListAlign is the granularity in bytes of a UMR's translation list:
	// include/linux/mlx5/device.h MLX5_UMR_MTT_ALIGNMENT, MLX5_UMR_KLM_ALIGNMENT.
	UMRListAlign = 64
	// UMRPointerAlign is the alignment in bytes of a list given by pointer:
	// MLX5_UMR_ALIGN.
	UMRPointerAlign = 2048
	// MaxListOctowords is the longest list one UMR carries: the field has 16
	// bits and lists come in multiples of 64 bytes.
	MaxListOctowords = 0xffff &^ 3
	// MaxKLMs and MaxMTTs are the entries that MaxListOctowords hold.
	MaxKLMs = MaxListOctowords
	MaxMTTs = 2 * MaxListOctowords
)

// AlignUp rounds n up to a multiple of align, a power of two.
func AlignUp(n, align uint64) uint64 { return (n + align - 1) &^ (align - 1) }

// ListOctowords is the octoword count of a translation list of n bytes as a
// UMR control segment carries it: rounded up to 64 bytes.
func ListOctowords(n uint64) uint64 { return AlignUp(n, UMRListAlign) / OctowordSize }

// WQEBBs is the number of basic blocks a WQE of ds units occupies.
func WQEBBs(ds uint8) uint32 { return (uint32(ds) + 3) / 4 }
