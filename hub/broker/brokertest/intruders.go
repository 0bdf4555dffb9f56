package brokertest

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"frostline/proto/topic"
)

// testStrangers: no certificate, another authority's certificate, one of this
// authority that is no gateway's.
func testStrangers(t *testing.T, s Subject) {
	h := startHub(t, s)
	a := dial(t, s, "vehicle-1", dialOptions{})
	none := tls.Certificate{}
	other := NewCA(t, "Another authority").Client(t, "vehicle-1")
	server := s.CA().Server(t)
	for name, cert := range map[string]*tls.Certificate{"no certificate": &none, "another authority's": &other, "a server's": &server} {
		g, err := tryDial(t, s, "vehicle-1", dialOptions{cert: cert})
		if err == nil {
			g.listen(0)
			g.send(topic.Live, "forged")
			t.Errorf("%s certificate: connected", name)
		}
	}
	a.send(topic.Live, "genuine")
	h.find("vehicle-1", topic.Live, "genuine")
	if got := h.received("vehicle-1", topic.Live); len(got) != 1 {
		t.Errorf("hub received %q", got)
	}
}

// testRealStrangers does it with the programs anyone would try.
func testRealStrangers(t *testing.T, s Subject) {
	pub, sub := Tool(t, "mosquitto_pub"), Tool(t, "mosquitto_sub")
	h := startHub(t, s)
	a := dial(t, s, "vehicle-1", dialOptions{})
	a.listen(0)
	dir := t.TempDir()
	evil := NewCA(t, "Another authority")
	evilCert, evilKey, _ := evil.Files(t, filepath.Join(dir), "evil", evil.Client(t, "vehicle-1"))
	cert, key, root := s.CA().Files(t, dir, "vehicle-2", s.CA().Client(t, "vehicle-2"))
	host, port, _ := strings.Cut(s.Address(), ":")
	base := []string{"-h", host, "-p", port, "--cafile", root, "-q", "1"}
	run := func(tool string, args ...string) (string, error) {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		var out bytes.Buffer
		cmd := exec.CommandContext(ctx, tool, append(slices.Clone(base), args...)...)
		cmd.Stdout, cmd.Stderr = &out, &out
		err := cmd.Run()
		if ctx.Err() != nil {
			t.Errorf("%s %v did not end within %v", filepath.Base(tool), args, patience)
		}
		return out.String(), err
	}
	live := topic.MQTT("vehicle-1", topic.Live)
	for name, args := range map[string][]string{
		"no certificate":        {},
		"another authority's":   {"--cert", evilCert, "--key", evilKey},
		"no TLS at all":         {"--insecure"},
		"no certificate, named": {"-i", "vehicle-1", "-u", "vehicle-1", "-P", "x"},
	} {
		if out, err := run(pub, append(args, "-t", live, "-m", "forged by "+name)...); err == nil {
			t.Errorf("%s: mosquitto_pub reports success: %s", name, out)
		}
		if out, err := run(sub, append(args, "-t", "#", "-W", "2", "-v")...); err == nil || strings.Contains(out, "frost/") {
			t.Errorf("%s: mosquitto_sub reports success or read something: %s", name, out)
		}
	}
	// An enrolled gateway, with the real client, on another's topics: brokers
	// take the packet and drop it.
	own := []string{"-i", "vehicle-2", "--cert", cert, "--key", key}
	run(pub, append(slices.Clone(own), "-t", live, "-m", "forged by vehicle-2")...)
	heard := make(chan string, 1)
	go func() {
		out, _ := run(sub, append(slices.Clone(own), "-t", "#", "-t", "frost/#", "-t", topic.MQTT("vehicle-1", topic.Ack), "-t", topic.MQTT("vehicle-2", topic.Ack), "-C", "1", "-W", "20", "-v")...)
		heard <- out
	}()
	var out string
	eventually(t, "mosquitto_sub hears its own acknowledgement", func() bool {
		h.publish("vehicle-1", topic.Ack, "for vehicle-1 only")
		h.publish("vehicle-2", topic.Ack, "for vehicle-2")
		select {
		case out = <-heard:
			return true
		case <-time.After(50 * time.Millisecond):
			return false
		}
	})
	if strings.TrimSpace(out) != topic.MQTT("vehicle-2", topic.Ack)+" for vehicle-2" {
		t.Errorf("mosquitto_sub of vehicle-2 heard %q, want its own acknowledgement alone", out)
	}
	if out, err := run(pub, append(slices.Clone(own), "-t", topic.MQTT("vehicle-2", topic.Live), "-m", "genuine")...); err != nil {
		t.Errorf("mosquitto_pub on its own topic: %v: %s", err, out)
	}
	h.find("vehicle-2", topic.Live, "genuine")
	a.send(topic.Live, "genuine")
	h.find("vehicle-1", topic.Live, "genuine")
	if got := h.received("vehicle-1", topic.Live); len(got) != 1 {
		t.Errorf("hub received as of vehicle-1: %q", got)
	}
}

// testConfined: an enrolled gateway is held to its own topics in every way of
// writing and reading that MQTT has.
func testConfined(t *testing.T, s Subject) {
	h := startHub(t, s)
	victim := dial(t, s, "vehicle-1", dialOptions{})
	victim.listen(0)
	h.publish("vehicle-1", topic.Config, "secret")
	victim.send(topic.State, "birth")
	victim.waitFor(topic.Config, "secret")

	// Writing: other lanes, other gateway, retained, as a last will.
	will := dial(t, s, "vehicle-3", dialOptions{will: "forged", willTopic: topic.MQTT("vehicle-1", topic.State)})
	rogue := dial(t, s, "vehicle-2", dialOptions{})
	for _, qos := range []byte{0, 1} {
		for _, lane := range append(slices.Clone(topic.Up), topic.Down...) {
			rogue.sendTo(topic.MQTT("vehicle-1", lane), "forged", qos, true)
			rogue.sendTo(topic.MQTT("vehicle-1", lane), "forged", qos, false)
		}
		for _, lane := range topic.Down {
			rogue.sendTo(topic.MQTT("vehicle-2", lane), "forged", qos, true)
		}
		for _, to := range []string{"frost/1/vehicle-1/live/x", "frost/2/vehicle-1/live", "$SYS/x", "x", "$MQTT/rmsgs/frost/1/vehicle-1/config", "$JS/API/STREAM/DELETE/$MQTT_rmsgs"} {
			rogue.sendTo(to, "forged", qos, false)
		}
	}
	will.cut()

	// Reading: by name, by wildcard, by the server's own topics. A server may
	// end the connection over it; then there is nothing to read with.
	reader := dial(t, s, "vehicle-4", dialOptions{reconnect: true})
	for _, qos := range []byte{0, 1} {
		reader.subscribe(qos, "#", "+/#", "frost/#", "frost/1/#", "frost/1/+/ack", "frost/1/+/config", "frost/1/vehicle-1/#",
			topic.MQTT("vehicle-1", topic.Ack), topic.MQTT("vehicle-1", topic.Config), topic.MQTT("vehicle-1", topic.Live),
			"$SYS/#", "$MQTT/#", "$MQTT/sub/#", "$MQTT/msgs/#", "$MQTT/rmsgs/#", "$JS/#", "_INBOX/#")
	}
	eventually(t, "the reader is connected", reader.client.IsConnectionOpen)
	reader.listen(1)
	victim.sendTo(topic.MQTT("vehicle-1", topic.Live), "private", 1, true)
	h.find("vehicle-1", topic.Live, "private")
	h.publish("vehicle-1", topic.Ack, "private")
	victim.waitFor(topic.Ack, "private")
	h.publish("vehicle-4", topic.Ack, "fence")
	reader.waitFor(topic.Ack, "fence")
	rogue.listen(0)
	rogue.send(topic.Live, "fence")
	h.find("vehicle-2", topic.Live, "fence")
	dial(t, s, "vehicle-3", dialOptions{will: "fence"}).cut()
	h.find("vehicle-3", topic.State, "fence")

	for _, to := range reader.topics() {
		if to != topic.MQTT("vehicle-4", topic.Ack) {
			t.Errorf("vehicle-4 could read %s: %q", to, reader.received(to))
		}
	}
	for _, to := range victim.topics() {
		if slices.Contains(victim.received(to), "forged") {
			t.Errorf("vehicle-1 received a forged message on %s", to)
		}
	}
	for _, to := range rogue.topics() {
		t.Errorf("a gateway could retain for itself on %s: %q", to, rogue.received(to))
	}
	h.mu.Lock()
	for _, m := range h.got {
		if string(m.Payload) == "forged" {
			t.Errorf("hub received a forged message as of %s on %s", m.Gateway, m.Lane)
		}
	}
	h.mu.Unlock()
	if n := h.Status().Malformed; n != 0 {
		t.Errorf("%d messages on topics no gateway may use came through", n)
	}
	// Nor has anything forged been kept for later.
	h.stop()
	h = startHub(t, s)
	h.find("vehicle-1", topic.State, "birth")
	h.find("vehicle-3", topic.State, "fence")
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.got {
		if string(m.Payload) == "forged" {
			t.Errorf("a forged state of %s was retained", m.Gateway)
		}
	}
}

// testClientID: a gateway cannot end another's session by using its client id.
func testClientID(t *testing.T, s Subject) {
	if !s.BindsClientID() {
		t.Skip("this server does not tie client ids to certificates; the operator is told so")
	}
	h := startHub(t, s)
	victim := dial(t, s, "vehicle-1", dialOptions{})
	victim.listen(0)
	for range 3 {
		if g, err := tryDial(t, s, "vehicle-2", dialOptions{clientID: "vehicle-1"}); err == nil {
			g.subscribe(0, topic.MQTT("vehicle-1", topic.Ack))
			g.send(topic.Live, "with another's id")
			g.client.Disconnect(100)
		}
	}
	h.publish("vehicle-1", topic.Ack, "still here")
	victim.waitFor(topic.Ack, "still here")
	victim.send(topic.Live, "still here")
	h.find("vehicle-1", topic.Live, "still here")
	select {
	case <-victim.lost:
		t.Error("the victim's connection was ended")
	default:
	}
}

// testRevoked: within seconds of a revocation nothing of the gateway gets
// through, and it cannot connect again.
func testRevoked(t *testing.T, s Subject) {
	h := startHub(t, s)
	good := dial(t, s, "vehicle-1", dialOptions{})
	cert := s.CA().Client(t, "vehicle-2")
	bad := dial(t, s, "vehicle-2", dialOptions{cert: &cert})
	bad.send(topic.Live, "before")
	h.find("vehicle-2", topic.Live, "before")
	s.Revoke(t, h.Broker, "vehicle-2")
	bad.waitLost()
	try := func() bool {
		g, err := tryDial(t, s, "vehicle-2", dialOptions{cert: &cert})
		if err != nil {
			return false
		}
		g.client.Disconnect(100)
		return true
	}
	eventually(t, "the revoked gateway is refused", func() bool { return !try() })
	for range 3 {
		if try() {
			t.Error("the revoked gateway connected again")
		}
	}
	good.send(topic.Live, "fence")
	h.find("vehicle-1", topic.Live, "fence")
	if got := h.received("vehicle-2", topic.Live); !slices.Equal(got, []string{"before"}) {
		t.Errorf("received of the revoked gateway: %q", got)
	}
}

// testDisconnect: the hub can end a gateway's connection where the server
// offers a way, and says so where not.
func testDisconnect(t *testing.T, s Subject) {
	h := startHub(t, s)
	a := dial(t, s, "vehicle-1", dialOptions{will: "gone"})
	b := dial(t, s, "vehicle-2", dialOptions{})
	if err := h.Disconnect("vehicle-9"); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("disconnecting a gateway that is not there: %v", err)
	}
	if err := h.Disconnect("../x"); err == nil {
		t.Error("disconnecting an impossible gateway id was accepted")
	}
	switch err := h.Disconnect("vehicle-1"); {
	case errors.Is(err, errors.ErrUnsupported):
		return
	case err != nil:
		t.Fatalf("disconnect: %v", err)
	}
	a.waitLost()
	h.find("vehicle-1", topic.State, "gone")
	b.send(topic.Live, "still here")
	h.find("vehicle-2", topic.Live, "still here")
	again := dial(t, s, "vehicle-1", dialOptions{})
	again.send(topic.Live, "back")
	h.find("vehicle-1", topic.Live, "back")
}
