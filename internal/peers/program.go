package peers

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sgfuzz/sgfuzz/vhca/shim"
)

//go:embed c/*.c c/*.h
var own embed.FS

// sources are the files of all programs: those of the directory c, and what
// the fake device shares with the virtual adapter's shim.
var sources = []struct {
	fs    embed.FS
	files string
}{{own, "c/*"}, {shim.Files, "c/attr.h"}, {shim.Files, "c/hcacap.h"}}

// ErrMissing says that a contestant cannot run on this machine: there is no
// compiler, or a library is not installed.
var ErrMissing = errors.New("not installed")

// program is how a contestant is built and run.
type program struct {
	name    string
	files   []string
	flags   []string
	libs    []string
	headers []string // looked for first
	need    string   // what to install, in Debian's names
	env     []string
}

var programs = []program{
	{name: "gcc-O2", files: []string{"loops.c", "child.c"}, flags: []string{"-O2"}, need: "gcc libc6-dev"},
	{name: "gcc-O3-native", files: []string{"loops.c", "child.c"}, flags: []string{"-O3", "-march=native"}, need: "gcc libc6-dev"},
	{
		name: "libmlx5", files: []string{"libmlx5.c", "child.c", "fakedev.c", "fakedev_method.c"},
		flags: []string{"-O2"}, libs: []string{"-lmlx5", "-libverbs"},
		headers: []string{"infiniband/mlx5dv.h", "rdma/mlx5-abi.h"},
		need:    "libibverbs-dev ibverbs-providers linux-libc-dev",
		// The library then takes no locks, which is its fastest.
		env: []string{"MLX5_SINGLE_THREADED=1"},
	},
}

// Names are the contestants that Start knows.
func Names() []string {
	names := make([]string, len(programs))
	for i := range programs {
		names[i] = programs[i].name
	}
	return names
}

// compiler finds gcc, or says that it is missing.
func compiler() (string, error) {
	path, err := exec.LookPath("gcc")
	if err != nil {
		return "", fmt.Errorf("gcc: %w (Debian: gcc libc6-dev)", ErrMissing)
	}
	return path, nil
}

// build compiles the program into dir and returns the executable.
func (p *program) build(ctx context.Context, dir string) (string, error) {
	cc, err := compiler()
	if err != nil {
		return "", err
	}
	for _, h := range append([]string{"stdio.h"}, p.headers...) {
		if _, err := run(ctx, dir, cc, "-E", "-include", h, "-x", "c", os.DevNull, "-o", os.DevNull); err != nil {
			return "", cmpErr(ctx, fmt.Errorf("header %s: %w (Debian: %s)", h, ErrMissing, p.need))
		}
	}
	if len(p.libs) > 0 {
		args := append([]string{"-shared", "-x", "c", os.DevNull, "-o", os.DevNull}, p.libs...)
		if _, err := run(ctx, dir, cc, args...); err != nil {
			return "", cmpErr(ctx, fmt.Errorf("libraries %s: %w (Debian: %s)", strings.Join(p.libs, " "), ErrMissing, p.need))
		}
	}
	if err := unpack(dir); err != nil {
		return "", err
	}
	bin := filepath.Join(dir, p.name)
	args := slices.Concat([]string{"-std=gnu11", "-Wall", "-Wextra", "-o", bin}, p.flags, p.files, p.libs)
	if out, err := run(ctx, dir, cc, args...); err != nil {
		return "", cmpErr(ctx, fmt.Errorf("compiling %s: %w\n%s", p.name, err, out))
	}
	return bin, nil
}

// cmpErr puts the end of the context before what it caused.
func cmpErr(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func run(ctx context.Context, dir, name string, args ...string) (output string, err error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(bytes.TrimSpace(out)), err
}

// unpack writes the sources into dir.
func unpack(dir string) error {
	for _, s := range sources {
		files, err := fs.Glob(s.fs, s.files)
		if err != nil {
			return err
		}
		for _, f := range files {
			text, err := s.fs.ReadFile(f)
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, filepath.Base(f)), text, 0o600)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
