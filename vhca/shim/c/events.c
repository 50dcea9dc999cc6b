#define _GNU_SOURCE
#include "events.h"

#include "engine.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The shim's own ends have high numbers, out of the way of programs that count
 * on low ones. A channel may be closed in ways that go unseen (close_range,
 * dup2): its number comes back with a later channel, or the shim notices when it
 * looks for room.
 */
enum { HIGH = 400, CHANNELS = 4096, FEW = 16, FDS = 65536 };

static struct channel {
	int fd; /* the program's end, 0 for none */
	int copy, writer;
} channels[CHANNELS];
static atomic_bool known[FDS]; /* ends in the program */
static int count, look_at = FEW; /* channels there are, and how many make it look */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static struct channel *find(int fd)
{
	for (int i = 0; i < CHANNELS; i++)
		if (channels[i].fd == fd)
			return &channels[i];
	return NULL;
}

/*
 * drop closes the shim's ends, after the engine has forgotten the writer, whose
 * number will be another's.
 */
static void drop(struct channel *c)
{
	struct hca_value v = { .n = (uint32_t)c->writer };
	engine_call(HCA_EVENTS_GONE, &v);
	close(c->copy);
	close(c->writer);
	known[c->fd] = false;
	*c = (struct channel){ 0 };
	count--;
}

/* drop_closed drops the channels whose end in the program is not theirs any more. */
static void drop_closed(void)
{
	for (int i = 0; i < CHANNELS; i++) {
		struct channel *c = &channels[i];
		struct stat was, is;
		if (c->fd && (fstat(c->copy, &was) || fstat(c->fd, &is) || was.st_dev != is.st_dev || was.st_ino != is.st_ino))
			drop(c);
	}
	look_at = 2 * count > FEW ? 2 * count : FEW;
}

/* high duplicates a descriptor, if possible to a high number. */
static int high(int fd)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, HIGH);
	return moved < 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : moved;
}

/* keep makes the channel of a pipe. */
static bool keep(const int ends[2])
{
	struct channel *c = find(ends[0]);
	if (c)
		drop(c);
	c = ends[0] < FDS ? find(0) : NULL;
	int copy = c ? high(ends[0]) : -1, writer = copy < 0 ? -1 : high(ends[1]);
	if (writer < 0) {
		if (copy >= 0)
			close(copy);
		return false;
	}
	fcntl(writer, F_SETFL, O_NONBLOCK);
	*c = (struct channel){ ends[0], copy, writer };
	known[ends[0]] = true;
	count++;
	return true;
}

static int make(void)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC))
		return -1;
	bool kept = keep(ends);
	close(ends[1]);
	if (kept)
		return ends[0];
	close(ends[0]);
	return -1;
}

int events_pipe(void)
{
	pthread_mutex_lock(&turn);
	if (count >= look_at)
		drop_closed();
	int fd = make();
	if (fd < 0) {
		drop_closed();
		fd = make();
	}
	pthread_mutex_unlock(&turn);
	if (fd < 0)
		errno = EMFILE;
	return fd;
}

void events_hold(void) { pthread_mutex_lock(&turn); }
void events_release(void) { pthread_mutex_unlock(&turn); }

void events_closing(int fd)
{
	if (fd < 0 || fd >= FDS || !known[fd] || !engine_here())
		return;
	pthread_mutex_lock(&turn);
	struct channel *c = find(fd);
	if (c)
		drop(c);
	pthread_mutex_unlock(&turn);
}

bool events_make_room(void)
{
	pthread_mutex_lock(&turn);
	int was = count;
	drop_closed();
	bool some = count < was;
	pthread_mutex_unlock(&turn);
	return some;
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
