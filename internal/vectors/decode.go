package vectors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// decodeStrict decodes one JSON value into v, a pointer to a struct, and
// accepts only what the struct describes: every field must be there, spelt
// exactly, once, unless its tag says omitempty; null only fits a pointer; a Go
// array has its exact length. encoding/json alone is lenient in all of these.
func decodeStrict(line []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(line))
	if err := checkShape(dec, reflect.TypeOf(v).Elem(), ""); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("data behind the JSON value")
	}
	return json.Unmarshal(line, v)
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

func checkShape(dec *json.Decoder, t reflect.Type, path string) error {
	if t.Kind() == reflect.Pointer && !t.Implements(unmarshaler) {
		return checkPointer(dec, t, path)
	}
	switch {
	case reflect.PointerTo(t).Implements(unmarshaler), t.Implements(unmarshaler):
		var raw json.RawMessage
		return dec.Decode(&raw)
	case t.Kind() == reflect.Struct:
		return checkObject(dec, t, path)
	case t.Kind() == reflect.Slice, t.Kind() == reflect.Array:
		return checkArray(dec, t, path)
	}
	tok, err := dec.Token()
	if err != nil {
		return err
	}
	if _, isDelim := tok.(json.Delim); isDelim || tok == nil {
		return fmt.Errorf("%s: %v where a %s belongs", path, tok, t.Kind())
	}
	return nil
}

// checkPointer lets a pointer be null.
func checkPointer(dec *json.Decoder, t reflect.Type, path string) error {
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return err
	}
	if string(raw) == "null" {
		return nil
	}
	return checkShape(json.NewDecoder(bytes.NewReader(raw)), t.Elem(), path)
}

func expectDelim(dec *json.Decoder, want json.Delim, path string) error {
	tok, err := dec.Token()
	if err != nil {
		return err
	}
	if tok != want {
		return fmt.Errorf("%s: %v where %v belongs", path, tok, want)
	}
	return nil
}

func checkObject(dec *json.Decoder, t reflect.Type, path string) error {
	if err := expectDelim(dec, '{', path); err != nil {
		return err
	}
	seen := make(map[string]bool, t.NumField())
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return err
		}
		name := tok.(string)
		field, ok := fieldByTag(t, name)
		if !ok {
			return fmt.Errorf("%s.%s: unknown field", path, name)
		}
		if seen[name] {
			return fmt.Errorf("%s.%s: given twice", path, name)
		}
		seen[name] = true
		if err := checkShape(dec, field.Type, path+"."+name); err != nil {
			return err
		}
	}
	for i := range t.NumField() {
		name, opts, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name != "" && opts != "omitempty" && !seen[name] {
			return fmt.Errorf("%s.%s: missing", path, name)
		}
	}
	_, err := dec.Token()
	return err
}

func fieldByTag(t reflect.Type, name string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		if tag, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); tag == name && tag != "" {
			return t.Field(i), true
		}
	}
	return reflect.StructField{}, false
}

func checkArray(dec *json.Decoder, t reflect.Type, path string) error {
	if err := expectDelim(dec, '[', path); err != nil {
		return err
	}
	n := 0
	for ; dec.More(); n++ {
		if err := checkShape(dec, t.Elem(), fmt.Sprintf("%s[%d]", path, n)); err != nil {
			return err
		}
	}
	if t.Kind() == reflect.Array && n != t.Len() {
		return fmt.Errorf("%s: %d elements where %d belong", path, n, t.Len())
	}
	_, err := dec.Token()
	return err
}
