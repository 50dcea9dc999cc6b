package mlx5model

import "github.com/sgfuzz/sgfuzz/sg"

// HostMemory is the memory that the device reaches by DMA, byte-addressed over
// 64 bits. Both methods move all of p or fail; a range that passes 2^64 fails.
// *sg.Memory is one implementation.
type HostMemory interface {
	Read(addr uint64, p []byte) error
	Write(addr uint64, p []byte) error
}

// Copier is a HostMemory that moves bytes between two places in itself without
// a buffer between them. Both lists are of one length; bytes go in stream
// order, as if in pieces of any size, each read before it is written.
type Copier interface {
	HostMemory
	CopyExtents(dst, src []sg.Extent) error
}
