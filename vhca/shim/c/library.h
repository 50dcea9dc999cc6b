/* The engine's library: what it exports, see ../../lib. */
#ifndef VHCA_LIBRARY_H
#define VHCA_LIBRARY_H

#include <stdbool.h>
#include <stdint.h>

extern struct library {
	int (*open)(void);
	int (*call)(uint32_t op, void *arg); /* enum hca_op */
	int (*ring)(uint32_t qpn);	     /* 1: call tick from time to time */
	void (*arm)(uint32_t cqn, uint32_t word);
	int (*tick)(void); /* as ring */
	int (*fd)(void);   /* readable when tick has something to do, or -1 */
} hca;

/*
 * library_load opens the library that the environment names. With again it was
 * open in the process that forked this one.
 */
int library_load(bool again);

#endif
