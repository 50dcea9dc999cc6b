// Command _generate writes the AVX2 functions of package xlt and their Go
// declarations. See the go:generate line in the package's doc.go.
package main

import (
	. "github.com/mmcloughlin/avo/build"
)

func main() {
	ConstraintExpr("!purego")
	shuffles()
	run()
	sums()
	Generate()
}
