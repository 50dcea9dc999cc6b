package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/internal/wqeview"
	"github.com/sgfuzz/sgfuzz/mlx5model"
)

func TestDecode(t *testing.T) {
	bare := strings.ReplaceAll(goldenEncode[strings.Index(goldenEncode, "# WQE"):], "# WQE 0: UMR, DS 12, dialect linux\n", "")
	broken := strings.Replace(bare, "00 12 34 0c", "00 12 34 01", 1) // DS too short for a UMR
	reserved := strings.Replace(bare, "a0 00 00 00 00 04", "a0 ff 00 00 00 04", 1)
	for _, row := range []struct {
		name, in string
		args     []string
		code     int
		texts    []string
	}{
		{"hex", bare, nil, exitFine, []string{"== #1 hex, line 1", "DS 12", "REG_MR", "fits the rules of linux", "0x0000000020000005"}},
		{"strict", bare, []string{"--strict"}, exitFine, []string{"no findings"}},
		{"other rules", bare, []string{"--strict", "--dialect=spdk"}, exitFindings, []string{"[1] error at", "fits the rules of linux"}},
		{"no rules", bare, []string{"--dialect=none"}, exitFine, []string{"fits the rules of linux"}},
		{"reserved, lenient", reserved, nil, exitFine, []string{"[1] error at 011 umr_ctrl.reserved", "rule 2, ", "fits the rules of no known dialect; closest is linux, with 1 broken"}},
		{"reserved, strict", reserved, []string{"--strict"}, exitFindings, []string{"rule 2, "}},
		{"two", "# a\n" + bare + "# b\n" + bare, nil, exitFine, []string{"hex: 2 WQEs, nothing wrong with the bytes", "line 2: a", ": b"}},
		{"undecodable", broken, nil, exitUsage, []string{"undecodable", "stdin: 1 of 1 cannot be decoded"}},
		{"cut", bare[:96], nil, exitUsage, []string{"undecodable"}},
		{"junk", bare + "hello\n", nil, exitUsage, []string{"line 13", `"hello"`}},
		{"odd", "00 0\n", nil, exitUsage, []string{"line 1: odd number of hex digits"}},
		{"no entries", bare, []string{"--rows=0"}, exitUsage, []string{"--rows 0"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			sgfuzz(row.in, append([]string{"decode"}, row.args...)...).want(t, row.code, row.texts...)
		})
	}
}

// TestDecodeRing finds WQEs between WQEBBs of zeros.
func TestDecodeRing(t *testing.T) {
	ring := make([]byte, 4*mlx5model.WQEBBSize)
	for _, at := range []int{1, 3} {
		ctrl := mlx5model.Ctrl{Opcode: mlx5model.OpNop, Index: uint16(at), DS: 1}
		ctrl.Put(ring[at*mlx5model.WQEBBSize:])
	}
	r := sgfuzz(string(ring), "decode", "--json")
	r.want(t, exitFine)
	got := decodeJSON[wqeview.Document](t, r.out)
	if got.Format != "binary" || len(got.Blocks) != 1 || len(got.Items) != 2 {
		t.Fatalf("%+v", got)
	}
	for i, at := range []int{1, 3} {
		if w := got.Items[i]; w.Offset != at*mlx5model.WQEBBSize || int(w.Index) != at {
			t.Errorf("WQE %d: %+v", i, w)
		}
	}
}

func TestDecodePage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.html")
	sgfuzz(goldenEncode, "decode", "--html", file).want(t, exitFine, "REG_MR")
	data, err := os.ReadFile(file)
	if err != nil || !strings.HasPrefix(string(data), "<!DOCTYPE html>") || !strings.Contains(string(data), "mkc.start_addr") {
		t.Errorf("%v: %s", err, clip(string(data)))
	}
	below := filepath.Join(file, "x")
	sgfuzz(goldenEncode, "decode", "--html", below).want(t, exitInternal, below)
}
