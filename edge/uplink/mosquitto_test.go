package uplink

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"frostline/proto/pb"
	"frostline/proto/topic"
)

// startMosquitto runs Debian's broker.
func startMosquitto(t *testing.T) (address string) {
	bin, err := exec.LookPath("mosquitto")
	if err != nil { // Debian puts it where a user's PATH does not lead
		bin, err = exec.LookPath("/usr/sbin/mosquitto")
	}
	if err != nil {
		t.Skip("NOT TESTED with mosquitto: it is not installed (apt-get install mosquitto)")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = l.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	l.Close()
	conf := filepath.Join(t.TempDir(), "mosquitto.conf")
	text := fmt.Sprintf("listener %s 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n", port)
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "-c", conf)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return address
		}
		if time.Now().After(deadline) {
			t.Fatal("mosquitto did not start")
		}
	}
}

func TestMosquittoCarriesAsWell(t *testing.T) {
	address := startMosquitto(t)
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + address).SetClientID("hub").SetAutoReconnect(false))
	done := func(token mqtt.Token) {
		if token.Wait(); token.Error() != nil {
			t.Fatal(token.Error())
		}
	}
	done(client.Connect())
	t.Cleanup(func() { client.Disconnect(100) })
	h := bareHub(t, gateway, func(lane topic.Lane, payload []byte) error {
		client.Publish(topic.MQTT(gateway, lane), 0, false, payload) // handlers must not wait for the token
		return nil
	})
	for _, lane := range topic.Up {
		done(client.Subscribe(topic.MQTT(gateway, lane), 0, func(_ mqtt.Client, m mqtt.Message) { h.receive(lane, m.Payload()) }))
	}
	r := &rig{TB: t, journal: newMemoryJournal(gateway), proxy: newProxy(t, address), hub: h}
	_, r.key, _ = ed25519.GenerateKey(rand.Reader)
	var err error
	r.uplink, err = New(Config{
		Gateway: gateway, Address: r.proxy.address(), Signer: r.key, Journal: r.journal, Boottime: boottime,
		Anchor: func() *pb.Anchor { return nil }, Birth: func() *pb.State { return &pb.State{} },
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Timing: quick,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.keep(2000)
	r.start()
	for range 5 {
		r.keep(50)
		r.until("it is connected", func() bool { return r.uplink.Status().Connected })
		r.proxy.cut()
		r.until("it is not", func() bool { return r.uplink.Status().Connects > 0 && !r.uplink.Status().Connected })
	}
	r.drained()
	r.uplink.Cut(true)
	r.until("the will has come", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return !h.states[len(h.states)-1].Online
	})
}
