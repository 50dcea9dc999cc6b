/* The methods that the shim answers. */
#ifndef VHCA_METHODS_H
#define VHCA_METHODS_H

#include "attr.h"

enum { MAX_QP_WR = 32768 /* the longest queue */, MAX_RD_ATOMIC = 16 /* READs and atomics that may be under way */ };

/* ---- methods, by file; each gives 0 or an errno ---- */

int method(hdr *h);             /* methods.c: finds and runs one */
int get_context(hdr *h);        /* context.c */
int query_context(hdr *h);
int alloc_uar(hdr *h);
int query_port(hdr *h);         /* caps.c */
int query_port_steering(hdr *h);
int query_gid_entry(hdr *h);
int query_gid_table(hdr *h);
int query_device(hdr *h);
int query_device_ex(hdr *h);
int alloc_dm(hdr *h);           /* dm.c */
int free_dm(hdr *h);
int query_dm(hdr *h);
int reg_dm_mr(hdr *h);
int reg_mr(hdr *h);             /* keys.c */
int rereg_mr(hdr *h);
int query_mr(hdr *h);
int advise_mr(hdr *h);
int alloc_mw(hdr *h);
int devx_create(hdr *h);
int devx_destroy(hdr *h);
int devx_modify(hdr *h);        /* qpc.c */
int devx_query(hdr *h);
int create_cq(hdr *h);          /* queues.c */
int resize_cq(hdr *h);
int destroy_cq(hdr *h);
int create_srq(hdr *h);
int modify_srq(hdr *h);
int query_srq(hdr *h);
int destroy_srq(hdr *h);
int create_qp(hdr *h);          /* qp.c */
int modify_qp(hdr *h);
int query_qp(hdr *h);
int destroy_qp(hdr *h);

#endif
