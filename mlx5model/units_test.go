package mlx5model

import "testing"

func TestUnits(t *testing.T) {
	for _, tt := range []struct {
		name      string
		got, want uint64
	}{
		{"AlignUp 0", AlignUp(0, 64), 0}, {"AlignUp 1", AlignUp(1, 64), 64}, {"AlignUp 64", AlignUp(64, 64), 64}, {"AlignUp 65", AlignUp(65, 64), 128},
		// A list of n MTTs or KLMs in octowords: 1 and 4 KLMs, 5 KLMs, 9 MTTs.
		{"no list", ListOctowords(0), 0}, {"1 KLM", ListOctowords(16), 4}, {"4 KLMs", ListOctowords(64), 4}, {"5 KLMs", ListOctowords(80), 8}, {"9 MTTs", ListOctowords(72), 8},
		{"the longest list", ListOctowords(MaxKLMs * KLMSize), 65532}, {"the most MTTs", ListOctowords(MaxMTTs * MTTSize), 65532},
		{"one more KLM", ListOctowords((MaxKLMs + 1) * KLMSize), 1 << 16},
		{"DS 0", uint64(WQEBBs(0)), 0}, {"DS 1", uint64(WQEBBs(1)), 1}, {"DS 4", uint64(WQEBBs(4)), 1}, {"DS 5", uint64(WQEBBs(5)), 2}, {"DS 63", uint64(WQEBBs(63)), 16}, {"DS 255", uint64(WQEBBs(255)), 64},
		{"UMR fixed part", UMRFixedDS, 8}, {"UMR data", UMRDataOff, 0x80}, {"most KLMs", MaxKLMs, 65532}, {"most MTTs", MaxMTTs, 131064},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, tt.got, tt.want)
		}
	}
	for _, seg := range []struct {
		name string
		size int
	}{{SegCtrl, CtrlSize}, {SegUMRCtrl, UMRCtrlSize}, {SegMkc, MkeySize}, {SegData, DataSegSize}, {SegRaddr, RaddrSize}, {SegKLM, KLMSize}, {SegKSM, KSMSize}, {SegMTT, MTTSize}} {
		if SegmentSize(seg.name) != seg.size {
			t.Errorf("%s has %d bytes in the layout table, %d as a constant", seg.name, SegmentSize(seg.name), seg.size)
		}
	}
}
