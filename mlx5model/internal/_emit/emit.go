// Package emit is what the generators of the dialects' assembly share.
package emit

import (
	"flag"
	"os"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/reg"
)

// WQEBBSize is the size of a WQEBB in bytes.
const WQEBBSize = 64

// Fields of mlx5model.Ring; TestRingLayout of the packages asks for them.
const (
	RingBase = 0
	RingLen  = 8  // bytes, a power of two
	RingMask = 24 // uint32: WQEBBs, less one
)

// NoSplit is an attribute that textflag.h names.
const NoSplit = 4

// Function is the one that is being emitted.
type Function struct{ *build.Context }

// Run writes what body emits where the command line says, and ends the program.
func Run(body func(*Function)) {
	set := flag.NewFlagSet(os.Args[0], flag.ExitOnError) // avo has the default one for its own context
	flags := build.NewFlags(set)
	_ = set.Parse(os.Args[1:]) // exits on an error
	f := &Function{Context: build.NewContext()}
	f.ConstraintExpr("!purego")
	body(f)
	cfg := flags.Config()
	// go_asm.h has the offsets of fields and the values of constants of the
	// Go package, so that nothing here repeats them.
	cfg.Passes = append([]pass.Interface{pass.Func(func(f *ir.File) error {
		f.Includes = append(f.Includes, "go_asm.h")
		return nil
	})}, cfg.Passes...)
	os.Exit(build.Main(cfg, f.Context))
}

// Field is a field of a struct of the package, off bytes into it.
func Field(base reg.Register, name string, off int) operand.Mem {
	return operand.Mem{Symbol: operand.Symbol{Name: name}, Base: base, Disp: off}
}

// Symbol is a variable or function of the package.
func Symbol(name string) operand.Mem {
	return operand.Mem{Symbol: operand.Symbol{Name: "·" + name}, Base: reg.StaticBase}
}

// named is a constant of the package as an immediate operand. The value inside
// makes it one for avo, which does not ask for it.
type named struct {
	operand.Constant
	name string
}

// Asm is what the assembler knows it by.
func (c named) Asm() string { return "$const_" + c.name }

func constant(name string) operand.Op { return named{operand.U32(0), name} }

// emit emits an instruction that has a constant as an operand.
func (f *Function) emit(opcode string, ops, reads, writes []operand.Op) {
	f.Instruction(&ir.Instruction{Opcode: opcode, Operands: ops, Inputs: reads, Outputs: writes})
}

// Move moves c to a register or memory.
func (f *Function) Move(opcode string, c string, to operand.Op) {
	f.emit(opcode, []operand.Op{constant(c), to}, nil, []operand.Op{to})
}

// Compare compares v with c.
func (f *Function) Compare(opcode string, v operand.Op, c string) {
	f.emit(opcode, []operand.Op{v, constant(c)}, []operand.Op{v}, nil)
}

// Test compares the bits of c in v with 0.
func (f *Function) Test(opcode string, c string, v operand.Op) {
	f.emit(opcode, []operand.Op{constant(c), v}, []operand.Op{v}, nil)
}

// Change lets an instruction change v by c.
func (f *Function) Change(opcode string, c string, v operand.Op) {
	f.emit(opcode, []operand.Op{constant(c), v}, []operand.Op{v}, []operand.Op{v})
}

// Argument gives a parameter in a register of its own.
func (f *Function) Argument(param string, r reg.GPVirtual) reg.GPVirtual {
	f.Load(f.Param(param), r)
	return r
}

// Parameter is where a parameter stands in the caller's frame.
func (f *Function) Parameter(name string) operand.Mem {
	b, err := f.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

// TailCall leaves the function for another one in the same frame.
func (f *Function) TailCall(name string) {
	f.Instruction(&ir.Instruction{Opcode: "JMP", Operands: []operand.Op{Symbol(name)}, IsTerminal: true})
}
