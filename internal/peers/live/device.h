/*
 * What requests need of the device beyond the fake one: numbers of their
 * choosing, and encryption.
 */
#ifndef LIVE_DEVICE_H
#define LIVE_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

/* The number of the second signature state object of the next key. */
extern uint32_t device_next_psv;

/* The number of the next data encryption key. */
extern uint32_t device_next_dek;

/*
 * Whether the device, once it is opened, encrypts consecutive data units under
 * one key, or one only.
 */
extern bool device_multi_block;

#endif
