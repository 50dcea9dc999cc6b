// Package mlx5model is an mlx5 adapter as far as memory registration goes: the
// wire layout of work requests and memory keys, and a Device that executes
// them.
package mlx5model
