package oracle

import "github.com/sgfuzz/sgfuzz/mlx5model/linux"

// checkDMA is check 13: the list is mapped and unmapped with its original
// entry count, registered with the mapped one, and the mapped list is what the
// mapping stage makes of the original.
func (o *Oracle) checkDMA() {
	o.v.ran(DMAContract)
	r := o.r
	orig := len(r.Request.List)
	if r.MapNents != orig {
		o.v.failf(DMAContract, "mapped with %d entries, the list has %d", r.MapNents, orig)
	}
	if r.UnmapNents != orig {
		o.v.failf(DMAContract, "will unmap %d entries, %d were given to map", r.UnmapNents, orig)
	}
	var err error
	if o.mapped, err = r.Request.DMA.Map(o.mapped[:0], r.Request.List); err != nil {
		o.v.failf(DMAContract, "mapping stage: %v", err)
		return
	}
	if r.DMANents != len(o.mapped) {
		o.v.failf(DMAContract, "registered %d entries, mapping gave %d", r.DMANents, len(o.mapped))
	}
	if len(r.Mapped) != len(o.mapped) {
		o.v.failf(DMAContract, "works on %d entries, mapping gave %d", len(r.Mapped), len(o.mapped))
		return
	}
	for i := range o.mapped {
		if r.Mapped[i] != o.mapped[i] {
			p := at(r.Request.List, posOffset(o.mapped, linux.Pos{Entry: i})).reaching(r.Mapped[i].Addr)
			o.v.failAt(DMAContract, p, "works on mapped entry %d %#x+%d, mapping gave %#x+%d", i, r.Mapped[i].Addr, r.Mapped[i].Len, o.mapped[i].Addr, o.mapped[i].Len)
			return
		}
	}
}
