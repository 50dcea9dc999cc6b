package program

// pd draws a domain, mostly the first.
func (d *drawer) pd() uint64 {
	if d.ch.Byte() >= 192 {
		return 1
	}
	return 0
}

// access draws rights, mostly all.
func (d *drawer) access(all uint64) uint64 {
	if b := d.ch.Byte(); b >= 160 {
		return all & uint64(b)
	}
	return all
}

func (d *drawer) regionAccess() uint64 {
	a := d.access(accessAll) | accessBind
	if a&accessLocalWrite == 0 {
		a &^= accessRemoteWrite | accessRemoteAtomic
	}
	return a
}

// place draws memory.
func (d *drawer) place() (addr, n uint64) {
	off := d.ch.Uint(Size - 1)
	n = 1 + d.ch.Uint(min(Size-off, 2048)-1)
	return Base + off, n
}

// size draws how many bytes a request moves, mostly few.
func (d *drawer) size() uint64 {
	switch n := d.ch.Uint(255); {
	case n < 8:
		return 0
	case n < 224:
		return n % 48
	default:
		return n
	}
}

// held draws whether a request waits for the next one.
func (d *drawer) held() bool { return d.ch.Byte() >= 176 }

// waits reports whether the last action is a request that waits for the next.
func (d *drawer) waits() bool { return len(d.p) > 0 && d.p[len(d.p)-1].Held }

// end draws an end; one that is broken is mostly mended before. After a request
// that waits it is mostly that one's.
func (d *drawer) end() uint64 {
	if d.waits() && d.ch.Byte() < 224 {
		return d.p[len(d.p)-1].End
	}
	b := uint64(d.ch.Byte())
	e := b % 4
	if d.w.ends[4].made {
		e = b % Ends
	}
	if (d.w.ends[e].broken || d.w.ends[e^1].broken) && b < 224 {
		d.add(Action{Kind: Recover, End: e / 2})
	}
	return e
}

// pick draws an object of a kind, mostly one that is there.
func (d *drawer) pick(k Kind) uint64 {
	return d.pickIf(func(o *object) bool { return o.kind == k && o.live })
}

// pickOther does not pick the regions of all memory, which the rest needs.
func (d *drawer) pickOther(k Kind) uint64 {
	return d.pickIf(func(o *object) bool { return o.kind == k && o.live && !d.whole(o) })
}

func (d *drawer) whole(o *object) bool { return o == d.kept[0] || o == d.kept[1] }

func (d *drawer) pickIn(k Kind, pd uint64) uint64 {
	return d.pickIf(func(o *object) bool { return o.kind == k && o.live && o.pd == pd })
}

// pickIf draws the first object from a place on that is liked.
func (d *drawer) pickIf(liked func(*object) bool) uint64 {
	b := uint64(d.ch.Byte())
	n := uint64(len(d.kept))
	if b < 250 {
		for i := range n {
			if at := (b + i) % n; liked(d.kept[at]) {
				return at
			}
		}
	}
	return b % n
}

// usable reports whether an object's key is there and not free, in a domain.
func (d *drawer) usable(o *object, pd uint64) bool {
	return o.live && o.pd == pd && !d.w.modelKey(o).Free
}

// keyOf draws a key to go through or to invalidate: mostly a usable one of the
// domain, and not one of all memory.
func (d *drawer) keyOf(pd uint64) uint64 {
	b := d.ch.Byte()
	return d.pickIf(func(o *object) bool { return d.usable(o, pd) && (b >= 248 || !d.whole(o)) })
}

// dataKey draws a key for a piece: mostly that of all memory in the domain,
// and of the others also the deepest.
func (d *drawer) dataKey(pd uint64) Ref {
	switch b := d.ch.Byte(); {
	case b < 144:
		if o := d.kept[pd]; d.usable(o, pd) && o.len >= Size/2 {
			return Ref{Object: pd}
		}
	case b < 176:
		return d.ref(d.deepest(pd))
	case b < 240:
		return d.ref(d.pickIf(func(o *object) bool { return d.usable(o, pd) && o.kind != Window }))
	}
	return d.ref(d.keyOf(pd))
}

// deepest is the usable key with most levels of keys below it.
func (d *drawer) deepest(pd uint64) uint64 {
	best, at := -1, uint64(0)
	for i, o := range d.kept {
		if !d.usable(o, pd) {
			continue
		}
		if n := d.depth(o.names[len(o.names)-1], 6); n > best {
			best, at = n, uint64(i)
		}
	}
	return at
}

func (d *drawer) depth(key uint32, most int) int {
	k := d.w.model.Keys[key>>8]
	if k == nil || k.Pages || most == 0 {
		return 0
	}
	n := 0
	for _, e := range k.List[:min(len(k.List), 3)] {
		n = max(n, 1+d.depth(e.Key, most-1))
	}
	return n
}

// ref draws a reference to an object: mostly to its key of now.
func (d *drawer) ref(object uint64) Ref {
	r := Ref{Object: object}
	switch b := d.ch.Byte(); {
	case b >= 250:
		r.Tag = 1 + uint64(b)
	case b >= 236:
		r.Back = 1
	}
	r.Tag &= 0xff
	return r
}

// va draws an address for n bytes of a key: mostly all inside, of the others
// many just outside.
func (d *drawer) va(r Ref, n uint64) uint64 {
	k := d.w.model.Keys[d.w.key(r)>>8]
	if k == nil || k.Size == 0 {
		return d.ch.Uint(1 << 16)
	}
	b := d.ch.Byte()
	switch {
	case b >= 252:
		return k.Start - 1
	case b >= 246:
		return k.Start + k.Size - min(n, k.Size) + 1
	case b >= 240:
		return k.Start + k.Size
	case b >= 232 || n > k.Size:
		return k.Start + d.ch.Uint(k.Size)
	}
	return k.Start + d.ch.Uint(k.Size-n)
}
