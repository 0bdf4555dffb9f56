package broker

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"frostline/proto/topic"
)

// MQTTSettings configures MQTT.
type MQTTSettings struct {
	// URL is the broker's address, as in "ssl://broker:8884" or
	// "tcp://localhost:1883". Required.
	URL string
	// TLS is the hub's certificate and the authority of the broker's.
	// Required with an ssl URL.
	TLS *tls.Config
	// Username and Password, where the broker wants them.
	Username, Password string
	// TakeOver lets Disconnect end a gateway's session by connecting with its
	// client id, as MQTT prescribes. It works where the hub may choose its
	// client id freely, as on the hub's listener that MosquittoConfig prints,
	// and must stay off where the broker derives client ids from certificates.
	TakeOver bool
	// Admit says whether to take messages of a gateway; nil admits all. It is
	// called for each message and must be quick. It matters for the seconds
	// between a revocation and the external broker's learning of it.
	Admit   func(gateway string) bool
	Buffers Buffers
	Log     *slog.Logger // required
}

// MQTT uses Mosquitto or any other MQTT 3.1.1 broker, which must confine each
// gateway to its own topics, as the configuration that MosquittoConfig prints
// does. Mosquitto needs "set_tcp_nodelay true", or every acknowledgement takes
// some 40 ms longer.
type MQTT struct {
	config     MQTTSettings
	in         *inbox
	log        *slog.Logger
	fast, bulk *mqttLink
	ready      chan struct{}
	running    atomic.Bool
	complaints atomic.Uint64

	mu        sync.Mutex
	connected bool
	since     time.Time
	lastError string
	connects  uint64
}

// NewMQTT checks c. Nothing is opened before Run.
func NewMQTT(c MQTTSettings) (*MQTT, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || !slices.Contains([]string{"tcp", "mqtt", "ssl", "tls", "mqtts"}, u.Scheme) {
		return nil, fmt.Errorf("mqtt broker: url %q: want tcp://host:port or ssl://host:port", c.URL)
	}
	secure := u.Scheme != "tcp" && u.Scheme != "mqtt"
	switch {
	case u.User != nil:
		return nil, fmt.Errorf("mqtt broker: url of host %s: user and password belong in their own settings", u.Host)
	case secure && c.TLS == nil:
		return nil, fmt.Errorf("mqtt broker: url %q needs tls settings", c.URL)
	case !secure && c.TLS != nil:
		return nil, fmt.Errorf("mqtt broker: url %q does not use the tls settings: want ssl://", c.URL)
	case c.Log == nil:
		return nil, errors.New("mqtt broker: logger is not set")
	}
	in, err := newInbox(c.Buffers, c.Admit, c.Log)
	if err != nil {
		return nil, fmt.Errorf("mqtt broker: %w", err)
	}
	m := &MQTT{config: c, in: in, log: c.Log, ready: make(chan struct{})}
	// Client ids hold a character that no gateway id has.
	id := "_hub-" + rand.Text()[:10]
	fast := slices.DeleteFunc(slices.Clone(topic.Up), func(l topic.Lane) bool { return l == topic.Backlog })
	m.fast = &mqttLink{owner: m, id: id, lanes: fast}
	m.bulk = &mqttLink{owner: m, id: id + "-backlog", lanes: []topic.Lane{topic.Backlog}}
	return m, nil
}

// Ready is as in Broker.
func (m *MQTT) Ready() <-chan struct{} { return m.ready }

// Run is as in Broker.
func (m *MQTT) Run(ctx context.Context, handle func(Message)) error {
	if m.running.Swap(true) {
		return errors.New("mqtt broker: run was called before")
	}
	var wg sync.WaitGroup
	wg.Go(func() { m.in.run(ctx, handle) })
	wg.Go(func() { m.fast.run(ctx) })
	wg.Go(func() { m.bulk.run(ctx) })
	wg.Wait()
	return nil
}

// Publish is as in Broker.
func (m *MQTT) Publish(gateway string, lane topic.Lane, payload []byte) error {
	if err := checkDown(gateway, lane, payload); err != nil {
		return err
	}
	client := m.fast.client.Load()
	if client == nil {
		return fmt.Errorf("publish %s to gateway %q: %w", lane, gateway, ErrUnavailable)
	}
	t := (*client).Publish(topic.MQTT(gateway, lane), 0, lane == topic.Config, payload)
	// The token of a QoS 0 message is done when its bytes are with the kernel.
	if !t.WaitTimeout(writeTimeout) {
		return fmt.Errorf("publish %s to gateway %q: not written within %s: %w", lane, gateway, writeTimeout, ErrUnavailable)
	}
	if err := t.Error(); err != nil {
		return fmt.Errorf("publish %s to gateway %q: %w: %w", lane, gateway, ErrUnavailable, err)
	}
	return nil
}

// Disconnect is as in Broker; see MQTTSettings.TakeOver.
func (m *MQTT) Disconnect(gateway string) error {
	if err := topic.CheckGateway(gateway); err != nil {
		return fmt.Errorf("disconnect: %w", err)
	}
	if !m.config.TakeOver {
		return fmt.Errorf("disconnect gateway %q: taking over its session is not switched on for this broker: %w", gateway, errors.ErrUnsupported)
	}
	client := mqtt.NewClient(m.options(gateway))
	defer client.Disconnect(quiesce)
	t := client.Connect()
	if !t.WaitTimeout(connectTimeout) {
		return fmt.Errorf("disconnect gateway %q: broker did not answer within %s: %w", gateway, connectTimeout, ErrUnavailable)
	}
	if err := t.Error(); err != nil {
		return fmt.Errorf("disconnect gateway %q: take over its session: %w", gateway, err)
	}
	return nil
}

// Status is as in Broker. Connected means both connections, for backlog and
// for all else.
func (m *MQTT) Status() Status {
	m.mu.Lock()
	s := Status{
		Kind: "mqtt", Address: m.config.URL, Connected: m.connected, Since: m.since,
		LastError: m.lastError, Connects: m.connects, Complaints: m.complaints.Load(),
	}
	m.mu.Unlock()
	m.in.fill(&s)
	return s
}

const (
	connectTimeout = 10 * time.Second
	writeTimeout   = 5 * time.Second
	quiesce        = 200 // ms that a disconnect may take to be sent
)

// options are common to all connections. The library's own reconnection is
// off: it has no jitter and completes tokens of messages it never sent.
func (m *MQTT) options(id string) *mqtt.ClientOptions {
	return mqtt.NewClientOptions().
		AddBroker(m.config.URL).
		SetClientID(id).
		SetUsername(m.config.Username).SetPassword(m.config.Password).
		SetTLSConfig(m.config.TLS).
		SetProtocolVersion(4).
		SetCleanSession(true).
		SetOrderMatters(true).
		SetAutoReconnect(false).SetConnectRetry(false).
		SetConnectTimeout(connectTimeout).
		SetWriteTimeout(writeTimeout).
		SetKeepAlive(20 * time.Second).
		SetPingTimeout(10 * time.Second)
}
