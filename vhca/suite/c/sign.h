/* Keys with signatures of blocks, and the CRCs by another way than the engine's. */
#ifndef SIGN_H
#define SIGN_H

#include "suite.h"

enum { BLOCK = 512 };

/* What a key's domains are: memory's alone, or the wire's, or both alike. */
struct crc {
	enum mlx5dv_sig_crc_type type;
	uint64_t seed;
	uint8_t check;
	enum { MEMORY, WIRE, BOTH } where;
};
extern const struct crc crcs[];
enum { CRCS = 6 };

size_t tuple_size(struct crc c);

/* step_of is a block with its tuple. */
size_t step_of(struct crc c);

/* crc_of is the CRC of a block, bit by bit; tuple_of is what follows the block. */
uint64_t crc_of(struct crc c, const uint8_t *block);
uint64_t tuple_of(struct crc c, const uint8_t *block);
void put_tuple(struct crc c, uint8_t *block, uint64_t v);

/* signing_end makes one end of a pair, with the flags of mlx5dv_create_qp. */
void signing_end(struct pair *p, int end, uint32_t flags);
struct pair *signing_pair(uint32_t flags);

/* signing_key is a key to configure, which the first end does. */
struct mlx5dv_mkey *signing_key(void);
void configure(struct pair *p, struct mlx5dv_mkey *k, struct ibv_sge *e, uint16_t n, struct crc c);

/* told is what mlx5dv_mkey_check tells. */
struct mlx5dv_mkey_err told(struct mlx5dv_mkey *k);

/* drained waits for the event that says that the queue pair has stopped. */
void drained(struct ibv_qp *qp);
enum ibv_qp_state state_of(struct ibv_qp *qp);

#endif
