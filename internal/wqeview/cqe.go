package wqeview

import "github.com/sgfuzz/sgfuzz/mlx5model"

// Explanation is what is known about the reason in a completion.
type Explanation struct {
	Value     string   `json:"value"`            // hex
	Name      string   `json:"name"`             // the macro in the headers
	Status    string   `json:"status,omitempty"` // what the consumer of the queue sees
	Meaning   string   `json:"meaning"`
	Causes    []string `json:"causes"`           // usual causes, those of registration first
	Vendor    string   `json:"vendor,omitempty"` // about the vendor syndrome
	Authority string   `json:"authority"`
}

// syndromes explains MLX5_CQE_SYNDROME_*. Names and status: include/linux/mlx5/
// cq.h and drivers/infiniband/hw/mlx5/cq.c mlx5_handle_error_cqe; rdma-core has
// the same in providers/mlx5/cq.c.
var syndromes = map[mlx5model.Syndrome]Explanation{
	mlx5model.SynLocalLength: {
		Name: "LOCAL_LENGTH_ERR", Status: "IB_WC_LOC_LEN_ERR",
		Meaning: "A local length does not fit: the gather list is longer than a message may be, or what arrived is longer than the receive.",
		Causes:  []string{"receive buffers smaller than what the peer sends", "a byte_count of 0 in a data segment: it stands for 2^31 bytes"},
	},
	mlx5model.SynLocalQPOp: {
		Name: "LOCAL_QP_OP_ERR", Status: "IB_WC_LOC_QP_OP_ERR",
		Meaning: "The device cannot make sense of the WQE, or the queue is in no state for it.",
		Causes: []string{
			"a malformed WQE: DS, octoword counts, opcode or reserved bits (see the findings of the WQE)",
			"a UMR on a queue that was not created for UMRs, or with inline data where the device has none",
			"an indirect list that nests deeper than max_indirection",
		},
	},
	mlx5model.SynLocalProt: {
		Name: "LOCAL_PROT_ERR", Status: "IB_WC_LOC_PROT_ERR",
		Meaning: "A local key (lkey) does not give what the WQE wants from it.",
		Causes: []string{
			"an lkey that is free: its registration was not posted before this WQE, or it was invalidated (LOCAL_INV, SEND_INVAL, deregistered)",
			"an old tag: the low 8 bits changed when the key was registered anew",
			"a range outside [start_addr, start_addr+len) of the key, or another protection domain",
			"a right that the key lacks: local write for the target of a READ or a receive",
			"a key used in the WQE right behind its UMR without a fence",
			"memory that the IOMMU refuses: a mapping taken away too early",
		},
	},
	mlx5model.SynFlush: {
		Name: "WR_FLUSH_ERR", Status: "IB_WC_WR_FLUSH_ERR",
		Meaning: "The WQE was not executed: the queue was in the error state already.",
		Causes:  []string{"an earlier completion of the same queue has the reason: look for the first one that is no flush", "the queue was torn down"},
	},
	mlx5model.SynMWBind: {
		Name: "MW_BIND_ERR", Status: "IB_WC_MW_BIND_ERR",
		Meaning: "A UMR (registration, invalidation, memory-window bind) was refused, and the key is as it was.",
		Causes: []string{
			"the list is longer than the key's translation table (translations_octword_size at creation): Linux commit \"RDMA/umem: Set iova in ODP flow\" shows this syndrome for it",
			"a check flag that does not hold: CHECK_NOT_FREE on a key in use (registered twice without LOCAL_INV), CHECK_FREE on a free one, CHECK_QPN of another queue",
			"umr_en is 0 in the key, or a mask bit that this device cannot change by UMR",
			"the key is of another protection domain",
		},
	},
	mlx5model.SynBadResp: {
		Name: "BAD_RESP_ERR", Status: "IB_WC_BAD_RESP_ERR",
		Meaning: "The peer's response has an opcode that does not belong to the request.",
		Causes:  []string{"a peer that broke the protocol; not a registration's fault"},
	},
	mlx5model.SynLocalAccess: {
		Name: "LOCAL_ACCESS_ERR", Status: "IB_WC_LOC_ACCESS_ERR",
		Meaning: "The responder could not write what arrived through its own key.",
		Causes: []string{
			"the local key behind the target lacks local write: the rights of every level of an indirect key count",
			"a child key in the list is free, of another protection domain, or does not cover its entry",
		},
	},
	mlx5model.SynRemoteInvReq: {
		Name: "REMOTE_INVAL_REQ_ERR", Status: "IB_WC_REM_INV_REQ_ERR",
		Meaning: "The peer refused the request as malformed or too long.",
		Causes:  []string{"SEND_INVAL of a key without en_rinval, or of a key that is not the peer's", "a message longer than the peer's receive, or READs beyond what it takes at once"},
	},
	mlx5model.SynRemoteAccess: {
		Name: "REMOTE_ACCESS_ERR", Status: "IB_WC_REM_ACCESS_ERR",
		Meaning: "The peer's key (rkey) does not give what the request wants from it. The peer's registration is at fault, or the rkey, address and length that it advertised.",
		Causes: []string{
			"an rkey that was invalidated, or not yet registered when the request arrived",
			"an rkey of a former registration: the low 8 bits changed",
			"a range that the registration does not cover: one advertised for the whole list when only a prefix of it was mapped, or a page list over a list with gaps",
			"a right that the key lacks (remote read, remote write, remote atomic), or a key of another protection domain",
		},
	},
	mlx5model.SynRemoteOp: {
		Name: "REMOTE_OP_ERR", Status: "IB_WC_REM_OP_ERR",
		Meaning: "The peer could not complete the request on its side.",
		Causes:  []string{"a local protection or access error at the peer: its own completion has the reason", "an entry of the peer's list that leads to memory it may not reach"},
	},
	mlx5model.SynTransportRetry: {
		Name: "TRANSPORT_RETRY_EXC_ERR", Status: "IB_WC_RETRY_EXC_ERR",
		Meaning: "The peer did not answer, retries and all.",
		Causes:  []string{"the link, the route or the peer's queue is down; not a registration's fault"},
	},
	mlx5model.SynRNRRetry: {
		Name: "RNR_RETRY_EXC_ERR", Status: "IB_WC_RNR_RETRY_EXC_ERR",
		Meaning: "The peer had no receive posted, retries and all.",
		Causes:  []string{"too few receives at the peer; not a registration's fault"},
	},
	mlx5model.SynRemoteAborted: {
		Name: "REMOTE_ABORTED_ERR", Status: "IB_WC_REM_ABORT_ERR",
		Meaning: "The peer aborted the operation.",
		Causes:  []string{"the peer's queue went into the error state meanwhile"},
	},
}
