package usage

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

// shop is a command line with one of each.
type shop struct {
	Version kong.VersionFlag `help:"Print it."`

	Sell struct {
		Fruit  []string      `placeholder:"NAME" help:"Only these. And no others."`
		Colour string        `default:"red" placeholder:"NAME" enum:"red,green" help:"Colour."`
		Price  int           `short:"p" placeholder:"N" help:"Price."`
		For    time.Duration `placeholder:"TIME" help:"Time."`
		Bill   string        `short:"o" placeholder:"FILE" help:"Bill."`
		Store  string        `placeholder:"DIR" help:"Store."`
		Logs   []string      `sep:"none" placeholder:"FILE" help:"Logs."`
		Wrap   bool          `default:"true" negatable:"" help:"Wrap it."`
		JSON   optional      `name:"json" placeholder:"FILE" help:"JSON."`
		Secret bool          `hidden:"" help:"Hidden."`
		Basket []string      `arg:"" optional:"" name:"case" help:"Baskets."`
	} `cmd:"" group:"Trade" help:"Sell fruit. At once."`
	Stock struct {
		Count struct {
			What string `arg:"" names:"fruit" help:"Fruit."`
		} `cmd:"" help:"Count."`
		Clear struct{} `cmd:"" help:"Clear."`
	} `cmd:"" group:"Store"`
	Run struct {
		Command []string `arg:"" passthrough:"partial" help:"Program."`
	} `cmd:""`
	Help struct {
		Verb []string `arg:"" optional:""`
	} `cmd:""`
	Ghost struct{} `cmd:"" hidden:""`
}

type optional struct{}

func (*optional) IsBool() bool                         { return true }
func (*optional) Decode(ctx *kong.DecodeContext) error { return nil }

func shopProgram(t *testing.T) *Program {
	t.Helper()
	k, err := kong.New(new(shop), kong.Name("shop"))
	if err != nil {
		t.Fatal(err)
	}
	return Of(k, func(set string) []string {
		return map[string][]string{"fruit": {"apple", "apricot", "pear"}, "case": {"big/one", "big/two", "small/one"}}[set]
	})
}

func TestOf(t *testing.T) {
	p := shopProgram(t)
	var names []string
	for _, c := range p.Cmds {
		names = append(names, c.Name)
	}
	if got := strings.Join(names, ", "); got != "sell, stock count, stock clear, run, help" {
		t.Errorf("commands %s", got)
	}
	want := []Value{
		{Name: "fruit", Help: "Only these. And no others.", Placeholder: "NAME", Takes: Name, Names: []string{"apple", "apricot", "pear"}, Several: true, Commas: true},
		{Name: "colour", Help: "Colour.", Placeholder: "NAME", Takes: Name, Names: []string{"red", "green"}, Default: "red"},
		{Name: "price", Short: "p", Help: "Price.", Placeholder: "N", Takes: Text},
		{Name: "for", Help: "Time.", Placeholder: "TIME", Takes: Text},
		{Name: "bill", Short: "o", Help: "Bill.", Placeholder: "FILE", Takes: File},
		{Name: "store", Help: "Store.", Placeholder: "DIR", Takes: Directory},
		{Name: "logs", Help: "Logs.", Placeholder: "FILE", Takes: File, Several: true},
		{Name: "wrap", Help: "Wrap it.", Takes: Switch, Negatable: true},
		{Name: "json", Help: "JSON.", Placeholder: "FILE", Takes: File, Optional: true},
		{Name: "help", Short: "h", Help: "Show context-sensitive help.", Takes: Switch},
	}
	sell := p.Cmd("sell")
	for i, f := range sell.Flags {
		if i >= len(want) || !reflect.DeepEqual(f, want[i]) {
			t.Errorf("flag %d: %+v", i, f)
		}
	}
	if len(sell.Flags) != len(want) || sell.Group != "Trade" || p.Cmd("stock clear").Group != "Store" || p.Cmd("ghost") != nil {
		t.Errorf("%+v", sell)
	}
	if a := sell.Arguments[0]; a.Takes != Case || !a.Several || a.Commas || a.Required || len(a.Names) != 3 {
		t.Errorf("%+v", a)
	}
	if a := p.Cmd("run").Arguments[0]; a.Takes != Command || !a.Required {
		t.Errorf("%+v", a)
	}
	if got := p.Groups(); !slices.Equal(got, []string{"Trade", "Store", ""}) {
		t.Errorf("groups %q", got)
	}
	if len(p.Below()) != 5 || len(p.Below("stock")) != 2 || len(p.Below("sto")) != 0 {
		t.Error("Below")
	}
}

func TestComplete(t *testing.T) {
	p := shopProgram(t)
	for _, row := range []struct{ line, want string }{ // TAKES:PREFIX CANDIDATES…
		{"", ": sell stock run help"},
		{"s", ": sell stock"},
		{"stock ", ": count clear"},
		{"stock cl", ": clear"},
		{"nosuch ", ":"},
		{"stock count ", ": apple apricot pear"},
		{"stock count ap", ": apple apricot"},
		{"stock count apple ", ":"},
		{"stock clear ", ":"},
		{"sell -", ": --fruit= --colour= --price= --for= --bill= --store= --logs= --wrap --no-wrap --json --help"},
		{"sell --no", ": --no-wrap"},
		{"sell --no-wrap --w", ":"},               // given
		{"sell --price 3 --pri", ":"},             // given
		{"sell --fruit=pear --fru", ": --fruit="}, // can be given again
		{"sell --fruit ", ": apple apricot pear"}, //
		{"sell --fruit=", ":--fruit= apple apricot pear"},
		{"sell --fruit=apple,ap", ":--fruit=apple, apricot"}, // each once
		{"sell --fruit apple,", ":apple, apricot pear"},
		{"sell --colour=g", ":--colour= green"},
		{"sell --wrap=", ":"},
		{"sell --nosuch=", ":"},
		{"sell -p ", ":"},
		{"sell -o ", "file:"},
		{"sell --bill=x", "file:--bill="},
		{"sell --store ", "directory:"},
		{"sell --json ", "case: big/ small/"}, // takes a value only behind =
		{"sell --json=", "file:--json="},
		{"sell ", "case: big/ small/"},
		{"sell big/t", "case: big/two"},
		{"sell big/one ", "case: big/ small/"},
		{"sell --price 3 big/", "case: big/one big/two"},
		{"sell -- --f", "case:"},
		{"sell - b", "case: big/"}, // standard input is an argument
		{"run -- m", "command:"},
		{"run -- make ", "file:"},
		{"run make -", "file:"},
		{"help ", ": sell stock run help"},
		{"help stock c", ": count clear"},
		{"help stock count ", ":"},
		{"--", ":"},
	} {
		r := p.Complete(strings.Split(row.line, " "))
		got := string(r.Takes) + ":" + r.Prefix
		for _, c := range r.Candidates {
			got += " " + c.Text
		}
		if got != row.want {
			t.Errorf("%q: %s, want %s", row.line, got, row.want)
		}
	}
	if r := p.Complete(nil); len(r.Candidates) != 4 {
		t.Errorf("%+v", r)
	}
}

func TestReply(t *testing.T) {
	var b bytes.Buffer
	r := shopProgram(t).Complete([]string{"sell", "--fr"})
	if _, err := r.WriteTo(&b); err != nil || b.String() != ":\n--fruit=\tOnly these\n" {
		t.Errorf("%v %q", err, b.String())
	}
	for _, shell := range Shells() {
		if script, err := Completion(shell); err != nil || !strings.Contains(script, CompleteWord) {
			t.Errorf("%s: %v", shell, err)
		}
	}
	if _, err := Completion("ksh"); err == nil {
		t.Error("ksh")
	}
}

// FuzzComplete gives it any words: each candidate must begin with what was
// typed behind the prefix.
func FuzzComplete(f *testing.F) {
	for _, s := range []string{"", "sell --fruit=a,", "run -- x -", "help stock ", "sell --json", "--="} {
		f.Add(s)
	}
	k := kong.Must(new(shop))
	p := Of(k, func(string) []string { return []string{"a", "a/b", "a,b"} })
	f.Fuzz(func(t *testing.T, text string) {
		words := strings.Split(text, " ")
		r := p.Complete(words)
		for _, c := range r.Candidates {
			if last := words[len(words)-1]; !strings.HasPrefix(r.Prefix+c.Text, last) || !strings.HasPrefix(last, r.Prefix) {
				t.Errorf("%q: prefix %q, candidate %q", text, r.Prefix, c.Text)
			}
		}
	})
}
