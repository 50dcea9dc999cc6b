/*
 * The thread that owns the engine: it carries out the program's commands,
 * watches the doorbell records, and sleeps when nothing happens.
 */
#define _GNU_SOURCE
#include "engine.h"

#include "events.h"
#include "library.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* A queue pair's doorbell record, receive and send, and what was seen last. */
struct bell {
	uint32_t qpn;
	uint64_t *words;
	uint64_t seen;
};

/*
 * A completion queue's arm word. Arming twice may write the same value, so the
 * thread leaves ARM_TAKEN there whenever it has read the word, which the
 * library writes and never reads.
 */
struct arm {
	uint32_t cqn;
	uint32_t *word;
};
#define ARM_TAKEN 0xffffffffu

static struct {
	pid_t pid; /* whose thread it is */
	pthread_mutex_t turn;
	sem_t done;
	int wake; /* eventfd */
	int others; /* readable when another process's adapter wants something, or -1 */
	enum hca_op op;
	void *arg;
	int err;
	bool pending; /* atomic */
	bool restless;
	struct bell *bells;
	struct arm *arms;
	int bell_count, arm_count, bell_room, arm_room;
} me = { .turn = PTHREAD_MUTEX_INITIALIZER };

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- what is watched ---- */

static void *grow(void *list, int count, int *room, size_t size)
{
	if (count < *room)
		return list;
	*room = *room ? 2 * *room : 64;
	list = realloc(list, (size_t)*room * size);
	if (!list)
		abort();
	return list;
}

static void add_bell(uint32_t qpn, uint64_t db)
{
	me.bells = grow(me.bells, me.bell_count, &me.bell_room, sizeof(*me.bells));
	me.bells[me.bell_count++] = (struct bell){ qpn, (uint64_t *)(uintptr_t)db, 0 };
}

static void add_arm(uint32_t cqn, uint64_t db)
{
	me.arms = grow(me.arms, me.arm_count, &me.arm_room, sizeof(*me.arms));
	me.arms[me.arm_count] = (struct arm){ cqn, (uint32_t *)(uintptr_t)(db + 4) };
	__atomic_store_n(me.arms[me.arm_count++].word, ARM_TAKEN, __ATOMIC_RELAXED);
}

static void remove_bell(uint32_t qpn)
{
	for (int i = 0; i < me.bell_count; i++)
		if (me.bells[i].qpn == qpn)
			me.bells[i--] = me.bells[--me.bell_count];
}

static void remove_arm(uint32_t cqn)
{
	for (int i = 0; i < me.arm_count; i++)
		if (me.arms[i].cqn == cqn)
			me.arms[i--] = me.arms[--me.arm_count];
}

/* note keeps the lists of what is watched in step with the objects. */
static void note(enum hca_op op, void *arg)
{
	struct hca_cq *cq = arg;
	struct hca_qp *qp = arg;
	struct hca_value *v = arg;
	switch (op) {
	case HCA_CQ_CREATE:
		if (cq->channel >= 0)
			add_arm(cq->n, cq->db);
		break;
	case HCA_QP_CREATE:
		if (qp->db)
			add_bell(qp->n, qp->db);
		break;
	case HCA_CQ_DESTROY:
		remove_arm(v->n);
		break;
	case HCA_QP_DESTROY:
		remove_bell(v->n);
		break;
	default:
		break;
	}
}

/* ---- the thread ---- */

static bool do_job(void)
{
	if (!__atomic_load_n(&me.pending, __ATOMIC_ACQUIRE))
		return false;
	me.err = hca.call(me.op, me.arg);
	if (!me.err)
		note(me.op, me.arg);
	me.restless = true; /* the engine says when it is not */
	__atomic_store_n(&me.pending, false, __ATOMIC_RELEASE);
	sem_post(&me.done);
	return true;
}

static bool look(void)
{
	bool busy = false;
	for (int i = 0; i < me.bell_count; i++) {
		struct bell *b = &me.bells[i];
		uint64_t now = __atomic_load_n(b->words, __ATOMIC_ACQUIRE);
		if (now == b->seen)
			continue;
		b->seen = now;
		me.restless = hca.ring(b->qpn) != 0;
		busy = true;
	}
	for (int i = 0; i < me.arm_count; i++) {
		if (__atomic_load_n(me.arms[i].word, __ATOMIC_RELAXED) == ARM_TAKEN)
			continue;
		hca.arm(me.arms[i].cqn, be32toh(__atomic_exchange_n(me.arms[i].word, ARM_TAKEN, __ATOMIC_ACQUIRE)));
		busy = true;
	}
	return busy;
}

/*
 * For so long after work the thread does not sleep, unless it has one processor
 * with the program. It does not give its turn away either: that comes back late
 * when the program polls, whereas one who wakes from sleep comes first.
 */
enum { SPIN_NS = 30000 };
static bool one_processor;

/*
 * Sleeps are a part of the time in which nothing has happened, 1 in 2^SHARE:
 * what comes after a pause waits so little longer. On a virtual machine each
 * costs 20 to 40 us, which is why they grow to LONGEST. While a queue pair
 * waits for a time they are at most RESTLESS. All in nanoseconds.
 */
enum { SHARE = 7, SHORTEST = 20000, RESTLESS = 1000000, LONGEST = 8000000 };

/* rest waits; a command, or a message of another process, ends it. */
static void rest(uint64_t idle)
{
	if (idle < SPIN_NS && !one_processor)
		return;
	uint64_t sleep = idle >> SHARE, most = me.restless ? RESTLESS : LONGEST;
	sleep = sleep < SHORTEST ? SHORTEST : sleep > most ? most : sleep;
	struct timespec t = { 0, (long)sleep };
	struct pollfd fds[2] = { { .fd = me.wake, .events = POLLIN }, { .fd = me.others, .events = POLLIN } };
	uint64_t count;
	if (ppoll(fds, 2, &t, NULL) > 0) {
		if (fds[0].revents && read(me.wake, &count, sizeof(count)) < 0)
			return;
		if (fds[1].revents)
			me.restless = true;
	}
}

static void serve(void)
{
	prctl(PR_SET_NAME, "vhca");
	prctl(PR_SET_TIMERSLACK, 1000);
	cpu_set_t may; /* a container or taskset may give the program one of many */
	one_processor = sched_getaffinity(0, sizeof(may), &may) == 0 && CPU_COUNT(&may) < 2;
	me.others = hca.fd();
	unsigned pass = 0;
	for (uint64_t last = now_ns();;) {
		bool busy = do_job();
		busy |= look();
		uint64_t now = now_ns();
		/*
		 * While the thread does not sleep, which tells, it asks for
		 * messages of other processes now and then.
		 */
		bool awake = busy || now - last < SPIN_NS;
		if (me.restless || (awake && me.others >= 0 && ++pass % 8 == 0))
			me.restless = hca.tick() != 0;
		if (busy)
			last = now;
		else
			rest(now - last);
	}
}

/* ---- starting ---- */

struct starting {
	bool again;
	int err;
	sem_t ready;
};

/*
 * begin loads the library on the thread that will use it. The Go runtime raises
 * the limit of open files, which is the program's.
 */
static void *begin(void *arg)
{
	struct starting *s = arg;
	struct rlimit files;
	bool limited = getrlimit(RLIMIT_NOFILE, &files) == 0;
	int err = library_load(s->again);
	if (!err)
		err = hca.open();
	if (limited)
		setrlimit(RLIMIT_NOFILE, &files);
	s->err = err;
	sem_post(&s->ready);
	if (!err)
		serve(); /* *s is gone */
	return NULL;
}

static void waited(sem_t *s)
{
	while (sem_wait(s) && errno == EINTR)
		;
}

static int start(bool again)
{
	struct starting s = { .again = again };
	sigset_t all, old;
	pthread_t thread;
	sem_init(&s.ready, 0, 0);
	sem_init(&me.done, 0, 0);
	me.pending = false;
	me.bell_count = me.arm_count = 0;
	me.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int err = pthread_create(&thread, NULL, begin, &s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err)
		return err;
	pthread_detach(thread);
	waited(&s.ready);
	err = s.err;
	if (!err)
		me.pid = getpid();
	return err;
}

/*
 * A fork waits until no thread is within the shim: the child, which has but one,
 * finds all in order.
 */
pthread_mutex_t engine_tables = PTHREAD_MUTEX_INITIALIZER;

static void before_fork(void)
{
	events_hold();
	pthread_mutex_lock(&engine_tables);
	pthread_mutex_lock(&me.turn);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&me.turn);
	pthread_mutex_unlock(&engine_tables);
	events_release();
}

int engine_open(void)
{
	static bool hooked;
	int err = 0;
	pthread_mutex_lock(&me.turn);
	if (!hooked)
		hooked = pthread_atfork(before_fork, after_fork, after_fork) == 0;
	if (me.pid != getpid())
		err = start(me.pid != 0);
	pthread_mutex_unlock(&me.turn);
	return err;
}

_Thread_local bool engine_foreign;

bool engine_here(void) { return !engine_foreign && me.pid == getpid(); }

int engine_call(enum hca_op op, void *arg)
{
	static const uint64_t one = 1;
	if (!engine_here())
		return EIO;
	pthread_mutex_lock(&me.turn);
	me.op = op;
	me.arg = arg;
	__atomic_store_n(&me.pending, true, __ATOMIC_RELEASE);
	ssize_t told = write(me.wake, &one, sizeof(one));
	(void)told; /* full: it is awake */
	waited(&me.done);
	int err = me.err;
	pthread_mutex_unlock(&me.turn);
	return err;
}

/* The process ends: statistics and recordings are written. */
__attribute__((destructor)) static void finish(void)
{
	if (me.pid && me.pid == getpid())
		engine_call(HCA_CLOSE, NULL);
}
