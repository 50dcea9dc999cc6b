/*
 * The engine: a shared library (../../lib), opened when the program opens the
 * device, and what the shim asks of it. All calls are made by the shim's own
 * thread. Numbers of objects are the engine's; errors are errno values.
 */
#ifndef VHCA_ENGINE_H
#define VHCA_ENGINE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Operations of hca_call, with the type of their argument. */
enum hca_op {
	HCA_PD_ALLOC = 1, /* hca_value: out n */
	HCA_PD_FREE,      /* hca_value: in n */
	HCA_XRCD_OPEN,    /* hca_value: out n */
	HCA_XRCD_CLOSE,   /* hca_value: in n */
	HCA_PSV,          /* hca_value: out n */
	HCA_MR_REG,       /* hca_mr: out key */
	HCA_MR_REG_DM,    /* hca_mr: out key; of device memory */
	HCA_MR_REREG,     /* hca_mr: in key's index, out key */
	HCA_MR_FREE,      /* hca_value: in n, the key's index */
	HCA_MR_QUERY,     /* hca_mr: in key's index, out key, pd, access, length, iova */
	HCA_MW_ALLOC,     /* hca_mr: in pd, flags 2 for type 2; out key */
	HCA_MW_FREE,      /* hca_value: in n, the key's index */
	HCA_MKEY_CREATE,  /* hca_mkey */
	HCA_MKEY_DESTROY, /* hca_value: in n, the key's index */
	HCA_CQ_CREATE,    /* hca_cq: out n */
	HCA_CQ_RESIZE,    /* hca_cq: in n, buf, entries, size */
	HCA_CQ_DESTROY,   /* hca_value: in n, out events */
	HCA_SRQ_CREATE,   /* hca_srq: out n */
	HCA_SRQ_LIMIT,    /* hca_value: in n, limit */
	HCA_SRQ_QUERY,    /* hca_value: in n, out limit */
	HCA_SRQ_DESTROY,  /* hca_value: in n, out events */
	HCA_QP_CREATE,    /* hca_qp: out n */
	HCA_QP_MODIFY,    /* hca_qp_attr */
	HCA_QP_QUERY,     /* hca_qp_attr: in n, out state, counter */
	HCA_QP_DRAIN,     /* hca_qp_attr: in n, drain */
	HCA_QP_DESTROY,   /* hca_value: in n, out events */
	HCA_EVENTS_GONE,  /* hca_value: in n, where no events are to be written any more */
	HCA_CLOSE,        /* nothing: the process ends */
};

struct hca_value {
	uint32_t n, limit, events;
};

struct hca_mr {
	uint32_t key, pd, access, flags;
	uint64_t addr, length, iova;
};

struct hca_mkey {
	const void *mkc;  /* 64 bytes */
	const void *list; /* octowords * 16 bytes */
	uint32_t octowords, index;
};

struct hca_cq {
	uint64_t buf, db, handle;
	uint32_t n, entries, size;
	int32_t channel, async; /* where events are written, or -1 */
};

struct hca_srq {
	uint64_t buf, db, handle;
	uint32_t n, pd, cq, xrcd, wrs, sges, limit, uidx;
	int32_t async;
};

struct hca_qp {
	uint64_t sq, rq, db, handle;
	uint32_t n, type, pd, xrcd, send_cq, recv_cq, srq;
	uint32_t sq_wqebbs, rq_count, rq_shift, uidx, sig_all;
	int32_t async;
};

struct hca_qp_attr {
	uint32_t n, mask, state, cur_state, access, qkey, dest_qpn;
	uint16_t counter; /* of the first WQEBB not executed */
	uint8_t timeout, retries, rnr, min_rnr, notify;
	uint8_t drain; /* a signature error stops the send queue */
};

/*
 * engine_call starts the engine if need be and carries out one operation on
 * the shim's thread. It returns 0 or an errno: EIO in the child of a fork whose
 * parent has the engine, until the child opens the device itself.
 */
int engine_call(enum hca_op op, void *arg);

/* engine_open starts the engine for this process. */
int engine_open(void);

/*
 * engine_foreign says that what the thread asks is about a device that another
 * process opened, and this one inherited: the objects there have numbers that
 * may be those of this process's own.
 */
extern _Thread_local bool engine_foreign;

/* engine_here tells whether the device asked about is this process's own. */
bool engine_here(void);

/* engine_tables guards what the shim keeps of queues; nobody holds it across a fork. */
extern pthread_mutex_t engine_tables;

#endif
