//go:build !(linux && (amd64 || arm64) && cgo)

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "vhca/lib: the virtual adapter needs Linux on amd64 or arm64, and cgo")
	os.Exit(1)
}
