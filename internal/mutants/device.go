package mutants

import (
	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// host is the memory as a defective device reaches it: translation is right,
// the bytes are not; nil functions are correct.
type host struct {
	mlx5model.HostMemory
	read  func(mem mlx5model.HostMemory, addr uint64, p []byte) error
	write func(mem mlx5model.HostMemory, addr uint64, p []byte) error
}

func (h *host) Read(addr uint64, p []byte) error {
	if h.read == nil {
		return h.HostMemory.Read(addr, p)
	}
	return h.read(h.HostMemory, addr, p)
}

func (h *host) Write(addr uint64, p []byte) error {
	if h.write == nil {
		return h.HostMemory.Write(addr, p)
	}
	return h.write(h.HostMemory, addr, p)
}

// reaches makes the Parts of a device that moves bytes wrongly.
func reaches(h host) func() Parts {
	return func() Parts {
		return Parts{Host: func(m mlx5model.HostMemory) mlx5model.HostMemory {
			own := h
			own.HostMemory = m
			return &own
		}}
	}
}

const (
	burst   = 64      // bytes of one write on the bus
	dmaPage = 4096    // bytes that one read on the bus may not cross
	window  = 1 << 40 // bytes that the device can address
)

// madeDevice are made defects of a device's DMA: only checks that move real
// bytes can see them.
var madeDevice = []Mutant{
	{
		Name: "dma-address-40-bits", Project: made, Strategies: bothKinds, Minimum: 1, Witness: "mutants/address-above-2-40", Cause: "the device drives 40 address bits only",
		make: reaches(host{
			read:  func(m mlx5model.HostMemory, addr uint64, p []byte) error { return m.Read(addr%window, p) },
			write: func(m mlx5model.HostMemory, addr uint64, p []byte) error { return m.Write(addr%window, p) },
		}),
	},
	{
		Name: "dma-write-in-bursts", Project: made, Strategies: bothKinds, Minimum: 1, Witness: anyCase, Cause: "the last write of a run fills its 64 bytes up with zeros",
		make: reaches(host{write: func(m mlx5model.HostMemory, addr uint64, p []byte) error {
			end := addr + uint64(len(p))
			if fill := -end % burst; fill != 0 && end != 0 {
				if err := m.Write(end, make([]byte, fill)); err != nil {
					return err
				}
			}
			return m.Write(addr, p)
		}}),
	},
	{
		Name: "dma-read-wraps-in-page", Project: made, Strategies: bothKinds, Minimum: 1, Witness: "mutants/offset-makes-page", Cause: "a read across a 4 KiB border goes on at the start of the same page",
		make: reaches(host{read: func(m mlx5model.HostMemory, addr uint64, p []byte) error {
			for len(p) > 0 {
				n := min(uint64(len(p)), dmaPage-addr%dmaPage)
				if err := m.Read(addr, p[:n]); err != nil {
					return err
				}
				addr, p = addr&^(dmaPage-1), p[n:]
			}
			return nil
		}}),
	},
	{
		Name: "dma-write-lost-at-odd-end", Project: made, Strategies: bothKinds, Minimum: 1, Witness: anyCase, Cause: "the last byte of a write of odd length is lost",
		make: reaches(host{write: func(m mlx5model.HostMemory, addr uint64, p []byte) error { return m.Write(addr, p[:len(p)&^1]) }}),
	},
}
