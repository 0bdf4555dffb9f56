// Package enrolment tests how a gateway becomes known to a hub and ceases to
// be: the gateway's identity, the hub's registrar and the embedded broker, with
// real TLS between them.
package enrolment

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"frostline/edge/identity"
	"frostline/hub/access"
	"frostline/hub/broker"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/topic"
)

// patience bounds every wait for something that must happen.
const patience = 30 * time.Second

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after %v still not: %s", patience, what)
		}
	}
}

func testLog(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// hub is a hub's registrar, enrolment listener and embedded broker.
type hub struct {
	t         *testing.T
	dir       string
	enrolAddr string // of the enrolment listener
	ca        *access.CA
	registrar *access.Registrar
	broker    *broker.Embedded
	stop      func()

	mu  sync.Mutex
	got []broker.Message
}

// startHub starts a hub on a directory, a new one or one from before.
func startHub(t *testing.T, dir string) *hub {
	t.Helper()
	h := &hub{t: t, dir: dir}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(dir, "hub.db"), storetest.Logger(t))
	must(t, err)
	h.ca, err = access.OpenCA(filepath.Join(dir, "ca"), time.Now, testLog(t))
	must(t, err)
	server, err := h.ca.Server(nil)
	must(t, err)
	h.registrar, err = access.Open(ctx, access.Config{
		CA: h.ca, Repository: access.NewSQL(db), Log: testLog(t), CRL: filepath.Join(dir, "crl.pem"),
		Addresses:  func() []string { return []string{h.broker.Addr()} },
		Disconnect: func(gateway string) error { return h.broker.Disconnect(gateway) },
	})
	must(t, err)
	h.broker, err = broker.NewEmbedded(broker.EmbeddedConfig{
		Listen: "localhost:0", Dir: filepath.Join(dir, "broker"), TLS: h.ca.BrokerTLS(server), Authorizer: h.registrar, Log: testLog(t),
	})
	must(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	h.enrolAddr = l.Addr().String()
	run := func(name string, f func(context.Context) error) {
		wg.Go(func() {
			if err := f(ctx); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	run("broker", func(ctx context.Context) error { return h.broker.Run(ctx, h.handle) })
	run("enrolment", func(ctx context.Context) error {
		return access.NewServer(h.registrar, server, testLog(t)).Serve(ctx, l)
	})
	run("registrar", h.registrar.Run)
	h.stop = sync.OnceFunc(func() {
		cancel()
		wg.Wait()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(h.stop)
	select {
	case <-h.broker.Ready():
	case <-time.After(patience):
		t.Fatal("the broker is not ready")
	}
	return h
}

func (h *hub) handle(m broker.Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.got = append(h.got, m)
}

// received waits for a payload on the live lane.
func (h *hub) received(gateway, payload string) {
	h.t.Helper()
	eventually(h.t, "hub receives "+payload+" of "+gateway, func() bool { return h.has(gateway, payload) })
}

func (h *hub) has(gateway, payload string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.ContainsFunc(h.got, func(m broker.Message) bool { return m.Gateway == gateway && string(m.Payload) == payload })
}

func (h *hub) code(gateway string) string {
	h.t.Helper()
	code, _, err := h.registrar.NewCode(h.t.Context(), "test", gateway)
	must(h.t, err)
	return code.String()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newIdentity is a device that was never enrolled.
func newIdentity(t *testing.T) *identity.Identity {
	t.Helper()
	return openIdentity(t, t.TempDir())
}

func openIdentity(t *testing.T, dir string) *identity.Identity {
	t.Helper()
	i, err := identity.Open(identity.Options{Dir: dir, Log: testLog(t)})
	must(t, err)
	return i
}

// link is a gateway's connection to the broker.
type link struct {
	mqtt.Client
	gateway string
	lost    chan struct{}
}

// connect goes to the broker as a gateway does, or says why not.
func connect(t *testing.T, i *identity.Identity) (*link, error) {
	t.Helper()
	address := i.MQTT()[0]
	host, _, err := net.SplitHostPort(address)
	must(t, err)
	config, err := i.TLS(host)
	must(t, err)
	l := &link{gateway: i.Gateway(), lost: make(chan struct{})}
	l.Client = mqtt.NewClient(mqtt.NewClientOptions().AddBroker("ssl://" + address).SetClientID(i.Gateway()).SetTLSConfig(config).
		SetProtocolVersion(4).SetAutoReconnect(false).
		SetConnectionLostHandler(func(mqtt.Client, error) { close(l.lost) }))
	tok := l.Connect()
	if !tok.WaitTimeout(patience) {
		return nil, errors.New("no answer")
	}
	if tok.Error() != nil {
		return nil, tok.Error()
	}
	t.Cleanup(func() { l.Disconnect(100) })
	return l, nil
}

// mustConnect is connect of a gateway that may. The broker holds back a client
// id that comes again within a second.
func mustConnect(t *testing.T, i *identity.Identity) (l *link) {
	t.Helper()
	var err error
	eventually(t, "gateway connects", func() bool { l, err = connect(t, i); return err == nil })
	return l
}

func (l *link) send(payload string) {
	l.Publish(topic.MQTT(l.gateway, topic.Live), 0, false, payload).WaitTimeout(patience)
}

func (l *link) waitLost(t *testing.T) {
	t.Helper()
	eventually(t, "the connection is ended", func() bool {
		select {
		case <-l.lost:
			return true
		default:
			return false
		}
	})
}
