package mlx5model

// Reason says exactly which rule a failed access or work request broke. It
// also stands as the vendor syndrome of the error completion.
type Reason uint8

// Reasons of failed accesses come first, in the order in which Translate
// applies its rules; those of failed work requests follow, in the order in
// which Doorbell applies its own.
const (
	reasonNone         Reason = iota
	ReasonNoKey               // no key has this index
	ReasonTag                 // the key's variant is another one
	ReasonFree                // the key is free: not registered, or invalidated
	ReasonPD                  // the key belongs to another protection domain
	ReasonQPN                 // the key is bound to another queue pair
	ReasonRights              // the key does not grant this kind of access
	ReasonBounds              // the range is not inside the key's region, or runs past 2^64
	ReasonDepth               // keys are nested deeper than max_indirection
	ReasonPageSize            // the key's entity size is outside the device's limits
	ReasonListEnd             // the translation list holds fewer bytes than the region
	ReasonKLMBytes            // an entry on the way is longer than MaxKLMBytes
	ReasonZeroKLM             // an entry on the way has byte_count 0
	ReasonRepeatLayout        // a repeat list's header contradicts its entries
	ReasonNotPresent          // a page or entry is not present, or the null key was met
	ReasonMTTBits             // the page's entry lacks MTTRead or MTTWrite
	ReasonSteps               // the access touches more entries than MaxSteps
	ReasonHostMemory          // host memory refused the bytes

	ReasonOverrun       // the producer counter is more than a ring ahead
	ReasonWQEIndex      // the WQE's index field is not its position
	ReasonWQEQPN        // the WQE's QPN is another queue's
	ReasonWQESize       // DS is 0, runs past the producer, or is too long or short
	ReasonOpcode        // opcode or opmod not supported
	ReasonSegments      // data segments do not fit the opcode
	ReasonMsgBytes      // the message is longer than MaxMsgBytes
	ReasonNoPeer        // the queue pair is not connected
	ReasonPeer          // the peer refused; the syndrome is its own
	ReasonPSVs          // no room for another PSV value
	ReasonUMREn         // the key may not be changed by UMR
	ReasonCheckBoth     // both check flags are set
	ReasonCheckNotFree  // the UMR wants a free key
	ReasonCheckFree     // the UMR wants a key in use
	ReasonCheckQPN      // the UMR wants a key of this queue pair
	ReasonUMRPD         // UMRCheckPD: the key is of another protection domain
	ReasonMask          // UnknownMaskError: mask bits outside MaskKnown
	ReasonUMRCapability // the device cannot change this field or list by UMR
	ReasonXltSize       // offset and list exceed translations_octword_size, rounded to 64 bytes
	ReasonBSFSize       // the BSF exceeds bsf_octword_size, or has no place in the WQE
	ReasonPointer       // the list's pointer is misaligned or its byte_count too small
	ReasonContext       // the key would have a length or page size beyond the limits, or pass 2^64
	ReasonShortList     // ShortListError: the list holds fewer bytes than the length
	ReasonLocalKey      // a local key does not allow the access
	reasonCount         // how many reasons there are
)

var reasonNames = [reasonCount]string{
	reasonNone:          "none",
	ReasonNoKey:         "no such key",
	ReasonTag:           "key variant differs",
	ReasonFree:          "key is free",
	ReasonPD:            "protection domain differs",
	ReasonQPN:           "key is bound to another queue pair",
	ReasonRights:        "access right missing",
	ReasonBounds:        "outside the region",
	ReasonDepth:         "nested deeper than max_indirection",
	ReasonPageSize:      "entity size outside the device's limits",
	ReasonListEnd:       "translation list ends before the region",
	ReasonKLMBytes:      "KLM entry longer than the device takes",
	ReasonZeroKLM:       "KLM entry with byte count 0",
	ReasonRepeatLayout:  "repeat header contradicts its entries",
	ReasonNotPresent:    "not present",
	ReasonMTTBits:       "page lacks the permission bit",
	ReasonSteps:         "access touches too many entries",
	ReasonHostMemory:    "host memory fault",
	ReasonOverrun:       "producer counter overran the queue",
	ReasonWQEIndex:      "WQE index is not its position",
	ReasonWQEQPN:        "WQE names another queue pair",
	ReasonWQESize:       "WQE size impossible",
	ReasonOpcode:        "opcode not supported",
	ReasonSegments:      "data segments do not fit the opcode",
	ReasonMsgBytes:      "message too long",
	ReasonNoPeer:        "queue pair has no peer",
	ReasonPeer:          "peer refused",
	ReasonPSVs:          "too many PSV values",
	ReasonUMREn:         "umr_en is not set",
	ReasonCheckBoth:     "both check flags set",
	ReasonCheckNotFree:  "UMR wants a free key",
	ReasonCheckFree:     "UMR wants a key in use",
	ReasonCheckQPN:      "UMR wants a key of this queue pair",
	ReasonUMRPD:         "UMR of a key of another protection domain",
	ReasonMask:          "unknown mkey_mask bits",
	ReasonUMRCapability: "device cannot change this by UMR",
	ReasonXltSize:       "list exceeds the key's capacity",
	ReasonBSFSize:       "BSF exceeds the key's capacity",
	ReasonPointer:       "list pointer misaligned or too short",
	ReasonContext:       "key context exceeds the device's limits",
	ReasonShortList:     "list holds fewer bytes than the length",
	ReasonLocalKey:      "local key does not allow the access",
}

func (r Reason) String() string {
	if r < reasonCount {
		return reasonNames[r]
	}
	return "unknown reason"
}
