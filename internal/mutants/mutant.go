package mutants

import (
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/reg"
)

// Mutant is one switchable defect.
type Mutant struct {
	Name    string // unique
	Bug     string // number in the catalogue of defects, "" if made
	Project string // where it happened, or "made"
	Year    int    // when it was repaired or reported; 0 if made
	Commit  string // of the repair, where known
	Cause   string // one line
	Witness string // name of the embedded case that shows it
	// Strategies are those that the defect concerns.
	Strategies []string
	// Minimum is the number of entries of the smallest list known to show it.
	Minimum int

	make func() Parts
}

// Made says that the defect never happened but could have.
func (m *Mutant) Made() bool { return m.Project == made }

const made = "made"

// Parts are what a mutant puts in place of the correct parts. Fields that are
// nil leave the correct part.
type Parts struct {
	Mapper  reg.Mapper
	Encoder func(reg.Encoder) reg.Encoder
	Wrap    func(reg.Strategy) reg.Strategy
	Host    func(mlx5model.HostMemory) mlx5model.HostMemory // how the device reaches memory
}

// Parts makes a fresh set, with state of its own. A Mutant that is not of this
// package has none: everything is correct.
func (m *Mutant) Parts() Parts {
	if m.make == nil {
		return Parts{}
	}
	return m.make()
}

// All are all mutants: those that happened in the order of the catalogue, then
// the latent ones, then the made ones.
func All() []*Mutant {
	var all []*Mutant
	for _, list := range [...][]Mutant{mappingBugs, countBugs, gapBugs, umemBugs, driverBugs, consumerBugs, latentBugs, madeMapping, madeWQE, madeLife, madeDevice} {
		for i := range list {
			all = append(all, &list[i])
		}
	}
	return all
}

// ByName finds one of All.
func ByName(name string) (*Mutant, bool) {
	for _, m := range All() {
		if m.Name == name {
			return m, true
		}
	}
	return nil, false
}

// Sets of strategies that a kind of defect reaches.
var (
	pageUsers = []string{"fastreg"}
	klmUsers  = []string{"indirect"}
	bothKinds = []string{"fastreg", "indirect"}
	umemOnly  = []string{"umem"}
	initiator = []string{"rdmarw"}
	targets   = []string{"multimr"}
	copying   = []string{"bounce"}
	sectors   = []string{"pool512"}
)
