//go:build !amd64 || purego

package sendq

type implementation struct {
	name string
	use  func() (back func())
}

// implementations are those of this machine.
func implementations() []implementation {
	return []implementation{{"portable", func() func() { return func() {} }}}
}
