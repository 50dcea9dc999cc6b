package bench

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/sgfuzz/sgfuzz/internal/peers"
	"github.com/sgfuzz/sgfuzz/sg"
)

// withoutAVX2 is the setting of golang.org/x/sys/cpu under which package xlt
// finds no AVX2.
const withoutAVX2 = "GODEBUG=cpu.avx2=off"

// StartPortable starts the contestant Portable: cmd, made with ctx, must call
// Serve, which it does in a process where AVX2 is switched off.
func StartPortable(ctx context.Context, cmd *exec.Cmd) (*peers.Child, error) {
	cmd.Env = append(os.Environ(), withoutAVX2)
	return peers.Run(ctx, Portable, cmd)
}

// Serve answers the lines of package peers with the contestant Sgfuzz until the
// input ends.
func Serve(in io.Reader, out io.Writer) error {
	c, err := Local(Sgfuzz)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(out)
	fmt.Fprintln(w, "ready sgfuzz")
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64*peers.MaxEntries)
	for w.Flush() == nil && lines.Scan() {
		answer, err := reply(c, strings.Fields(lines.Text()))
		if err != nil {
			fmt.Fprintln(w, "error", strings.ReplaceAll(err.Error(), "\n", "; "))
			continue
		}
		fmt.Fprintln(w, strings.TrimSpace("ok "+answer))
	}
	return errors.Join(w.Flush(), lines.Err())
}

func reply(c Contestant, words []string) (string, error) {
	switch {
	case len(words) == 2 && words[0] == "load":
		list, err := entries(words[1])
		if err != nil {
			return "", err
		}
		return "", c.Load(list)
	case len(words) == 2 && words[0] == "emit":
		b, err := c.Emit(words[1])
		return hex.EncodeToString(b), err
	case len(words) == 3 && words[0] == "time":
		n, err := strconv.Atoi(words[2])
		if err != nil || n < 1 {
			return "", fmt.Errorf("%q rounds: at least 1", words[2])
		}
		d, err := c.Time(words[1], n)
		return strconv.FormatInt(d.Nanoseconds(), 10), err
	}
	return "", errors.New("load HEX, emit BENCH, time BENCH ROUNDS")
}

// entryBytes is one entry of a load: the struct entry of child.h.
const entryBytes = 16

func entries(text string) (sg.List, error) {
	b, err := hex.DecodeString(text)
	if err != nil {
		return nil, err
	}
	if len(b) == 0 || len(b)%entryBytes != 0 {
		return nil, fmt.Errorf("%d bytes: not whole entries of %d", len(b), entryBytes)
	}
	l := make(sg.List, len(b)/entryBytes)
	for i := range l {
		e := b[i*entryBytes:]
		l[i] = sg.Entry{Addr: binary.NativeEndian.Uint64(e), Len: binary.NativeEndian.Uint32(e[8:]), Lkey: binary.NativeEndian.Uint32(e[12:])}
	}
	return l, nil
}
