package program

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Error is why a text is no program.
type Error struct {
	Line int // from 1
	Why  string
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Why) }

// Parse reads a program's text. Errors are *Error.
func Parse(text string) (Program, error) {
	var p Program
	made := map[uint64]bool{}
	line := 0
	for text := range strings.Lines(text) {
		line++
		text, _, _ = strings.Cut(text, "#")
		words := strings.Fields(text)
		if len(words) == 0 {
			continue
		}
		a, err := parse(words)
		if err == nil {
			err = a.valid()
		}
		switch a.Kind {
		case Region, Mkey, Window:
			if err == nil && made[a.Object] {
				err = fmt.Errorf("object %d is made twice", a.Object)
			}
			made[a.Object] = true
		}
		if err != nil {
			return nil, &Error{line, err.Error()}
		}
		p = append(p, a)
	}
	return p, nil
}

func parse(words []string) (a Action, err error) {
	k := slices.Index(kindNames[:], words[0])
	if k < 0 {
		return a, fmt.Errorf("no action %q", words[0])
	}
	a.Kind = Kind(k)
	words = words[1:]
	if n := len(words); a.Kind.request() && n > 0 && words[n-1] == "&" {
		a.Held, words = true, words[:n-1]
	}
	fields, key := a.numbers()
	if key {
		if len(words) < 2 {
			return a, fmt.Errorf("%v needs an end and a key", a.Kind)
		}
		if a.Key, err = parseRef(words[1]); err != nil {
			return a, err
		}
		words = slices.Delete(slices.Clone(words), 1, 2)
	}
	if len(words) < len(fields) {
		return a, fmt.Errorf("%v needs %d numbers", a.Kind, len(fields))
	}
	for i, f := range fields {
		if *f, err = strconv.ParseUint(words[i], 0, 64); err != nil {
			return a, err
		}
	}
	for _, w := range words[len(fields):] {
		p, err := parsePiece(w)
		if err != nil {
			return a, err
		}
		a.Pieces = append(a.Pieces, p)
	}
	return a, nil
}

func parseRef(w string) (r Ref, err error) {
	w, tag, tagged := strings.Cut(w, "+")
	w, back, older := strings.Cut(w, "~")
	if tagged {
		r.Tag, err = strconv.ParseUint(tag, 10, 8)
	}
	if older && err == nil {
		r.Back, err = strconv.ParseUint(back, 10, 8)
	}
	if err == nil {
		r.Object, err = strconv.ParseUint(w, 10, 16)
	}
	return r, err
}

func parsePiece(w string) (p Piece, err error) {
	key, rest, ok := strings.Cut(w, "@")
	addr, size, ok2 := strings.Cut(rest, ":")
	if !ok || !ok2 {
		return p, fmt.Errorf("%q is no KEY@ADDRESS:BYTES", w)
	}
	size, skip, skips := strings.Cut(size, "/")
	if p.Key, err = parseRef(key); err != nil {
		return p, err
	}
	if p.Addr, err = strconv.ParseUint(addr, 0, 64); err != nil {
		return p, err
	}
	if p.Len, err = strconv.ParseUint(size, 0, 16); err == nil && skips {
		p.Skip, err = strconv.ParseUint(skip, 0, 15)
	}
	return p, err
}

// inside reports whether a range is in the program's memory and not empty.
func inside(addr, n uint64) bool {
	return n > 0 && addr >= Base && addr-Base <= Size && n <= Size-(addr-Base)
}

// valid refuses what the libraries refuse, or the player has no room for.
func (a *Action) valid() error {
	const all = accessAll | accessBind
	writes := a.Access&(accessRemoteWrite|accessRemoteAtomic) != 0 && a.Access&accessLocalWrite == 0
	switch {
	case a.Object >= MostObjects, a.Below >= MostObjects, a.PD > 1, a.PD2 > 1:
		return fmt.Errorf("objects are 0 to %d, domains 0 and 1", MostObjects-1)
	case (a.Kind == Pair || a.Kind == Recover) && a.End >= Ends/2, a.End >= Ends:
		return fmt.Errorf("there is no end or pair %d", a.End)
	case a.Access&^all != 0, a.Access2&^all != 0:
		return fmt.Errorf("rights are among %#x", all)
	case (a.Kind == Region || a.Kind == Rereg) && (writes || !inside(a.Addr, a.Len)):
		return fmt.Errorf("a region is of memory from %#x to %#x; remote writes take local ones", uint64(Base), uint64(Base+Size))
	case a.Kind == Rereg && (a.Flags == 0 || a.Flags > 7):
		return fmt.Errorf("flags are 1 to 7")
	case a.Kind == Mkey && (a.Len < 1 || a.Len > MostPieces || a.Flags > 1):
		return fmt.Errorf("a key has 1 to %d entries", MostPieces)
	case a.Kind == Fill && !inside(a.Addr, a.Len):
		return fmt.Errorf("memory is from %#x to %#x", uint64(Base), uint64(Base+Size))
	case a.Kind == Bind && (a.Len == 0 || a.Access&accessLocalWrite != 0):
		return fmt.Errorf("a window has bytes, and remote rights only")
	case (a.Kind == List || a.Kind == Interleaved) && (len(a.Pieces) == 0 || a.End%2 != 0 || a.Access&^accessAll != 0):
		return fmt.Errorf("a list has pieces, and is posted by an even end")
	case a.Kind == Interleaved && (a.Cycles < 1 || a.Cycles > 64):
		return fmt.Errorf("cycles are 1 to 64")
	case (a.Kind == Add || a.Kind == Swap) && (len(a.Pieces) != 1 || a.Pieces[0].Len != 8):
		return fmt.Errorf("an atomic has one piece of 8 bytes")
	case len(a.Pieces) > a.Kind.pieces():
		return fmt.Errorf("%v has at most %d pieces", a.Kind, a.Kind.pieces())
	}
	for _, p := range a.Pieces {
		if p.Len == 0 || p.Key.Object >= MostObjects || p.Skip != 0 && a.Kind != Interleaved || p.Len+p.Skip > 1<<16-1 {
			return fmt.Errorf("pieces have bytes, and a skip in interleaved layouts only, together less than 2^16")
		}
	}
	return nil
}
