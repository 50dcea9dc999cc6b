package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/sgfuzz/sgfuzz/docs/schemas"
	"github.com/sgfuzz/sgfuzz/fuzz"
	"github.com/sgfuzz/sgfuzz/internal/bench"
	"github.com/sgfuzz/sgfuzz/internal/compare"
	"github.com/sgfuzz/sgfuzz/internal/picture"
	"github.com/sgfuzz/sgfuzz/internal/report"
	"github.com/sgfuzz/sgfuzz/internal/usage"
	"github.com/sgfuzz/sgfuzz/internal/wqeview"
)

var update = flag.Bool("update", false, "write docs/sgfuzz.1, docs/flags.md and docs/schemas anew")

// results are what verbs give with --json; one of several.
var results = map[string][]any{
	"run":             {runResult{}},
	"replay":          {replayResult{}},
	"shrink":          {shrinkResult{}},
	"exhaust":         {exhaustResult{}},
	"encode":          {encodeResult{}},
	"decode":          {wqeview.Document{}},
	"explain":         {picture.Picture{}},
	"compare":         {compare.Result{}},
	"report":          {report.Report{}},
	"serve":           {serveResult{}},
	"conform":         {conformResult{}},
	"vhca":            {}, // becomes the program that it runs
	"vectors":         {vectorsResult{}},
	"mutants":         {[]fuzz.MutantResult{}},
	"bench":           {bench.Row{}, bench.LoopRow{}, benchSkipped{}, bench.Series{}},
	"import":          {importResult{}, inputsResult{}},
	"export":          {exportResult{}, exportVectorsResult{}},
	"fmt":             {fmtResult{}},
	"corpus list":     {corpusListResult{}},
	"corpus minimize": {corpusMinimizeResult{}},
	"corpus fmt":      {fmtResult{}},
	"help":            {usage.Program{}},
	"completion":      {textResult{}},
	"man":             {textResult{}},
	"schema":          {schemaResult{}},
	"version":         {versionResult{}},
}

// sameAsFile compares what is generated with a file, or writes it.
func sameAsFile(t *testing.T, file string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, want, 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not up to date: go generate ./cmd/sgfuzz (%v)", file, err)
	}
}

// TestSchemas demands that docs/schemas has the schema of every verb and no
// other, and that it is what the structs say.
func TestSchemas(t *testing.T) {
	var want []string
	for _, c := range program().Cmds {
		if _, ok := results[c.Name]; !ok {
			t.Errorf("%s: what does it give with --json? Add it to results", c.Name)
			continue
		}
		s, err := schemaOf(&c, results[c.Name])
		if err != nil {
			t.Error(err)
			continue
		}
		data, err := json.MarshalIndent(s, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, schemas.File(c.Name))
		sameAsFile(t, filepath.Join("../../docs/schemas", schemas.File(c.Name)), append(data, '\n'))
	}
	slices.Sort(want)
	if got := schemas.Files(); !slices.Equal(got, want) && !*update {
		t.Errorf("docs/schemas has %v, want %v", got, want)
	}
}

// validators are the schemas that are in use, by verb.
var validators sync.Map

// violations are results of any test that break their schema; TestMain fails
// with them.
var violations = struct {
	sync.Mutex
	list      []string
	validated map[string]int
}{validated: map[string]int{}}

// checkOutput holds what a verb wrote with --json against its schema.
func checkOutput(args []string, out string) {
	if !slices.Contains(args, "--json") || slices.Contains(args, "--help") {
		return
	}
	name := strings.TrimSpace(verbOf(newParser(io.Discard, io.Discard, 0), args))
	err := validate(name, out)
	violations.Lock()
	defer violations.Unlock()
	if violations.validated[name]++; err != nil {
		violations.list = append(violations.list, fmt.Sprintf("sgfuzz %s: %v", strings.Join(args, " "), err))
	}
}

func validate(name, out string) error {
	v, err := validator(name)
	if err != nil || v == nil {
		return err
	}
	for dec := json.NewDecoder(strings.NewReader(out)); ; {
		var value any
		if err := dec.Decode(&value); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := v.Validate(value); err != nil {
			return err
		}
	}
}

func validator(name string) (*jsonschema.Resolved, error) {
	if v, ok := validators.Load(name); ok {
		return v.(*jsonschema.Resolved), nil
	}
	c := program().Cmd(name)
	if c == nil {
		return nil, nil // no verb, no JSON
	}
	data, ok := schemas.Of(name)
	if !ok {
		return nil, fmt.Errorf("no schema")
	}
	s := new(jsonschema.Schema)
	if err := json.Unmarshal(data, s); err != nil {
		return nil, err
	}
	v, err := s.Resolve(nil)
	if err == nil {
		validators.Store(name, v)
	}
	return v, err
}

// TestSchemasBite breaks a result of each verb: a property more, one less, and
// one of another type must be found.
func TestSchemasBite(t *testing.T) {
	for name, args := range goodInvocations(t) {
		out := sgfuzz("", append(args, "--json")...).out
		if err := validate(name, out); err != nil {
			t.Errorf("%s: %v\n%s", name, err, clip(out))
			continue
		}
		line, _, _ := strings.Cut(out+"\x00", "\n\x00")
		var whole any
		if err := json.NewDecoder(strings.NewReader(line)).Decode(&whole); err != nil {
			t.Fatal(err)
		}
		if list, ok := whole.([]any); ok {
			whole = list[0]
		}
		object := whole.(map[string]any)
		bites := func(what string) {
			t.Helper()
			data, err := json.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			if validate(name, string(data)) == nil {
				t.Errorf("%s: %s is taken: %s", name, what, clip(string(data)))
			}
		}
		object["nosuch"] = 1
		bites("a property more")
		delete(object, "nosuch")
		for key, value := range object {
			object[key] = []any{map[string]any{"no": "such"}}
			bites("another " + key)
			object[key] = value
		}
		if clear(object); name != "schema" { // has one of two properties, both optional
			bites("nothing")
		}
	}
}
