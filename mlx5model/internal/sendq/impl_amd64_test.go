//go:build !purego

package sendq

type implementation struct {
	name string
	use  func() (back func())
}

// implementations are those of this machine.
func implementations() []implementation {
	set := func(on bool) func() func() {
		return func() func() {
			was := avx2
			avx2 = on
			return func() { avx2 = was }
		}
	}
	all := []implementation{{"portable", set(false)}}
	if avx2 {
		all = append(all, implementation{"AVX2", set(true)})
	}
	return all
}
