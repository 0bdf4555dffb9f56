package web

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"frostline/hub/access"
	"frostline/hub/fleet"
	"frostline/hub/history"
	"frostline/hub/intake"
	"frostline/hub/registry"
	"frostline/hub/store"
	"frostline/proto/block"
	"frostline/proto/chain"
	"frostline/proto/pb"
	"frostline/proto/reading"
	"frostline/proto/topic"
)

// whole is a hub of real parts but the broker and the certificates: parcels
// are handed to intake as a broker would.
type whole struct {
	t      *testing.T
	intake *intake.Intake
	server *Server
	stop   func()
}

// admitted is one gateway, trusted.
type admitted string

func (a admitted) Gateways() []access.Record {
	return []access.Record{{Gateway: access.Gateway{ID: string(a), Enrolled: 1}}}
}
func (a admitted) Admitted(string) error { return nil }
func (a admitted) SealKey(string, []byte) (ed25519.PublicKey, error) {
	return nil, fmt.Errorf("no seals here")
}
func (a admitted) Publish(string, topic.Lane, []byte) error { return nil }

func openWhole(t *testing.T, path, gateway string) *whole {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	db, err := store.Open(ctx, "sqlite:"+path, log)
	if err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceFunc(func() { cancel(); running.Wait(); db.Close() })
	t.Cleanup(stop)
	in, err := intake.New(ctx, intake.Options{Store: db, Publisher: admitted(gateway), Gateways: admitted(gateway), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	reg, err := registry.New(ctx, db, in, log)
	if err != nil {
		t.Fatal(err)
	}
	hist, err := history.New(ctx, history.Options{Store: db, Evidence: in, Series: reg, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	feed := &intake.Feed{}
	in.Follow(hist, reg, feed)
	fl := fleet.New(admitted(gateway), reg, in, hist, feed)
	s, err := New(Config{Addr: "127.0.0.1:0", vouched: &everybody, Fleet: fl, History: fl, Feed: fl, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	for name, run := range map[string]func(context.Context) error{"intake": in.Run, "registry": reg.Run, "history": hist.Run, "fleet": fl.Run, "pages": s.Run} {
		running.Go(func() {
			if err := run(ctx); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	<-s.Ready()
	return &whole{t: t, intake: in, server: s, stop: stop}
}

func (w *whole) get(path string) string {
	w.t.Helper()
	resp, err := http.Get(w.server.URL() + path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		w.t.Fatalf("%s: %d %v\n%.500s", path, resp.StatusCode, err, b)
	}
	return string(b)
}

// sender makes a gateway's parcels.
type sender struct {
	gateway string
	head    chain.Head
	number  uint64
	count   uint64
}

func (s *sender) parcel(t *testing.T, readings []reading.Reading, events ...*pb.Event) []byte {
	t.Helper()
	b := &block.Block{Number: s.number + 1, Before: s.count, Boot: 1, Readings: readings}
	block.Sort(b.Readings)
	for _, e := range events {
		raw, err := block.EncodeEvent(e)
		if err != nil {
			t.Fatal(err)
		}
		b.Events = append(b.Events, raw)
	}
	raw, err := b.AppendTo(nil)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := proto.Marshal(&pb.Parcel{Epoch: 1, First: b.Number, PrevHead: slices.Clone(s.head[:]), Body: &pb.Parcel_Block{Block: raw}})
	if err != nil {
		t.Fatal(err)
	}
	s.head, s.number, s.count = chain.Next(s.head, raw), b.Number, b.After()
	return payload
}

// TestPagesOverTheRealHub: what is committed is on the pages, holes included,
// live and after a restart.
func TestPagesOverTheRealHub(t *testing.T) {
	const gateway = "site-1"
	path := filepath.Join(t.TempDir(), "hub.db")
	w := openWhole(t, path, gateway)
	now := time.Now().UnixMilli()
	from := &sender{gateway: gateway, head: chain.Genesis(gateway, 1)}
	// Boottime 0 was 40 minutes ago. Ten minutes of readings, ten of none, and
	// twenty up to now; every tenth second the sensor did not answer.
	start := now - 40*60_000
	send := func(lane topic.Lane, payload []byte) {
		w.intake.Handle(intake.Message{Gateway: gateway, Lane: lane, Payload: payload, Received: time.Now()})
	}
	declared := &pb.Event{Kind: &pb.Event_SeriesDeclared{SeriesDeclared: &pb.SeriesDeclared{Id: 0, Sensor: "shelf", Quantity: uint32(reading.Temperature), Model: "ds18b20", IntervalMs: 1000}}}
	anchor := &pb.Event{Kind: &pb.Event_Anchor{Anchor: &pb.Anchor{Boot: 1, AtMs: 0, UtcMs: start, UncertaintyMs: 20, Source: 4}}}
	send(topic.Live, from.parcel(t, nil,
		&pb.Event{Kind: &pb.Event_EpochStart{EpochStart: &pb.EpochStart{Epoch: 1, Reason: "first start"}}},
		&pb.Event{Kind: &pb.Event_Boot{Boot: &pb.Boot{BootId: "b"}}}, declared, anchor))
	for minute := range int64(40) {
		var rs []reading.Reading
		for s := range int64(60) {
			at := (minute*60 + s) * 1000
			r := reading.Reading{Tick: at, Value: 4_000 + minute*10}
			if s%10 == 9 {
				r.Value, r.Quality = 0, reading.NoAnswer
			}
			rs = append(rs, r)
		}
		if minute >= 10 && minute < 20 {
			continue
		}
		send(topic.Backlog, from.parcel(t, rs))
	}
	check := func(when string) {
		t.Helper()
		deadline := time.Now().Add(20 * time.Second)
		for !strings.Contains(w.get("account"), ">1,800<") { // readings committed
			if time.Now().After(deadline) {
				t.Fatalf("%s: the account never says 1,800:\n%s", when, w.get("account"))
			}
			time.Sleep(20 * time.Millisecond)
		}
		page := w.get(fmt.Sprintf("sensor/site-1/shelf?from=%s&to=%s", time.UnixMilli(start).UTC().Format("2006-01-02T15:04:05Z"), time.UnixMilli(now).UTC().Format("2006-01-02T15:04:05Z")))
		for _, want := range []string{"readings could not be used: ", " no answer.", "No readings for 10 min", "ds18b20"} {
			if !strings.Contains(page, want) {
				t.Errorf("%s: the page of the sensor does not say %q:\n%s", when, want, page[strings.Index(page, `class="said"`):][:900])
			}
		}
		var d drawn
		if err := json.Unmarshal([]byte(w.get(fmt.Sprintf("data/site-1/shelf/temperature?from=%d&to=%d&buckets=800", start, now))), &d); err != nil {
			t.Fatal(err)
		}
		if len(d.Holes) != 1 || d.Holes[0][1].(float64)-d.Holes[0][0].(float64) != 601_000 {
			t.Errorf("%s: holes are %v, want one of 601 s", when, d.Holes)
		}
		if rows := strings.Count(w.get(fmt.Sprintf("export/site-1/shelf/temperature?from=%s&to=%s", time.UnixMilli(start-1000).UTC().Format("2006-01-02T15:04:05Z"), time.UnixMilli(now+1000).UTC().Format("2006-01-02T15:04:05Z"))), "\n"); rows != 1801 {
			t.Errorf("%s: the export has %d rows, want a head and 1800 readings", when, rows)
		}
	}
	check("at first")

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	next := follow(t, ctx, w.server.URL()+"live?gateway=site-1&sensor=shelf")
	if e, err := next(); err != nil || e.name != "hello" {
		t.Fatalf("got %+v %v, want hello", e, err)
	}
	send(topic.Live, from.parcel(t, []reading.Reading{{Tick: 40 * 60_000, Value: 7_770}}))
	for {
		e, err := next()
		if err != nil {
			t.Fatal(err)
		}
		if e.name == "values" && strings.Contains(e.data, `"v":"7.77","s":"live"`) {
			break
		}
	}
	cancel()
	w.stop()

	w = openWhole(t, path, gateway)
	if home := w.get(""); !strings.Contains(home, "7.77") {
		t.Error("after a restart the first page does not show the newest value")
	}
}
