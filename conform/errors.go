package conform

import (
	"errors"
	"fmt"
)

// What a *LineError says is wrong with a line.
var (
	ErrSyntax    = errors.New("not JSON")
	ErrTrailing  = errors.New("something behind the object")
	ErrLong      = errors.New("line is longer than 16 MiB")
	ErrDepth     = errors.New("nested too deeply")
	ErrUTF8      = errors.New("text is not UTF-8")
	ErrUnknown   = errors.New("unknown field")
	ErrDuplicate = errors.New("field occurs twice")
	ErrMissing   = errors.New("field is missing")
	ErrAnswer    = errors.New("not exactly one of ok, reject and skip")
	ErrType      = errors.New("value of another type")
	ErrNumber    = errors.New(`number is neither an integer nor a string "0x…"`)
	ErrRange     = errors.New("number out of range")
	ErrHex       = errors.New("bytes are not lower-case hexadecimal digits, two a byte")
	ErrErrno     = errors.New(`not an errno name such as "EINVAL"`)
	ErrOp        = errors.New("unknown operation")
	ErrName      = errors.New("name not known here")
)

// LineError says what breaks the protocol in a request or reply, and where.
type LineError struct {
	Field  string // such as ok.regions[2].rkey; "" for the line as a whole
	Offset int    // byte of the line, from 0 to its length
	Err    error  // one of the package's errors
	Detail string // what was wanted or found, may be ""
}

func (e *LineError) Error() string {
	field := e.Field
	if field == "" {
		field = "line"
	}
	if e.Detail == "" {
		return fmt.Sprintf("%s: byte %d: %v", field, e.Offset, e.Err)
	}
	return fmt.Sprintf("%s: byte %d: %v: %s", field, e.Offset, e.Err, e.Detail)
}

func (e *LineError) Unwrap() error { return e.Err }
