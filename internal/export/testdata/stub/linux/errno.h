/* The number of include/uapi/asm-generic/errno.h. */
#define EOPNOTSUPP 95
