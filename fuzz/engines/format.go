package engines

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
)

// Format is how an engine keeps inputs in files.
type Format uint8

// The formats.
const (
	Go        Format = iota // native fuzzing of the go command
	GoFuzz                  // dvyukov/go-fuzz
	LibFuzzer               // libFuzzer by go-118-fuzz-build, OSS-Fuzz, ClusterFuzzLite
)

func (f Format) String() string { return [...]string{"go", "gofuzz", "libfuzzer"}[f] }

// Errors of Unmarshal.
var (
	ErrSyntax = errors.New("not a file of the go command's fuzzing with one []byte")
	ErrFrame  = errors.New("shorter than its frame: the target is never called with it")
)

const (
	goVersion = "go test fuzz v1"
	frameSize = 4  // bytes of the length
	frameZero = 30 // what a length of 0 stands for
)

// Marshal is the file for an input.
func (f Format) Marshal(data []byte) []byte {
	switch f {
	case Go:
		return fmt.Appendf(nil, "%s\n[]byte(%q)\n", goVersion, data)
	case LibFuzzer:
		if len(data) == 0 {
			return []byte{0, 0, 0, 2, 0} // 2 modulo the one byte left is 0
		}
		return append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), data...)
	}
	return bytes.Clone(data)
}

// Unmarshal is the input that a file stands for. Every file of GoFuzz is one;
// errors wrap ErrSyntax for Go and ErrFrame for LibFuzzer.
func (f Format) Unmarshal(file []byte) ([]byte, error) {
	switch f {
	case Go:
		return parseGo(string(file))
	case LibFuzzer:
		return unframe(file)
	}
	return bytes.Clone(file), nil
}

func parseGo(text string) ([]byte, error) {
	version, value, _ := strings.Cut(text, "\n")
	if strings.TrimSuffix(version, "\r") != goVersion {
		return nil, fmt.Errorf("first line %.40q: %w", version, ErrSyntax)
	}
	value, ok := strings.CutPrefix(strings.TrimSpace(value), "[]byte(")
	value, closed := strings.CutSuffix(value, ")")
	s, err := strconv.Unquote(strings.TrimSpace(value))
	if !ok || !closed || err != nil {
		return nil, fmt.Errorf("value %.40q: %w", value, ErrSyntax)
	}
	return []byte(s), nil
}

// unframe does what GetBytes does: the length counts modulo the bytes that are
// there, unless it is their number, and 0 stands for 30.
func unframe(file []byte) ([]byte, error) {
	if len(file) <= frameSize {
		return nil, fmt.Errorf("%d bytes: %w", len(file), ErrFrame)
	}
	n, rest := binary.BigEndian.Uint32(file), file[frameSize:]
	if n == 0 {
		n = frameZero
	}
	if uint64(n) != uint64(len(rest)) {
		n %= uint32(len(rest))
	}
	return bytes.Clone(rest[:n]), nil
}

// fileName is where an engine looks for a file with an input of a target, below
// the package (Go), the working directory (GoFuzz) or in the archive
// (LibFuzzer). The name is the hash that the engine itself gives the file, so
// that it does not keep the input twice.
func (f Format) fileName(target string, file []byte) string {
	if f == Go {
		sum := sha256.Sum256(file)
		return path.Join("testdata/fuzz", NativeName(target), hex.EncodeToString(sum[:8]))
	}
	sum := sha1.Sum(file)
	name := hex.EncodeToString(sum[:])
	if f == GoFuzz {
		return path.Join("corpus", name)
	}
	return name
}

// NativeName is the native function of a target.
func NativeName(target string) string { return "Fuzz" + target }

// BinaryName is the libFuzzer program of a target.
func BinaryName(target string) string { return "fuzz_" + strings.ToLower(target) }
