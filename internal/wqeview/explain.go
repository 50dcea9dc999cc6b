package wqeview

import (
	"fmt"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

const (
	authSyndrome = "include/linux/mlx5/cq.h MLX5_CQE_SYNDROME_*, drivers/infiniband/hw/mlx5/cq.c mlx5_handle_error_cqe"
	authSigErr   = "include/linux/mlx5/device.h mlx5_sig_err_cqe, drivers/infiniband/hw/mlx5/cq.c get_sig_err_item"
)

// explain tells what a completion's 64 bytes say about its reason; nil for a
// completion without error.
func explain(raw []byte) *Explanation {
	c := mlx5model.ParseCQE(raw)
	switch {
	case c.Opcode == mlx5model.CQESigErr:
		return explainSignature(raw)
	case !c.Failed():
		return nil
	}
	e, ok := syndromes[c.Syndrome]
	if ok {
		e.Name = "MLX5_CQE_SYNDROME_" + e.Name
	} else {
		e = Explanation{Status: "IB_WC_GENERAL_ERR", Meaning: "No public header has this syndrome.", Causes: []string{}}
	}
	e.Value, e.Authority = fmt.Sprintf("%#02x", uint8(c.Syndrome)), authSyndrome
	if c.Vendor != 0 {
		e.Vendor = vendorText(c)
	}
	if r := mlx5model.Reason(c.Vendor); ours(raw) && r.String() != "unknown reason" {
		e.Vendor += fmt.Sprintf(" If it comes from this project's model HCA, it means: %v.", r)
	}
	return &e
}

// ours says whether a completion may be one of the model HCA, which writes
// neither a signature nor the hardware's syndrome.
func ours(raw []byte) bool { return raw[0x34]|raw[0x35]|raw[0x3e] == 0 }

// vendorText says what is known about a vendor syndrome: next to nothing.
func vendorText(c mlx5model.CQE) string {
	s := fmt.Sprintf("vendor syndrome %#02x is the firmware's own code and in no public header; the driver hands it on as wc.vendor_err.", c.Vendor)
	if c.Syndrome == mlx5model.SynMWBind && c.Vendor == 0x78 {
		s += " With syndrome 0x06, 0x78 was seen for a list beyond the key's translation table (Linux commit \"RDMA/umem: Set iova in ODP flow\")."
	}
	return s
}

// sigErrors are the bits of a signature error's syndrome.
var sigErrors = []struct {
	bit  uint64
	what string
}{{1 << 13, "guard"}, {1 << 12, "application tag"}, {1 << 11, "reference tag"}}

func explainSignature(raw []byte) *Explanation {
	get := func(name string) uint64 {
		f, _ := mlx5model.FindField(mlx5model.SegSigErrCQE, name)
		return f.Get(raw)
	}
	e := &Explanation{
		Value: fmt.Sprintf("%#04x", get("syndrome")), Name: "MLX5_CQE_SIG_ERR", Authority: authSigErr,
		Causes: []string{"data or protection information in memory that differs from what the registration's BSF describes", "a BSF with another block size or seed than the data has"},
	}
	e.Meaning = fmt.Sprintf("The data's signature is not the expected one at offset %d of the transfer through key %#08x:", get("err_offset"), get("mkey"))
	for _, s := range sigErrors {
		if get("syndrome")&s.bit != 0 {
			e.Meaning += " " + s.what
		}
	}
	e.Meaning += fmt.Sprintf(" (expected %#x with reference tag %#x, found %#x with %#x).",
		get("expected_trans_sig"), get("expected_reftag"), get("actual_trans_sig"), get("actual_reftag"))
	return e
}
