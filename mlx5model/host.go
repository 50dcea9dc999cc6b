package mlx5model

// HostMemory is the memory that the device reaches by DMA, byte-addressed over
// 64 bits. Both methods move all of p or fail; a range that passes 2^64 fails.
// *sg.Memory is one implementation.
type HostMemory interface {
	Read(addr uint64, p []byte) error
	Write(addr uint64, p []byte) error
}
