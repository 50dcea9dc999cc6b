#define _GNU_SOURCE
#include "events.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/*
 * The shim's own ends have high numbers, out of the way of programs that count
 * on low ones. A channel that the program closes goes unseen; its number comes
 * back with a later channel, and the old ends are closed then.
 */
enum { HIGH = 400, CHANNELS = 1024 };

static struct channel {
	int fd; /* the program's end, 0 for none */
	int copy, writer;
} channels[CHANNELS];
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static struct channel *find(int fd)
{
	for (int i = 0; i < CHANNELS; i++)
		if (channels[i].fd == fd)
			return &channels[i];
	return NULL;
}

static int high(int fd)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, HIGH);
	return moved;
}

int events_pipe(void)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC))
		return -1;
	pthread_mutex_lock(&turn);
	struct channel *c = find(ends[0]);
	if (c) {
		close(c->copy);
		close(c->writer);
	} else {
		c = find(0);
	}
	if (c) {
		c->fd = ends[0];
		c->copy = high(ends[0]);
		c->writer = high(ends[1]);
		fcntl(c->writer, F_SETFL, O_NONBLOCK);
	}
	pthread_mutex_unlock(&turn);
	close(ends[1]);
	if (c)
		return ends[0];
	close(ends[0]);
	errno = EMFILE;
	return -1;
}

int events_write_end(int fd)
{
	pthread_mutex_lock(&turn);
	struct channel *c = fd > 0 ? find(fd) : NULL;
	int writer = c ? c->writer : -1;
	pthread_mutex_unlock(&turn);
	return writer;
}

uint32_t events_forget(int fd, uint64_t handle, int size)
{
	uint32_t found = 0;
	int bytes = 0;
	pthread_mutex_lock(&turn);
	struct channel *c = fd > 0 ? find(fd) : NULL;
	if (c && ioctl(c->copy, FIONREAD, &bytes) == 0) {
		for (; bytes >= size; bytes -= size) {
			uint64_t record[2];
			if (read(c->copy, record, (size_t)size) != size)
				break;
			if (record[0] == handle)
				found++;
			else if (write(c->writer, record, (size_t)size) != size)
				break;
		}
	}
	pthread_mutex_unlock(&turn);
	return found;
}
