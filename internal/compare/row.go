package compare

import (
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
)

// Column is one figure of a list's cost.
type Column uint8

// Columns of a Row.
const (
	Regions     Column = iota // memory keys in use
	Rkeys                     // tuples that the peer handles
	Descriptors               // MTTs, KLMs, local data segments
	WQEs                      // work requests posted to register
	WQEBytes                  // their bytes
	ListBytes                 // bytes of lists by pointer
	Copied                    // bytes
	Buffers                   // pages
	Fetches                   // device reads
	KLMs                      // of the descriptors
	Pointers                  // lists by pointer
	Commands                  // keys made by CREATE_MKEY
	Requests                  // requests that move the data
	PageRegions               // regions but those of the second pool of pool512
	Sectors                   // regions of 512-byte pages, from that pool
	PageList                  // bytes of the longest list of one of PageRegions
	SectorList                // and of Sectors
	PageBytes                 // of one of Buffers
	Time                      // ns, estimated
	columns
)

// Row is what one list costs one way.
type Row [columns]float64

// meter is an encoder that counts what goes through it.
type meter struct {
	reg.Encoder
	count
}

// count is what a registration posted, as far as reg.Cost does not say.
type count struct {
	klms, mtts, pointers, listBytes, longest int
}

// Register counts a registration and posts it.
func (m *meter) Register(w *reg.RegWR) (uint64, error) {
	va, err := m.Encoder.Register(w)
	if err != nil {
		return va, err
	}
	if w.Mode == mlx5model.ModeKLM {
		m.klms += w.N
	} else {
		m.mtts += w.N
	}
	m.longest = max(m.longest, len(w.List))
	if w.ListAddr != 0 {
		m.pointers++
		m.listBytes += int(mlx5model.AlignUp(uint64(len(w.List)), mlx5model.UMRListAlign))
	}
	return va, nil
}

// probe is a strategy that notes its latest whole registration: one that the
// runner repeats costs the same.
type probe struct {
	reg.Strategy
	meters map[string]*meter // by dialect
	row    Row
}

// Register registers and notes.
func (p *probe) Register(e *reg.Env, req *reg.Request, r *reg.Registration) error {
	m := p.meters[e.Enc.Name()]
	m.count = count{}
	err := p.Strategy.Register(e, req, r)
	if err == nil && r.Whole {
		p.row = rowOf(r, &m.count)
	}
	return err
}

func rowOf(r *reg.Registration, n *count) (row Row) {
	c := &r.Cost
	row[Regions], row[Rkeys], row[Descriptors] = float64(c.MRs), float64(c.RemoteDescs), float64(c.Descriptors)
	row[WQEs], row[WQEBytes], row[ListBytes] = float64(c.WQEs), float64(c.WQEBytes), float64(n.listBytes)
	row[Copied], row[Buffers], row[Fetches] = float64(c.BytesCopied), float64(c.Buffers), float64(c.Fetches)
	row[KLMs], row[Pointers] = float64(n.klms), float64(n.pointers)
	row[Requests] = row[Rkeys]
	if r.Initiator {
		row[Requests] = row[WQEs]
	}
	row[PageRegions], row[PageList] = row[Regions], float64(n.longest)
	if r.Strategy == "pool512" && r.Chosen == "512" {
		row[PageRegions], row[PageList], row[Sectors], row[SectorList] = 0, 0, row[Regions], float64(n.longest)
	}
	if c.MRs > 0 && n.klms+n.mtts == 0 { // made without work requests
		row[Commands], row[PageRegions] = row[Regions], 0
	}
	if c.Buffers > 0 {
		row[PageBytes] = float64(r.Request.PageSize)
	}
	return row
}
