package main

import (
	"cmp"
	"runtime"
	"runtime/debug"
)

// versionCmd prints what was built.
type versionCmd struct{ common }

// versionResult is its JSON object.
type versionResult struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified,omitempty"` // the tree had changes that are not in Revision
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func (v *versionCmd) run(a *app) (any, error) {
	r := versionResult{Version: buildVersion(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				r.Revision = s.Value
			case "vcs.modified":
				r.Modified = s.Value == "true"
			}
		}
	}
	a.printf("sgfuzz %s\n", r.Version)
	if r.Revision != "" {
		a.printf("revision %s, modified: %v\n", r.Revision, r.Modified)
	}
	a.printf("%s %s\n", r.Go, r.Platform)
	return r, nil
}

// buildVersion is the module's version, "(devel)" for a build from a tree
// without one.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(devel)"
	}
	return cmp.Or(info.Main.Version, "(devel)")
}
