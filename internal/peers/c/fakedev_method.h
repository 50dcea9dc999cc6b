/* Between the two halves of the fake device. */
#ifndef FAKEDEV_METHOD_H
#define FAKEDEV_METHOD_H

#include <rdma/rdma_user_ioctl_cmds.h>

/* fakedev_method carries out one ioctl and returns 0 or an errno. */
int fakedev_method(struct ib_uverbs_ioctl_hdr *h);

#endif
