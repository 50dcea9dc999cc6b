package main

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// TestNoNullLists holds that no result of a verb has null for a list or a map:
// at any depth below which nobody made them.
func TestNoNullLists(t *testing.T) {
	for name, all := range results {
		for _, result := range append(all, errorResult{}) {
			for depth := range 6 {
				v := reflect.New(reflect.TypeOf(result)).Elem()
				populate(v, depth)
				before := v.Interface()
				data, err := json.Marshal(filled(before))
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(string(data), "null") {
					t.Errorf("%s: %s", name, clip(string(data)))
				}
				again := reflect.New(v.Type()).Elem()
				populate(again, depth)
				if !reflect.DeepEqual(before, again.Interface()) {
					t.Errorf("%s: filled changes what it is given", name)
				}
			}
		}
	}
}

// populate gives a value everything down to depth lists.
func populate(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		populate(v.Elem(), depth)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				populate(v.Field(i), depth)
			}
		}
	case reflect.Slice:
		if depth > 0 && v.Type().Elem().Kind() != reflect.Uint8 {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			populate(v.Index(0), depth-1)
		}
	case reflect.Map:
		if depth > 0 {
			value := reflect.New(v.Type().Elem()).Elem()
			populate(value, depth-1)
			v.Set(reflect.MakeMap(v.Type()))
			v.SetMapIndex(reflect.Zero(v.Type().Key()), value)
		}
	}
}
