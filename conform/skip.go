package conform

// skip passes over any value, and refuses what is not JSON.
func (s *scanner) skip() {
	var arrays uint32 // bit n: the value at depth n is an array
	depth := 0
	for s.err == nil {
		switch c := s.peek(); c {
		case '{', '[':
			if depth++; depth >= maxDepth {
				s.fail(ErrDepth, "")
				return
			}
			s.i++
			arrays &^= 1 << depth
			if c == '[' {
				arrays |= 1 << depth
			}
			if s.peek() == closing(arrays, depth) {
				break
			}
			s.skipKey(arrays, depth)
			continue
		default:
			s.skipScalar(c)
		}
		// behind a value, or at the end of an empty one
		for s.err == nil && depth > 0 && s.peek() == closing(arrays, depth) {
			s.i++
			depth--
		}
		if depth == 0 || s.err != nil {
			return
		}
		if s.peek() != ',' {
			s.fail(ErrSyntax, "want a comma or the end")
			return
		}
		s.i++
		s.skipKey(arrays, depth)
	}
}

func closing(arrays uint32, depth int) byte {
	if arrays&(1<<depth) != 0 {
		return ']'
	}
	return '}'
}

// skipKey passes over a field's name if the value at this depth is an object.
func (s *scanner) skipKey(arrays uint32, depth int) {
	if arrays&(1<<depth) != 0 {
		return
	}
	if _, _, _, ok := s.skipString(); !ok {
		return
	}
	if s.peek() != ':' {
		s.fail(ErrSyntax, "want a colon")
		return
	}
	s.i++
}

// skipString is quoted, with its escapes looked at.
func (s *scanner) skipString() (start, end int, plain, ok bool) {
	start, end, plain, ok = s.quoted()
	if ok && !plain {
		n := len(s.text)
		s.unescape(start, end)
		s.text = s.text[:n]
	}
	return start, end, plain, ok && s.err == nil
}

func (s *scanner) skipScalar(c byte) {
	switch {
	case c == '"':
		s.skipString()
	case c == 't':
		s.word("true")
	case c == 'f':
		s.word("false")
	case c == 'n':
		s.word("null")
	default:
		s.skipNumber()
	}
}

// skipNumber passes over a number of any size.
func (s *scanner) skipNumber() {
	start := s.i
	if s.i < len(s.b) && s.b[s.i] == '-' {
		s.i++
	}
	first := s.i
	n := s.digits()
	ok := n == 1 || n > 1 && s.b[first] != '0'
	if ok && s.i < len(s.b) && s.b[s.i] == '.' {
		s.i++
		ok = s.digits() > 0
	}
	if ok && s.i < len(s.b) && s.b[s.i]|0x20 == 'e' {
		s.i++
		if s.i < len(s.b) && (s.b[s.i] == '+' || s.b[s.i] == '-') {
			s.i++
		}
		ok = s.digits() > 0
	}
	if !ok {
		s.failAt(start, ErrSyntax, "not a value")
	}
}

func (s *scanner) digits() (n int) {
	for ; s.i < len(s.b) && s.b[s.i]-'0' <= 9; s.i++ {
		n++
	}
	return n
}
