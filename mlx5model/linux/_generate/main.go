// Command _generate writes the assembly of package linux, register_amd64.s; the
// package's register.go has the call.
package main

import "github.com/sgfuzz/sgfuzz/mlx5model/internal/_emit"

func main() { emit.Run(register) }
