package relay_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"frostline/hub/broker"
	"frostline/hub/broker/brokertest"
	"frostline/hub/event"
	"frostline/hub/event/relay"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

const patience = 30 * time.Second

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after %v still not: %s", patience, what)
		}
	}
}

func testLog(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
}

// server is an embedded broker that can be restarted.
type server struct {
	ca      *brokertest.CA
	address string
	dir     string

	mu      sync.Mutex
	current *broker.Embedded
	stop    func()
}

func newServer(t testing.TB) *server {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	return &server{ca: brokertest.NewCA(t, "Frostline test"), address: fmt.Sprintf("localhost:%d", l.Addr().(*net.TCPAddr).Port), dir: t.TempDir()}
}

func (s *server) Authorize(cert *x509.Certificate) (string, error) {
	return cert.Subject.CommonName, nil
}

func (s *server) start(t testing.TB) {
	t.Helper()
	e, err := broker.NewEmbedded(broker.EmbeddedConfig{
		Listen: s.address, Dir: s.dir, Authorizer: s, Log: storetest.Logger(t),
		TLS: &tls.Config{Certificates: []tls.Certificate{s.ca.Server(t)}, ClientCAs: s.ca.Pool(), ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx, func(broker.Message) {}) }()
	select {
	case <-e.Ready():
	case err := <-done:
		t.Fatalf("broker: %v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current = e
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("broker: %v", err)
		}
	})
	t.Cleanup(s.stop)
}

func (s *server) connect(ctx context.Context) (*nats.Conn, error) {
	s.mu.Lock()
	e := s.current
	s.mu.Unlock()
	return e.Connect(ctx, "relay")
}

func open(t testing.TB, db *store.DB, outbox bool) *event.Log {
	t.Helper()
	l, err := event.Open(t.Context(), event.Options{Store: db, Outbox: outbox, Log: storetest.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func appendN(t testing.TB, l *event.Log, n int) {
	t.Helper()
	_, err := l.Command(t.Context(), "person/qa", func(ctx context.Context, c event.Change) error {
		for i := range n {
			if _, err := c.Append(ctx, event.New{Stream: "order/O-1", Expect: -1, Type: "orders.order_placed", Data: map[string]any{"n": i}}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// run runs a relay until the test or stop ends it.
func run(t testing.TB, l *event.Log, connect func(context.Context) (*nats.Conn, error)) (r *relay.Relay, stop func()) {
	t.Helper()
	r, err := relay.New(relay.Options{Events: l, Connect: connect, Log: testLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(stop)
	return r, stop
}

func waiting(t testing.TB, l *event.Log) int64 {
	t.Helper()
	n, err := l.Waiting(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// published reads the whole stream.
func published(t testing.TB, connect func(context.Context) (*nats.Conn, error)) []jetstream.RawStreamMsg {
	t.Helper()
	nc, err := connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(t.Context(), relay.Stream)
	if err != nil {
		t.Fatal(err)
	}
	var all []jetstream.RawStreamMsg
	for seq := s.CachedInfo().State.FirstSeq; seq <= s.CachedInfo().State.LastSeq; seq++ {
		m, err := s.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, *m)
	}
	return all
}

// checkOrder wants the events 1 to n once each and in order.
func checkOrder(t testing.TB, got []jetstream.RawStreamMsg, n int) {
	t.Helper()
	if len(got) != n {
		t.Errorf("%d messages in the stream, want %d", len(got), n)
	}
	for i, m := range got {
		var c cloudevents.Event
		if err := json.Unmarshal(m.Data, &c); err != nil {
			t.Fatal(err)
		}
		if p := c.Extensions()["position"]; p != fmt.Sprint(i+1) {
			t.Fatalf("message %d is of position %v", i+1, p)
		}
	}
}

func TestPublishesEventsAsCloudEvents(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		s := newServer(t)
		s.start(t)
		l := open(t, db, true)
		appendN(t, l, 150)
		r, stop := run(t, l, s.connect)
		eventually(t, "the outbox is empty", func() bool { return waiting(t, l) == 0 })
		appendN(t, l, 5)
		eventually(t, "the outbox is empty again", func() bool { return r.Status().Published == 155 })
		stop()
		if st := r.Status(); st.Duplicates != 0 || st.Failures != 0 || st.Connected {
			t.Errorf("status %+v", st)
		}
		got := published(t, s.connect)
		checkOrder(t, got, 155)
		events, err := l.Read(t.Context(), 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		var c cloudevents.Event
		if err := json.Unmarshal(got[0].Data, &c); err != nil {
			t.Fatal(err)
		}
		if err := c.Validate(); err != nil {
			t.Errorf("not a valid cloud event: %v", err)
		}
		want := map[string][2]string{
			"id": {c.ID(), events[0].ID}, "message id": {got[0].Header.Get("Nats-Msg-Id"), events[0].ID},
			"type": {c.Type(), "org.frostline.orders.order_placed"}, "subject": {c.Subject(), "order/O-1"},
			"dataschema": {c.DataSchema(), "urn:frostline:schema:orders.order_placed:1"}, "data": {string(c.Data()), `{"n":0}`},
			"source": {c.Source(), "/frostline/hub"}, "nats subject": {got[0].Subject, "frostline.event.orders.order_placed"},
			"content type": {got[0].Header.Get("Content-Type"), "application/cloudevents+json"},
		}
		for field, v := range want {
			if v[0] != v[1] {
				t.Errorf("%s is %q, want %q", field, v[0], v[1])
			}
		}
		if c.Time().UnixMilli() != events[0].At {
			t.Errorf("time %v, want %d", c.Time(), events[0].At)
		}
	})
}

func TestGoesOnAfterTheServerWasAway(t *testing.T) {
	s := newServer(t)
	s.start(t)
	l := open(t, storetest.Open(t, storetest.SQLite(t)), true)
	r, _ := run(t, l, s.connect)
	for round := range 3 {
		appendN(t, l, 300)
		eventually(t, "some are published", func() bool { return r.Status().Published > uint64(round*500+50) })
		s.stop() // in the middle, most likely
		appendN(t, l, 100)
		eventually(t, "the relay has noticed", func() bool { return !r.Status().Connected && r.Status().LastError != "" })
		s.start(t)
		appendN(t, l, 100)
		eventually(t, "all are published", func() bool { return waiting(t, l) == 0 })
		checkOrder(t, published(t, s.connect), (round+1)*500)
	}
	if st := r.Status(); st.Failures == 0 {
		t.Errorf("status %+v, want failures counted", st)
	}
}

// forget makes the hub believe that nothing was acknowledged.
func forget(t *testing.T, db *store.DB) {
	t.Helper()
	err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM event_cursor")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLostAcknowledgementsMakeNoDuplicates(t *testing.T) {
	for name, foreign := range map[string]bool{"by the last message": false, "by message id": true} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.start(t)
			db := storetest.Open(t, storetest.SQLite(t))
			l := open(t, db, true)
			appendN(t, l, 100)
			_, stop := run(t, l, s.connect)
			eventually(t, "all are published", func() bool { return waiting(t, l) == 0 })
			stop()
			if foreign { // so that the relay cannot tell where it stopped
				nc, err := s.connect(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				m := nats.NewMsg("frostline.event.other.thing")
				m.Header.Set("Nats-Msg-Id", "of-nobody")
				if _, err := nc.RequestMsgWithContext(t.Context(), m); err != nil {
					t.Fatal(err)
				}
				nc.Close()
			}
			forget(t, db)
			l = open(t, db, true)
			if n := waiting(t, l); n != 100 {
				t.Fatalf("%d events wait, want 100", n)
			}
			r, _ := run(t, l, s.connect)
			eventually(t, "all are done", func() bool { return waiting(t, l) == 0 })
			got := published(t, s.connect)
			if foreign {
				got = got[:100]
				if st := r.Status(); st.Duplicates != 100 {
					t.Errorf("status %+v, want 100 duplicates", st)
				}
			}
			checkOrder(t, got, 100)
		})
	}
}

// Without a relay the outbox stays empty; with one later it begins where it
// was, and misses nothing.
func TestNoOutboxWithoutRelay(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		l := open(t, db, false)
		appendN(t, l, 3)
		if n := waiting(t, l); n != 0 {
			t.Errorf("%d events wait without a relay", n)
		}
		r, _ := run(t, l, nil)
		if r.Status().On {
			t.Error("a relay without a server says that it is on")
		}
		l = open(t, db, true)
		if n := waiting(t, l); n != 3 {
			t.Errorf("%d events wait, want 3", n)
		}
		if err := l.Published(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		l = open(t, db, false)
		appendN(t, l, 2)
		if n := waiting(t, l); n != 0 {
			t.Errorf("%d events wait though the relay is gone", n)
		}
		l = open(t, db, true)
		if n := waiting(t, l); n != 3 {
			t.Errorf("%d events wait, want 3 to 5", n)
		}
	})
}
