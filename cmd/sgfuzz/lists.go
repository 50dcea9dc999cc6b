package main

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
)

// In JSON a list is a list and a map an object, never null: who reads a result
// need not ask. Go writes null for those that nobody made. filled makes them,
// in what it copies: a result may share its lists with the program.

// filled is v with empty lists and maps in place of nil ones, all the way down.
// A field that is left out of JSON when it is empty stays as it is.
func filled(v any) any {
	r := reflect.ValueOf(v)
	if !r.IsValid() || !hasLists(r.Type()) {
		return v
	}
	return fill(r).Interface()
}

func fill(v reflect.Value) reflect.Value {
	t := v.Type()
	if !hasLists(t) {
		return v
	}
	switch t.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return v
		}
		out := reflect.New(t.Elem())
		out.Elem().Set(fill(v.Elem()))
		return out
	case reflect.Struct:
		out := reflect.New(t).Elem()
		out.Set(v)
		for i := range t.NumField() {
			if f := t.Field(i); inJSON(f) && !(leftOut(f) && v.Field(i).IsZero()) {
				out.Field(i).Set(fill(v.Field(i)))
			}
		}
		return out
	case reflect.Slice:
		out := reflect.MakeSlice(t, v.Len(), v.Len())
		for i := range v.Len() {
			out.Index(i).Set(fill(v.Index(i)))
		}
		return out
	case reflect.Array:
		out := reflect.New(t).Elem()
		for i := range v.Len() {
			out.Index(i).Set(fill(v.Index(i)))
		}
		return out
	case reflect.Map:
		out := reflect.MakeMapWithSize(t, v.Len())
		for _, key := range v.MapKeys() {
			out.SetMapIndex(key, fill(v.MapIndex(key)))
		}
		return out
	}
	return v
}

// inJSON says whether a field is written at all, leftOut whether not when it is
// empty.
func inJSON(f reflect.StructField) bool { return f.IsExported() && f.Tag.Get("json") != "-" }

func leftOut(f reflect.StructField) bool {
	_, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	return strings.Contains(options, "omit")
}

// listTypes are the answers of hasLists.
var listTypes sync.Map

// hasLists says whether values of a type may have lists or maps in JSON. What
// writes itself has none.
func hasLists(t reflect.Type) bool {
	if known, ok := listTypes.Load(t); ok {
		return known.(bool)
	}
	has := findLists(t, map[reflect.Type]bool{})
	listTypes.Store(t, has)
	return has
}

func findLists(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] || t.Implements(reflect.TypeFor[json.Marshaler]()) || t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Slice, reflect.Map:
		return true
	case reflect.Pointer, reflect.Array:
		return findLists(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i); inJSON(f) && findLists(f.Type, seen) {
				return true
			}
		}
	}
	return false
}
