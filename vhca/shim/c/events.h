/* Pipes that carry event records from the engine to the program. */
#ifndef VHCA_EVENTS_H
#define VHCA_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

/* events_pipe makes one and gives the end to read, or -1 with errno. */
int events_pipe(void);

/* events_hold keeps other threads out until events_release. */
void events_hold(void);
void events_release(void);

/*
 * events_closing closes the shim's ends of a pipe whose end the program is about
 * to close. A child of fork or vfork leaves them alone: they are the parent's.
 */
void events_closing(int fd);

/*
 * events_make_room closes what belongs to pipes that the program has closed, and
 * tells whether there was anything.
 */
bool events_make_room(void);

/* events_write_end is the other end of a pipe by the one to read, or -1. */
int events_write_end(int fd);

/*
 * events_forget removes the records of an object that were not read yet, and
 * gives their number. A record has size bytes and starts with the handle.
 */
uint32_t events_forget(int fd, uint64_t handle, int size);

#endif
