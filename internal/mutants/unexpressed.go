package mutants

// Unexpressed is a defect of the catalogue that no mutant re-creates.
type Unexpressed struct {
	Bug    string
	What   string
	Reason string
}

// Missing lists the catalogue's defects without a mutant. Where a defect has a
// mutant in another form, that one's Cause says so and it is not listed.
func Missing() []Unexpressed {
	return []Unexpressed{
		{"B40", "pages of a fault counted from the indirect key's address", "no strategy faults pages of a running key"},
		{"B42", "shift between region page and memory page in page faults", "no strategy faults pages of a running key"},
		{"B78", "WQE signature over a wrong length", "no dialect here has queues with WQE signatures; a unit test of mlx5model.WQESignature covers the value"},
	}
}
