package usage

import (
	"fmt"
	"slices"
	"strings"
)

// FlagTable is a table in Markdown of the flags of all commands by name, so
// that one can see whether a name means one thing: a row for each meaning, with
// the commands that have it and the default of each.
func (p *Program) FlagTable() string {
	type row struct{ flag, help, verbs string }
	var rows []*row
	index := map[string]*row{}
	for _, c := range p.Cmds {
		for i := range c.Flags {
			f := c.Flags[i]
			flag := "`" + flagText(&f) + "`"
			key := f.Name + "\n" + flag + "\n" + f.Help
			verb := "`" + c.Name + "`"
			if f.Default != "" {
				verb += " (" + f.Default + ")"
			}
			if r := index[key]; r != nil {
				r.verbs += ", " + verb
				continue
			}
			index[key] = &row{flag, strings.ReplaceAll(f.Help, "|", `\|`), verb}
			rows = append(rows, index[key])
		}
	}
	slices.SortStableFunc(rows, func(a, b *row) int { return strings.Compare(bare(a.flag), bare(b.flag)) })
	common := fmt.Sprintf("all %d", len(p.Cmds))
	var b strings.Builder
	b.WriteString("| flag | meaning | verbs (and the default of each) |\n|---|---|---|\n")
	for _, r := range rows {
		if strings.Count(r.verbs, ", ") == len(p.Cmds)-1 {
			r.verbs = common
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r.flag, r.help, r.verbs)
	}
	return b.String()
}

// bare is a flag's text without what stands in front of its name.
func bare(flag string) string {
	return strings.Replace(flag[strings.Index(flag, "--"):], "[no-]", "", 1)
}

// flagText is a flag as a usage shows it.
func flagText(f *Value) string {
	text := "--" + f.Name
	if f.Negatable {
		text = "--[no-]" + f.Name
	}
	if f.Short != "" {
		text = "-" + f.Short + ", " + text
	}
	value := f.Placeholder
	if f.Commas {
		value += ",…"
	}
	switch {
	case f.Optional:
		text += "[=" + value + "]"
	case value != "":
		text += "=" + value
	}
	return text
}
