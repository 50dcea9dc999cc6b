package main

// Flags that several verbs have. A flag of one name is the same everywhere:
// TestFlagsAreConsistent.

// jobsFlag says how much is done at once.
type jobsFlag struct {
	Jobs int `short:"j" placeholder:"N" help:"Cases worked on at once (default: one a core)."`
}

// strategyFlag picks strategies.
type strategyFlag struct {
	Strategy []string `placeholder:"NAME" help:"Only these strategies (default: all)."`
}

// depthFlags say how thoroughly a case is checked.
type depthFlags struct {
	Full     bool `help:"Move every byte instead of borders and samples."`
	Variants bool `default:"true" negatable:"" help:"Check the metamorphic relations too."`
}

// maxJobs bounds --jobs: each worker holds a device and its memory.
const maxJobs = 1024

func (f *jobsFlag) check() error {
	if f.Jobs < 0 || f.Jobs > maxJobs {
		return badInputf("--jobs %d: 0 (one a core) to %d", f.Jobs, maxJobs)
	}
	return nil
}

func (f *strategyFlag) check() error { return knownIn("strategy", f.Strategy...) }
