/* The device's memory. */
#ifndef VHCA_DM_H
#define VHCA_DM_H

#include <stddef.h>
#include <stdint.h>

enum { DM_SIZE = 128 << 10 }; /* bytes that there are */

/* dm_map maps len bytes of the device's memory from a page on; MAP_FAILED and errno if they are not there. */
void *dm_map(size_t page, size_t len);

/* dm_forget says that a key is gone, which may be one of device memory. */
void dm_forget(uint32_t mr);

#endif
