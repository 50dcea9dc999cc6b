//go:build linux && (amd64 || arm64)

package vhca

import (
	"bytes"
	"strings"
	"testing"

	"github.com/sgfuzz/sgfuzz/mlx5model"
)

// TestSecondOpinion: the trace says where accesses lead; an adapter that the
// oracle contradicts says so, and a strict one stops.
func TestSecondOpinion(t *testing.T) {
	var trace bytes.Buffer
	stopped := ""
	r := newRig(t, func(c *Config) {
		c.Trace, c.Strict, c.Stop = &trace, true, func(why string) { stopped = why }
	})
	a, b := r.take(100), r.take(100)
	ka, kb := r.reg(a), r.reg(b)
	r.send(0, mlx5model.OpRDMAWrite, raddr(kb, addressOf(b)), seg(ka, a))
	r.want(0, mlx5model.CQERequester, 0)
	for _, want := range []string{"oracle: local read of 100 bytes", "oracle: remote write of 100 bytes", "oracle: the adapter agrees"} {
		if !strings.Contains(trace.String(), want) {
			t.Errorf("no %q in\n%s", want, trace.String())
		}
	}
	if stopped != "" || strings.Contains(trace.String(), "DISAGREES") {
		t.Fatal(stopped, trace.String())
	}
	// The oracle believes that nobody may write there.
	k, _ := r.e.dev.QueryMkey(kb)
	k.Access &^= mlx5model.AccRW
	r.e.second.Created(kb>>8, k, r.e.dev.QueryXlt(kb))
	trace.Reset()
	r.send(0, mlx5model.OpRDMAWrite, raddr(kb, addressOf(b)), seg(ka, a))
	if !strings.Contains(trace.String(), "ORACLE DISAGREES: remote write of 100 bytes") || !strings.Contains(stopped, "the adapter and the oracle disagree: remote write") {
		t.Errorf("stopped: %s\n%s", stopped, trace.String())
	}
}

// TestSecondOpinionWaits: a WQE that waits for a receive is judged once, by the
// accesses of its last try.
func TestSecondOpinionWaits(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Strict, c.Stop = true, func(why string) { t.Error(why) } })
	a, b := r.take(100), r.take(100)
	ka, kb := r.reg(a), r.reg(b)
	r.send(0, mlx5model.OpSend, seg(ka, a))
	r.e.Tick()
	r.recv(1, kb, b)
	r.e.Tick()
	r.want(0, mlx5model.CQERequester, 0)
	if err := r.e.DeregMR(kb >> 8); err != nil {
		t.Fatal(err)
	}
	r.send(0, mlx5model.OpRDMAWrite, raddr(kb, addressOf(b)), seg(ka, a))
	r.want(0, mlx5model.CQEReqErr, mlx5model.SynRemoteAccess)
}
