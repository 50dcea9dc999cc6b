package launch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/vhca"
)

func TestMakeTree(t *testing.T) {
	dir := t.TempDir()
	for range 2 { // what is there stays
		if err := MakeTree(dir); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "class/infiniband_verbs/uverbs0/dev"))
	if err != nil || string(text) != "1:5\n" {
		t.Errorf("%q, %v", text, err)
	}
	files := 0
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files++
		}
		return err
	})
	if files != len(tree) {
		t.Errorf("%d files, want %d", files, len(tree))
	}
	if err := os.WriteFile(filepath.Join(dir, "class/infiniband/mlx5_0/fw_ver"), []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := MakeTree(dir); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(filepath.Join(dir, "class/infiniband/mlx5_0/fw_ver")); string(text) != "16.35.1000\n" {
		t.Errorf("not mended: %q", text)
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	if _, err := Find(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing there: %v", err)
	}
	for _, f := range []string{shimFile, engineFile} {
		if err := os.WriteFile(filepath.Join(dir, f), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if l, err := Find(dir); err != nil || l.Shim != filepath.Join(dir, shimFile) {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("LD_PRELOAD", "/other.so")
	t.Setenv("SYSFS_PATH", "/elsewhere")
	env, err := Environment(Library{Shim: "/s.so", Engine: "/e.so"}, vhca.Settings{Profile: "cx4", Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(env, "\n") + "\n"
	for _, want := range []string{"LD_PRELOAD=/s.so:/other.so\n", vhca.EngineEnv + "=/e.so\n", vhca.SettingsEnv + `={"profile":"cx4","strict":true}` + "\n"} {
		if strings.Count(all, want) != 1 {
			t.Errorf("%d times %q in\n%s", strings.Count(all, want), want, all)
		}
	}
	if strings.Contains(all, "/elsewhere") || strings.Contains(all, "LD_PRELOAD=/other.so") {
		t.Error("the old values are still there")
	}
}
