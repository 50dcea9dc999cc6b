package bench

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sgfuzz/sgfuzz/sg"
)

// Names of benchmarks.
const (
	KLMList    = "klm_list"
	MTTList    = "mtt_list"
	WQELinux   = "wqe_linux"
	WQELibmlx5 = "wqe_libmlx5"
	WQESPDK    = "wqe_spdk"
	Check      = "check"
)

// Names of contestants; those of package peers come on top.
const (
	Sgfuzz   = "sgfuzz"
	Portable = "portable"
	Naive    = "naive"
	Copy     = "copy"
)

// Job is one benchmark.
type Job struct {
	Name  string
	Sizes []int // numbers of entries that are worth measuring
	Max   int   // longest list

	pages bool     // entries are whole pages
	impls []string // who takes part
}

var (
	inGo     = []string{Sgfuzz, Portable, Naive, Copy}
	everyone = append(slices.Clip(inGo), "gcc-O2", "gcc-O3-native")
)

// maxMeasured bounds lists: that of package peers.
const maxMeasured = 1 << 16

// maxInline is the longest list that rdma-core takes in a WQE through its
// public interface: max_inline_data 764 is the most that a QP of requests of
// 1008 bytes can have (providers/mlx5/verbs.c mlx5_calc_send_wqe).
const maxInline = 48

// maxList is the longest list that a UMR counts in octowords, in units of four:
// 16 bits. Authority: include/linux/mlx5/qp.h mlx5_wqe_umr_ctrl_seg.
const maxList = 1<<16 - 4

var jobs = []Job{
	{Name: KLMList, Sizes: []int{1, 4, 16, 64, 256}, Max: maxMeasured, impls: everyone},
	{Name: MTTList, Sizes: []int{1, 4, 16, 64, 256}, Max: maxMeasured, impls: everyone, pages: true},
	{Name: WQELinux, Sizes: []int{1, 4, 16, 64, 256}, Max: maxList, impls: everyone},
	{Name: WQELibmlx5, Sizes: []int{1, 4, 16, 32, 48}, Max: maxInline, impls: append(slices.Clip(everyone), "libmlx5")},
	{Name: WQESPDK, Sizes: []int{1, 4, 16, 32, 48}, Max: maxInline, impls: everyone},
	{Name: Check, Sizes: []int{1, 4, 8, 16, 64, 256}, Max: maxMeasured, impls: []string{Sgfuzz, Copy}},
}

// Jobs are all benchmarks, in the order of reports.
func Jobs() []Job { return slices.Clone(jobs) }

// JobByName finds a benchmark.
func JobByName(name string) (Job, error) {
	names := make([]string, len(jobs))
	for i := range jobs {
		if jobs[i].Name == name {
			return jobs[i], nil
		}
		names[i] = jobs[i].Name
	}
	return Job{}, fmt.Errorf("no benchmark %q: one of %s", name, strings.Join(names, ", "))
}

// Takes says whether a contestant takes part.
func (j *Job) Takes(impl string) bool { return slices.Contains(j.impls, impl) }

// List makes the job's list of n entries: scattered and byte-aligned, or one
// page each, under keys that differ. It totals less than 2^31 bytes, which
// rdma-core 44 can add up.
func (j *Job) List(n int) sg.List {
	l := make(sg.List, n)
	for i := range l {
		l[i] = sg.Entry{Addr: 0x1_0000_0000 + uint64(i)*0x11013, Len: uint32(1 + i*37%1000), Lkey: 0x1_0000 + uint32(i)<<8}
		if j.pages {
			l[i].Addr, l[i].Len = l[i].Addr&^4095, 4096
		}
	}
	return l
}
