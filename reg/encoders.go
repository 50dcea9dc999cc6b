package reg

import (
	"fmt"

	"github.com/sgfuzz/sgfuzz/mlx5model/libmlx5"
)

var encoders = []struct {
	name string
	make func() Encoder
}{
	{"linux", func() Encoder { return new(linuxEncoder) }},
	{"libmlx5", func() Encoder { return &libmlx5Encoder{version: libmlx5.Head} }},
	{"libmlx5-44", func() Encoder { return &libmlx5Encoder{version: libmlx5.V44} }},
	{"spdk", func() Encoder { return new(spdkEncoder) }},
	{"ofed", func() Encoder { return new(ofedEncoder) }},
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
