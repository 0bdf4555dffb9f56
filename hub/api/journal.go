package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"frostline/hub/intake"
)

// Journals takes in the journals that gateways bring as files.
type Journals interface {
	// TakeIn reads a file and calls progress now and then. The Haul says how
	// far it came, also with an error.
	TakeIn(ctx context.Context, file io.Reader, progress func(intake.Haul)) (intake.Haul, error)
}

// HaulLine is a line of the answer to an import of a journal: how far it is or,
// in the last line, how it ended. An answer without Ended was cut short.
type HaulLine struct {
	intake.Haul
	Ended bool   `json:"ended,omitempty"`
	Error string `json:"error,omitempty"` // why it ended before the file did
}

const (
	haulPath  = "/v1/journals"
	maxHauls  = 2           // at a time
	haulBeat  = time.Second // between lines of progress, at least
	haulQuiet = time.Minute // without a byte of the file
)

// haul is POST /v1/journals: the body is a journal file, the answer lines of
// JSON while it is read.
func (s *Server) haul(w http.ResponseWriter, r *http.Request) {
	select {
	case s.hauls <- struct{}{}:
		defer func() { <-s.hauls }()
	default:
		problem(w, http.StatusServiceUnavailable, "busy", fmt.Sprintf("%d journals are being taken in already; try again when one is done", maxHauls))
		return
	}
	ctl := http.NewResponseController(w)
	if err := ctl.EnableFullDuplex(); err != nil {
		s.broken(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := &haulLines{ctl: ctl, enc: json.NewEncoder(w)}
	out.put(HaulLine{})
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	stopped := make(chan struct{})
	defer close(stopped)
	go func() {
		select {
		case <-s.stopping:
			cancel(intake.ErrStopped)
			_ = ctl.SetReadDeadline(time.Now()) // wakes whoever waits for the file
		case <-stopped:
		}
	}()
	var told time.Time
	h, err := s.cfg.Journals.TakeIn(ctx, &patient{r: r.Body, ctl: ctl, stopping: s.stopping}, func(h intake.Haul) {
		if time.Since(told) >= haulBeat {
			told = time.Now()
			out.put(HaulLine{Haul: h})
		}
	})
	line := HaulLine{Haul: h, Ended: true}
	if err != nil {
		line.Error = err.Error()
	}
	s.log.Info("journal taken in", "gateway", h.Gateway, "by", actor(r), "blocks", h.Blocks, "readings", h.Readings, "new", h.New,
		"refused", h.Refused, "waiting", h.Waiting, "absent", h.Absent, "whole", h.Whole, "error", line.Error)
	out.put(line)
}

// patient reads a body as long as something comes.
type patient struct {
	r        io.Reader
	ctl      *http.ResponseController
	stopping <-chan struct{}
}

func (p *patient) Read(b []byte) (int, error) {
	select {
	case <-p.stopping:
		return 0, intake.ErrStopped
	default:
	}
	_ = p.ctl.SetReadDeadline(time.Now().Add(haulQuiet))
	return p.r.Read(b)
}

// haulLines writes an answer.
type haulLines struct {
	mu  sync.Mutex
	ctl *http.ResponseController
	enc *json.Encoder
}

func (o *haulLines) put(line HaulLine) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_ = o.ctl.SetWriteDeadline(time.Now().Add(answerWithin))
	_ = o.enc.Encode(line) // a caller who is gone ends the request's context
	_ = o.ctl.Flush()
}

// Haul sends a journal file to the hub, calls fn with each line of the answer
// but the last, and gives that. The hub need not remember anything of one that
// was cut short: it is sent again.
func (c *Client) Haul(ctx context.Context, file io.Reader, fn func(HaulLine)) (HaulLine, error) {
	resp, err := c.send(ctx, "POST", haulPath, file)
	if err != nil {
		return HaulLine{}, err
	}
	defer resp.Body.Close()
	in := bufio.NewScanner(resp.Body)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var l HaulLine
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			return l, fmt.Errorf("read the hub's answer: %w", err)
		}
		if l.Ended {
			return l, nil
		}
		fn(l)
	}
	if err := in.Err(); err != nil {
		return HaulLine{}, fmt.Errorf("the hub's answer was cut short: %w; send the file again", err)
	}
	return HaulLine{}, fmt.Errorf("the hub's answer was cut short; send the file again")
}
