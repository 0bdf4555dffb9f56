package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"
)

// serverLog is the embedded server's logger. The server logs each failed
// handshake of a stranger as an error, so equal kinds of complaint are logged
// once in a while and counted always.
type serverLog struct {
	log        *slog.Logger
	notice     *limiter
	complaints atomic.Uint64
	fatal      chan error // capacity 1: the first fatal error
}

func newServerLog(log *slog.Logger) *serverLog {
	return &serverLog{log: log, notice: newLimiter(10 * time.Second), fatal: make(chan error, 1)}
}

// errStore marks a failure to open what the server keeps.
var errStore = errors.New("open store of sessions and retained messages")

// Noticef logs what the server finds worth a line, which is more than we do.
func (s *serverLog) Noticef(format string, v ...any) { s.write(slog.LevelDebug, format, v) }

// Warnf counts and logs a warning.
func (s *serverLog) Warnf(format string, v ...any) { s.complain(slog.LevelWarn, format, v) }

// Errorf counts and logs an error. The server goes on after it.
func (s *serverLog) Errorf(format string, v ...any) { s.complain(slog.LevelWarn, format, v) }

// Fatalf keeps what the server cannot go on after, for Run to return.
func (s *serverLog) Fatalf(format string, v ...any) {
	err := fmt.Errorf("nats server: %s", fmt.Sprintf(format, v...))
	if strings.HasPrefix(format, "Can't start JetStream") {
		err = fmt.Errorf("%w: %w", errStore, err)
	}
	select {
	case s.fatal <- err:
	default:
	}
}

// Debugf logs at debug level.
func (s *serverLog) Debugf(format string, v ...any) { s.write(slog.LevelDebug, format, v) }

// Tracef logs nothing: traces hold payloads.
func (s *serverLog) Tracef(string, ...any) {}

func (s *serverLog) write(level slog.Level, format string, v []any) {
	if s.log.Enabled(context.Background(), level) {
		s.log.Log(context.Background(), level, "nats server: "+clip(strings.TrimSpace(fmt.Sprintf(format, v...))))
	}
}

func (s *serverLog) complain(level slog.Level, format string, v []any) {
	s.complaints.Add(1)
	// The server puts the client's address before the format.
	kind := format[strings.LastIndex(format, `" - `)+1:]
	if n, ok := s.notice.allow(kind); ok {
		s.log.Log(context.Background(), level, "nats server: "+clip(strings.TrimSpace(fmt.Sprintf(format, v...))), "since_last", n)
	}
}
