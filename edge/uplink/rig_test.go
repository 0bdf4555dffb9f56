package uplink

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"google.golang.org/protobuf/proto"

	"frostline/proto/pb"
	"frostline/proto/topic"
	"frostline/proto/truetime"
)

const gateway = "gw-test"

var epochOfTest = time.Now()

// boottime of the tests, ms.
func boottime() int64 { return 10_000 + time.Since(epochOfTest).Milliseconds() }

// startBroker runs a NATS server with its MQTT listener.
func startBroker(t testing.TB, tlsConfig *tls.Config) (srv *server.Server, address string) {
	t.Helper()
	o := &server.Options{
		ServerName: "test", DontListen: true, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(),
		MQTT: server.MQTTOpts{Host: "127.0.0.1", Port: -1, TLSConfig: tlsConfig},
	}
	srv, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	go srv.Start()
	if !srv.ReadyForConnections(20 * time.Second) {
		t.Fatal("broker did not start")
	}
	t.Cleanup(func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	})
	return srv, fmt.Sprintf("127.0.0.1:%d", o.MQTT.Port) // filled in by the server
}

// quick is a Timing for tests.
var quick = Timing{
	BackoffBase: 5 * time.Millisecond, BackoffCeiling: 50 * time.Millisecond,
	Connect: 10 * time.Second, KeepAlive: time.Second, Ping: time.Second, Silence: 2 * time.Second,
	MinResend: 30 * time.Millisecond, MaxResend: 200 * time.Millisecond,
	Seal: time.Minute, SealAnswer: 50 * time.Millisecond, State: 20 * time.Millisecond, Epoch: time.Minute,
}

// rig is an uplink with a journal, a network, a broker and a hub.
type rig struct {
	testing.TB
	journal *memoryJournal
	proxy   *proxy
	hub     *testHub
	uplink  *Uplink
	key     ed25519.PrivateKey
	anchors chan truetime.Anchor
	stop    func()
}

// newRig builds a rig; the uplink is not running yet.
func newRig(t testing.TB, change func(*Config)) *rig {
	t.Helper()
	srv, address := startBroker(t, nil)
	r := &rig{TB: t, journal: newMemoryJournal(gateway), proxy: newProxy(t, address), anchors: make(chan truetime.Anchor, 100)}
	r.hub = newTestHub(t, srv, gateway)
	_, r.key, _ = ed25519.GenerateKey(rand.Reader)
	c := Config{
		Gateway: gateway, Address: r.proxy.address(), Signer: r.key, Journal: r.journal, Boottime: boottime,
		Anchor:    func() *pb.Anchor { return nil },
		Birth:     func() *pb.State { return &pb.State{Boot: 1, BootId: "boot", Version: "test"} },
		OnHubTime: func(a truetime.Anchor) { r.anchors <- a },
		Log:       slog.New(slog.NewTextHandler(t.Output(), nil)), Timing: quick,
	}
	if change != nil {
		change(&c)
	}
	var err error
	if r.uplink, err = New(c); err != nil {
		t.Fatal(err)
	}
	return r
}

// start runs the uplink until the test's end or stop.
func (r *rig) start() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.uplink.Run(ctx) }()
	stopped := false
	r.stop = func() {
		cancel()
		if stopped {
			return
		}
		stopped = true
		if err := <-done; err != nil {
			r.Error(err)
		}
	}
	r.Cleanup(r.stop)
	r.Cleanup(r.hub.check)
}

// until waits for a condition.
func (r *rig) until(what string, ok func() bool) {
	r.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			r.hub.mu.Lock()
			commits, acks, faults := r.hub.commits, r.hub.acks, r.hub.faults
			r.hub.mu.Unlock()
			r.Fatalf("waited in vain until %s; hub has committed %d, acknowledged %d times, faults %v; status %+v",
				what, commits, acks, faults, r.uplink.Status())
		}
		time.Sleep(time.Millisecond)
	}
}

// drained waits until the hub has everything, once, and the journal knows.
func (r *rig) drained() {
	r.Helper()
	r.until("everything is committed", func() bool { return r.hub.has(r.journal) })
	r.until("everything is acknowledged", func() bool { return r.journal.Numbers().PendingBlocks == 0 })
}

// keep adds so many blocks of 20 readings.
func (r *rig) keep(blocks int) {
	for range blocks {
		r.journal.keep(20)
	}
}

// publishAck sends an acknowledgement of the test's own making.
func publishAck(r *rig, a *pb.Ack) {
	r.Helper()
	payload, err := proto.Marshal(a)
	if err != nil {
		r.Fatal(err)
	}
	if err := r.hub.publish(topic.Ack, payload); err != nil {
		r.Fatal(err)
	}
}
