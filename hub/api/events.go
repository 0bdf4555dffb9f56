package api

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"frostline/hub/event"
	"frostline/hub/event/relay"
	"frostline/hub/fact"
)

// Events is the log of domain events; *event.Log is one.
type Events interface {
	Models() []string
	Rebuild(ctx context.Context, names []string, progress func(done, total int64)) error
	RebuildVerified(ctx context.Context, names []string, progress func(done, total int64)) ([]event.Rebuilt, error)
	Status(ctx context.Context) (event.Status, error)
	Parked(ctx context.Context, consumer string, limit int) ([]event.Parked, error)
	Retry(ctx context.Context, actor string, told event.New, consumer string, position int64) error
}

// EventsStatus tells how the log of events stands, and what follows from it.
type EventsStatus struct {
	event.Status
	Relay  *relay.Status  `json:"relay,omitempty"` // nil where the hub has none
	Parked []event.Parked `json:"parked"`          // the first thousand
}

// Retry asks for a parked event to be handled once more.
type Retry struct {
	Consumer string `json:"consumer"`
	Position int64  `json:"position"`
}

// events is GET /v1/events.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	var answer EventsStatus
	var err error
	if answer.Status, err = s.cfg.Events.Status(r.Context()); err == nil {
		answer.Parked, err = s.cfg.Events.Parked(r.Context(), "", 1000)
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	if s.cfg.Relay != nil {
		status := s.cfg.Relay()
		answer.Relay = &status
	}
	if answer.Parked == nil {
		answer.Parked = []event.Parked{}
	}
	s.write(w, answer)
}

// retry is POST /v1/events/retry.
func (s *Server) retry(w http.ResponseWriter, r *http.Request) {
	var req Retry
	in := json.NewDecoder(r.Body)
	in.DisallowUnknownFields()
	if err := in.Decode(&req); err != nil {
		problem(w, http.StatusBadRequest, "no event", fmt.Sprintf("body: %v; want {\"consumer\": \"…\", \"position\": 1}", err))
		return
	}
	by, err := who(r)
	if err != nil {
		problem(w, http.StatusForbidden, "caller not known", err.Error())
		return
	}
	err = s.cfg.Events.Retry(r.Context(), by, event.New{Stream: "consumer/" + req.Consumer, Expect: -1,
		Type: fact.EventWasRetried, Data: fact.EventRetried{Consumer: req.Consumer, Position: req.Position}}, req.Consumer, req.Position)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		problem(w, http.StatusNotFound, "no such parked event", fmt.Sprintf("no event at position %d is parked for consumer %q; frostline events lists those that are", req.Position, req.Consumer))
		return
	case err != nil:
		s.broken(w, r, err)
		return
	}
	s.log.Info("parked event is to be handled again", "consumer", req.Consumer, "position", req.Position, "by", by)
	s.write(w, req)
}

// Events tells how the log of events stands.
func (c *Client) Events(ctx context.Context) (status EventsStatus, err error) {
	return status, c.call(ctx, "GET", "/v1/events", nil, &status)
}

// RetryEvent has a parked event handled once more.
func (c *Client) RetryEvent(ctx context.Context, consumer string, position int64) error {
	var done Retry
	return c.call(ctx, "POST", "/v1/events/retry", Retry{consumer, position}, &done)
}
