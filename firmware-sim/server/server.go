// Package server puts a board on a socket: each connection names a bus in its
// first frame and speaks proto/simbus with it from then on, or the control
// protocol.
package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"

	"frostline/firmware-sim/board"
	"frostline/firmware-sim/control"
	"frostline/proto/simbus"
)

// Bounds of a board's connections.
const (
	maxConnections   = 64
	handshakeTimeout = 5 * time.Second
	writeTimeout     = 5 * time.Second
	maxBusName       = 64 // bytes
)

// Server serves one board.
type Server struct {
	board *board.Board
	log   *slog.Logger
	slots chan struct{}
}

// New makes a server of a board.
func New(b *board.Board, log *slog.Logger) *Server {
	return &Server{board: b, log: log.With("board", b.Name()), slots: make(chan struct{}, maxConnections)}
}

// Serve accepts connections until the context ends, which gives nil after all
// of them are closed. It closes the listener. It may run for several listeners
// at once; they share the bound on connections.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	var open sync.WaitGroup
	defer open.Wait()
	defer cancel()
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			if err == nil {
				conn.Close()
			}
			return nil
		}
		if err != nil {
			l.Close()
			return fmt.Errorf("accept on %s: %w", l.Addr(), err)
		}
		select {
		case s.slots <- struct{}{}:
		default:
			s.log.Warn("connection refused", "limit", maxConnections)
			refuse(conn, "board %s has %d connections, the limit", s.board.Name(), maxConnections)
			conn.Close()
			continue
		}
		open.Go(func() {
			defer func() { <-s.slots }()
			defer conn.Close()
			defer context.AfterFunc(ctx, func() { conn.Close() })()
			err := s.converse(ctx, conn)
			switch {
			case err == nil || ctx.Err() != nil:
			case errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNRESET):
				s.log.Debug("client gone", "err", err) // as when a gateway is killed
			default:
				s.log.Warn("connection ended", "err", err)
			}
		})
	}
}

// refuse tells a client why not. It is going to be closed anyway, so that an
// error here changes nothing.
func refuse(conn net.Conn, format string, args ...any) {
	_ = conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	_ = simbus.WriteFrame(conn, append([]byte{byte(simbus.StatusError)}, fmt.Sprintf(format, args...)...))
}

// converse is one connection from handshake to end.
func (s *Server) converse(ctx context.Context, conn net.Conn) error {
	in := bufio.NewReader(conn)
	if err := conn.SetReadDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return err
	}
	name, err := simbus.ReadFrame(in)
	if err == io.EOF {
		return nil // somebody looked whether we are there
	}
	if err != nil {
		return fmt.Errorf("read bus name: %w", err)
	}
	if len(name) > maxBusName {
		refuse(conn, "bus name of %d bytes: the limit is %d", len(name), maxBusName)
		return fmt.Errorf("bus name of %d bytes", len(name))
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	out := patient{conn}
	if string(name) == control.Bus {
		if err := simbus.WriteFrame(out, []byte{byte(simbus.StatusOK)}); err != nil {
			return fmt.Errorf("answer control: %w", err)
		}
		return control.Serve(ctx, in, out, s.board)
	}
	session, err := s.board.Attach(string(name))
	if err != nil {
		refuse(conn, "%v", err)
		return err
	}
	if err := simbus.WriteFrame(out, []byte{byte(simbus.StatusOK)}); err != nil {
		return fmt.Errorf("answer bus %s: %w", name, err)
	}
	return requests(ctx, in, out, session)
}

// requests answers one after the other.
func requests(ctx context.Context, in io.Reader, out io.Writer, session *board.Session) error {
	for {
		request, err := simbus.ReadFrame(in)
		if err == io.EOF { // not one in the middle of a frame
			return nil
		}
		if err != nil {
			return fmt.Errorf("read request: %w", err)
		}
		if err := simbus.WriteFrame(out, session.Do(ctx, request)); err != nil {
			return fmt.Errorf("write response: %w", err)
		}
	}
}

// patient is a connection whose writes have a bound in time.
type patient struct{ net.Conn }

// Write writes within writeTimeout.
func (p patient) Write(b []byte) (int, error) {
	if err := p.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	return p.Conn.Write(b)
}
