package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"frostline/hub/event"
)

// RebuildRequest asks for read models to be made anew from the events.
type RebuildRequest struct {
	Models []string `json:"models,omitempty"` // none means all
	// Verify compares what each model says before and after.
	Verify bool `json:"verify,omitempty"`
}

// RebuildLine is a line of the answer: progress, a model that is done, or, in
// the last line, that all are or why not. An answer without Ended or Error was
// cut short.
type RebuildLine struct {
	Done   int64          `json:"done,omitempty"` // events, of Total
	Total  int64          `json:"total,omitempty"`
	Result *event.Rebuilt `json:"result,omitempty"`
	Ended  bool           `json:"ended,omitempty"`
	Error  string         `json:"error,omitempty"`
}

const rebuildBeat = time.Second / 2 // between lines of progress

// rebuild is POST /v1/rebuild: lines of JSON while it goes on. It ends when the
// caller goes away; tables are then as they were.
func (s *Server) rebuild(w http.ResponseWriter, r *http.Request) {
	var req RebuildRequest
	in := json.NewDecoder(r.Body)
	in.DisallowUnknownFields()
	if err := in.Decode(&req); err != nil {
		problem(w, http.StatusBadRequest, "no request", fmt.Sprintf("body: %v; want {\"models\": [\"…\"], \"verify\": true}", err))
		return
	}
	known := s.cfg.Events.Models()
	for _, name := range req.Models {
		if !slices.Contains(known, name) {
			problem(w, http.StatusNotFound, "no such read model", fmt.Sprintf("read model %q is not known; there are %s", name, strings.Join(known, ", ")))
			return
		}
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := newRebuildLines(w)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(ctx, out.close)()
	var beating sync.WaitGroup
	beating.Go(func() { out.beat(ctx) })
	defer beating.Wait()
	defer cancel()

	start := time.Now()
	var results []event.Rebuilt
	var err error
	if req.Verify {
		results, err = s.cfg.Events.RebuildVerified(ctx, req.Models, out.progress)
	} else {
		err = s.cfg.Events.Rebuild(ctx, req.Models, out.progress)
	}
	if err != nil {
		s.log.Error("read models were not rebuilt", "models", req.Models, "by", actor(r), "error", err)
		out.put(RebuildLine{Error: err.Error()})
		return
	}
	s.log.Info("read models rebuilt", "models", req.Models, "by", actor(r), "took", time.Since(start).Round(time.Millisecond))
	for _, result := range results {
		if !result.Same() {
			s.log.Error("a read model says something else than before it was rebuilt", "model", result.Model, "before", result.Before, "after", result.After)
		}
		out.put(RebuildLine{Result: &result})
	}
	out.put(RebuildLine{Ended: true})
}

// rebuildLines writes an answer whose progress is told twice a second, also
// while there is none, so that both sides know of each other.
type rebuildLines struct {
	ctl *http.ResponseController
	enc *json.Encoder

	mu   sync.Mutex
	last RebuildLine
	shut bool
}

func newRebuildLines(w http.ResponseWriter) *rebuildLines {
	o := &rebuildLines{ctl: http.NewResponseController(w), enc: json.NewEncoder(w)}
	_ = o.ctl.SetReadDeadline(time.Time{}) // it is for the request, which was read
	return o
}

func (o *rebuildLines) progress(done, total int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = RebuildLine{Done: done, Total: total}
}

// beat tells the progress until ctx ends.
func (o *rebuildLines) beat(ctx context.Context) {
	tick := time.NewTicker(rebuildBeat)
	defer tick.Stop()
	for {
		o.mu.Lock()
		line := o.last
		o.mu.Unlock()
		o.put(line)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (o *rebuildLines) put(line RebuildLine) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.shut {
		return
	}
	_ = o.ctl.SetWriteDeadline(time.Now().Add(answerWithin))
	if o.enc.Encode(line) != nil || o.ctl.Flush() != nil {
		o.shut = true
	}
	if line.Ended || line.Error != "" {
		o.shut = true
	}
}

// close keeps a line from following the end.
func (o *rebuildLines) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.shut = true
}

// Rebuild makes read models anew and calls fn for each line of the answer but
// the last. It ends early, with tables as they were, when ctx does.
func (c *Client) Rebuild(ctx context.Context, req RebuildRequest, fn func(RebuildLine) error) error {
	resp, err := c.open(ctx, "POST", "/v1/rebuild", req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	in := bufio.NewScanner(resp.Body)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var l RebuildLine
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			return fmt.Errorf("read the hub's answer: %w", err)
		}
		switch {
		case l.Ended:
			return nil
		case l.Error != "":
			return errors.New(l.Error)
		}
		if err := fn(l); err != nil {
			return err
		}
	}
	if err := in.Err(); err != nil {
		return err
	}
	return ErrEnded
}
