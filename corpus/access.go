package corpus

import "strings"

// Access is a set of rights to a memory region. The bits are those of byte 02h
// of an mkey context, so that a consumer need not translate them.
// Authority: include/linux/mlx5/mlx5_ifc.h mlx5_ifc_mkc_bits (a, rw, rr, lw,
// lr), include/linux/mlx5/device.h MLX5_PERM_*.
type Access uint8

// The rights. Local read may always be granted.
const (
	AccessLR Access = 0x04 // local read
	AccessLW Access = 0x08 // local write
	AccessRR Access = 0x10 // remote read
	AccessRW Access = 0x20 // remote write
	AccessA  Access = 0x40 // remote atomic
)

var accessNames = []struct {
	bit  Access
	name string
}{{AccessLR, "lr"}, {AccessLW, "lw"}, {AccessRR, "rr"}, {AccessRW, "rw"}, {AccessA, "a"}}

// String is the text form: names joined by '|' in the order lr lw rr rw a, and
// "" for the empty set. Bits without a name are left out.
func (a Access) String() string {
	var names []string
	for _, n := range accessNames {
		if a&n.bit != 0 {
			names = append(names, n.name)
		}
	}
	return strings.Join(names, "|")
}

// ParseAccess reads names joined by '|' in any order, each at most once.
func ParseAccess(s string) (Access, error) {
	var a Access
	for off := 0; ; {
		name, _, more := strings.Cut(s[off:], "|")
		bit := accessBit(name)
		switch {
		case bit == 0:
			return 0, valueErrorf(off, "unknown right %q; the rights are lr lw rr rw a, joined by '|'", clip(name))
		case a&bit != 0:
			return 0, valueErrorf(off, "right %q occurs twice", name)
		}
		a |= bit
		if !more {
			return a, nil
		}
		off += len(name) + 1
	}
}

func accessBit(name string) Access {
	for _, n := range accessNames {
		if n.name == name {
			return n.bit
		}
	}
	return 0
}
