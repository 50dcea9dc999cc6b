package mlx5model

import "github.com/sgfuzz/sgfuzz/sg"

// Watch has f told of every Translate, by whatever method it comes: the access,
// the memory behind it, neighbours merged, and the error. nil ends that.
func (d *Device) Watch(f func(a Access, x []sg.Extent, err error)) { d.watch = f }

func (d *Device) watched(dst []sg.Extent, a Access) ([]sg.Extent, error) {
	var err error
	x, ok := d.TryTranslate(nil, a)
	if !ok {
		err = d.refusal(a.Op)
	}
	d.watch(a, x, err)
	for _, e := range x {
		dst = sg.AppendExtent(dst, e.Addr, e.Len)
	}
	return dst, err
}
