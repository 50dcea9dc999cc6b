package wqeview

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/internal/style"
	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// logFiles are snippets as people have them, one of each form, composed from
// recorded WQEs with one fault each. from and to are what undoes the fault in
// the file's text, so that the finding is seen to come from it.
var logFiles = []struct {
	file, fault string
	format      string
	item        int // that has the finding
	severity    mlx5model.Severity
	at          int
	field       string
	text        string // part of the finding
	authority   string // part of it
	from, to    string
}{
	{"dmesg-octowords.txt", "octowords beyond the inline list", "kernel log", 0, mlx5model.Error, 0x14, "umr_ctrl.xlt_octowords",
		"8 octowords of inline list and 0 of BSF need DS 16, ctrl.ds is 12", "qp.h mlx5_wqe_umr_ctrl_seg", "a0 00 00 00 00 08", "a0 00 00 00 00 04"},
	{"journal-reserved.txt", "reserved bit", "kernel log", 0, mlx5model.Error, 0x35, "umr_ctrl.reserved",
		"reserved bits 0x40", "qp.h mlx5_wqe_umr_ctrl_seg", "00000030: 00 00 00 00 00 40", "00000030: 00 00 00 00 00 00"},
	{"rsyslog-length.txt", "length that the list does not have", "kernel log", 0, mlx5model.Error, 0x58, "mkc.len",
		"len 3840, 4 entries describe 3584 bytes", "qp.h mlx5_klm", "00 00 0f 00", "00 00 0e 00"},
	{"dmesg-T-mask-without-field.txt", "mask bit without its field", "kernel log", 0, mlx5model.Error, 0x18, "umr_ctrl.mkey_mask",
		"has PD, which REG_MR never has: mkc.pd 0x0 is written", "linux: drivers/infiniband/hw/mlx5/wr.c set_reg_wr", "20 9e 21 c3", "20 9e 21 43"},
	{"dmesg-level-cqe.txt", "octowords of the context against the list's", "kernel log", 1, mlx5model.Error, 0x74, "mkc.translations_octword_size",
		"4 octowords, REG_MR writes 8", "linux: drivers/infiniband/hw/mlx5/wr.c set_reg_wr", "00000070: 00 00 00 00 00 00 00 04", "00000070: 00 00 00 00 00 00 00 08"},
	{"dmesg-cqe_dump-words.txt", "both check flags", "kernel log", 1, mlx5model.Error, 0x10, "umr_ctrl.flags",
		"the key cannot be both free and not free", "device.h MLX5_UMR_", "e0000000 00000000", "80000000 00000000"},
	{"rdma-core-stale-pad.txt", "stale padding where the producer writes zeros", "dump_wqe words", 1, mlx5model.Error, 0xb0, "klm.byte_count",
		"entry 3 lies behind the region's end", "libmlx5: providers/mlx5/qp.c", "00000008 00181a03 00007f00 00041050", "00000000 00000000 00000000 00000000"},
	{"xxd-field-without-mask.txt", "field without its mask bit", "hex dump", 0, mlx5model.Error, 0x18, "umr_ctrl.mkey_mask",
		"lacks LEN, which configure always has: mkc.len 0x900 is not written", "spdk: lib/mlx5/mlx5_umr.c", "0000 0000 2000 0000  ............ ...", "0000 0000 2000 0001  ............ ..."},
	{"hexdump-C-ring-index.txt", "index that is not the place in the ring", "hex dump", 1, mlx5model.Error, 0x1, "ctrl.wqe_index",
		"0x4 at WQEBB 0x3", "qp.h mlx5_wqe_ctrl_seg", "000000c0  00 00 04 25", "000000c0  00 00 03 25"},
	{"hex-0x-repeat.txt", "bytes per cycle that the entries do not have", "hex", 0, mlx5model.Error, 0x80, "repeat.bytes_per_cycle",
		"521, the entries have 520", "qp.h mlx5_stride_block_ctrl_seg", "0x00000209", "0x00000208"},
	{"od-mtt-alignment.txt", "page address that is not aligned", "hex dump", 0, mlx5model.Error, 0x98, "mtt.address",
		"entry 3: 0x200006013 is not aligned to 2^12", "device.h mlx5_mtt", "00 00 00 02 00 00 60 13", "00 00 00 02 00 00 30 03"},
	{"raw-pointer-bytes.bin", "pointer's bytes against the octowords", "binary", 0, mlx5model.Error, 0x80, "data_seg.byte_count",
		"80 bytes, xlt_octowords say 128", "linux: drivers/infiniband/hw/mlx5/wr.c set_reg_wr", "\x00\x00\x00\x50\x00\x00\x18\x00", "\x00\x00\x00\x80\x00\x00\x18\x00"},
	{"dmesg-chain-qpn.txt", "another queue's number in a chain", "kernel log", 1, mlx5model.Error, 0x4, "ctrl.qpn",
		"0x1235 in the queue of 0x1234", "qp.h mlx5_wqe_ctrl_seg", "00 00 03 08 00 12 35 02", "00 00 03 08 00 12 34 02"},
}

func TestLogsNameTheFault(t *testing.T) {
	for _, tt := range logFiles {
		t.Run(tt.file, func(t *testing.T) {
			data := read(t, "testdata/logs/"+tt.file)
			doc := parse(t, data)
			if doc.Format != tt.format || tt.item >= len(doc.Items) {
				t.Fatalf("%s, %d items", doc.Format, len(doc.Items))
			}
			is := func(f mlx5model.ViewFinding) bool {
				return f.Severity == tt.severity && f.Offset == tt.at && f.Field == tt.field && strings.Contains(f.Text, tt.text) && strings.Contains(f.Authority, tt.authority)
			}
			if it := doc.Items[tt.item]; !slices.ContainsFunc(it.Findings, is) {
				t.Errorf("%s: not named in %+v", tt.fault, it.Findings)
			}
			got := text(t, doc)
			golden(t, "testdata/logs/"+strings.TrimSuffix(tt.file, filepath.Ext(tt.file))+".golden", got)
			if !strings.Contains(got, tt.text) || !strings.Contains(got, tt.authority) {
				t.Errorf("%s: not in the text", tt.fault)
			}
			if bytes.Count(data, []byte(tt.from)) != 1 {
				t.Fatalf("%q is there %d times", tt.from, bytes.Count(data, []byte(tt.from)))
			}
			good := parse(t, bytes.Replace(data, []byte(tt.from), []byte(tt.to), 1))
			if good.Errors != 0 || good.Broken != 0 {
				t.Errorf("%s: without the fault still: %s", tt.fault, good.Counts())
			}
		})
	}
}

// Each file of testdata/logs is one of logFiles.
func TestLogsAreAllJudged(t *testing.T) {
	files, err := filepath.Glob("testdata/logs/*")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, tt := range logFiles {
		known[tt.file], known[strings.TrimSuffix(tt.file, filepath.Ext(tt.file))+".golden"] = true, true
	}
	for _, f := range files {
		if !known[filepath.Base(f)] {
			t.Errorf("%s is judged by no row", f)
		}
	}
	if len(files) != 2*len(logFiles) {
		t.Errorf("%d files for %d rows", len(files), len(logFiles))
	}
}

func TestCompletionsMatch(t *testing.T) {
	log := string(read(t, "testdata/logs/dmesg-level-cqe.txt"))
	for _, tt := range []struct {
		name, from, to string
		item           int // of the match
		want           string
	}{
		{"its WQE", "", "", 1, "the WQE at index 0x0005 of QPN 0x001234 is here: UMR REG_MR, 1 error"},
		{"other index", "00 05 ac d3", "00 06 ac d3", -1, "none of the 1 WQEs here of QPN 0x001234 has index 0x0006"},
		{"other queue", "25 00 12 34 00 05", "25 00 12 99 00 05", -1, "none of the WQEs here is of QPN 0x001299"},
		{"other opcode", "06 25 00 12 34 00 05", "06 08 00 12 34 00 05", 1, "REG_MR"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(log, tt.from) {
				t.Fatal("nothing to change")
			}
			doc := parse(t, []byte(strings.Replace(log, tt.from, tt.to, 1)))
			cqe, wqe := doc.Items[0], doc.Items[1]
			if cqe.Match == nil || cqe.Match.Item != tt.item || !strings.Contains(cqe.Match.Text, tt.want) {
				t.Fatalf("match %+v", cqe.Match)
			}
			if (wqe.Match != nil) != (tt.item == 1) {
				t.Errorf("the WQE's match %+v", wqe.Match)
			}
			odd := slices.ContainsFunc(cqe.Findings, func(f mlx5model.ViewFinding) bool { return f.Field == "cqe64.s_wqe_opcode" })
			if odd != (tt.name == "other opcode") {
				t.Errorf("findings %+v", cqe.Findings)
			}
		})
	}
}

// errorCQE is a completion with a syndrome.
func errorCQE(s mlx5model.Syndrome) []byte {
	b := make([]byte, mlx5model.CQESize)
	c := mlx5model.CQE{Opcode: mlx5model.CQEReqErr, WQEOpcode: mlx5model.OpUMR, Index: 5, QPN: 0x1234, Syndrome: s, Vendor: 0x51}
	c.Put(b)
	b[0x3e] = 0x77 // signature
	return b
}

func TestSyndromesAreExplained(t *testing.T) {
	for s := range 0x30 {
		syn := mlx5model.Syndrome(s)
		e := OfCQE(errorCQE(syn)).Syndrome
		if e == nil || e.Meaning == "" || e.Authority == "" || e.Vendor == "" || e.Value != fmt.Sprintf("%#02x", s) {
			t.Fatalf("syndrome %#x: %+v", s, e)
		}
		known := !strings.HasPrefix(syn.String(), "syndrome") && syn != mlx5model.SynOK
		if known != (len(e.Causes) > 0 && strings.HasPrefix(e.Name, "MLX5_CQE_SYNDROME_") && strings.HasPrefix(e.Status, "IB_WC_")) {
			t.Errorf("syndrome %#x: %+v", s, e)
		}
		if strings.Contains(e.Vendor, "model HCA") {
			t.Errorf("a hardware's vendor syndrome is read as the model's: %s", e.Vendor)
		}
	}
	b := errorCQE(mlx5model.SynRemoteAccess)
	b[0x3e], b[0x36] = 0, uint8(mlx5model.ReasonFree)
	if e := OfCQE(b).Syndrome; !strings.Contains(e.Vendor, "model HCA, it means: key is free") {
		t.Errorf("the model's vendor syndrome: %s", e.Vendor)
	}
}

func TestSignatureErrorIsExplained(t *testing.T) {
	b := make([]byte, mlx5model.CQESize)
	for name, v := range map[string]uint64{"expected_trans_sig": 0x12340007, "actual_trans_sig": 0x99990007, "expected_reftag": 5, "actual_reftag": 6,
		"syndrome": 1<<13 | 1<<11, "mkey": 0xabcd42, "err_offset": 1024, "qpn": 0x1234, "opcode": uint64(mlx5model.CQESigErr)} {
		f, ok := mlx5model.FindField(mlx5model.SegSigErrCQE, name)
		if !ok {
			t.Fatal(name)
		}
		f.Put(b, v)
	}
	it := OfCQE(b)
	if it.Syndrome == nil || !strings.Contains(it.Syndrome.Meaning, "offset 1024") || !strings.Contains(it.Syndrome.Meaning, "0x00abcd42: guard reference tag (expected 0x12340007") {
		t.Errorf("%+v", it.Syndrome)
	}
	if part, fields := it.At(mlx5model.BufferWQE, 0x2f); part.Name != mlx5model.SegSigErrCQE || len(fields) != 1 || fields[0].Name != "err_offset" {
		t.Errorf("byte 2fh: %+v", fields)
	}
}

func TestOtherCQEs(t *testing.T) {
	good := errorCQE(mlx5model.SynOK)
	good[0x3f] = 0
	if it := OfCQE(good); it.Syndrome != nil || it.Error != "" || !strings.Contains(it.Summary, "no error") {
		t.Errorf("%+v", it)
	}
	if it := OfCQE(append(make([]byte, 64), errorCQE(mlx5model.SynLocalProt)...)); it.Syndrome == nil || it.Parts[1].Offset != 64 || it.Index != 5 {
		t.Errorf("128 bytes: %+v", it)
	}
	for _, n := range []int{0, 1, 63, 129} {
		if it := OfCQE(make([]byte, n)); it.Error == "" {
			t.Errorf("%d bytes are a CQE", n)
		}
	}
	// Without a heading, and several under one heading.
	if doc := parse(t, []byte(fmt.Sprintf("% x\n", errorCQE(mlx5model.SynMWBind)))); doc.Items[0].Syndrome == nil {
		t.Error("not taken for a completion")
	}
	three := fmt.Sprintf("dump error cqe\n%s", strings.Repeat(words(errorCQE(mlx5model.SynFlush)), 3))
	if doc := parse(t, []byte(three)); len(doc.Items) != 3 || doc.Failed != 3 || doc.Items[2].Offset != 128 {
		t.Errorf("three completions: %d", len(doc.Items))
	}
}

// words are bytes as dump_wqe prints them.
func words(b []byte) string {
	var s strings.Builder
	for row := range slices.Chunk(b, 16) {
		fmt.Fprintf(&s, "%x %x %x %x\n", row[:4], row[4:8], row[8:12], row[12:])
	}
	return s.String()
}

func TestTextOptions(t *testing.T) {
	doc := parse(t, read(t, "testdata/logs/dmesg-level-cqe.txt"))
	plain := text(t, doc)
	if strings.Contains(plain, "\x1b") {
		t.Error("colour in plain text")
	}
	var colour, brief strings.Builder
	if err := doc.WriteText(&colour, TextOptions{Style: style.Forced(100)}); err != nil || !strings.Contains(colour.String(), "\x1b[") {
		t.Errorf("no colour: %v", err)
	}
	if err := doc.WriteText(&brief, TextOptions{Brief: true}); err != nil || strings.Contains(brief.String(), "00000000209e2143") || !strings.Contains(brief.String(), "REG_MR writes 8") {
		t.Errorf("%v: brief is\n%s", err, brief.String())
	}
	if end := plain[strings.LastIndex(plain, "== "):]; !strings.Contains(end, "REG_MR writes 8") {
		t.Errorf("the end is\n%s", end)
	}
}
