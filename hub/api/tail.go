package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"frostline/hub/view"
)

const (
	tailWaiting = 20_000           // lines that wait for a slow reader
	tailBeat    = 10 * time.Second // between signs of life, an empty line
)

// tail is GET /v1/gateways/{gateway}/tail: a Line for each reading as it is
// committed, until the caller goes away. Of a backlog parcel it has what the
// feed tells, which may be the newest reading of each series alone.
func (s *Server) tail(w http.ResponseWriter, r *http.Request) {
	gateway := r.PathValue("gateway")
	gs, err := s.cfg.Fleet.Gateways(r.Context())
	if err != nil {
		s.broken(w, r, err)
		return
	}
	if !slices.ContainsFunc(gs, func(g view.Gateway) bool { return g.ID == gateway }) {
		problem(w, http.StatusNotFound, "no such gateway", fmt.Sprintf("gateway %q is not known; frostline gateways lists those that are", gateway))
		return
	}
	select {
	case s.tails <- struct{}{}:
		defer func() { <-s.tails }()
	default:
		problem(w, http.StatusServiceUnavailable, "too many tails", fmt.Sprintf("%d commands follow this hub already; end one", maxTails))
		return
	}
	q := &lines{wake: make(chan struct{}, 1)}
	stop := s.cfg.Feed.Watch(func(b view.Batch) {
		if b.Gateway == gateway {
			q.put(b)
		}
	})
	defer stop()
	w.Header().Set("Content-Type", "application/x-ndjson")
	ctl := http.NewResponseController(w)
	enc := json.NewEncoder(w)
	beat := time.NewTicker(tailBeat)
	defer beat.Stop()
	for {
		_ = ctl.SetWriteDeadline(time.Now().Add(answerWithin))
		batch, missed := q.take()
		for _, l := range batch {
			if err := enc.Encode(l); err != nil {
				return
			}
		}
		if missed > 0 {
			if err := enc.Encode(map[string]uint64{"missed": missed}); err != nil {
				return
			}
		}
		if ctl.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-s.stopping:
			return
		case <-beat.C:
			if _, err := w.Write([]byte("\n")); err != nil {
				return
			}
		case <-q.wake:
		}
	}
}

// lines wait for a reader; beyond tailWaiting they are dropped and counted.
type lines struct {
	mu     sync.Mutex
	held   []Line
	missed uint64
	wake   chan struct{}
}

func (q *lines) put(b view.Batch) {
	q.mu.Lock()
	for _, t := range b.Readings {
		if len(q.held) >= tailWaiting {
			q.missed++
			continue
		}
		s := view.Series{Gateway: b.Gateway, Sensor: t.Sensor, Quantity: t.Quantity}
		q.held = append(q.held, Line{Record: view.RecordOf(s, t.Reading), Received: stamp(b.Received)})
	}
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *lines) take() (held []Line, missed uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	held, missed = q.held, q.missed
	q.held, q.missed = nil, 0
	return held, missed
}
