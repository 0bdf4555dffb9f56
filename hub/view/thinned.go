package view

import "frostline/proto/reading"

// Thinned is what remains of readings that a gateway gave up because its
// journal was full. It is no reading, and says of no instant that anything was
// in range: the time it covers is a gap.
type Thinned struct {
	Sensor         string // empty where the hub was never told
	Quantity       reading.Quantity
	Epoch          uint32
	First, Last    uint64 // blocks
	From, To       int64  // UTC of the first and the last, Unix ms; 0 where nobody can date them
	Count          uint64 // readings
	Min, Mean, Max int64  // in the quantity's unit
	Reason         string
}
