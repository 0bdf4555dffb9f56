package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"frostline/hub/access"
	"frostline/hub/api"
	"frostline/hub/event/relay"
	"frostline/hub/people"
	"frostline/hub/store"
	"frostline/hub/view"
	"frostline/proto/enrol"
	"frostline/proto/reading"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"frostline": func() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) },
	})
}

// TestCommands runs each script of testdata against a hub of its own: the real
// API on a real socket, over a small fleet in memory. $HUB is its socket.
func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			socket := filepath.Join(e.WorkDir, "hub", "frostline.sock")
			if err := os.Mkdir(filepath.Dir(socket), 0o700); err != nil {
				return err
			}
			crl := filepath.Join(e.WorkDir, "hub", "crl.pem")
			if err := os.WriteFile(crl, nil, 0o600); err != nil {
				return err
			}
			ca, err := access.OpenCA(filepath.Join(e.WorkDir, "hub"), time.Now, slog.New(slog.DiscardHandler))
			if err != nil {
				return err
			}
			h := &hub{ca: ca, codes: map[string]bool{}}
			db, err := store.Open(context.Background(), "sqlite:"+filepath.Join(e.WorkDir, "hub", "hub.db"), slog.New(slog.DiscardHandler))
			if err != nil {
				return err
			}
			e.Defer(func() { db.Close() })
			keeper, err := people.New(people.Options{Store: db, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				return err
			}
			events, err := someEvents(db, filepath.Join(e.WorkDir, "offline.db"))
			if err != nil {
				return err
			}
			s, err := api.New(api.Config{
				People: keeper, Events: events, Relay: func() relay.Status { return relay.Status{} },
				Socket: socket, Fleet: h, History: h, Feed: h, Access: h, Authority: ca, CRL: crl, Enrol: "hub.example:8884",
				Web: "http://127.0.0.1:8080/", Log: slog.New(slog.DiscardHandler),
				Checks: map[string]func(context.Context) error{"store": func(context.Context) error { return h.broken() }},
			})
			if err != nil {
				return err
			}
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan error, 1)
			go func() { done <- s.Run(ctx) }()
			select {
			case <-s.Ready():
			case err := <-done:
				cancel()
				return err
			}
			e.Defer(func() { cancel(); <-done })
			e.Setenv("FROSTLINE_SOCKET", socket)
			e.Setenv("HUB", socket)
			e.Values["hub"] = h
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// hub fails|heals: its store does not answer, or does again.
			"hub": func(ts *testscript.TestScript, neg bool, args []string) {
				h := ts.Value("hub").(*hub)
				h.mu.Lock()
				defer h.mu.Unlock()
				h.failing = nil
				if args[0] == "fails" {
					h.failing = errors.New("disk full")
				}
			},
			// waitfor FILE TEXT: until a background command has written it.
			"waitfor": func(ts *testscript.TestScript, neg bool, args []string) {
				for range 400 {
					if b, err := os.ReadFile(ts.MkAbs(args[0])); err == nil && strings.Contains(string(b), args[1]) {
						return
					}
					time.Sleep(25 * time.Millisecond)
				}
				ts.Fatalf("%s does not say %q", args[0], args[1])
			},
			// lines FILE N: it has so many lines.
			"lines": func(ts *testscript.TestScript, neg bool, args []string) {
				got := strings.Count(ts.ReadFile(args[0]), "\n")
				if want := args[1]; strings.TrimSpace(want) != itoa(got) {
					ts.Fatalf("%s has %d lines, want %s", args[0], got, want)
				}
			},
		},
	})
}

func itoa(n int) string { return view.Exact(reading.Door, int64(n)) }

// hub is a small fleet: site-1 is well, van-14 is away with readings waiting
// and an account that does not add up.
type hub struct {
	ca *access.CA

	mu      sync.Mutex
	failing error
	codes   map[string]bool
	revoked string
}

func (h *hub) broken() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.failing
}

func (h *hub) Gateways(context.Context) ([]view.Gateway, error) {
	if err := h.broken(); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now().UnixMilli()
	latest := func(age, v int64, q reading.Quality) *view.Reading {
		return &view.Reading{Epoch: 1, Boot: 2, Tick: 5000, Value: v, Quality: q, Dated: true, UTC: now - age, Uncertainty: 12}
	}
	van := view.Gateway{
		ID: "van-14", Enrolled: now - 1e9, Heard: now - 7_200_000, Epoch: 1, Kept: 1000, Committed: 700, PendingBlocks: 9, PendingReadings: 290,
		Faults: []view.Fault{{At: now - 7_300_000, Part: "uplink", Detail: "no network"}},
		Sensors: []view.Sensor{{Name: "box-1", Model: "tmp117", Channels: []view.Channel{
			{Quantity: reading.Temperature, Interval: time.Second, Current: true, Latest: latest(7_200_000, 5_250, reading.OK)}}}},
	}
	if h.revoked != "" {
		van.Revoked, van.RevokedFor = now, h.revoked
	}
	return []view.Gateway{
		{
			ID: "site-1", Enrolled: now - 1e9, Connected: true, Heard: now - 200, Version: "1.0", Epoch: 1, Boot: 2, Kept: 86_400, Committed: 86_400,
			Clock: view.Clock{Dated: true, Uncertainty: 12, Source: "hub"},
			Sensors: []view.Sensor{
				{Name: "zone-a-air", Model: "sht4x", Address: "0x44", Channels: []view.Channel{
					{Quantity: reading.Temperature, Interval: time.Second, Current: true, Latest: latest(300, 4_480, reading.OK)},
					{Quantity: reading.Humidity, Interval: time.Second, Current: true, Latest: latest(300, 61_200, reading.OK)}}},
				{Name: "freezer", Model: "mcp9808", Channels: []view.Channel{
					{Quantity: reading.Temperature, Interval: time.Second, Current: true, Latest: latest(300, 0, reading.NoAnswer)}}},
			},
		},
		van,
	}, nil
}

func (h *hub) Accounts(context.Context) ([]view.Account, error) {
	now := time.Now().UnixMilli()
	out := []view.Account{{Gateway: "site-1", Epoch: 1, Produced: 86_400, Committed: 86_400, Through: 1440, Last: 1440, AddsUp: true, AsOf: now}}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failing != nil {
		out = append(out, view.Account{Gateway: "van-14", Epoch: 1, Produced: 1000, Committed: 700, Pending: 290, Through: 12, Last: 21, Holes: 1, Note: "10 readings are nowhere", AsOf: now})
	}
	return out, nil
}

// first is when the history of every series begins; it has a reading a second
// for a minute.
var first = time.Date(2026, 9, 14, 6, 0, 0, 0, time.UTC).UnixMilli()

func (h *hub) Readings(_ context.Context, s view.Series, from, to int64, visit func(view.Reading) error) error {
	for i := range int64(60) {
		at := first + i*1000
		if at < from || at >= to {
			continue
		}
		r := view.Reading{Epoch: 1, Boot: 2, Tick: i * 1000, Value: 4_000 + i, Dated: true, UTC: at, Uncertainty: 12}
		if i == 30 {
			r.Quality, r.Value = reading.NoAnswer, 0
		}
		if err := visit(r); err != nil {
			return err
		}
		if h.broken() != nil && i == 40 {
			return h.broken()
		}
	}
	return nil
}

func (h *hub) Undated(_ context.Context, s view.Series) (uint64, error) {
	if s.Quantity == reading.Humidity {
		return 312, nil
	}
	return 0, nil
}

func (h *hub) Watch(fn func(view.Batch)) (stop func()) {
	end := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for i := int64(0); ; i++ {
			select {
			case <-end:
				return
			case <-tick.C:
			}
			for _, gateway := range []string{"site-1", "van-14"} {
				fn(view.Batch{Gateway: gateway, Received: first, Readings: []view.Taken{
					{Sensor: "zone-a-air", Quantity: reading.Temperature, Reading: view.Reading{Epoch: 1, Boot: 2, Tick: i, Value: 4_250, Dated: true, UTC: first}},
					{Sensor: "freezer", Quantity: reading.Temperature, Reading: view.Reading{Epoch: 1, Boot: 2, Tick: i, Quality: reading.NoAnswer}},
				}})
			}
		}
	})
	return func() { close(end); done.Wait() }
}

func (h *hub) NewCode(_ context.Context, actor, gateway string) (enrol.Code, time.Time, error) {
	if !strings.HasPrefix(actor, "local uid ") {
		return enrol.Code{}, time.Time{}, errors.New("actor is " + actor)
	}
	return enrol.NewCode(h.ca.Certificate()), time.Date(2026, 9, 14, 7, 0, 0, 0, time.UTC), nil
}

func (h *hub) Revoke(_ context.Context, actor, gateway, reason string) error {
	if gateway != "van-14" {
		return access.ErrNotFound
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.revoked = reason
	return nil
}

func TestParseTime(t *testing.T) {
	now := time.Date(2026, 9, 14, 14, 0, 0, 0, time.UTC)
	for s, want := range map[string]time.Time{
		"now": now, "-2h": now.Add(-2 * time.Hour), "-90m": now.Add(-90 * time.Minute), "-7d": now.AddDate(0, 0, -7), "-0s": now,
		"2026-09-14T06:00:00Z": now.Add(-8 * time.Hour), "2026-09-14T08:00:00+02:00": now.Add(-8 * time.Hour),
		"2026-09-14": now.Add(-14 * time.Hour), "2026-09-14T06:00:00.250Z": now.Add(-8*time.Hour + 250*time.Millisecond),
	} {
		if got, err := parseTime(s, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: got %v %v, want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "2h", "+2h", "--2h", "yesterday", "2026-09-31", "-99999999d", "-d", "14:00"} {
		if got, err := parseTime(s, now); err == nil {
			t.Errorf("%q was taken as %v", s, got)
		}
	}
}
