// Package bus is the electrical side of the simulated buses: which devices
// answer on an I²C bus, a 1-Wire bus or a GPIO line, and how. It executes the
// operations of proto/simbus.
//
// A Master is what one client sees of a bus. Each has its own transaction
// state, as a bus master serialises its users: a reset by one client does not
// tear the transaction of another. What devices remember (scratchpads,
// registers, running conversions) is shared, as it is in the devices.
//
// Nothing here locks: the board that owns bus and devices serialises calls.
package bus

import (
	"encoding/binary"
	"fmt"
	"time"

	"frostline/proto/simbus"
)

// Master executes requests of one client at time now since the board started.
// The response may be sent only after hold has passed: a device stretched the
// clock. It may be called with any bytes.
type Master interface {
	Do(now time.Duration, request []byte) (response []byte, hold time.Duration)
}

// Bus is a set of devices that a master can be attached to.
type Bus interface {
	Attach() Master
	// Counts says what has happened on the bus so far.
	Counts() Counts
}

// Counts are totals since the board started.
type Counts struct {
	Requests uint64 // operations asked for
	Nacks    uint64 // I²C transactions nobody acknowledged, 1-Wire resets nobody answered
	Refused  uint64 // requests that made no sense
}

func ok(result ...byte) []byte { return append([]byte{byte(simbus.StatusOK)}, result...) }

// refuse counts and answers a request that made no sense.
func (c *Counts) refuse(format string, args ...any) []byte {
	c.Refused++
	return append([]byte{byte(simbus.StatusError)}, fmt.Sprintf(format, args...)...)
}

// maxRead is the longest read that fits a response.
const maxRead = simbus.MaxFrame - 1

// uint16At reads two bytes of a request.
func uint16At(b []byte, at int) int { return int(binary.BigEndian.Uint16(b[at:])) }
