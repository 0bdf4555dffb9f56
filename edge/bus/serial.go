package bus

import (
	"fmt"
	"io"
	"time"

	"go.bug.st/serial"
)

// serialWait is how long a Read of a serial port waits for data.
const serialWait = 500 * time.Millisecond

// Serial opens a serial port or pseudo-terminal, with 8 data bits, no parity
// and one stop bit, for this process alone. A Read that gets nothing within
// half a second returns 0 and no error. A Close ends a Read under way.
func (s *Set) Serial(name string, baud int) (io.ReadWriteCloser, error) {
	p, err := serial.Open(name, &serial.Mode{BaudRate: baud, DataBits: 8, Parity: serial.NoParity, StopBits: serial.OneStopBit})
	if err != nil {
		return nil, fmt.Errorf("open serial port %s at %d baud: %w", name, baud, err)
	}
	if err := p.SetReadTimeout(serialWait); err != nil {
		_ = p.Close()
		return nil, fmt.Errorf("set up serial port %s: %w", name, err)
	}
	return p, nil
}
