package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const goodMutants = `[
  {"name": "one", "bug": "B26", "project": "linux", "year": 2019, "cause": "CAUSE of one", "found": true, "check": 4, "check_name": "sub-range",
   "executions": 12, "worst_executions": 12345, "seconds": 0.0031, "worst_seconds": 0.5, "entries": 2, "minimum": 1},
  {"name": "two", "project": "made", "cause": "CAUSE of two", "found": false, "executions": 100000}
]
`

const goodBench = `{"bench":"klm_list","n":1,"impl":"sgfuzz","ns_per_entry":3.3,"ns":3.3,"ratio_to_copy":0.58,"ratio_low":0.5,"ratio_high":0.7,"rounds":5}
{"bench":"klm_list","n":1,"impl":"copy","ns_per_entry":5,"ns":5,"ratio_to_copy":1,"ratio_low":1,"ratio_high":1,"rounds":5}
{"bench":"klm_list","n":256,"impl":"sgfuzz","ns_per_entry":0.25,"ns":64,"ratio_to_copy":0.93,"ratio_low":0.9,"ratio_high":0.95,"rounds":5}
{"bench":"klm_list","n":256,"impl":"gcc-O2","ns_per_entry":1,"ns":256,"ratio_to_copy":4.75,"ratio_low":4,"ratio_high":5,"rounds":5}
{"bench":"check","n":8,"impl":"sgfuzz","ns_per_entry":700,"ns":6290,"ratio_to_copy":381,"ratio_low":370,"ratio_high":390,"rounds":5}
{"bench":"check","n":8,"impl":"sgfuzz","strategies":"all","workers":2,"registrations_per_second":69376.4,"ns_per_entry":1,"seconds":1}

{"impl":"libmlx5","skipped":"no header"}
{"growth":"encode","points":[{"n":16,"ns":20},{"n":32,"ns":40}],"slope":1,"tail_slope":1.02}
`

func TestResults(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "mutants.json"), goodMutants)
	write(t, filepath.Join(dir, "bench.json"), goodBench)
	r := read(t, dir, Options{})
	if m := r.Mutants; m.Found != 1 || len(m.All) != 2 || m.Problem != "" {
		t.Errorf("%+v", m)
	}
	if b := r.Bench; len(b.Rows) != 5 || len(b.Loops) != 1 || len(b.Growth) != 1 || len(b.Skipped) != 1 || b.Problem != "" {
		t.Errorf("%+v", b)
	}
	demand(t, html(t, r), "1 of 2 were found by every seed", "two made not found", "one B26 linux 2019 4 sub-range 12 12 345 3.1 500.0 2 1 CAUSE of one",
		"klm_list, 256 entries: time", "256 0.93× ±3 % 0.25 4.75× ±11 % 1", "8 381× ±3 % 6.29", "69 376 registrations a second", "libmlx5 (no header)", "1.02th power")
	// what was not found comes first
	if v := (view{Report: r}); v.draw() != nil || v.MutantRows[0].Name != "two" || len(v.BenchCharts) != 2 || v.BenchTables[0].Rows[1].Cells[1].Ratio != "" {
		t.Errorf("%+v", v)
	}
	elsewhere := t.TempDir()
	if r = read(t, elsewhere, Options{Mutants: filepath.Join(dir, "mutants.json"), Bench: filepath.Join(dir, "bench.json")}); len(r.Mutants.All) != 2 || len(r.Bench.Rows) != 5 {
		t.Errorf("%+v", r)
	}
}

// TestBadResults names the file and the line, and makes the rest of the report.
func TestBadResults(t *testing.T) {
	third := strings.Index(goodBench, `{"bench":"klm_list","n":256`)
	for _, row := range []struct{ name, file, text, want string }{
		{"cut short", "mutants.json", goodMutants[:len(goodMutants)-10], "line 4: unexpected end"},
		{"a wrong value", "mutants.json", strings.Replace(goodMutants, `"year": 2019`, `"year": "x"`, 1), "line 2: json: cannot unmarshal string"},
		{"of another verb", "mutants.json", `{"error": "no such mutant", "exit": 2}`, "not a list"},
		{"of another list", "mutants.json", `[{"a": 1}]`, "element 1 has no name"},
		{"cut short", "bench.json", goodBench[:third+40], "line 3: unexpected end"},
		{"a wrong value", "bench.json", strings.Replace(goodBench, `"n":1,`, `"n":"1",`, 1), "line 1: json: cannot unmarshal string"},
		{"of another verb", "bench.json", "\n{\"seed\": 4}\n", "line 2: not the result of sgfuzz bench"},
		{"empty", "mutants.json", "", "line 1: unexpected end"},
	} {
		t.Run(row.file+" "+row.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "mutants.json"), goodMutants)
			write(t, filepath.Join(dir, "bench.json"), goodBench)
			write(t, filepath.Join(dir, row.file), row.text)
			r := read(t, dir, Options{})
			if len(r.Problems) != 1 || !strings.Contains(r.Problems[0], filepath.Join(dir, row.file)+": ") || !strings.Contains(r.Problems[0], row.want) {
				t.Fatalf("%q", r.Problems)
			}
			if bad, good := len(r.Mutants.All), len(r.Bench.Rows); row.file == "bench.json" && (bad != 2 || good != 0) || row.file == "mutants.json" && (bad != 0 || good != 5) {
				t.Errorf("%d mutants and %d rows", bad, good)
			}
			demand(t, html(t, r), "1 file could not be used", "sgfuzz "+strings.TrimSuffix(row.file, ".json")+" --json=")
		})
	}
	dir := t.TempDir()
	if r := read(t, dir, Options{Mutants: filepath.Join(dir, "none")}); len(r.Problems) != 1 || !strings.Contains(r.Problems[0], "none") {
		t.Errorf("a file that was asked for: %q", r.Problems)
	}
	long := filepath.Join(dir, "bench.json")
	write(t, long, "")
	if err := os.Truncate(long, MaxResults+1); err != nil {
		t.Fatal(err)
	}
	if r := read(t, dir, Options{}); len(r.Problems) != 1 || !strings.Contains(r.Problems[0], "longer than 64 MiB") {
		t.Errorf("%q", r.Problems)
	}
}

func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		number(9999): "9999", number(12345): "12\u202f345", number(uint64(1234567)): "1\u202f234\u202f567",
		duration(0.04): "0.0 s", duration(99.94): "99.9 s", duration(125): "2 min 05 s", duration(7260): "2 h 01 min",
		clip("añb", 2): "a …", clip("ab", 2): "ab", rate(0.26): "0.3", rate(4321.6): "4322",
		heatClass(Cell{}): "none", heatClass(Cell{Refused: 9}): "h0", heatClass(Cell{Accepted: 1, Refused: 999}): "h0",
		heatClass(Cell{Accepted: 6, Partial: 1, Refused: 3}): "h7", heatClass(Cell{Accepted: 2, Failed: 1}): "fail e4", heatClass(Cell{Accepted: 99, Failed: 11}): "fail e1",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if a, b := share(Cell{Accepted: 1, Refused: 999}), share(Cell{Accepted: 999, Refused: 1}); a != 1 || b != 99 {
		t.Errorf("%d and %d per cent", a, b)
	}
}

// TestSteps: few points of many, the first and the last among them.
func TestSteps(t *testing.T) {
	var all []Point
	for n := uint64(1); n <= 100_000; n += 7 {
		all = append(all, Point{Cases: n})
	}
	x := func(p Point) float64 { return float64(p.Cases) }
	for _, logarithm := range []bool{false, true} {
		some := steps(all, 50, logarithm, x)
		if len(some) < 25 || len(some) > 52 || some[0] != all[0] || some[len(some)-1] != all[len(all)-1] {
			t.Errorf("%d points of %d, logarithm %v", len(some), len(all), logarithm)
		}
		if middle := some[len(some)/2].Cases; logarithm != (middle < 10_000) {
			t.Errorf("the one in the middle is at %d, logarithm %v", middle, logarithm)
		}
	}
	if some := steps(all[:2], 50, true, x); len(some) != 2 {
		t.Errorf("%d of 2", len(some))
	}
}
