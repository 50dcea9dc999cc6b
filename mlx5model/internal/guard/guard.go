// Package guard gives tests memory whose ends are noticed, and says who ran
// past them.
package guard

import (
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

// FaultIn lets f touch memory that it must not and gives the functions of a
// package, named by its last element, that were on the stack at the fault, the
// innermost first, without the package. It fails the test if there is no fault.
func FaultIn(t testing.TB, pkg string, f func()) (names []string) {
	t.Helper()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() == nil {
			t.Fatal("no fault")
		}
		pc := make([]uintptr, 32)
		frames := runtime.CallersFrames(pc[:runtime.Callers(1, pc)])
		for more := true; more; {
			var fr runtime.Frame
			fr, more = frames.Next()
			if _, name, ok := strings.Cut(fr.Function, "/"+pkg+"."); ok {
				names = append(names, name)
			}
		}
	}()
	f()
	return nil
}
