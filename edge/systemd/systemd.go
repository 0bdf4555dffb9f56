// Package systemd tells the service manager that started the agent how the
// agent is doing: that it is ready, that it goes on working, that it stops.
//
// The protocol is sd_notify(3): datagrams of NAME=VALUE lines to the Unix
// socket that the manager names. It is small enough to have no dependency.
package systemd

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// Manager is the service manager. The zero value is none: nothing is sent and
// no watchdog is kept. It is safe for concurrent use.
type Manager struct {
	// Socket is where datagrams go, $NOTIFY_SOCKET: a path, or a name with a
	// leading '@' in the abstract namespace. Empty for none.
	Socket string
	// Watchdog is how long the manager waits for Alive before it ends the agent
	// and starts it anew; 0 for ever.
	Watchdog time.Duration
}

// minWatchdog is the shortest time of a watchdog: below it, one commit to a
// slow disk would look like a hang.
const minWatchdog = 100 * time.Millisecond

// New makes a Manager of what it put into the agent's environment:
// $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID. pid is the agent's own; a
// watchdog that is meant for another process is none.
func New(socket, watchdogUsec, watchdogPID string, pid int) (Manager, error) {
	m := Manager{Socket: socket}
	if socket != "" && socket[0] != '/' && socket[0] != '@' {
		return Manager{}, fmt.Errorf("NOTIFY_SOCKET=%q: want a path or a name beginning with '@': unset it to run without a service manager", socket)
	}
	if watchdogUsec == "" || watchdogPID != "" && watchdogPID != strconv.Itoa(pid) {
		return m, nil
	}
	us, err := strconv.ParseInt(watchdogUsec, 10, 64)
	if err != nil || us < minWatchdog.Microseconds() || us > (24*time.Hour).Microseconds() {
		return Manager{}, fmt.Errorf("WATCHDOG_USEC=%q: want microseconds, %v to 24h: set WatchdogSec= of the unit", watchdogUsec, minWatchdog)
	}
	m.Watchdog = time.Duration(us) * time.Microsecond
	return m, nil
}

// Ready says that the agent has started.
func (m Manager) Ready(ctx context.Context, status string) error {
	return m.send(ctx, "READY=1\nSTATUS="+line(status))
}

// Alive says that the agent makes progress.
func (m Manager) Alive(ctx context.Context) error { return m.send(ctx, "WATCHDOG=1") }

// Status says in a sentence how the agent is doing; systemctl status shows it.
func (m Manager) Status(ctx context.Context, status string) error {
	return m.send(ctx, "STATUS="+line(status))
}

// Stopping says that the agent has begun to stop.
func (m Manager) Stopping(ctx context.Context) error {
	return m.send(ctx, "STOPPING=1\nSTATUS=Stopping: keeps what was taken, and gives the hub a moment to take it.")
}

// maxStatus bounds a status, in bytes.
const maxStatus = 512

// line makes a text fit to be one value.
func line(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > maxStatus {
		s = strings.ToValidUTF8(s[:maxStatus], "") + "…"
	}
	return s
}

// send sends one datagram, and waits a second at most for room.
func (m Manager) send(ctx context.Context, text string) error {
	if m.Socket == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	c, err := (&net.Dialer{}).DialContext(ctx, "unixgram", m.Socket)
	if err != nil {
		return fmt.Errorf("tell the service manager: %w", err)
	}
	defer c.Close() // nothing is buffered
	until, _ := ctx.Deadline()
	if err := c.SetWriteDeadline(until); err != nil {
		return fmt.Errorf("tell the service manager: %w", err)
	}
	if _, err := c.Write([]byte(text)); err != nil {
		return fmt.Errorf("tell the service manager: %w", err)
	}
	return nil
}
