// Command draw writes registrations that the model of Linux 6.1 posts, one a
// line, to the standard output: each a drawn list, mapped as pages or KLMs,
// registered and invalidated again in one ib_post_send somewhere in a ring.
//
//	draw [--seed S] [--from N] [--cases N]
//
// "sgfuzz conform --ops wqe --vectors FILE" asks an implementation for the same.
// A case depends on the seed and its number only.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/sgfuzz/sgfuzz/internal/vectors"
	"github.com/sgfuzz/sgfuzz/mlx5model"
	"github.com/sgfuzz/sgfuzz/mlx5model/linux"
	"github.com/sgfuzz/sgfuzz/sg"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "draw:", err)
		os.Exit(2)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("draw", flag.ContinueOnError)
	seed := flags.Uint64("seed", 1, "seed of the cases")
	from := flags.Uint64("from", 0, "number of the first case")
	cases := flags.Uint64("cases", 1000, "how many")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unknown arguments %q", flags.Args())
	}
	w := bufio.NewWriterSize(out, 1<<20)
	var d drawer
	for n := range *cases {
		line, err := d.line(*seed, *from+n)
		if err != nil {
			return err
		}
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	return w.Flush()
}

const (
	longest  = 80 // entries of a drawn list
	seedStep = 0x9e3779b97f4a7c15
)

var (
	// the inline limit of either kind of descriptor, its neighbours, and more
	rooms     = []uint32{1, 4, 5, 8, 9, 16, 64, 256}
	pageSizes = []uint32{512, 4096, 8192, 65536, 2 << 20}
	pageOdds  = []int{1, 12, 1, 1, 1}
)

type drawer struct {
	ch   sg.Choices
	list sg.List
	buf  []byte
}

// line is case number n, valid until the next call.
func (d *drawer) line(seed, n uint64) (line []byte, err error) {
	ch := &d.ch
	ch.ResetRandom(seed*seedStep ^ n)
	m := vectors.Mapping{
		ID: fmt.Sprintf("regmr-d-%d-%d", seed, n), Mode: mlx5model.ModeMTT, PageSize: pageSizes[ch.Pick(pageOdds)],
		MaxNumSG: rooms[ch.Uint(uint64(len(rooms)-1))], Lkey: uint32(ch.Uint(1<<32 - 1)),
	}
	if ch.Bool() {
		m.Mode = mlx5model.ModeKLM
	}
	p := sg.Params{PageSize: uint64(m.PageSize), Capacities: []int{4, 8, 16, 64}, MaxEntries: longest}
	d.list, _ = sg.Generate(ch, &p, d.list[:0])
	m.List = d.list
	if len(d.list) > 0 && ch.Bool() {
		off := uint32(ch.Uint(uint64(d.list[0].Len)))
		m.SGOffset = &off
	}
	post := vectors.Posting{
		WQECnt: 16 << ch.Uint(4), CurPost: uint16(ch.Uint(1<<16 - 1)),
		Access: uint32(ch.Uint(linux.AccessLocalWrite | linux.AccessRemoteWrite | linux.AccessRemoteRead | linux.AccessRemoteAtomic)),
	}
	d.buf, err = vectors.AppendPosting(d.buf[:0], &m, &post)
	return d.buf, err
}
