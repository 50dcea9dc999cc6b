package launch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/sgfuzz/sgfuzz/vhca/shim"
)

// Library names the two shared libraries.
type Library struct {
	Shim   string // to be preloaded
	Engine string // opened by the shim
}

// File names in a directory for Find.
const (
	shimFile   = "libvhca-shim.so"
	engineFile = "libvhca-engine.so"
	module     = "github.com/sgfuzz/sgfuzz"
)

// ErrMissing is wrapped by errors that say that this machine lacks something,
// and what.
var ErrMissing = errors.New("missing")

// Find looks for both libraries in a directory.
func Find(dir string) (Library, error) {
	l, err := in(dir)
	if err != nil {
		return l, err
	}
	for _, f := range []string{l.Shim, l.Engine} {
		if _, err := os.Stat(f); err != nil {
			return l, err
		}
	}
	return l, nil
}

func in(dir string) (Library, error) {
	dir, err := filepath.Abs(dir)
	return Library{filepath.Join(dir, shimFile), filepath.Join(dir, engineFile)}, err
}

// Build makes both libraries in the user's cache, or finds them there.
// buildFlags are further arguments of go build, such as an overlay: with any,
// or for a version that is not a release, the libraries are made anew.
func Build(ctx context.Context, buildFlags ...string) (Library, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return Library{}, err
	}
	version := release()
	dir := filepath.Join(cache, "sgfuzz", "vhca", version)
	if version != devel && len(buildFlags) == 0 {
		if l, err := Find(dir); err == nil {
			return l, nil
		}
	}
	return BuildIn(ctx, dir, buildFlags...)
}

// BuildIn makes both libraries in a directory.
func BuildIn(ctx context.Context, dir string, buildFlags ...string) (Library, error) {
	l, err := in(dir)
	if err != nil {
		return l, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return l, err
	}
	if err := buildShim(ctx, l.Shim); err != nil {
		return l, err
	}
	return l, buildEngine(ctx, l.Engine, buildFlags)
}

const devel = "devel"

// release is this binary's version, or devel.
func release() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Path == module && info.Main.Version != "" &&
		!strings.ContainsAny(info.Main.Version, "+(") && strings.Count(info.Main.Version, "-") == 0 {
		return info.Main.Version
	}
	return devel
}

// buildShim compiles the C sources. The result appears whole or not at all.
func buildShim(ctx context.Context, out string) error {
	cc, err := exec.LookPath("cc")
	if err != nil {
		return fmt.Errorf("%w: a C compiler (Debian: gcc libc6-dev)", ErrMissing)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(out), "shim-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := os.CopyFS(tmp, shim.Files); err != nil {
		return err
	}
	sources, err := fs.Glob(shim.Files, "c/*.c")
	if err != nil {
		return err
	}
	args := append([]string{"-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-fvisibility=default",
		"-o", "shim.so"}, sources...)
	cmd := exec.CommandContext(ctx, cc, append(args, "-ldl", "-pthread")...)
	cmd.Dir = tmp
	if said, err := cmd.CombinedOutput(); err != nil {
		if strings.Contains(string(said), "No such file or directory") {
			return fmt.Errorf("%w: headers (Debian: libibverbs-dev): %s", ErrMissing, firstLine(said))
		}
		return fmt.Errorf("compiling the shim: %w: %s", err, said)
	}
	return os.Rename(filepath.Join(tmp, "shim.so"), out)
}

func firstLine(b []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(b)), "\n")
	return line
}

func buildEngine(ctx context.Context, out string, flags []string) error {
	tool, err := exec.LookPath("go")
	if err != nil {
		return fmt.Errorf("%w: the Go tool, to build the engine", ErrMissing)
	}
	src, err := source(ctx, tool)
	if err != nil {
		return err
	}
	tmp := fmt.Sprintf("%s.%d", out, os.Getpid())
	defer os.Remove(tmp)
	args := append([]string{"build", "-buildmode=c-shared", "-o", tmp}, flags...)
	cmd := exec.CommandContext(ctx, tool, append(args, "./vhca/lib")...)
	cmd.Dir = src
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the engine: %w: %s", err, said)
	}
	_ = os.Remove(tmp[:len(tmp)-len(filepath.Ext(tmp))] + ".h")
	return os.Rename(tmp, out)
}

// source is a directory with the module's sources.
func source(ctx context.Context, tool string) (string, error) {
	if _, file, _, ok := runtime.Caller(0); ok {
		root := filepath.Join(filepath.Dir(file), "..", "..")
		if text, err := os.ReadFile(filepath.Join(root, "go.mod")); err == nil && strings.HasPrefix(string(text), "module "+module+"\n") {
			return root, nil
		}
	}
	var found struct{ Dir, Error string }
	cmd := exec.CommandContext(ctx, tool, "mod", "download", "-json", module+"@"+release())
	said, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(said, &found)
	}
	if err != nil || found.Dir == "" {
		return "", fmt.Errorf("%w: the sources of %s, to build the engine (give the libraries by --lib instead)", ErrMissing, module)
	}
	return found.Dir, nil
}
