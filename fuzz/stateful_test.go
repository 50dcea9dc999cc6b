package fuzz

import (
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/sg"
)

// TestStatefulReaches: random programs get to everything that the target is
// there for, successes and each kind of failure.
func TestStatefulReaches(t *testing.T) {
	seen := map[string]int{}
	s := newStateful()
	s.note = true
	for seed := range uint64(1500) {
		c := sg.NewRandom(seed)
		for range 600 {
			c.Byte()
		}
		if err := s.run(c.Recorded()); err != nil {
			t.Fatal(err)
		}
		for _, line := range s.trace {
			seen["steps"]++
			for _, word := range []string{
				"want reason 0", "want reason none", "no such key", "key variant differs", "key is free", "protection domain differs", "access right missing",
				"outside the region", "nested deeper", "recover", "anew", "remote invalidate", "doorbell", "UMR wants a free key",
				"list exceeds the key's capacity", "local key does not allow", "peer refused", "Opcode:req", "key index is in use",
			} {
				if strings.Contains(line, word) {
					seen[word]++
				}
			}
		}
	}
	t.Log(seen)
	for _, word := range []string{
		"want reason none", "no such key", "key variant differs", "key is free", "protection domain differs", "access right missing", "outside the region",
		"nested deeper", "recover", "anew", "remote invalidate", "UMR wants a free key", "list exceeds the key's capacity", "local key does not allow",
		"peer refused", "key index is in use",
	} {
		least := 100
		if word == "nested deeper" { // takes three keys that are alive at once
			least = 3
		}
		if seen[word] < least {
			t.Errorf("%q only %d times", word, seen[word])
		}
	}
}

// TestStatefulPast264: a key that would pass 2^64 is refused, by the model too.
func TestStatefulPast264(t *testing.T) {
	s := newStateful()
	s.note = true
	if err := s.run([]byte("0000000000000R000000\xff\xff\xff\xff\xff\xff\xff0000\xf4")); err != nil {
		t.Fatal(err)
	}
	if all := strings.Join(s.trace, "\n"); !strings.Contains(all, "key context exceeds the device's limits") {
		t.Errorf("no key past 2^64 in\n%s", all)
	}
}

// TestStatefulTrace: a failure tells the program.
func TestStatefulTrace(t *testing.T) {
	s := newStateful()
	s.note = true
	s.spoil = func(s *stateful) { s.host[5] ^= 1 }
	err := firstFailure(s.run, seedsOf(t, statefulSeeds))
	if err == nil || !strings.Contains(err.Error(), "doorbell") {
		t.Errorf("no program in %v", err)
	}
}
