package main

import (
	"encoding"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/sgfuzz/sgfuzz/internal/usage"
	"github.com/sgfuzz/sgfuzz/mlx5model"
)

const module = "github.com/sgfuzz/sgfuzz/"

// schemaOf makes the schema of a verb's JSON: of each of the results that it
// can have, or of an error.
func schemaOf(c *usage.Cmd, results []any) (*jsonschema.Schema, error) {
	s := &jsonschema.Schema{
		Schema: "https://json-schema.org/draft/2020-12/schema",
		Title:  "sgfuzz " + c.Name + " --json", Description: c.Help,
	}
	for _, r := range append(results, errorResult{}) {
		one, err := schemaOfType(reflect.TypeOf(r))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
		s.AnyOf = append(s.AnyOf, one)
	}
	return s, nil
}

func schemaOfType(t reflect.Type) (*jsonschema.Schema, error) {
	special := map[reflect.Type]*jsonschema.Schema{reflect.TypeFor[json.RawMessage](): {}}
	findTexts(t, special, map[reflect.Type]bool{})
	s, err := jsonschema.ForType(t, &jsonschema.ForOptions{TypeSchemas: special})
	if err != nil {
		return nil, err
	}
	return s, describe(s, t, special)
}

// findTexts notes the types below t that are texts in JSON.
func findTexts(t reflect.Type, special map[reflect.Type]*jsonschema.Schema, seen map[reflect.Type]bool) {
	if seen[t] || special[t] != nil {
		return
	}
	seen[t] = true
	if t.Kind() != reflect.Pointer && t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		special[t] = &jsonschema.Schema{Type: "string"}
		if t == reflect.TypeFor[mlx5model.Severity]() {
			special[t].Enum = []any{mlx5model.Note.String(), mlx5model.Warn.String(), mlx5model.Error.String()}
		}
		return
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		findTexts(t.Elem(), special, seen)
	case reflect.Struct:
		for _, f := range reflect.VisibleFields(t) {
			findTexts(f.Type, special, seen)
		}
	}
}

// describe adds the comments of types and fields to a schema, and the names
// that a field with the tag "names" can have.
func describe(s *jsonschema.Schema, t reflect.Type, special map[reflect.Type]*jsonschema.Schema) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if special[t] != nil {
		return nil
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array:
		notNull(s)
		notNull(s.Items)
		return describe(s.Items, t.Elem(), special)
	case reflect.Map:
		return describe(s.AdditionalProperties, t.Elem(), special)
	case reflect.Struct:
	default:
		return nil
	}
	comments, err := commentsOf(t)
	if err != nil {
		return err
	}
	if s.Description == "" {
		s.Description = comments[""]
	}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		p := s.Properties[name]
		if p == nil || f.Anonymous {
			continue
		}
		owner := t
		for _, i := range f.Index[:len(f.Index)-1] {
			owner = owner.Field(i).Type
		}
		if comments, err = commentsOf(owner); err != nil {
			return err
		}
		p.Description = comments[f.Name]
		if leftOut(f) {
			notNull(p)
		}
		if set := f.Tag.Get("names"); set != "" {
			if err := addNames(p, set); err != nil {
				return err
			}
		}
		if err := describe(p, f.Type, special); err != nil {
			return err
		}
	}
	return nil
}

// notNull takes null from the types of a schema: filled leaves no list without a
// value, and a field that is left out when it is nil is never null.
func notNull(s *jsonschema.Schema) {
	if i := slices.Index(s.Types, "null"); i >= 0 {
		s.Types = slices.Delete(s.Types, i, i+1)
	}
	if len(s.Types) == 1 {
		s.Type, s.Types = s.Types[0], nil
	}
}

// addNames makes an enumeration of a text, or of the texts in a list.
func addNames(p *jsonschema.Schema, set string) error {
	for p.Items != nil {
		p = p.Items
	}
	names := namesOf(set)
	if len(names) == 0 || p.Type != "string" {
		return fmt.Errorf("no names %q for a %s", set, p.Type)
	}
	for _, n := range names {
		p.Enum = append(p.Enum, n)
	}
	return nil
}

// comments are those of the types of a package: by type and field, "" for the
// type itself.
var comments = struct {
	sync.Mutex
	of map[string]map[string]map[string]string
}{of: map[string]map[string]map[string]string{}}

func commentsOf(t reflect.Type) (map[string]string, error) {
	comments.Lock()
	defer comments.Unlock()
	path := t.PkgPath()
	if !strings.HasPrefix(path, module) {
		return nil, nil
	}
	if comments.of[path] == nil {
		types, err := readComments(filepath.Join("../..", strings.TrimPrefix(path, module)))
		if err != nil {
			return nil, err
		}
		comments.of[path] = types
	}
	return comments.of[path][t.Name()], nil
}

// readComments reads the comments of a directory's structs.
func readComments(dir string) (map[string]map[string]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("%s: no source", dir)
	}
	types := map[string]map[string]string{}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, src, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if d, ok := n.(*ast.GenDecl); ok {
				addTypes(types, d)
			}
			return true
		})
	}
	return types, nil
}

func addTypes(types map[string]map[string]string, d *ast.GenDecl) {
	for _, spec := range d.Specs {
		t, ok := spec.(*ast.TypeSpec)
		if !ok {
			continue
		}
		s, ok := t.Type.(*ast.StructType)
		if !ok {
			continue
		}
		texts := map[string]string{"": sentence(cmpDoc(t.Doc, d.Doc))}
		for _, f := range s.Fields.List {
			for _, name := range f.Names {
				texts[name.Name] = sentence(cmpDoc(f.Doc, f.Comment))
			}
		}
		types[t.Name.Name] = texts
	}
}

func cmpDoc(groups ...*ast.CommentGroup) string {
	for _, g := range groups {
		if text := g.Text(); text != "" {
			return text
		}
	}
	return ""
}

// sentence is the first sentence of a comment as one line.
func sentence(text string) string {
	return strings.Join(strings.Fields(new(doc.Package).Synopsis(text)), " ")
}
