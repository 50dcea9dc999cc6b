/* strscpy of include/linux/string.h. */
#include <stdio.h>
#define strscpy(dst, src, size) ((void)snprintf(dst, size, "%s", src))
