package program

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/sg"
)

// TestDrawReaches: random programs get to every kind of action, and requests
// to success and to every way of failing that there is.
func TestDrawReaches(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(400) {
		p := Draw(sg.NewRandom(seed), 60, false)
		Statuses(p, seen)
		for i := range p {
			seen[p[i].Kind.String()]++
		}
	}
	t.Log(seen)
	for _, k := range kindNames {
		if seen[k] < 50 {
			t.Errorf("%s only %d times", k, seen[k])
		}
	}
	for _, what := range []string{
		"write SUCCESS", "read SUCCESS", "add SUCCESS", "swap SUCCESS", "send SUCCESS", "send_inv SUCCESS", "local_inv SUCCESS", "list SUCCESS",
		"interleaved SUCCESS", "bind SUCCESS", "receive SUCCESS", "write LOC_PROT_ERR", "write REM_ACCESS_ERR", "write WR_FLUSH_ERR",
		"write RETRY_EXC_ERR", "read REM_ACCESS_ERR", "add REM_ACCESS_ERR", "add REM_INV_REQ_ERR", "swap REM_ACCESS_ERR", "send RNR_RETRY_EXC_ERR",
		"send REM_INV_REQ_ERR", "send REM_OP_ERR", "send_inv REM_ACCESS_ERR", "local_inv MW_BIND_ERR", "interleaved MW_BIND_ERR", "bind MW_BIND_ERR",
		"receive WR_FLUSH_ERR", "receive LOC_LEN_ERR", "receive LOC_PROT_ERR",
	} {
		if seen[what] < 10 {
			t.Errorf("%s only %d times", what, seen[what])
		}
	}
}

// TestTextKeeps: a program's text is the program.
func TestTextKeeps(t *testing.T) {
	for seed := range uint64(20) {
		p := Draw(sg.NewRandom(seed), 60, false)
		back, err := Parse(p.String())
		if err != nil || back.String() != p.String() || len(back) != len(p) {
			t.Fatalf("seed %d: %v\n%s", seed, err, p)
		}
		if !slices.EqualFunc(Predict(p), Predict(back), func(a, b Step) bool { return a.Want == b.Want }) {
			t.Fatalf("seed %d: another prediction", seed)
		}
		if again := Draw(sg.NewRandom(seed), 60, false); again.String() != p.String() {
			t.Fatalf("seed %d: another program", seed)
		}
		if len(Settled(p)) != len(p) {
			t.Fatalf("seed %d: not settled", seed)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, why := range map[string]string{
		"jump 1":                                             "no action",
		"pair 3 0 0 0 0":                                     "no end",
		"write 6 0 0":                                        "no end",
		"write 0":                                            "needs an end and a key",
		"region 1 0 0x1000 1 0 0":                            "a region is of memory",
		"region 1 0 0x2000000000 8193 0 0":                   "a region is of memory",
		"region 1 0 0x2000000000 8 0 0x2":                    "a region is of memory",
		"mkey 1 0 4 0\nmkey 1 0 4 0":                         "made twice",
		"write 0 512 0":                                      "",
		"read 0 1 0 512@0:1":                                 "pieces have bytes",
		"read 0 1 0 1@0:0":                                   "pieces have bytes",
		"read 0 1 0 1:0":                                     "KEY@ADDRESS:BYTES",
		"read 0 1 0 1@0:1 1@0:1 1@0:1 1@0:1 1@0:1":           "at most 4",
		"list 1 5 0xf 1@0:1":                                 "even end",
		"add 0 1 0 5 1@0:4":                                  "one piece of 8 bytes",
		"interleaved 0 5 0xf 0 1@0:1":                        "cycles",
		"interleaved 0 5 0xf 1 1@0:65535/1":                  "less than 2^16",
		"rereg 1 0 0 0x2000000000 8 0":                       "flags",
		"bind 0 1 2 0x2000000000 8 1":                        "remote rights",
		"fill 0x2000001fff 2 0":                              "memory is",
		"write 0 1 0 1~300@0:1":                              "out of range",
		"pair 0 0 0 0xf":                                     "needs 5 numbers",
		strings.Repeat("# nothing\n", 3) + "recover 0 1@0:1": "line 4",
	} {
		if _, err := Parse(text); why != "" && (err == nil || !strings.Contains(err.Error(), why)) {
			t.Errorf("%q: %v, want %q", text, err, why)
		}
	}
}

// TestOverlap: what has no defined result is left out, and only that.
func TestOverlap(t *testing.T) {
	const begin = "region 0 0 0x2000000000 8192 0x2000000000 0xf\npair 0 0 0 0xf 0xf\n"
	for line, stays := range map[string]bool{
		"write 0 0 0x2000000010 0@0x2000000000:17":                  false,
		"write 0 0 0x2000000010 0@0x2000000000:16":                  true,
		"read 0 0 0x2000000010 0@0x2000000011:4":                    false,
		"add 0 0 0x2000000010 1 0@0x2000000011:8":                   false,
		"write 0 0 0x2000001ff0 0@0x2000001fe0:17":                  true, // refused
		"receive 1 0@0x2000000000:8\nsend 0 0@0x2000000004:8":       false,
		"receive 1 0@0x2000000000:8\nsend_inv 0 0 0@0x2000000009:8": true,
	} {
		p, err := Parse(begin + line)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(Settled(p)) == len(p); got != stays {
			t.Errorf("%s: stays %v", line, got)
		}
	}
}

// TestShrink: of a long program only what a failure needs is left.
func TestShrink(t *testing.T) {
	p := Draw(sg.NewRandom(3), 120, false)
	fails := func(q Program) bool { // an engine that lets remote reads of freed windows pass
		bound := false
		for _, s := range Predict(q) {
			a := q[s.First]
			bound = bound || a.Kind == Bind && strings.Contains(s.Want, "=0,")
			if bound && a.Kind == Interleaved && strings.Contains(s.Want, "=0,") {
				return true
			}
		}
		return false
	}
	if !fails(p) {
		t.Fatal("the program does not do what is looked for")
	}
	small := Shrink(p, fails, 2000)
	if !fails(small) || len(small) > 6 {
		t.Errorf("%d actions of %d\n%s", len(small), len(p), small)
	}
	n := 0
	if same := Shrink(p, func(Program) bool { n++; return false }, 50); same.String() != p.String() || n > 50 {
		t.Errorf("a program that does not fail became another, or %d tries", n)
	}
}

func TestCheck(t *testing.T) {
	p, err := Parse("region 0 0 0x2000000000 8192 0x2000000000 0xf\npair 0 0 0 0xf 0xf\nwrite 0 0 0x2000000100 0@0x2000000000:2 &\nread 0 0 0x0 0@0x2000000000:2\nfree 7\n")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, s := range Predict(p) {
		lines = append(lines, s.Want)
	}
	want := []string{"done", "done", "done s3=10 e0 e1 m100:" + fmt.Sprintf("%x", newWorld().model.Memory[:2]), "none"}
	if !slices.Equal(lines, want) {
		t.Fatalf("%q, want %q", lines, want)
	}
	if f := Check(p, lines); f != nil {
		t.Errorf("%v", f)
	}
	lines[2] = "done s3=0,2"
	f := Check(p, lines)
	if f == nil || !strings.Contains(f.Explain(), "want: done; read (line 4): REM_ACCESS_ERR; end 0 in error") || !strings.Contains(f.Explain(), "SUCCESS") {
		t.Errorf("%+v", f)
	}
	if f := Check(p, lines[:1]); f == nil || f.Got != "nothing" {
		t.Errorf("%+v", f)
	}
	if back, err := Parse(f.Explain()); err != nil || back.String() != p.String() {
		t.Errorf("%v\n%s", err, f.Explain())
	}
}
