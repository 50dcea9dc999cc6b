package engines

import (
	"errors"
	"fmt"

	"github.com/sgfuzz/sgfuzz/corpus"
	"github.com/sgfuzz/sgfuzz/fuzz"
)

// CaseTarget is the target whose inputs are cases.
const CaseTarget = "Strategies"

// ErrNoInput says that no input of CaseTarget stands for a case.
var ErrNoInput = errors.New("no input makes this case")

// Input is the input of CaseTarget that stands for a case. Wants and comments
// are not part of it. Errors wrap ErrNoInput.
func Input(c *corpus.Case) ([]byte, error) {
	data, err := fuzz.CaseInput(c)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, ErrNoInput)
	}
	if corpus.Hash(fuzz.InputCase(data)) != corpus.Hash(c) {
		return nil, fmt.Errorf("case %s: it has an option or a length of list that is never drawn: %w", c.Name, ErrNoInput)
	}
	return data, nil
}
