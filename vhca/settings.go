package vhca

// Settings are what sgfuzz vhca tells the engine's library, as JSON in the
// environment variable SettingsEnv.
type Settings struct {
	Profile string `json:"profile"`
	Fast    bool   `json:"fast,omitempty"`   // Process.Unchecked
	Trace   string `json:"trace,omitempty"`  // file; "-" is standard error
	Strict  bool   `json:"strict,omitempty"` // Config.Strict
	Faults  string `json:"faults,omitempty"` // for ParseFaults
	Record  string `json:"record,omitempty"` // a directory that is there, or a file
	Stats   bool   `json:"stats,omitempty"`  // on standard error when the program ends
	Group   string `json:"group,omitempty"`  // name by which the processes of a run find each other
}

// Environment variables of the shim and the engine.
const (
	SettingsEnv = "SGFUZZ_VHCA"
	EngineEnv   = "SGFUZZ_VHCA_ENGINE" // the engine's library
)

// ExitStrict is the exit status of a program that a strict adapter stops.
const ExitStrict = 86
