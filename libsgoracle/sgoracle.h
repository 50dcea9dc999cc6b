/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libsgoracle: judges memory registrations of scatter/gather lists.
 *
 * Your encoder registers a list by mlx5 work requests. The library executes
 * their bytes on a model HCA, plays the remote peer that reads or writes through
 * the keys, and says whether every byte is where the list says, and nothing else
 * in reach. No hardware is touched, and no address of a list is dereferenced:
 * host memory is a model, too.
 *
 *	sgo_session s;
 *	sgo_new(&s);
 *	sgo_begin(s, &request);                    // the list, its keys and limits
 *	sgo_write_host(s, addr, bytes, n);         // lists by pointer, bounce pages
 *	sgo_post(s, wqe, ds * 16);                 // each work request, in order
 *	sgo_region(s, rkey, iova, length);         // what the peer would be told
 *	if (sgo_judge(s) == SGO_FINDING) {
 *		char text[4096];
 *		sgo_verdict_text(s, text, sizeof text);
 *		fputs(text, stderr);
 *		abort();
 *	}
 *
 * A session is used for any number of cases, each begun by sgo_begin.
 *
 * Return values. Every function but sgo_strerror returns an int. Below 0 it is
 * one of the codes SGO_E…: nothing has changed, and sgo_error tells more. From 0
 * on it is what the function says. Calls between sgo_begin and sgo_judge need not
 * be checked one by one: after any of them failed, sgo_judge returns its code.
 * Wrong work requests are no error but a finding.
 *
 * Threads. Every function may be called from any thread at any time. A session
 * does one thing at a time: calls with the same session wait for one another.
 * Threads with a session each do not.
 *
 * Memory. The library keeps no pointer that it is given and hands out none but
 * constant texts (sgo_strerror); what it needs it copies before it returns. What
 * it tells it copies into buffers of the caller.
 *
 * Process. The library holds a Go runtime, which has threads of its own. It can
 * not be unloaded by dlclose, and is of no use in a child after fork() without
 * exec. Its handlers of SIGSEGV, SIGBUS and SIGFPE hand on what did not happen in
 * the library to the handlers that were there before. Handlers installed later
 * need SA_ONSTACK (those of libFuzzer and the sanitizers have it).
 */
#ifndef SGORACLE_H
#define SGORACLE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header. It grows when a declaration changes. */
#define SGO_API_VERSION 1

/* Results. */
#define SGO_OK 0      /* done; of sgo_judge: nothing is wrong */
#define SGO_FINDING 1 /* sgo_judge: something is wrong */

#define SGO_ESESSION (-1)  /* no such session: never made, or freed */
#define SGO_ENULL (-2)     /* a pointer is NULL that must not be */
#define SGO_ERANGE (-3)    /* a number or size beyond its bounds */
#define SGO_EREQUEST (-4)  /* a request that contradicts itself */
#define SGO_ESTATE (-5)    /* out of order, see the functions */
#define SGO_EINTERNAL (-6) /* a defect of the library; sgo_error has the trace */

/* Bounds. Beyond them calls fail with SGO_ERANGE; numbers within a request, with SGO_EREQUEST. */
#define SGO_MAX_SESSIONS 1024          /* that exist at a time */
#define SGO_MAX_ENTRIES 65536          /* of a list */
#define SGO_MAX_KEYS 64                /* of a request */
#define SGO_MAX_DESCRIPTORS 65532      /* of a key: what the 16-bit count of one UMR allows */
#define SGO_MAX_CALLS 65536            /* of each function for one case */
#define SGO_MAX_BYTES (16 * 1024 * 1024) /* that sgo_post and sgo_write_host take for one case; also of scratch memory */

/* Rights, as they stand in byte 02h of an mkey context (mlx5_ifc_mkc_bits). */
#define SGO_LOCAL_READ 0x04 /* may be granted whether asked for or not */
#define SGO_LOCAL_WRITE 0x08
#define SGO_REMOTE_READ 0x10
#define SGO_REMOTE_WRITE 0x20
#define SGO_REMOTE_ATOMIC 0x40

/* What the peer does. */
#define SGO_PEER_READS 1
#define SGO_PEER_WRITES 2

/* How a key's translation list is read (MLX5_MKC_ACCESS_MODE_*). */
#define SGO_MODE_MTT 1 /* pages of page_size */
#define SGO_MODE_KLM 2 /* byte-aligned entries */

/* A DMA-mapped entry: len bytes at addr. */
struct sgo_entry {
	uint64_t addr;
	uint32_t len;
	uint32_t reserved; /* ignored */
};

/*
 * A memory key that exists before the registration: free, umr_en set, in the
 * request's protection domain, without rights.
 */
struct sgo_key {
	uint32_t key;  /* mkey_index << 8 | variant; the index no other key's, nor lkey's */
	uint32_t mode; /* SGO_MODE_MTT or SGO_MODE_KLM */
	uint32_t max;  /* descriptors that it holds, 1 to SGO_MAX_DESCRIPTORS */
	uint32_t reserved; /* ignored */
};

/*
 * What to register, and with what. A list that wraps past 2^64 or has no bytes
 * is no bad request: refusing it is right, accepting it a finding.
 */
struct sgo_request {
	const struct sgo_entry *list; /* in stream order; may be NULL if count is 0 */
	size_t count;                 /* entries */
	const struct sgo_key *keys;   /* may be NULL if key_count is 0 */
	size_t key_count;
	uint64_t page_size;       /* bytes: a power of two, 512 to 2^31 */
	uint64_t max_entries;     /* descriptors of one region, 1 to SGO_MAX_DESCRIPTORS */
	uint64_t max_entry_bytes; /* bytes of one KLM, 1 to 2^31 */
	uint64_t max_regions;     /* 1 or more */
	uint64_t scratch_addr;    /* host memory that you may fill: */
	uint64_t scratch_len;     /* bytes, none of them the list's */
	uint32_t lkey;            /* a PA key over all host memory, for local access only */
	uint32_t qpn;             /* 24 bits: the send queue's number */
	uint32_t pd;              /* 24 bits */
	uint32_t access;          /* SGO_LOCAL_READ | …: exactly these must be granted; REMOTE_WRITE and REMOTE_ATOMIC come with LOCAL_WRITE */
	uint32_t dir;             /* SGO_PEER_READS | SGO_PEER_WRITES, as far as access has the remote right */
	uint32_t reserved;        /* ignored */
};

/* Values for everything but list and keys; assign those behind it. */
#define SGO_REQUEST_INIT                                                                                                \
	{                                                                                                               \
		NULL, 0, NULL, 0, 4096, 256, (uint64_t)1 << 31, 16, (uint64_t)1 << 40, 1 << 20, 0x1800, 0x1234, 0x42,    \
			SGO_LOCAL_WRITE | SGO_REMOTE_READ | SGO_REMOTE_WRITE, SGO_PEER_READS | SGO_PEER_WRITES, 0          \
	}

#define SGO_DRAWN_ENTRIES 300
#define SGO_DRAWN_KEYS 10

/* A request with room for its list and keys, see sgo_draw_list. */
struct sgo_drawn {
	struct sgo_request request; /* list and keys point into this struct */
	struct sgo_entry list[SGO_DRAWN_ENTRIES];
	struct sgo_key keys[SGO_DRAWN_KEYS];
};

/* A session. 0 is none; a number is never used again in the same process. */
typedef uint64_t sgo_session;

/* The library's SGO_API_VERSION. A program checks that it is its header's. */
int sgo_api_version(void);

/* The library's version as text. Like all texts: see sgo_verdict_text. */
int sgo_version(char *buf, size_t size);

/* What a code means, for ever valid; also for numbers that are no codes. */
const char *sgo_strerror(int code);

/* Makes a session: a model HCA and an oracle. SGO_ENULL, SGO_ERANGE. */
int sgo_new(sgo_session *out);

/* Ends a session. SGO_ESESSION, also when it is freed twice. */
int sgo_free(sgo_session s);

/*
 * What happened when a call with s failed last, "" if none did since sgo_new. A
 * text, see sgo_verdict_text. It fails with SGO_ESESSION and SGO_ENULL, which it
 * does not remember.
 */
int sgo_error(sgo_session s, char *buf, size_t size);

/*
 * Makes a request of any bytes: a list from generators that know where
 * registration code breaks (pages and their borders, gaps, neighbours, wrapping
 * and empty entries, capacities), with keys and limits that fit. All bytes
 * together are a case, each a choice: mutating one changes the case a little, and
 * behind their end are zeros. The same bytes give the same request in the same
 * version of the library. Its state is not the case's: s only lends storage.
 * SGO_ENULL (data may be NULL if size is 0), SGO_ERANGE (size above
 * SGO_MAX_BYTES).
 */
int sgo_draw_list(sgo_session s, const void *data, size_t size, struct sgo_drawn *out);

/*
 * Begins a case, whatever became of the one before, and forgets that. When it
 * fails, s has no case. SGO_ENULL, SGO_ERANGE (count, key_count), SGO_EREQUEST.
 */
int sgo_begin(sgo_session s, const struct sgo_request *request);

/*
 * The registering side writes n bytes at addr of host memory, before it posts:
 * a list that a UMR points to, or a bounce page. Outside the scratch memory it
 * is a finding.
 */
int sgo_write_host(sgo_session s, uint64_t addr, const void *bytes, size_t n);

/*
 * Posts a work request of n bytes, DS * 16 or padded to a multiple of 64. WQE
 * index, signature, fence and completion bits are not looked at. sgo_judge
 * executes it.
 */
int sgo_post(sgo_session s, const void *wqe, size_t n);

/* Tells the peer of len bytes at addr of rkey; in stream order. */
int sgo_region(sgo_session s, uint32_t rkey, uint64_t addr, uint64_t len);

/*
 * Bounce buffers: copies of len bytes in host memory that the registering side
 * makes, from the list to scratch memory before the peer reads, and from scratch
 * memory to the list after it wrote.
 */
int sgo_copy_in(sgo_session s, uint64_t from, uint64_t to, uint64_t len);
int sgo_copy_out(sgo_session s, uint64_t from, uint64_t to, uint64_t len);

/*
 * The registering side refuses, with an errno; what it did before does not
 * count, and it cannot go on. It is right if an entry wraps past 2^64, if the list
 * has no bytes or an empty entry, or if its entries, in pieces of
 * max_entry_bytes, are more than max_entries or the largest KLM key's max. Any
 * other refusal is a finding.
 */
int sgo_reject(sgo_session s, int error);

/*
 * Judges the case: SGO_OK or SGO_FINDING, or the code of a call that failed
 * since sgo_begin. Then the case is over: more calls for it fail with SGO_ESTATE.
 * Asked again it says the same again.
 */
int sgo_judge(sgo_session s);

/*
 * What is wrong, one failure a line, each with the name of its check in front;
 * "accepted" or "refused" if nothing is. SGO_ESTATE before sgo_judge.
 *
 * Texts: at most size - 1 bytes and a 0 are copied to buf, which may be NULL if
 * size is 0. The result is the length of the whole text without the 0, as with
 * snprintf.
 */
int sgo_verdict_text(sgo_session s, char *buf, size_t size);

/*
 * The number of the check that failed first, 0 if none did: what findings are
 * told apart by. SGO_ESTATE before sgo_judge.
 *
 *	1  read-stream    remote READ of the regions, in order, is not the stream
 *	2  write-stream   remote WRITE does not land on the list's bytes
 *	3  confinement    a byte outside the list changes or is in reach
 *	4  sub-range      a window of the stream is not that of the list
 *	5  conservation   lengths do not add up, or bytes are mapped twice or not
 *	7  rights         other rights than asked for, another PD or variant
 *	8  structure      a work request that the device refuses or no driver may write
 *	14 limits         a capacity is exceeded, or a refusal without a reason
 */
int sgo_failure_class(sgo_session s);

/* The name of a failure class, as above. A text. SGO_ERANGE: no class. */
int sgo_class_name(int failure_class, char *buf, size_t size);

/*
 * The case as a case file of sgfuzz: list, page size, rights, direction and
 * limits, but not keys, numbers and scratch memory. "sgfuzz replay" takes it. A
 * text. SGO_ESTATE before sgo_begin.
 */
int sgo_case_text(sgo_session s, char *buf, size_t size);

#ifdef __cplusplus
}
#endif

#endif
