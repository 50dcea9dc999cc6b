package main

import (
	"encoding/json"
	"strings"

	"github.com/sgfuzz/sgfuzz/docs/schemas"
)

//go:generate go test -run ^TestSchemas$|^TestManualPage$|^TestFlagTable$ -args -update

// schemaCmd prints the schema of a verb's JSON.
type schemaCmd struct {
	common
	Verb []string `arg:"" optional:"" help:"The verb, such as run or corpus list; if left out, the verbs are listed."`
}

// schemaResult is its JSON object.
type schemaResult struct {
	Verb   string          `json:"verb,omitempty"`
	Schema json.RawMessage `json:"schema,omitempty"` // of the verb
	Verbs  []string        `json:"verbs,omitempty"`  // that there is a schema for, if none is asked for
}

func (v *schemaCmd) run(a *app) (any, error) {
	p := program()
	r := schemaResult{Verb: strings.Join(v.Verb, " ")}
	if r.Verb == "" {
		for _, c := range p.Cmds {
			r.Verbs = append(r.Verbs, c.Name)
			a.printf("%s\n", c.Name)
		}
		return r, nil
	}
	schema, ok := schemas.Of(r.Verb)
	if !ok {
		return nil, unknownVerb(p, v.Verb)
	}
	r.Schema = schema
	a.printf("%s", schema)
	return r, nil
}
