/* The types of include/linux/types.h that the example and the tables use. */
#ifndef STUB_LINUX_TYPES_H
#define STUB_LINUX_TYPES_H

#include <stdbool.h>
#include <stddef.h>
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef u64 dma_addr_t;
#define static_assert _Static_assert

#endif
