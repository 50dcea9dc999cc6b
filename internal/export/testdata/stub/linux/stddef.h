/* NULL of include/linux/stddef.h. */
#include <stddef.h>
