package compare

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Constants are what the estimated time is made of: nanoseconds each, or bytes
// a nanosecond. DefaultConstants says where the defaults come from.
type Constants struct {
	Post      float64 `json:"post_ns"`
	Build     float64 `json:"build_ns"`
	Copy      float64 `json:"copy_bytes_per_ns"`
	Allocate  float64 `json:"allocate_ns"`
	Register  float64 `json:"register_ns"`
	Fetch     float64 `json:"fetch_ns"`
	Bus       float64 `json:"bus_bytes_per_ns"`
	Walk      float64 `json:"walk_ns"`
	MKey      float64 `json:"mkey_ns"`
	Message   float64 `json:"message_ns"`
	RoundTrip float64 `json:"round_trip_ns"`
}

// Constant describes one of the Constants.
type Constant struct {
	Name      string // one word, as the flag
	What      string
	Unit      string
	Default   float64
	Authority string // of the default
	speed     bool
	field     func(*Constants) *float64
}

// Value is the constant's value in c.
func (k *Constant) Value(c *Constants) float64 { return *k.field(c) }

// Set changes the constant's value in c.
func (k *Constant) Set(c *Constants, v float64) { *k.field(c) = v }

var constants = [...]Constant{
	{"post", "CPU, a work request", "ns", 13,
		"measured: plain C writes a REG_MR of one entry into ordinary memory (sgfuzz bench, wqe_linux, gcc-O2, docs/performance.md); no lock, no doorbell", false,
		func(c *Constants) *float64 { return &c.Post }},
	{"build", "CPU, a descriptor", "ns", 1.7,
		"measured: the same, from 1 to 64 entries", false,
		func(c *Constants) *float64 { return &c.Build }},
	{"copy", "CPU, bytes copied", "bytes/ns", 5,
		"measured: 3.7 to 5.1 for pages at random places of more memory than the caches hold, on a shared AMD EPYC (BenchmarkCopyCold of internal/compare); 100 from the innermost cache", true,
		func(c *Constants) *float64 { return &c.Copy }},
	{"allocate", "CPU, a page of 4 KiB", "ns", 94,
		"Linux on one core; 984 with 26 cores at once (Wrenger et al., LLFree, USENIX ATC 2023)", false,
		func(c *Constants) *float64 { return &c.Allocate }},
	{"register", "device, a region registered and invalidated", "ns", 202,
		"at most: 4,951.9 thousand NVMe over Fabrics reads a second, each with a region and its list inline, on a ConnectX-5 (Linux commit 064e52624707)", false,
		func(c *Constants) *float64 { return &c.Register }},
	{"fetch", "device, a list by pointer", "ns", 566,
		"the same reads with the list by pointer: 1,302.8 thousand a second", false,
		func(c *Constants) *float64 { return &c.Fetch }},
	{"bus", "device, bytes of WQEs and lists read", "bytes/ns", 15.75,
		"PCI Express 3.0 with 16 lanes: 8 GT/s, 128 of 130 bits", true,
		func(c *Constants) *float64 { return &c.Bus }},
	{"walk", "device, a KLM beyond an MTT entry", "ns", 53,
		"iSER writes of 4 KiB: 743,293 a second with KLM lists, 773,982 with page lists (Linux commit de0ae958deb5, with integrity); from the same table 2 for writes of 512 bytes, and 440 a page for writes of 32 KiB", false,
		func(c *Constants) *float64 { return &c.Walk }},
	{"mkey", "a key made and destroyed by command", "ns", 20500,
		"with system calls and pinning: RDMA writes of 4 bytes through a registration cache on mlx5 take 21.3 µs when it never hits, 0.80 when it does (libfabric pull request 12836)", false,
		func(c *Constants) *float64 { return &c.MKey }},
	{"message", "device, an RDMA request of the peer", "ns", 5,
		"at least: the 200 million messages a second of ConnectX-5's data sheet, over all queues", false,
		func(c *Constants) *float64 { return &c.Message }},
	{"round-trip", "an RDMA READ of a descriptor table by the peer", "ns", 2000,
		"an assumption of the usual order, without authority", false,
		func(c *Constants) *float64 { return &c.RoundTrip }},
}

// ConstantList describes the Constants, in their order.
func ConstantList() []Constant { return slices.Clone(constants[:]) }

// DefaultConstants are the defaults of ConstantList. Those of the device are
// bounds derived from published throughput: what a thing costs while many are
// under way, not how long one takes.
func DefaultConstants() (c Constants) {
	for i := range constants {
		*constants[i].field(&c) = constants[i].Default
	}
	return c
}

// ErrConfig says that a constant or the queue is out of range.
var ErrConfig = errors.New("out of range")

// maxConstant bounds constants, so that no sum overflows: 1000 s.
const maxConstant = 1e12

// Check reports constants below 0 or above 10^12, and speeds of 0.
func (c *Constants) Check() error {
	for i := range constants {
		k := &constants[i]
		least := 0.0
		if k.speed {
			least = 1e-6
		}
		if v := k.Value(c); math.IsNaN(v) || v < least || v > maxConstant {
			return fmt.Errorf("constant %s %v, not %v to %v: %w", k.Name, v, least, float64(maxConstant), ErrConfig)
		}
	}
	return nil
}

// Cause is a part of the estimated time.
type Cause uint8

// Causes, in the order of the chart.
const (
	CPU Cause = iota
	CauseCopy
	CauseAllocate
	CauseRegister
	CauseFetch
	CauseWalk
	CauseMKey
	CauseRemote
	causes
)

var causeNames = [causes]string{"cpu", "copy", "allocate", "register", "fetch", "walk", "mkey", "remote"}

func (c Cause) String() string { return causeNames[c] }

// inlineRkeys are the descriptors that ib_srp's information unit holds; the
// target reads a longer table (cmd_sg_entries, reg.DefaultCmdSGEntries).
const inlineRkeys = 12

// estimate is the time of a row in nanoseconds, by cause.
func (c *Constants) estimate(r *Row) (ns [causes]float64) {
	byWork := r[Regions] - r[Commands]
	ns[CPU] = (r[WQEs]+byWork)*c.Post + (r[Descriptors]+r[Rkeys])*c.Build
	ns[CauseCopy] = r[Copied] / c.Copy
	ns[CauseAllocate] = r[Buffers] * c.Allocate
	ns[CauseRegister] = byWork * c.Register
	ns[CauseFetch] = r[Pointers]*c.Fetch + (r[WQEBytes]+r[ListBytes])/c.Bus
	ns[CauseWalk] = r[KLMs] * c.Walk
	ns[CauseMKey] = r[Commands] * c.MKey
	ns[CauseRemote] = r[Requests] * (c.Post + c.Message)
	if r[Rkeys] > inlineRkeys {
		ns[CauseRemote] += c.RoundTrip
	}
	return ns
}
