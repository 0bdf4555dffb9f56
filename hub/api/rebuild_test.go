package api

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"frostline/hub/event"
)

// rebuilder does what a test tells it.
type rebuilder struct {
	Events
	do func(ctx context.Context, progress func(done, total int64)) ([]event.Rebuilt, error)
}

func (r rebuilder) Models() []string { return []string{"orders", "packages"} }
func (r rebuilder) Rebuild(ctx context.Context, _ []string, progress func(done, total int64)) error {
	_, err := r.do(ctx, progress)
	return err
}
func (r rebuilder) RebuildVerified(ctx context.Context, _ []string, progress func(done, total int64)) ([]event.Rebuilt, error) {
	return r.do(ctx, progress)
}

func serveRebuild(t *testing.T, r rebuilder) *Client {
	t.Helper()
	b := &backend{}
	socket := filepath.Join(short(t), "hub", "frostline.sock")
	s, err := New(Config{Socket: socket, Fleet: b, History: b, Feed: b, Access: b, Authority: b, Events: r, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	<-s.Ready()
	return NewClient(socket)
}

func TestRebuildTellsItsProgress(t *testing.T) {
	seen := make(chan struct{})
	c := serveRebuild(t, rebuilder{do: func(ctx context.Context, progress func(done, total int64)) ([]event.Rebuilt, error) {
		progress(3, 9)
		select {
		case <-seen: // the caller has heard of it while it goes on
		case <-ctx.Done():
		}
		return []event.Rebuilt{{Model: "orders", Events: 9, Before: "a", After: "b"}}, ctx.Err()
	}})
	var result *event.Rebuilt
	told := false
	err := c.Rebuild(t.Context(), RebuildRequest{Verify: true}, func(l RebuildLine) error {
		if l.Done == 3 && l.Total == 9 && !told {
			told = true
			close(seen)
		}
		if l.Result != nil {
			result = l.Result
		}
		return nil
	})
	if err != nil || !told || result == nil || result.Same() {
		t.Errorf("got %v, told %v, result %+v", err, told, result)
	}
}

func TestRebuildSaysWhyNot(t *testing.T) {
	c := serveRebuild(t, rebuilder{do: func(context.Context, func(done, total int64)) ([]event.Rebuilt, error) {
		return nil, errors.New("cannot fold event at position 7")
	}})
	nothing := func(RebuildLine) error { return nil }
	if err := c.Rebuild(t.Context(), RebuildRequest{}, nothing); err == nil || !strings.Contains(err.Error(), "position 7") {
		t.Errorf("got %v, want the reason", err)
	}
	var p *Problem
	if err := c.Rebuild(t.Context(), RebuildRequest{Models: []string{"x"}}, nothing); !errors.As(err, &p) || p.Status != 404 {
		t.Errorf("got %v, want a problem of status 404", err)
	}
	if _, err := c.open(t.Context(), "POST", "/v1/rebuild", map[string]int{"modles": 1}); !errors.As(err, &p) || p.Status != 400 {
		t.Errorf("got %v, want a problem of status 400", err)
	}
}

// A caller that goes away ends its rebuild.
func TestRebuildEndsWithItsCaller(t *testing.T) {
	ended := make(chan struct{})
	c := serveRebuild(t, rebuilder{do: func(ctx context.Context, _ func(done, total int64)) ([]event.Rebuilt, error) {
		defer close(ended)
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	ctx, cancel := context.WithCancel(t.Context())
	if err := c.Rebuild(ctx, RebuildRequest{}, func(RebuildLine) error { cancel(); return nil }); err == nil {
		t.Error("a rebuild that was cut short is no error")
	}
	<-ended
}
