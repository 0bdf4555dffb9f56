package broker_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"frostline/hub/broker"
	"frostline/proto/topic"
)

func TestEmbeddedRefusesSettings(t *testing.T) {
	e := newEmbedded(t)
	for name, c := range map[string]struct {
		change func(*broker.EmbeddedConfig)
		want   string
	}{
		"no port":            {func(c *broker.EmbeddedConfig) { c.Listen = "localhost" }, `"localhost"`},
		"port too high":      {func(c *broker.EmbeddedConfig) { c.Listen = "localhost:70000" }, "70000"},
		"no directory":       {func(c *broker.EmbeddedConfig) { c.Dir = "" }, "directory"},
		"no authorizer":      {func(c *broker.EmbeddedConfig) { c.Authorizer = nil }, "authorizer"},
		"no tls":             {func(c *broker.EmbeddedConfig) { c.TLS = nil }, "client certificates"},
		"optional client":    {func(c *broker.EmbeddedConfig) { c.TLS.ClientAuth = tls.VerifyClientCertIfGiven }, "client certificates"},
		"no authority":       {func(c *broker.EmbeddedConfig) { c.TLS.ClientCAs = nil }, "authority"},
		"old tls":            {func(c *broker.EmbeddedConfig) { c.TLS.MinVersion = tls.VersionTLS11 }, "1.2"},
		"small buffer":       {func(c *broker.EmbeddedConfig) { c.Buffers.Live = 5 }, "lane live is 5 bytes"},
		"negative max conns": {func(c *broker.EmbeddedConfig) { c.MaxConnections = -1 }, "-1"},
	} {
		config := e.config(t)
		config.TLS = config.TLS.Clone()
		c.change(&config)
		if _, err := broker.NewEmbedded(config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that says %s", name, err, c.want)
		}
	}
}

func TestExternalBrokersRefuseSettings(t *testing.T) {
	for _, c := range []struct {
		settings broker.MQTTSettings
		want     string
	}{
		{broker.MQTTSettings{URL: "", Log: testLog(t)}, "want tcp://"},
		{broker.MQTTSettings{URL: "http://x:1", Log: testLog(t)}, "want tcp://"},
		{broker.MQTTSettings{URL: "ssl://x:1", Log: testLog(t)}, "tls settings"},
		{broker.MQTTSettings{URL: "tcp://x:1", TLS: &tls.Config{}, Log: testLog(t)}, "want ssl://"},
		{broker.MQTTSettings{URL: "tcp://u:secret@x:1", Log: testLog(t)}, "own settings"},
		{broker.MQTTSettings{URL: "tcp://x:1"}, "logger"},
	} {
		_, err := broker.NewMQTT(c.settings)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("url %q: error %v, want one that says %q and no password", c.settings.URL, err, c.want)
		}
	}
	if _, err := broker.NewNATS(broker.NATSSettings{Log: testLog(t)}); err == nil {
		t.Error("a nats broker without url was accepted")
	}
	good := broker.ExternalOptions{Gateways: "0.0.0.0:8883", Hub: "127.0.0.1:8884", CA: "/a", Certificate: "/b", Key: "/c", CRL: "/d", Dir: "/e"}
	for name, change := range map[string]func(*broker.ExternalOptions){
		"same address":  func(o *broker.ExternalOptions) { o.Hub = o.Gateways },
		"no port":       func(o *broker.ExternalOptions) { o.Hub = "localhost" },
		"relative path": func(o *broker.ExternalOptions) { o.CA = "ca.pem" },
		"injection":     func(o *broker.ExternalOptions) { o.Key = "/x\nallow_anonymous true" },
		"quotes":        func(o *broker.ExternalOptions) { o.Dir = `/x"` },
	} {
		o := good
		change(&o)
		if _, err := broker.MosquittoConfig(o); err == nil {
			t.Errorf("mosquitto: %s was accepted", name)
		}
		if _, err := broker.NATSConfig(o); err == nil {
			t.Errorf("nats: %s was accepted", name)
		}
	}
	good.GatewayIDs = []string{"vehicle-1", `x" } {`}
	if _, err := broker.NATSConfig(good); err == nil {
		t.Error("nats: an impossible gateway id was accepted")
	}
}

func TestEmbeddedSaysWhenItsAddressIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	e := newEmbedded(t)
	e.address = l.Addr().String()
	b := e.Hub(t)
	err = b.Run(t.Context(), func(broker.Message) {})
	if err == nil || !strings.Contains(err.Error(), e.address) || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("run: %v, want an error that names %s and says that it is in use", err, e.address)
	}
	if err := b.Run(t.Context(), func(broker.Message) {}); err == nil {
		t.Error("a second run was accepted")
	}
}

// serve runs b until the test or stop ends it.
func serve(t *testing.T, b broker.Broker) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx, func(broker.Message) {}) }()
	select {
	case <-b.Ready():
	case err := <-done:
		t.Fatalf("run: %v", err)
	}
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	}
}

// Nothing rests on the broker's store, so a damaged one must not keep the hub
// from starting; it is set aside for whoever wants to look.
func TestEmbeddedSetsADamagedStoreAside(t *testing.T) {
	e := newEmbedded(t)
	serve(t, e.Hub(t))()
	store := filepath.Join(e.dir, "jetstream")
	if _, err := os.Stat(store); err != nil {
		t.Fatalf("the store is not where it is looked for: %v", err)
	}
	if err := os.RemoveAll(store); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(store, []byte("not a directory"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := e.Hub(t)
	stop := serve(t, b)
	if st := b.Status(); !st.Connected || st.Complaints == 0 {
		t.Errorf("status %+v, want connected and a complaint counted", st)
	}
	stop()
	aside, err := filepath.Glob(store + ".damaged-*")
	if err != nil || len(aside) != 1 {
		t.Fatalf("set aside: %v, %v", aside, err)
	}
	if got, err := os.ReadFile(aside[0]); err != nil || string(got) != "not a directory" {
		t.Errorf("set aside: %q, %v", got, err)
	}
}

// A free port is found, said, and nothing else listens.
func TestEmbeddedTakesAFreePort(t *testing.T) {
	e := newEmbedded(t)
	e.address = "127.0.0.1:0"
	b := e.Hub(t).(*broker.Embedded)
	stop := serve(t, b)
	defer stop()
	_, port, err := net.SplitHostPort(b.Addr())
	if err != nil || port == "0" {
		t.Fatalf("address %q, %v", b.Addr(), err)
	}
	c, err := net.DialTimeout("tcp", b.Addr(), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if b.Status().Address != b.Addr() {
		t.Errorf("status says %s, want %s", b.Status().Address, b.Addr())
	}
	if c, err := net.DialTimeout("tcp", "127.0.0.1:4222", time.Second); err == nil {
		c.Close()
		t.Log("something listens on the NATS client port; it may be another program")
	}
}

// One that is stopped before it is up has not failed.
func TestEmbeddedStopsWhileItStarts(t *testing.T) {
	for range 5 { // which of the two comes first is not certain
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := newEmbedded(t).Hub(t).Run(ctx, func(broker.Message) {}); err != nil {
			t.Fatalf("run: %v, want nil", err)
		}
	}
}

// An external broker that is away is no failure: it is tried again, and shows.
func TestUnreachableBrokerShowsAndEnds(t *testing.T) {
	address := freeAddress(t)
	m, err := broker.NewMQTT(broker.MQTTSettings{URL: "tcp://" + address, Log: testLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	n, err := broker.NewNATS(broker.NATSSettings{URL: "nats://" + address, Log: testLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []broker.Broker{m, n} {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- b.Run(ctx, func(broker.Message) {}) }()
		for end := time.Now().Add(20 * time.Second); b.Status().LastError == ""; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: status says nothing: %+v", b.Status().Kind, b.Status())
			}
		}
		if st := b.Status(); st.Connected || !strings.Contains(st.LastError, "refused") && !strings.Contains(st.LastError, "no servers available") {
			t.Errorf("status %+v, want not connected and the reason", st)
		}
		if err := b.Publish("vehicle-1", topic.Ack, []byte("x")); !errors.Is(err, broker.ErrUnavailable) {
			t.Errorf("%s: publish: %v, want ErrUnavailable", b.Status().Kind, err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("%s: run: %v, want nil", b.Status().Kind, err)
		}
	}
}
