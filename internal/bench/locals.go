package bench

import "github.com/sgfuzz/sgfuzz/sg"

// locals says who does what in this process.
var locals = map[string]map[string]func(sg.List) (work, error){
	Sgfuzz: {
		KLMList:    newKLMs,
		MTTList:    newMTTs,
		WQELinux:   newLinuxWQE,
		WQELibmlx5: newLibmlx5WQE,
		WQESPDK:    newSPDKWQE,
		Check:      newChecked,
	},
	Naive: {
		KLMList:    newNaiveKLMs,
		MTTList:    newNaiveMTTs,
		WQELinux:   newNaiveWQE(WQELinux),
		WQELibmlx5: newNaiveWQE(WQELibmlx5),
		WQESPDK:    newNaiveWQE(WQESPDK),
	},
	Copy: {
		KLMList:    copyOf(newNaiveKLMs),
		MTTList:    copyOf(newNaiveMTTs),
		WQELinux:   copyOfRequest(newNaiveWQE(WQELinux), true),
		WQELibmlx5: copyOfRequest(newNaiveWQE(WQELibmlx5), false),
		WQESPDK:    copyOfRequest(newNaiveWQE(WQESPDK), false),
		Check:      newCopiedStream,
	},
}
