// Command _generate writes the assembly of package xlt, xlt_amd64.s; the
// package's doc.go has the call.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("!purego")
	shuffles()
	run()
	sums()
	Generate()
}

// begin starts a function that gives way to the Go function of the same name
// with Fallback behind it where the processor has no AVX2. That the test is here
// and not in Go spares a call: what calls the function is then small enough to be
// inlined.
func begin(name, signature string) {
	TEXT(name, noSplit, signature)
	CMPB(symbol("avx2"), U8(0))
	JNE(LabelRef("vectors"))
	fallback(name)
	Label("vectors")
}

// fallback leaves for the Go function in the same frame.
func fallback(name string) {
	Instruction(&ir.Instruction{Opcode: "JMP", Operands: []Op{symbol(name + "Fallback")}, IsTerminal: true})
}

// symbol is a variable or function of the package.
func symbol(name string) Mem {
	return Mem{Symbol: Symbol{Name: "·" + name}, Base: StaticBase}
}
