package reg_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/sgfuzz/sgfuzz/fuzz"
)

func TestTmp(t *testing.T) {
	sum, err := fuzz.Campaign(context.Background(), fuzz.Config{Seed: 3, For: 12 * time.Second, Jobs: 1})
	fmt.Println(err)
	fmt.Println(sum.Elapsed, len(sum.Findings))
	for _, f := range sum.Findings {
		fmt.Println(f.Class, f.Text, f.Case.Profile, f.Case.Dialect)
	}
}
