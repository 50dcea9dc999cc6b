// Command _generate writes the assembly of package linux, register_amd64.s; the
// package's register.go has the call.
package main

import (
	"flag"
	"os"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/pass"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	set := flag.NewFlagSet(os.Args[0], flag.ExitOnError) // avo has the default one for its own context
	flags := NewFlags(set)
	_ = set.Parse(os.Args[1:]) // exits on an error
	f := &function{Context: NewContext()}
	f.ConstraintExpr("!purego")
	f.register()
	cfg := flags.Config()
	// go_asm.h has the offsets of fields and the values of constants of the
	// Go package, so that nothing here repeats them.
	cfg.Passes = append([]pass.Interface{pass.Func(func(f *ir.File) error {
		f.Includes = append(f.Includes, "go_asm.h")
		return nil
	})}, cfg.Passes...)
	os.Exit(Main(cfg, f.Context))
}

// function is the one that is being emitted.
type function struct{ *Context }

// Attributes that textflag.h names.
const noSplit = 4

// field is a field of a struct of the package, off bytes into it.
func field(base Register, name string, off int) Mem {
	return Mem{Symbol: Symbol{Name: name}, Base: base, Disp: off}
}

// symbol is a variable or function of the package.
func symbol(name string) Mem {
	return Mem{Symbol: Symbol{Name: "·" + name}, Base: StaticBase}
}

// named is a constant of the package as an immediate operand. The value inside
// makes it one for avo, which does not ask for it.
type named struct {
	Constant
	name string
}

// Asm is what the assembler knows it by.
func (c named) Asm() string { return "$const_" + c.name }

func constant(name string) Op { return named{U32(0), name} }

// emit emits an instruction that has a constant as an operand.
func (f *function) emit(opcode string, ops []Op, reads, writes []Op) {
	f.Instruction(&ir.Instruction{Opcode: opcode, Operands: ops, Inputs: reads, Outputs: writes})
}

func (f *function) move(opcode string, c string, to Op) {
	f.emit(opcode, []Op{constant(c), to}, nil, []Op{to})
}

func (f *function) compare(opcode string, v Op, c string) {
	f.emit(opcode, []Op{v, constant(c)}, []Op{v}, nil)
}

// test compares the bits of c in v with 0.
func (f *function) test(opcode string, c string, v Op) {
	f.emit(opcode, []Op{constant(c), v}, []Op{v}, nil)
}

func (f *function) change(opcode string, c string, v Op) {
	f.emit(opcode, []Op{constant(c), v}, []Op{v}, []Op{v})
}

// load gives a parameter in a register of its own.
func (f *function) load(param string, r GPVirtual) GPVirtual {
	f.Load(f.Param(param), r)
	return r
}
