package vectors

import "testing"

func TestSPDKVectors(t *testing.T) { checkTestdata(t, "spdk-umr", 406) }

func TestSPDKMutations(t *testing.T) {
	isOutput := func(k string) bool { return k == "out" || k == "ret" }
	testMutations(t, "spdk-umr", 23, 400, isOutput)
}
