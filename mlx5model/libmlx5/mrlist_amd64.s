//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// Shuffles of an entry {addr, len, lkey} in memory order: to a KLM, and to its
// length as 64 bits.
DATA toKLM<>+0(SB)/8, $0x0c0d0e0f08090a0b
DATA toKLM<>+8(SB)/8, $0x0001020304050607
GLOBL toKLM<>(SB), RODATA|NOPTR, $16

DATA toLen<>+0(SB)/8, $0x808080800b0a0908
DATA toLen<>+8(SB)/8, $0x8080808080808080
GLOBL toLen<>(SB), RODATA|NOPTR, $16

// func mrListAVX2(q *QP, wqe *byte, list *sg.Entry, n int, lkey uint32, fmCeSe, access uint8, wide bool) (length uint64)
TEXT ·mrListAVX2(SB), NOSPLIT, $0-48
	MOVQ q+0(FP), AX
	MOVQ wqe+8(FP), DI
	MOVQ list+16(FP), SI
	MOVQ n+24(FP), CX
	LEAQ 3(CX), R8
	SHRQ $2, R8                       // WQEBBs of the list

	// Accounting.
	MOVL QP_CurPost(AX), R9
	MOVL R9, QP_ctrl(AX)
	LEAL 2(R9)(R8*1), R10
	MOVL R10, QP_CurPost(AX)
	LEAL 2(R8), R11
	SHLL $2, R11
	MOVL R11, QP_size(AX)
	INCL QP_nreq(AX)

	// Control segment: index, opcode, QPN, DS; flags and key.
	MOVWLZX R9, R9
	SHLQ $40, R9
	MOVL QP_QPN(AX), R12
	SHLL $8, R12
	ORL  R11, R12
	ORQ  R12, R9
	MOVQ $const_umrOpcode, R12
	ORQ  R12, R9
	BSWAPQ R9
	MOVQ R9, (DI)
	MOVBLZX fmCeSe+36(FP), R10
	SHLQ $32, R10
	MOVL lkey+32(FP), R12
	ORQ  R12, R10
	BSWAPQ R10
	MOVQ R10, 8(DI)

	// UMR control segment: inline, list octowords; mask.
	SHLL $2, R8
	MOVWLZX R8, R8
	SHLQ $16, R8
	BTSQ $63, R8
	BSWAPQ R8
	MOVQ R8, 16(DI)
	MOVQ $const_listMask, R9
	BSWAPQ R9
	MOVQ R9, 24(DI)

	// First word of the mkey context: rights, any QP, tag.
	MOVBLZX access+37(FP), BX
	SHLQ $40, BX
	MOVL $const_anyQPN, R9
	ORQ  R9, BX
	MOVBLZX R12, R12
	ORQ  R12, BX

	MOVQ DI, DX
	VPXOR X7, X7, X7
	VBROADCASTI128 toKLM<>(SB), Y0
	VBROADCASTI128 toLen<>(SB), Y1
	VPXOR X2, X2, X2                  // two pairs of sums
	VPXOR X3, X3, X3
	VMOVDQU Y7, 32(DI)
	VMOVDQU Y7, 96(DI)
	SUBQ $-128, DI
	SUBQ $4, CX
	JLT  tail

block:
	VMOVDQU (SI), Y4
	VMOVDQU 32(SI), Y5
	VPSHUFB Y0, Y4, Y6
	VMOVDQU Y6, (DI)
	VPSHUFB Y0, Y5, Y6
	VMOVDQU Y6, 32(DI)
	VPSHUFB Y1, Y4, Y4
	VPSHUFB Y1, Y5, Y5
	VPADDQ  Y4, Y2, Y2
	VPADDQ  Y5, Y3, Y3
	ADDQ $64, SI
	ADDQ $64, DI
	SUBQ $4, CX
	JGE  block

	// A half block of one entry has zeroes in its other half: a load of 16
	// bytes clears the rest of the register.
tail:
	ADDQ  $4, CX
	JEQ   sum
	CMPQ  CX, $2
	JLT   one
	VMOVDQU (SI), Y4
	VPSHUFB Y0, Y4, Y6
	VMOVDQU Y6, (DI)
	VPSHUFB Y1, Y4, Y4
	VPADDQ  Y4, Y2, Y2
	JEQ   two
	VMOVDQU 32(SI), X4
	VPSHUFB X0, X4, X6
	VMOVDQU Y6, 32(DI)
	VPSHUFB X1, X4, X4
	VPADDQ  Y4, Y2, Y2
	JMP   sum

one:
	VMOVDQU (SI), X4
	VPSHUFB X0, X4, X6
	VMOVDQU Y6, (DI)
	VPSHUFB X1, X4, X4
	VPADDQ  Y4, Y2, Y2

two:
	VMOVDQU Y7, 32(DI)

sum:
	VPADDQ Y3, Y2, Y2
	VEXTRACTI128 $1, Y2, X3
	VPADDQ X3, X2, X2
	VMOVQ  X2, AX
	CMPB wide+38(FP), $0
	JNE  context
	MOVLQSX AX, AX

	// The mkey context comes last: its length is known only now.
context:
	MOVQ   AX, length+40(FP)
	BSWAPQ AX
	BSWAPQ BX
	VMOVQ  BX, X4
	VMOVQ  AX, X5
	VPSLLDQ $8, X5, X5
	VINSERTI128 $1, X5, Y4, Y4
	VMOVDQU Y4, 64(DX)
	VZEROUPPER
	RET
