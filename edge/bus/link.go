package bus

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"frostline/proto/simbus"
)

// simTimeout bounds one operation on a simulated bus, connecting included.
const simTimeout = time.Second

// link is the connection to one simulated bus. It connects on first use, and
// again on the first operation after one has failed. A transaction of several
// operations holds mu.
type link struct {
	name simbus.Name

	mu   sync.Mutex
	conn net.Conn // nil when not connected
}

func newLink(n simbus.Name) *link { return &link{name: n} }

// busError is the answer of a simulated bus that works: no device, or a request
// it could not make sense of.
type busError struct {
	status simbus.Status
	text   string
}

func (e *busError) Error() string {
	if e.status == simbus.StatusNack {
		return fmt.Sprintf("%v: %s", ErrNack, e.text)
	}
	return "simulated bus refused: " + e.text
}

func (e *busError) Is(target error) bool { return target == ErrNack && e.status == simbus.StatusNack }

// BusError implements onewire.BusError: the fault is on the bus, not in
// reaching it.
func (e *busError) BusError() bool { return true }

// do does one operation and gives its result, of exactly want bytes. mu is held.
func (l *link) do(request []byte, want int) ([]byte, error) {
	answer, err := l.exchange(request)
	if err != nil {
		l.hangUp()
		return nil, fmt.Errorf("simulated bus at %s: %w", l.name.Address, err)
	}
	if status := simbus.Status(answer[0]); status != simbus.StatusOK {
		return nil, &busError{status, string(answer[1:])}
	}
	if len(answer)-1 != want {
		l.hangUp()
		return nil, fmt.Errorf("simulated bus at %s: answer of %d bytes to operation %d, want %d", l.name.Address, len(answer)-1, request[0], want)
	}
	return answer[1:], nil
}

// exchange sends a request and reads the answer, which has a status at least.
func (l *link) exchange(request []byte) ([]byte, error) {
	deadline := time.Now().Add(simTimeout)
	if err := l.connect(deadline); err != nil {
		return nil, err
	}
	if err := l.conn.SetDeadline(deadline); err != nil {
		return nil, err
	}
	return frame(l.conn, request)
}

func (l *link) connect(deadline time.Time) error {
	if l.conn != nil {
		return nil
	}
	d := net.Dialer{Deadline: deadline}
	c, err := d.Dial(l.name.Network, l.name.Address)
	if err != nil {
		return fmt.Errorf("connect: is the simulator running? %w", err)
	}
	l.conn = c
	if err := c.SetDeadline(deadline); err != nil {
		return err
	}
	answer, err := frame(c, []byte(l.name.Bus))
	if err != nil {
		return fmt.Errorf("choose bus %s: %w", l.name.Bus, err)
	}
	if simbus.Status(answer[0]) != simbus.StatusOK {
		return fmt.Errorf("choose bus %s: %s", l.name.Bus, strings.TrimSpace(string(answer[1:])))
	}
	return nil
}

// frame sends one frame and reads the answer to it.
func frame(c net.Conn, request []byte) ([]byte, error) {
	if err := simbus.WriteFrame(c, request); err != nil {
		return nil, err
	}
	answer, err := simbus.ReadFrame(c)
	if err != nil {
		return nil, err
	}
	if len(answer) == 0 {
		return nil, fmt.Errorf("empty answer")
	}
	return answer, nil
}

// hangUp ends the connection. mu is held.
func (l *link) hangUp() {
	if l.conn != nil {
		_ = l.conn.Close() // nothing is buffered; the operation has its own error
		l.conn = nil
	}
}

// Close ends the connection; the next operation connects again.
func (l *link) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hangUp()
	return nil
}
