package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"frostline/firmware-sim/fault"
)

// Target is what can be steered. Its methods are safe for concurrent use.
type Target interface {
	Status() Status
	// Time gives the board's time, in milliseconds.
	Time() (nowMs, utcMs int64)
	SetFault(name string, f fault.Fault) error
	// Advance moves driven time on to toMs and returns when all is there.
	Advance(ctx context.Context, toMs int64) error
	SetClock(c Clock) error
}

// Clock is a change of clock, checked.
type Clock struct {
	Driven bool
	Speed  float64 // in real mode
	UTCms  *int64  // nil: keep in driven mode, the present in real mode
	ToMs   *int64  // nil: keep counting
}

// Serve answers requests from r on w until the client ends the connection,
// which gives nil, or breaks the protocol.
func Serve(ctx context.Context, r io.Reader, w io.Writer, t Target) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 4096), MaxLine)
	for lines.Scan() {
		response := answer(ctx, lines.Bytes(), t)
		out, err := json.Marshal(response)
		if err != nil {
			return fmt.Errorf("encode control response: %w", err)
		}
		if _, err := w.Write(append(out, '\n')); err != nil {
			return fmt.Errorf("write control response: %w", err)
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("control request longer than %d bytes", MaxLine)
	} else if err != nil {
		return fmt.Errorf("read control request: %w", err)
	}
	return nil
}

// answer executes one line.
func answer(ctx context.Context, line []byte, t Target) Response {
	status, err := execute(ctx, line, t)
	r := Response{OK: err == nil, Status: status}
	if err != nil {
		r.Error = err.Error()
	}
	r.NowMs, r.UTCms = t.Time()
	return r
}

func execute(ctx context.Context, line []byte, t Target) (*Status, error) {
	r, err := ParseRequest(line)
	if err != nil {
		return nil, err
	}
	switch r.Op {
	case "status":
		s := t.Status()
		return &s, nil
	case "fault":
		f, err := fault.New(r.Fault, r.Value)
		if err != nil {
			return nil, err
		}
		return nil, t.SetFault(r.Device, f)
	case "advance":
		return nil, t.Advance(ctx, *r.ToMs)
	default: // ParseRequest lets nothing else through
		c := Clock{Driven: r.Mode == "driven", Speed: r.Speed, UTCms: r.UTCms, ToMs: r.ToMs}
		if c.Speed == 0 {
			c.Speed = 1
		}
		return nil, t.SetClock(c)
	}
}
