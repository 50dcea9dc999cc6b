/* A small encoder: one memory key over a list, by one UMR with a KLM list. */
#include <stddef.h>
#include <stdint.h>

#define MAX_KLMS 65536

struct segment { uint64_t addr; uint32_t len; };

struct target { /* where to, and what the device takes */
	uint32_t mkey, lkey, qpn;
	uint8_t access;		   /* as in byte 02h of an mkey context */
	uint64_t most, most_bytes; /* KLMs of the key, bytes of a KLM */
	uint64_t list_addr;	   /* room for a list by pointer */
};

struct umr {
	uint32_t rkey;
	uint64_t iova, length;
	uint8_t wqe[63 * 16];
	size_t wqe_len;
	uint8_t list[MAX_KLMS * 16]; /* to be written to list_addr, if list_len is not 0 */
	size_t list_len;
};

/* Gives 0 or an errno. */
int encode(struct umr *u, const struct target *t, const struct segment *seg, size_t n);
