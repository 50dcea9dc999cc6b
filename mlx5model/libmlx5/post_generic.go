//go:build !amd64 || purego

package libmlx5

import "github.com/sgfuzz/sgfuzz/sg"

func postMRList(q *QP, mkey *Mkey, list *sg.Entry, n int, flags SendFlags, access Access) error {
	return postMRListFallback(q, mkey, list, n, flags, access)
}
