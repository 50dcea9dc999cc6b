package main

import (
	"math/rand/v2"
	"testing"

	"github.com/sgfuzz/sgfuzz/conform"
	"github.com/sgfuzz/sgfuzz/conform/runner"
)

// FuzzRegister judges register in this process, without a pipe: the referee
// draws a request from any bytes, executes the work requests of the answer and
// plays the peer. Run it with
//
//	go test -fuzz=FuzzRegister ./examples/go
func FuzzRegister(f *testing.F) {
	random := rand.New(rand.NewChaCha8([32]byte{1}))
	for range 500 {
		seed := make([]byte, random.IntN(200))
		for i := range seed {
			seed[i] = byte(random.Uint32())
		}
		f.Add(seed)
	}
	referee, err := runner.NewReferee()
	if err != nil {
		f.Fatal(err)
	}
	var q conform.Register
	f.Fuzz(func(t *testing.T, data []byte) {
		referee.Draw(data, 64, &q)
		if ruling := judge(t, referee, &q); ruling.Outcome == runner.Failed {
			t.Errorf("check %v: %s\nlist %v", ruling.Check, ruling.Text, q.List)
		}
	})
}

func judge(t *testing.T, referee *runner.Referee, q *conform.Register) runner.Ruling {
	var ruling runner.Ruling
	answer, errno := register(q)
	var err error
	if errno != nil {
		ruling, err = referee.Rejected(q, string(errno))
	} else {
		ruling, err = referee.Registered(q, &answer)
	}
	if err != nil {
		t.Fatal(err)
	}
	return ruling
}
