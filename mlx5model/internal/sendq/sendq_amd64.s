//go:build !purego

#include "textflag.h"

// Shuffle of an entry {addr, len, lkey} in memory order to its length as 64 bits.
DATA toLen<>+0(SB)/8, $0x808080800b0a0908
DATA toLen<>+8(SB)/8, $0x8080808080808080
GLOBL toLen<>(SB), RODATA|NOPTR, $16

// func totalAVX2(list *sg.Entry, n int) (total uint64)
TEXT ·totalAVX2(SB), NOSPLIT, $0-24
	MOVQ list+0(FP), SI
	MOVQ n+8(FP), CX
	VPCMPEQD Y0, Y0, Y0               // the low half of a pair of dwords
	VPSRLQ $32, Y0, Y0
	VPXOR X2, X2, X2                  // sums, of what stands in an addr's place too
	VPXOR X3, X3, X3
	SUBQ $4, CX
	JLT  rest

four:
	VPAND  (SI), Y0, Y4
	VPAND  32(SI), Y0, Y5
	VPADDQ Y4, Y2, Y2
	VPADDQ Y5, Y3, Y3
	ADDQ $64, SI
	SUBQ $4, CX
	JGE  four

rest:
	VPADDQ Y3, Y2, Y2
	VEXTRACTI128 $1, Y2, X3
	VPADDQ X3, X2, X2
	VPEXTRQ $1, X2, AX
	VZEROUPPER
	ADDQ $4, CX
	JEQ  sum

one:
	MOVL 8(SI), DX
	ADDQ DX, AX
	ADDQ $16, SI
	DECQ CX
	JNE  one

sum:
	MOVQ AX, total+16(FP)
	RET

// func scanAVX2(list *sg.Entry, n int) (total, wraps uint64, least, most uint32)
TEXT ·scanAVX2(SB), NOSPLIT, $0-40
	MOVQ list+0(FP), SI
	MOVQ n+8(FP), CX
	VBROADCASTI128 toLen<>(SB), Y1
	VPXOR    X2, X2, X2               // sums of lengths
	VPXOR    X9, X9, X9               // addr &^ (addr+len)
	VPXOR    X11, X11, X11            // largest dwords
	VPCMPEQD Y10, Y10, Y10            // smallest dwords
	SUBQ $2, CX
	JLT  odd

pair:
	VMOVDQU (SI), Y4
	VPSHUFB Y1, Y4, Y5
	VPADDQ  Y5, Y2, Y2
	VPADDQ  Y4, Y5, Y5
	VPANDN  Y4, Y5, Y5
	VPOR    Y5, Y9, Y9
	VPMINUD Y4, Y10, Y10
	VPMAXUD Y4, Y11, Y11
	ADDQ $32, SI
	SUBQ $2, CX
	JGE  pair

odd:
	VEXTRACTI128 $1, Y2, X3
	VPADDQ  X3, X2, X2
	VEXTRACTI128 $1, Y9, X3
	VPOR    X3, X9, X9
	VEXTRACTI128 $1, Y10, X3
	VPMINUD X3, X10, X10
	VEXTRACTI128 $1, Y11, X3
	VPMAXUD X3, X11, X11
	ADDQ $2, CX
	JEQ  done
	VMOVDQU (SI), X4
	VPSHUFB X1, X4, X5
	VPADDQ  X5, X2, X2
	VPADDQ  X4, X5, X5
	VPANDN  X4, X5, X5
	VPOR    X5, X9, X9
	VPMINUD X4, X10, X10
	VPMAXUD X4, X11, X11

done:
	VMOVQ   X2, AX
	MOVQ    AX, total+16(FP)
	VMOVQ   X9, AX
	SHRQ    $63, AX
	MOVQ    AX, wraps+24(FP)
	VPEXTRD $2, X10, AX
	MOVL    AX, least+32(FP)
	VPEXTRD $2, X11, AX
	MOVL    AX, most+36(FP)
	VZEROUPPER
	RET

// func pushAVX2(dst, wqe *byte, wqebbs int)
TEXT ·pushAVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ wqe+8(FP), SI
	MOVQ wqebbs+16(FP), CX
	MOVQ (SI), AX
	MOVQ 8(SI), BX
	MOVQ 16(SI), DX
	MOVQ 24(SI), R8
	MOVQ AX, (DI)
	MOVQ BX, 8(DI)
	MOVQ DX, 16(DI)
	MOVQ R8, 24(DI)
	JMP  second

block:
	ADDQ $64, SI
	ADDQ $64, DI
	VMOVDQU (SI), Y0
	VMOVDQU Y0, (DI)

second:
	VMOVDQU 32(SI), Y1
	VMOVDQU Y1, 32(DI)
	DECQ CX
	JNE  block
	VZEROUPPER
	RET
