package relay_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/nats-io/nats.go"

	"frostline/hub/broker"
	"frostline/hub/broker/brokertest"
	"frostline/hub/event/relay"
	"frostline/hub/store/storetest"
)

// gateway is an enrolled gateway that wants to know too much.
func gateway(t *testing.T, ca *brokertest.CA, address, id string, handle func(mqtt.Message)) mqtt.Client {
	t.Helper()
	cert := ca.Client(t, id)
	opts := mqtt.NewClientOptions().AddBroker("ssl://" + address).SetClientID(id).SetProtocolVersion(4).
		SetMaxReconnectInterval(100 * time.Millisecond).
		SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { handle(m) }).
		SetCustomOpenConnectionFn(func(*url.URL, mqtt.ClientOptions) (net.Conn, error) {
			conn, err := net.DialTimeout("tcp", address, 10*time.Second)
			if err != nil {
				return nil, err
			}
			config := ca.TLS(cert)
			config.ServerName = "localhost"
			return tls.Client(conn, config), nil
		})
	c := mqtt.NewClient(opts)
	if tok := c.Connect(); !tok.WaitTimeout(patience) || tok.Error() != nil {
		t.Fatalf("gateway cannot connect: %v", tok.Error())
	}
	t.Cleanup(func() { c.Disconnect(100) })
	return c
}

// testIsolation: a gateway can neither read events nor write any, while they
// are being published.
func testIsolation(t *testing.T, ca *brokertest.CA, address string, connect func(context.Context) (*nats.Conn, error)) {
	l := open(t, storetest.Open(t, storetest.SQLite(t)), true)
	run(t, l, connect)
	appendN(t, l, 10)
	eventually(t, "the stream is there", func() bool { return waiting(t, l) == 0 })
	var mu sync.Mutex
	var heard []string
	g := gateway(t, ca, address, "vehicle-1", func(m mqtt.Message) {
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, m.Topic())
	})
	own := "frost/1/vehicle-1/ack"
	for _, qos := range []byte{0, 1} {
		for _, filter := range []string{"frostline/event/#", "frostline/#", "+/event/#", "#", "frostline/event/orders/order_placed", "$JS/#", "_INBOX/#", own} {
			g.Subscribe(filter, qos, nil).WaitTimeout(time.Second / 5) // refused or not: what counts is what is heard
		}
	}
	for _, to := range []string{"frostline/event/orders/order_placed", "$JS/API/STREAM/DELETE/FROSTLINE_EVENTS", "$JS/API/STREAM/PURGE/FROSTLINE_EVENTS", "$JS/API/CONSUMER/CREATE/FROSTLINE_EVENTS"} {
		for _, qos := range []byte{0, 1} {
			eventually(t, "the gateway is connected", g.IsConnectionOpen)
			g.Publish(to, qos, false, `{"forged":true}`).WaitTimeout(time.Second / 5)
		}
	}
	appendN(t, l, 10)
	eventually(t, "all are published", func() bool { return waiting(t, l) == 0 })
	checkOrder(t, published(t, connect), 20)
	// What the gateway may hear comes after all that was published before.
	nc, err := connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	eventually(t, "the gateway hears what is its own", func() bool {
		if err := nc.Publish("frost.1.vehicle-1.ack", []byte("fence")); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		return slices.Contains(heard, own)
	})
	mu.Lock()
	defer mu.Unlock()
	for _, topic := range heard {
		if strings.Contains(topic, "event") || topic != own {
			t.Errorf("a gateway could read %s", topic)
		}
	}
}

func TestGatewaysSeeNoEvents(t *testing.T) {
	s := newServer(t)
	s.start(t)
	testIsolation(t, s.ca, s.address, s.connect)
}

// With an external server by the access rules that the hub prints for it.
func TestGatewaysOfAnExternalServerSeeNoEvents(t *testing.T) {
	program := brokertest.Tool(t, "nats-server")
	ca, dir := brokertest.NewCA(t, "Frostline test"), t.TempDir()
	cert, key, root := ca.Files(t, dir, "broker", ca.Server(t))
	gateways, hub := newServer(t).address, newServer(t).address
	files, err := broker.NATSConfig(broker.ExternalOptions{Gateways: gateways, Hub: hub, CA: root, Certificate: cert, Key: key, Dir: dir, GatewayIDs: []string{"vehicle-1"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		brokertest.WriteFile(t, filepath.Join(dir, f.Name), f.Content)
	}
	cmd := exec.Command(program, "-c", filepath.Join(dir, files[0].Name))
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for _, address := range []string{gateways, hub} {
		eventually(t, "the server listens", func() bool {
			c, err := net.Dial("tcp", address)
			if err == nil {
				c.Close()
			}
			return err == nil
		})
	}
	b, err := broker.NewNATS(broker.NATSSettings{URL: "tls://" + hub, TLS: ca.TLS(ca.Client(t, broker.HubName)), Log: storetest.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	testIsolation(t, ca, gateways, func(ctx context.Context) (*nats.Conn, error) { return b.Connect(ctx, "relay") })
}

func TestRelayRefusesSettings(t *testing.T) {
	if _, err := relay.New(relay.Options{Log: testLog(t)}); err == nil || !strings.Contains(err.Error(), "events") {
		t.Errorf("got %v", err)
	}
}
