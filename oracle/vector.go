package oracle

import "github.com/sgfuzz/sgfuzz/internal/vectors"

// JudgeVectors is check 12: what the encoders write equals what a real driver
// wrote. The report is one file of recorded outputs after replay.
func JudgeVectors(rep *vectors.FileReport, v *Verdict) {
	v.Ran[Vector] += rep.Passed + rep.Failed
	for _, f := range rep.Failures {
		v.failf(Vector, "%s line %d, %s: %s", rep.Name, f.Line, f.ID, f.Outcome.Reason)
	}
	if extra := rep.Failed - len(rep.Failures); extra > 0 {
		v.Failed[Vector] += extra
	}
}
