//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// An entry {addr, len, lkey} in memory order to a KLM, and a number in the
// place of addr to the same in big-endian order behind 8 zero bytes.
DATA toKLM<>+0(SB)/8, $0x0c0d0e0f08090a0b
DATA toKLM<>+8(SB)/8, $0x0001020304050607
GLOBL toKLM<>(SB), RODATA|NOPTR, $16

// func umrAVX2(q *QP, wqe *byte, list *sg.Entry, n int, flags uint64, umrLen uint32)
TEXT ·umrAVX2(SB), NOSPLIT, $0-44
	MOVQ q+0(FP), AX
	MOVQ wqe+8(FP), DI
	MOVQ list+16(FP), SI
	MOVQ n+24(FP), CX
	LEAQ 3(CX), DX
	SHRQ $2, DX                       // WQEBBs of the list
	LEAQ 2(DX), R8                    // of the WQE
	MOVQ flags+32(FP), BX
	MOVWLZX QP_PI(AX), R9

	// Control segment: index, opcode, QPN, DS; flags and key.
	MOVQ R9, R10
	SHLQ $40, R10
	MOVL QP_QPN(AX), R11
	SHLL $8, R11
	LEAL (R8*4), R12
	ANDL $const_maxDS, R12
	ORL  R12, R11
	ORQ  R11, R10
	MOVQ $const_umrOpcode, R12
	ORQ  R12, R10
	BSWAPQ R10
	MOVQ R10, (DI)
	MOVQ R10, QP_head(AX)
	MOVQ BX, R11
	BSWAPQ R11
	MOVQ R11, 8(DI)

	// UMR control segment: inline, list octowords; mask.
	SHLL $2, DX
	MOVWLZX DX, DX
	SHLQ $16, DX
	BTSQ $63, DX
	BSWAPQ DX
	MOVQ DX, 16(DI)
	MOVQ $const_plainMask, R12
	BSWAPQ R12
	MOVQ R12, 24(DI)
	VPXOR X7, X7, X7
	VMOVDQU Y7, 32(DI)

	// Mkey context: the length alone.
	VBROADCASTI128 toKLM<>(SB), Y0
	MOVL    umrLen+40(FP), R12
	VMOVQ   R12, X3
	VPSHUFB X0, X3, X3
	VINSERTI128 $1, X3, Y7, Y3
	VMOVDQU Y3, 64(DI)
	VMOVDQU Y7, 96(DI)

	// Accounting.
	ADDL R8, R9
	MOVW R9, QP_PI(AX)
	SUBW R8, QP_TxAvailable(AX)
	ADDW QP_NonsignaledOutstanding(AX), R8
	XORL R12, R12
	BTQ  $const_ceAlwaysBit, BX
	CMOVLCS R12, R8
	MOVW R8, QP_NonsignaledOutstanding(AX)

	// List, and zeroes up to the end of its last WQEBB. A load of 16 bytes
	// clears the rest of the register.
	SUBQ $-128, DI
	SUBQ $4, CX
	JLT  tail

block:
	VMOVDQU (SI), Y4
	VMOVDQU 32(SI), Y5
	VPSHUFB Y0, Y4, Y4
	VPSHUFB Y0, Y5, Y5
	VMOVDQU Y4, (DI)
	VMOVDQU Y5, 32(DI)
	ADDQ $64, SI
	ADDQ $64, DI
	SUBQ $4, CX
	JGE  block

tail:
	ADDQ $4, CX
	JEQ  done
	CMPQ CX, $2
	JLT  one
	VMOVDQU (SI), Y4
	VPSHUFB Y0, Y4, Y4
	VMOVDQU Y4, (DI)
	JEQ  two
	VMOVDQU 32(SI), X4
	VPSHUFB X0, X4, X4
	VMOVDQU Y4, 32(DI)
	JMP  done

one:
	VMOVDQU (SI), X4
	VPSHUFB X0, X4, X4
	VMOVDQU Y4, (DI)

two:
	VMOVDQU Y7, 32(DI)

done:
	VZEROUPPER
	RET
