// Package vhca is a virtual adapter for real programs: the model of package
// mlx5model behind the libmlx5 of a distribution. A program that is started
// with the shim preloaded (see sgfuzz vhca) finds a device mlx5_0, and what the
// library writes for it, work requests, receive and completion queues,
// doorbells, an Engine reads and executes in the memory of the program itself.
//
// # Who does what
//
//   - shim/ is C: the functions of the C library that the verbs libraries open
//     and command a device by, the kernel's answers to the verbs ioctl, the
//     pipes that carry events, and a thread that watches doorbell records.
//   - lib/ is the C interface of the engine, built as a shared library that
//     the shim opens when the program opens the device.
//   - This package is the engine: objects, queues, completions, connections.
//     Keys, translation, and what a work request means are mlx5model's.
//
// The shim's thread makes all calls of the engine, with all signals blocked: no
// signal handler of the program ever runs on a stack of the Go runtime.
//
// # Memory
//
// Addresses are the program's own. A region's key has pages as large as its
// address allows; local copies are made by the kernel (process_vm_readv), so
// that memory that the program has unmapped gives an error completion and not a
// crash. Process.Unchecked copies directly.
//
// # What it is not
//
// A queue pair executes in order, as soon as it is seen: fences are noted and
// judged. Only with Faults.Reorder are they needed, as WQEs then take effect as
// late as the fences of those behind them allow. There is one port, InfiniBand, without a subnet manager, and a
// network that loses nothing. Raw packets, DC, device memory and
// flow steering are not there and answer so that programs skip them.
// Signatures of keys are computed as docs/vhca.md says, encryption is stored.
package vhca
