package brokertest

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"frostline/proto/topic"
)

// gateway is the other side: an MQTT client with a certificate.
type gateway struct {
	t      *testing.T
	id     string
	client mqtt.Client
	lost   chan struct{} // closed when the connection was ended by the server

	mu   sync.Mutex
	conn net.Conn
	got  map[string][]string // payloads by topic
}

// dialOptions vary how a gateway connects.
type dialOptions struct {
	clientID  string // default: the gateway id
	cert      *tls.Certificate
	will      string // payload of the last will on its state
	willTopic string
	reconnect bool
}

// tryDial connects as a gateway or says why not.
func tryDial(t *testing.T, s Subject, id string, o dialOptions) (*gateway, error) {
	g := &gateway{t: t, id: id, lost: make(chan struct{}), got: map[string][]string{}}
	if o.clientID == "" {
		o.clientID = id
	}
	if o.cert == nil {
		c := s.CA().Client(t, id)
		o.cert = &c
	}
	ended := sync.OnceFunc(func() { close(g.lost) })
	opts := mqtt.NewClientOptions().AddBroker("ssl://" + s.Address()).SetClientID(o.clientID).
		SetProtocolVersion(4).SetCleanSession(true).SetOrderMatters(true).
		SetAutoReconnect(o.reconnect).SetMaxReconnectInterval(time.Second).SetConnectTimeout(10 * time.Second).
		SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.got[m.Topic()] = append(g.got[m.Topic()], string(m.Payload()))
		}).
		SetConnectionLostHandler(func(mqtt.Client, error) { ended() }).
		SetCustomOpenConnectionFn(func(*url.URL, mqtt.ClientOptions) (net.Conn, error) {
			conn, err := (&net.Dialer{Timeout: 10 * time.Second}).Dial("tcp", s.Address())
			if err != nil {
				return nil, err
			}
			config := s.CA().TLS(*o.cert)
			config.ServerName = "localhost"
			g.mu.Lock()
			g.conn = conn
			g.mu.Unlock()
			return tls.Client(conn, config), nil
		})
	if o.will != "" {
		if o.willTopic == "" {
			o.willTopic = topic.MQTT(id, topic.State)
		}
		opts.SetWill(o.willTopic, o.will, 1, true)
	}
	g.client = mqtt.NewClient(opts)
	tok := g.client.Connect()
	if !tok.WaitTimeout(patience) {
		return nil, fmt.Errorf("no answer to connect within %v", patience)
	}
	if err := tok.Error(); err != nil {
		return nil, err
	}
	t.Cleanup(func() { g.client.Disconnect(100) })
	return g, nil
}

// dial connects as a gateway that may.
func dial(t *testing.T, s Subject, id string, o dialOptions) *gateway {
	t.Helper()
	var g *gateway
	var err error
	for range 5 { // a server holds back ids that reconnect within a second
		if g, err = tryDial(t, s, id, o); err == nil {
			return g
		}
		time.Sleep(200 * time.Millisecond)
	}
	t.Fatalf("gateway %s cannot connect: %v", id, err)
	return nil
}

// cut ends the connection without a word of MQTT, and waits until the server
// has let go of it.
func (g *gateway) cut() {
	g.t.Helper()
	g.mu.Lock()
	conn := g.conn
	g.mu.Unlock()
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		g.t.Fatal(err)
	}
	g.waitLost()
}

// waitLost waits until the server has ended the connection.
func (g *gateway) waitLost() {
	g.t.Helper()
	eventually(g.t, "the connection of "+g.id+" has ended", func() bool {
		select {
		case <-g.lost:
			return true
		default:
			return false
		}
	})
}

// send publishes on a lane of its own.
func (g *gateway) send(lane topic.Lane, payload string) {
	g.t.Helper()
	g.sendTo(topic.MQTT(g.id, lane), payload, 0, lane == topic.State)
}

func (g *gateway) sendTo(to, payload string, qos byte, retain bool) {
	g.t.Helper()
	tok := g.client.Publish(to, qos, retain, payload)
	if !tok.WaitTimeout(patience) {
		g.t.Fatalf("publish to %s: no answer within %v", to, patience)
	}
}

// subscribe asks for filters, whether or not it may have them.
func (g *gateway) subscribe(qos byte, filters ...string) {
	g.t.Helper()
	for _, f := range filters {
		if tok := g.client.Subscribe(f, qos, nil); !tok.WaitTimeout(patience) {
			g.t.Fatalf("subscribe to %s: no answer within %v", f, patience)
		}
	}
}

// listen subscribes to its own downward lanes.
func (g *gateway) listen(qos byte) {
	g.t.Helper()
	for _, lane := range topic.Down {
		tok := g.client.Subscribe(topic.MQTT(g.id, lane), qos, nil)
		if !tok.WaitTimeout(patience) || tok.Error() != nil {
			g.t.Fatalf("subscribe to own lane %s: %v", lane, tok.Error())
		}
		for f, code := range tok.(*mqtt.SubscribeToken).Result() {
			if code > 2 {
				g.t.Fatalf("subscribe to own lane %s: refused with code %#x", f, code)
			}
		}
	}
}

func (g *gateway) received(to string) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.got[to])
}

// topics lists where messages came from.
func (g *gateway) topics() (topics []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for to := range g.got {
		topics = append(topics, to)
	}
	return topics
}

// waitFor waits for a payload on one of its own lanes.
func (g *gateway) waitFor(lane topic.Lane, payload string) {
	g.t.Helper()
	eventually(g.t, "gateway "+g.id+" receives "+clip(payload)+" on "+string(lane), func() bool {
		return slices.Contains(g.received(topic.MQTT(g.id, lane)), payload)
	})
}
