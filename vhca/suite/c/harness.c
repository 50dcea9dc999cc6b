#include "suite.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct ibv_context *ctx;
struct ibv_pd *pd;

int rnr_retry = 7; /* for ever */

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void to_state(struct ibv_qp *qp, enum ibv_qp_type type, uint32_t dest, int access, int timeout, enum ibv_qp_state last)
{
	struct ibv_qp_attr a = { .qp_state = IBV_QPS_INIT, .port_num = 1, .qp_access_flags = (unsigned)access, .qkey = 0x11111111 };
	int mask = IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT;
	EQUAL(ibv_modify_qp(qp, &a, mask | (type == IBV_QPT_UD ? IBV_QP_QKEY : IBV_QP_ACCESS_FLAGS)), 0);
	if (last == IBV_QPS_INIT)
		return;
	a = (struct ibv_qp_attr){ .qp_state = IBV_QPS_RTR, .path_mtu = IBV_MTU_1024, .dest_qp_num = dest, .max_dest_rd_atomic = 4,
				  .min_rnr_timer = 1, .ah_attr = { .dlid = 1, .port_num = 1 } };
	mask = IBV_QP_STATE;
	if (type != IBV_QPT_UD)
		mask |= IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN;
	if (type == IBV_QPT_RC || type == IBV_QPT_XRC_RECV)
		mask |= IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER;
	EQUAL(ibv_modify_qp(qp, &a, mask), 0);
	if (last == IBV_QPS_RTR)
		return;
	a = (struct ibv_qp_attr){ .qp_state = IBV_QPS_RTS, .timeout = (uint8_t)timeout, .retry_cnt = 1, .rnr_retry = (uint8_t)rnr_retry, .max_rd_atomic = 4 };
	mask = IBV_QP_STATE | IBV_QP_SQ_PSN;
	if (type == IBV_QPT_RC || type == IBV_QPT_XRC_SEND)
		mask |= IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY | IBV_QP_MAX_QP_RD_ATOMIC;
	if (type == IBV_QPT_XRC_RECV)
		mask |= IBV_QP_TIMEOUT;
	EQUAL(ibv_modify_qp(qp, &a, mask), 0);
}

static struct ibv_qp *make_qp(struct pair *p, const struct options *o, int end)
{
	struct ibv_qp_init_attr_ex a = {
		.send_cq = p->cq[end], .recv_cq = p->cq[end], .srq = end ? o->srq : NULL, .qp_type = o->type,
		.cap = { .max_send_wr = (uint32_t)o->depth, .max_recv_wr = (uint32_t)o->depth, .max_send_sge = (uint32_t)o->sges,
			 .max_recv_sge = (uint32_t)o->sges, .max_inline_data = o->dv && !end ? 512 : 64 },
		.sq_sig_all = o->sig_all, .comp_mask = IBV_QP_INIT_ATTR_PD, .pd = end ? o->pd2 : o->pd1,
	};
	if (!o->dv || end)
		return ibv_create_qp_ex(ctx, &a);
	a.comp_mask |= IBV_QP_INIT_ATTR_SEND_OPS_FLAGS;
	a.send_ops_flags = IBV_QP_EX_WITH_RDMA_WRITE | IBV_QP_EX_WITH_RDMA_READ | IBV_QP_EX_WITH_SEND | IBV_QP_EX_WITH_LOCAL_INV |
			   IBV_QP_EX_WITH_SEND_WITH_INV | IBV_QP_EX_WITH_BIND_MW | IBV_QP_EX_WITH_ATOMIC_CMP_AND_SWP |
			   IBV_QP_EX_WITH_ATOMIC_FETCH_AND_ADD;
	struct mlx5dv_qp_init_attr dv = {
		.comp_mask = MLX5DV_QP_INIT_ATTR_MASK_SEND_OPS_FLAGS,
		.send_ops_flags = MLX5DV_QP_EX_WITH_MR_LIST | MLX5DV_QP_EX_WITH_MR_INTERLEAVED | MLX5DV_QP_EX_WITH_MKEY_CONFIGURE,
	};
	struct ibv_qp *qp = mlx5dv_create_qp(ctx, &a, &dv);
	CHECK(qp);
	p->ex = ibv_qp_to_qp_ex(qp);
	p->dv = mlx5dv_qp_ex_from_ibv_qp_ex(p->ex);
	return qp;
}

struct pair *make_pair(struct options o)
{
	struct pair *p = calloc(1, sizeof(*p));
	CHECK(p);
	if (!o.type)
		o.type = IBV_QPT_RC;
	o.depth = o.depth ? o.depth : 64;
	o.sges = o.sges ? o.sges : 4;
	o.pd1 = o.pd1 ? o.pd1 : pd;
	o.pd2 = o.pd2 ? o.pd2 : pd;
	for (int i = 0; i < 2; i++) {
		p->cq[i] = ibv_create_cq(ctx, o.cqes ? o.cqes : 256, NULL, o.channel, 0);
		CHECK(p->cq[i]);
		p->qp[i] = make_qp(p, &o, i);
		CHECK(p->qp[i]);
	}
	for (int i = 0; i < 2 && !o.unconnected; i++)
		to_state(p->qp[i], o.type, p->qp[!i]->qp_num, o.access ? o.access : ALL, o.timeout ? o.timeout : 10, IBV_QPS_RTS);
	return p;
}

void close_pair(struct pair *p)
{
	for (int i = 0; i < 2; i++)
		EQUAL(ibv_destroy_qp(p->qp[i]), 0);
	for (int i = 0; i < 2; i++)
		EQUAL(ibv_destroy_cq(p->cq[i]), 0);
	free(p);
}

uint8_t *pages(size_t bytes)
{
	void *p = mmap(NULL, (bytes + 4095) & ~(size_t)4095, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	return p;
}

uint8_t pattern(size_t i, unsigned seed) { return (uint8_t)((i * 2654435761u >> 13) ^ i ^ (i >> 8) ^ seed * 101); }

void fill(uint8_t *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = pattern(i, seed);
}

bool holds(const uint8_t *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != pattern(i, seed))
			return false;
	return true;
}

struct ibv_mr *reg(void *p, size_t n, int access)
{
	struct ibv_mr *mr = ibv_reg_mr(pd, p, n, access);
	CHECK(mr);
	return mr;
}

struct ibv_sge sge_of(struct ibv_mr *mr, void *p, size_t n)
{
	return (struct ibv_sge){ .addr = (uintptr_t)p, .length = (uint32_t)n, .lkey = mr->lkey };
}

int post_send(struct ibv_qp *qp, enum ibv_wr_opcode op, struct ibv_sge *list, int n, uint64_t raddr, uint32_t rkey)
{
	struct ibv_send_wr wr = { .wr_id = 7, .sg_list = list, .num_sge = n, .opcode = op, .send_flags = IBV_SEND_SIGNALED,
				  .imm_data = 0x12345678, .wr.rdma = { raddr, rkey } }, *bad;
	return ibv_post_send(qp, &wr, &bad);
}

int post_recv(struct ibv_qp *qp, struct ibv_sge *list, int n)
{
	struct ibv_recv_wr wr = { .wr_id = 9, .sg_list = list, .num_sge = n }, *bad;
	return ibv_post_recv(qp, &wr, &bad);
}

struct ibv_wc poll_one(struct ibv_cq *cq)
{
	struct ibv_wc wc = { 0 };
	double end = 0;
	for (int n = 0; (n = ibv_poll_cq(cq, 1, &wc)) == 0;) {
		double now = seconds();
		if (!end)
			end = now + 2;
		if (now > end)
			fail(__FILE__, __LINE__, "a completion within two seconds", 0, 1);
	}
	return wc;
}

void quiet(struct ibv_cq *cq, int ms)
{
	struct ibv_wc wc;
	for (double end = seconds() + ms / 1e3; seconds() < end; usleep(500))
		EQUAL(ibv_poll_cq(cq, 1, &wc), 0);
}

enum ibv_wc_status rdma(struct pair *p, enum ibv_wr_opcode op, struct ibv_sge *list, int n, uint64_t raddr, uint32_t rkey)
{
	EQUAL(post_send(p->qp[0], op, list, n, raddr, rkey), 0);
	return poll_one(p->cq[0]).status;
}
