// Command draw writes drawn work-request cases for libmlx5 as vectors, one a
// line, to the standard output.
//
//	draw [--producer mrlist|ilv|conf] [--seed S] [--from N] [--cases N] [--version 44|head] [--single-block]
//
// "sgfuzz conform --vectors FILE" and "sgfuzz vectors FILE" take the version
// from the file's name: head for names that begin with libmlx5-head, else 44.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/sgfuzz/sgfuzz/conform/gen"
	"github.com/sgfuzz/sgfuzz/mlx5model/libmlx5"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "draw:", err)
		os.Exit(2)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("draw", flag.ContinueOnError)
	name := flags.String("producer", string(gen.MRList), "mrlist, ilv or conf")
	seed := flags.Uint64("seed", 1, "seed of the cases")
	from := flags.Uint64("from", 0, "number of the first case")
	cases := flags.Uint64("cases", 1000, "how many")
	version := flags.String("version", "44", "the library's version whose outputs are written: 44 or head")
	var g gen.Generator
	flags.BoolVar(&g.SingleBlock, "single-block", false, "for a device that encrypts one data unit under a key")
	if err := flags.Parse(args); err != nil {
		return err
	}
	p, err := gen.ParseProducer(*name)
	if err != nil {
		return err
	}
	v, ok := map[string]libmlx5.Version{"44": libmlx5.V44, "head": libmlx5.Head}[*version]
	if !ok || flags.NArg() > 0 {
		return fmt.Errorf("unknown version %q or arguments %q", *version, flags.Args())
	}
	w := bufio.NewWriterSize(out, 1<<20)
	var line []byte
	for n := range *cases {
		if line, err = g.Append(line[:0], v, p, *seed, *from+n); err != nil {
			return err
		}
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	return w.Flush()
}
