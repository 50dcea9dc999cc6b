package reg

import "fmt"

var encoders = []struct {
	name string
	make func() Encoder
}{
	{"linux", func() Encoder { return new(linuxEncoder) }},
}

// Dialects are the names that NewEncoder knows.
func Dialects() []string {
	names := make([]string, len(encoders))
	for i := range encoders {
		names[i] = encoders[i].name
	}
	return names
}

// NewEncoder makes the encoder of a dialect. The error wraps ErrDialect.
func NewEncoder(dialect string) (Encoder, error) {
	for i := range encoders {
		if encoders[i].name == dialect {
			return encoders[i].make(), nil
		}
	}
	return nil, fmt.Errorf("%q: %w", dialect, ErrDialect)
}
