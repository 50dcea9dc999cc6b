package files

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

// below are the names of everything below dir, with directories.
func below(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if rel, _ := filepath.Rel(dir, path); rel != "." {
			names = append(names, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func put(t *testing.T, path, text string, mode fs.FileMode) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWriteKeepsRightsAndLinks(t *testing.T) {
	dir := t.TempDir()
	file := put(t, filepath.Join(dir, "file"), "former", 0o640)
	link := filepath.Join(dir, "link")
	if err := os.Symlink("file", link); err != nil {
		t.Skip(err)
	}
	if err := WriteBytes(link, []byte("new")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(file)
	if text, _ := os.ReadFile(file); err != nil || string(text) != "new" || info.Mode() != 0o640 {
		t.Errorf("%v %v %q", err, info.Mode(), text)
	}
	if to, err := os.Readlink(link); err != nil || to != "file" || len(below(t, dir)) != 2 {
		t.Errorf("the link leads to %q: %v, %q", to, err, below(t, dir))
	}
}

// TestDiskFull fills the new file until the disk is full, by way of a device
// that always is, before and after the first bytes.
func TestDiskFull(t *testing.T) {
	device, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer device.Close()
	for _, room := range []int{0, 100, 1 << 20} {
		dir := t.TempDir()
		file := put(t, filepath.Join(dir, "a"), "the former text", 0o666)
		err := Write(file, func(w io.Writer) error {
			if _, err := w.Write(make([]byte, room)); err != nil {
				return err
			}
			_, err := device.Write([]byte("x"))
			return err
		})
		text, _ := os.ReadFile(file)
		if !errors.Is(err, syscall.ENOSPC) || string(text) != "the former text" || len(below(t, dir)) != 1 {
			t.Errorf("room %d: error %v, file %q, directory %q", room, err, text, below(t, dir))
		}
	}
	if err := WriteBytes("/dev/full", []byte("x")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a full device: %v", err)
	}
}

func TestAbandon(t *testing.T) {
	dir := t.TempDir()
	f, err := Create(filepath.Join(dir, "a"))
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("x")
	f.Abandon()
	if names := below(t, dir); len(names) != 0 {
		t.Errorf("left: %q", names)
	}
}

func TestCreateRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, err := Create(dir); err == nil {
		t.Error("a directory is written")
	}
	if _, err := Create(filepath.Join(dir, "none", "a")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such directory: %v", err)
	}
}

func TestTogether(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	err := Together(dir, func(b *Batch) error {
		w, err := b.Create("a/b")
		if err != nil {
			return err
		}
		io.WriteString(w, "12")
		err = errors.Join(w.Close(), b.Write("c", []byte("345")))
		if b.Files() != 2 || b.Bytes() != 5 {
			t.Errorf("%d files, %d bytes", b.Files(), b.Bytes())
		}
		return err
	})
	if names := below(t, dir); err != nil || !slices.Equal(names, []string{"a", "a/b", "c"}) {
		t.Errorf("%v %q", err, names)
	}
}

// TestTogetherTakesBack has the batch fail while it is filled, and a directory
// stand where the last file must go.
func TestTogetherTakesBack(t *testing.T) {
	broken := errors.New("broken")
	parent := t.TempDir()
	if err := Together(filepath.Join(parent, "new"), func(b *Batch) error { return errors.Join(b.Write("a", nil), broken) }); !errors.Is(err, broken) {
		t.Error(err)
	}
	if names := below(t, parent); len(names) != 0 {
		t.Errorf("left: %q", names)
	}
	if err := os.MkdirAll(filepath.Join(parent, "z", "inside"), 0o777); err != nil {
		t.Fatal(err)
	}
	err := Together(parent, func(b *Batch) error {
		return errors.Join(b.Write("a/b/c", []byte("1")), b.Write("d", []byte("2")), b.Write("z", []byte("3")))
	})
	if names := below(t, parent); err == nil || !slices.Equal(names, []string{"z", "z/inside"}) {
		t.Errorf("%v, left: %q", err, names)
	}
}
