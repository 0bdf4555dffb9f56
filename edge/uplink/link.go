package uplink

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// What the kernel may hold of ours. All that is queued there is before any
// live parcel, so it is little: pace keeps more in flight, not in the buffer.
const (
	sendBuffer = 64 << 10 // bytes, sent and not acknowledged by the peer's TCP
	notSent    = 8 << 10  // bytes not sent yet, beyond which a write waits
)

// traffic counts bytes on the socket, TLS and MQTT included.
type traffic struct{ up, down atomic.Uint64 }

// counted is a connection whose bytes are counted.
type counted struct {
	net.Conn
	total *traffic
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.total.down.Add(uint64(n))
	return n, err
}

func (c counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.total.up.Add(uint64(n))
	return n, err
}

// link is one connection to the broker. It ends once, with a cause that stays.
// The MQTT client is not asked: it takes a socket closed under it for its own
// doing and reports nothing.
type link struct {
	net.Conn
	socket   net.Conn     // under TLS: closing that would wait to say goodbye
	received atomic.Int64 // when bytes last came, nanoseconds since start
	start    time.Time
	done     chan struct{} // closed at the end

	once  sync.Once
	cause error // valid when done is closed
}

// errClosed ends a link that the hub has closed.
var errClosed = errors.New("the hub closed the connection")

// gone reports whether a connection ended, or did not come about, because
// nobody is there who serves it, and not because the way is bad: then all
// gateways have lost the hub.
func gone(err error) bool {
	for _, e := range []error{errClosed, io.EOF, io.ErrUnexpectedEOF, unix.ECONNREFUSED, unix.ECONNRESET, unix.EPIPE} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// errLink is what the MQTT client sees of a link that has ended.
var errLink = errors.New("link has ended")

// errGivenUp is wrapped where the MQTT client has closed the link; why is for
// its token to say, where one is awaited.
var errGivenUp = errors.New("MQTT client gave up")

// fail ends the link; only the first cause counts.
func (l *link) fail(cause error) {
	l.once.Do(func() {
		l.cause = cause
		close(l.done)
		l.socket.Close()
	})
}

func (l *link) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	if n > 0 {
		l.received.Store(int64(time.Since(l.start)))
	}
	if err != nil {
		if errors.Is(err, io.EOF) {
			l.fail(errClosed)
		}
		l.fail(fmt.Errorf("receive: %w", err))
		return n, errLink
	}
	return n, nil
}

func (l *link) Write(b []byte) (int, error) {
	n, err := l.Conn.Write(b)
	if err != nil {
		l.fail(fmt.Errorf("send: %w", err))
		return n, errLink
	}
	return n, nil
}

// Close is called by the MQTT client when it gives up: asked to, or because a
// ping was not answered.
func (l *link) Close() error {
	l.fail(fmt.Errorf("%w: nothing received for %v", errGivenUp, l.quiet().Round(time.Millisecond)))
	return nil
}

// quiet is how long nothing has been received.
func (l *link) quiet() time.Duration {
	return time.Since(l.start) - time.Duration(l.received.Load())
}

// ended reports whether the link has ended.
func (l *link) ended() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// dial opens a connection, within the time that ctx leaves.
func dial(ctx context.Context, address string, config func() (*tls.Config, error), t Timing, total *traffic) (*link, error) {
	dialer := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: t.KeepAlive, Interval: t.Ping, Count: 3}}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if err := tune(conn, t); err != nil {
		conn.Close()
		return nil, err
	}
	conn = counted{conn, total}
	socket := conn
	if config != nil {
		c, err := config()
		if err != nil {
			conn.Close()
			return nil, fmt.Errorf("prepare TLS: %w", err)
		}
		if c.ServerName == "" {
			c = c.Clone()
			c.ServerName, _, _ = net.SplitHostPort(address)
		}
		secure := tls.Client(conn, c)
		if err := secure.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, fmt.Errorf("agree on TLS: %w", err)
		}
		conn = secure
	}
	return &link{Conn: conn, socket: socket, start: time.Now(), done: make(chan struct{})}, nil
}

// tune sets the socket so that little waits in it and a dead path is noticed.
func tune(conn net.Conn, t Timing) error {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return fmt.Errorf("connection is a %T, not TCP", conn)
	}
	raw, err := tcp.SyscallConn()
	if err == nil {
		err = tcp.SetNoDelay(true)
	}
	if err == nil {
		err = tcp.SetWriteBuffer(sendBuffer)
	}
	if err != nil {
		return fmt.Errorf("set up the socket: %w", err)
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = errors.Join(
			unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, notSent),
			unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int((t.KeepAlive+t.Ping).Milliseconds())))
	})
	if err = errors.Join(err, failed); err != nil {
		return fmt.Errorf("set up the socket: %w", err)
	}
	return nil
}
