package libmlx5

import "fmt"

// Errno is an error as the library returns it: a positive errno of Linux
// (include/uapi/asm-generic/errno-base.h, errno.h).
type Errno int

// Errors that Complete returns.
const (
	ENOMEM     Errno = 12 // the list is longer than the key or the WQE allows, or the queue is full
	EINVAL     Errno = 22 // a setter that is not allowed now, or unknown access flags
	EOPNOTSUPP Errno = 95 // Inline is missing, a window over 2^31 bytes, or unknown configuration flags
)

func (e Errno) Error() string {
	switch e {
	case ENOMEM:
		return "ENOMEM (12): list or queue too long"
	case EINVAL:
		return "EINVAL (22): setter or access flags not allowed"
	case EOPNOTSUPP:
		return "EOPNOTSUPP (95): not supported"
	}
	return fmt.Sprintf("errno %d", int(e))
}
