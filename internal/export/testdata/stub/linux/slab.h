/* include/linux/slab.h has nothing that the stub does not have elsewhere. */
