package broker

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"frostline/proto/topic"
)

// EmbeddedConfig configures Embedded.
type EmbeddedConfig struct {
	// Listen is the host:port that gateways reach by MQTT over TLS; port 0
	// takes a free one. Required.
	Listen string
	// Dir is a directory of the server's own, for sessions and retained
	// messages. It is created. Losing it loses nothing that was promised.
	// Required.
	Dir string
	// TLS must require and verify client certificates, and TLS 1.2 at least.
	// Its callbacks are asked at each connection, so certificates may change
	// while the server runs. Required.
	TLS *tls.Config
	// Authorizer maps a verified certificate to its gateway. Required.
	Authorizer Authorizer
	// MaxConnections bounds the connections of gateways; 0 means 20,000.
	MaxConnections int
	Buffers        Buffers
	Log            *slog.Logger // required
}

// Embedded is a NATS server in this process with an MQTT listener and nothing
// else that listens: the hub talks to it through memory. A gateway may publish
// and subscribe on its own lanes only, and its MQTT client id must be its
// gateway id, so that none can take over another's session.
type Embedded struct {
	config     EmbeddedConfig
	host       string
	port       int
	in         *inbox
	log        *slog.Logger
	serverLog  *serverLog
	auth       *authenticator
	ready      chan struct{}
	running    atomic.Bool
	complaints atomic.Uint64

	mu   sync.Mutex
	srv  *server.Server // nil unless running
	link *natsLink      // nil unless running
	addr string
}

// NewEmbedded checks c. Nothing is opened before Run.
func NewEmbedded(c EmbeddedConfig) (*Embedded, error) {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return nil, fmt.Errorf("mqtt listen address %q: want host:port: %w", c.Listen, err)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("mqtt listen address %q: port: want 0 to 65535", c.Listen)
	}
	switch {
	case c.Dir == "":
		return nil, errors.New("embedded broker: directory is not set")
	case c.Authorizer == nil:
		return nil, errors.New("embedded broker: authorizer is not set")
	case c.Log == nil:
		return nil, errors.New("embedded broker: logger is not set")
	case c.TLS == nil || c.TLS.ClientAuth != tls.RequireAndVerifyClientCert || c.TLS.ClientCAs == nil:
		return nil, errors.New("embedded broker: tls must require client certificates and verify them against a certificate authority")
	case c.TLS.MinVersion < tls.VersionTLS12:
		return nil, errors.New("embedded broker: tls minimum version must be 1.2 or later")
	case c.MaxConnections < 0:
		return nil, fmt.Errorf("embedded broker: max connections is %d: want 0 for the default or more", c.MaxConnections)
	}
	if c.MaxConnections == 0 {
		c.MaxConnections = 20_000
	}
	in, err := newInbox(c.Buffers, nil, c.Log)
	if err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	e := &Embedded{
		config: c, host: host, port: int(number), in: in, log: c.Log,
		serverLog: newServerLog(c.Log), ready: make(chan struct{}), addr: c.Listen,
	}
	e.auth = &authenticator{authorizer: c.Authorizer, hub: rand.Text(), log: c.Log, notice: in.notice}
	return e, nil
}

// Addr is where gateways connect, once Ready; before that as configured.
func (e *Embedded) Addr() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.addr
}

// Ready is as in Broker.
func (e *Embedded) Ready() <-chan struct{} { return e.ready }

// Run is as in Broker. It fails when the address cannot be listened on, when
// the directory cannot be used, or when the server gives up.
func (e *Embedded) Run(ctx context.Context, handle func(Message)) error {
	if e.running.Swap(true) {
		return errors.New("embedded broker: run was called before")
	}
	srv, err := e.start(ctx)
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil // it was stopped before it was up
	}
	if err != nil {
		return err
	}
	link := newNATSLink("nats://in-process", e.in, e.log,
		nats.InProcessServer(srv), nats.UserInfo(hubUser, e.auth.hub))
	e.mu.Lock()
	e.srv, e.link = srv, link
	e.mu.Unlock()
	e.log.Info("mqtt listener", "address", e.Addr())

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	var wg sync.WaitGroup
	wg.Go(func() { e.in.run(ctx, handle) })
	wg.Go(func() { ended <- link.run(ctx) })
	wg.Go(func() {
		select {
		case <-link.ready:
			close(e.ready)
		case <-ctx.Done():
		}
	})
	var failed error
	select {
	case failed = <-e.serverLog.fatal:
	case failed = <-ended: // nil when ctx has ended
	}
	cancel()
	wg.Wait()
	e.mu.Lock()
	e.srv = nil
	e.mu.Unlock()
	e.stop(srv)
	return failed
}

// start brings the server up. A store it cannot open is set aside once: it
// holds only what gateways and hub will say again.
func (e *Embedded) start(ctx context.Context) (*server.Server, error) {
	srv, err := e.open(ctx)
	if err == nil || ctx.Err() != nil || !errors.Is(err, errStore) {
		return srv, err
	}
	store := filepath.Join(e.config.Dir, server.JetStreamStoreDir)
	aside := store + time.Now().UTC().Format(".damaged-20060102T150405.000000000")
	if mv := os.Rename(store, aside); mv != nil {
		return nil, fmt.Errorf("%w; setting its store aside: %w", err, mv)
	}
	e.complaints.Add(1)
	e.log.Error("broker store could not be opened and was set aside; retained messages are gone until they are sent again", "error", err, "moved_to", aside)
	return e.open(ctx)
}

func (e *Embedded) open(ctx context.Context) (*server.Server, error) {
	if err := os.MkdirAll(e.config.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("embedded broker: create directory: %w", err)
	}
	opts, err := e.options()
	if err != nil {
		return nil, err
	}
	srv, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	e.auth.srv.Store(srv)
	srv.SetLoggerV2(e.serverLog, e.log.Enabled(ctx, slog.LevelDebug), false, false)
	started := make(chan struct{})
	go func() { srv.Start(); close(started) }() // returns when all listeners are up, or after a fatal error
	select {
	case err = <-e.serverLog.fatal:
	case <-started:
		select {
		case err = <-e.serverLog.fatal:
		default:
			if !srv.ReadyForConnections(10 * time.Second) {
				err = errors.New("nats server: not ready after 10 s")
			}
		}
	case <-ctx.Done():
		err = ctx.Err()
		select { // what is starting cannot be stopped, and writes
		case <-started:
		case <-time.After(10 * time.Second):
		}
	}
	if err != nil {
		e.stop(srv)
		return nil, fmt.Errorf("embedded broker on %s: %w", e.config.Listen, err)
	}
	e.mu.Lock()
	e.addr = net.JoinHostPort(e.host, strconv.Itoa(opts.MQTT.Port)) // the server filled in a port of 0
	e.mu.Unlock()
	return srv, nil
}

func (e *Embedded) options() (*server.Options, error) {
	o := &server.Options{}
	// The only setting of the MQTT listener that no field gives: a QoS 2
	// message would be stored twice on its way, for no promise of ours.
	if err := o.ProcessConfigString("mqtt { port: -1, reject_qos2_publish: true }"); err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	o.ServerName = "frostline-hub"
	o.DontListen = true // no NATS client port: the hub connects through memory
	o.NoSigs = true
	o.NoSystemAccount = false
	o.DisableJetStreamBanner = true
	o.JetStream = true
	o.StoreDir = e.config.Dir
	o.JetStreamMaxMemory = 16 << 20
	o.JetStreamMaxStore = 1 << 30
	o.MaxPayload = MaxPayload + wireOverhead
	o.MaxConn = e.config.MaxConnections + 8
	o.MaxSubs = 64 // a gateway needs three
	o.MaxPending = 32 << 20
	o.WriteDeadline = 10 * time.Second
	o.AuthTimeout = 10
	o.CustomClientAuthentication = e.auth
	o.MQTT.Host = e.host
	if e.port != 0 {
		o.MQTT.Port = e.port
	}
	o.MQTT.TLSConfig = e.config.TLS
	o.MQTT.TLSTimeout = 10
	o.MQTT.AuthTimeout = 10
	o.MQTT.ConsumerInactiveThreshold = 24 * time.Hour // sessions nobody returns to
	return o, nil
}

// stop ends the server, and stops waiting for it after ten seconds.
func (e *Embedded) stop(srv *server.Server) {
	done := make(chan struct{})
	go func() {
		srv.Shutdown()
		srv.WaitForShutdown()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		e.log.Error("broker did not stop within 10 s; going on without it")
	}
}

// Publish is as in Broker.
func (e *Embedded) Publish(gateway string, lane topic.Lane, payload []byte) error {
	e.mu.Lock()
	link := e.link
	e.mu.Unlock()
	if link == nil {
		if err := checkDown(gateway, lane, payload); err != nil {
			return err
		}
		return fmt.Errorf("publish %s to gateway %q: %w", lane, gateway, ErrUnavailable)
	}
	return link.publish(gateway, lane, payload)
}

// Disconnect is as in Broker. It returns after the connections are closed;
// their last wills are published.
func (e *Embedded) Disconnect(gateway string) error {
	if err := topic.CheckGateway(gateway); err != nil {
		return fmt.Errorf("disconnect: %w", err)
	}
	e.mu.Lock()
	srv := e.srv
	e.mu.Unlock()
	if srv == nil {
		return nil
	}
	// The client id is the gateway id, and set before a connection is
	// authorized: one that is being authorized now is found too.
	list, err := srv.Connz(&server.ConnzOptions{MQTTClient: gateway, State: server.ConnOpen})
	if err != nil {
		return fmt.Errorf("disconnect gateway %q: %w", gateway, err)
	}
	for _, c := range list.Conns {
		// An error means that it has gone by itself.
		if err := srv.DisconnectClientByID(c.Cid); err == nil {
			e.log.Info("gateway disconnected", "gateway", gateway, "remote", net.JoinHostPort(c.IP, strconv.Itoa(c.Port)))
		}
	}
	return nil
}

// Status is as in Broker. Connected says that the server runs and the hub is
// subscribed.
func (e *Embedded) Status() Status {
	e.mu.Lock()
	link, addr := e.link, e.addr
	e.mu.Unlock()
	s := Status{Kind: "embedded"}
	if link == nil {
		e.in.fill(&s)
	} else {
		s = link.status("embedded")
	}
	s.Address = addr
	s.Refused += e.auth.refused.Load()
	s.Complaints += e.complaints.Load() + e.serverLog.complaints.Load()
	return s
}
