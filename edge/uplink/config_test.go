package uplink

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"frostline/proto/pb"
	"frostline/proto/truetime"
)

func TestNewSaysWhatIsWrong(t *testing.T) {
	_, seal, _ := ed25519.GenerateKey(rand.Reader)
	other, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	for _, c := range []struct {
		want   string
		change func(*Config)
	}{
		{"", func(*Config) {}},
		{`gateway id "A"`, func(c *Config) { c.Gateway = "A" }},
		{`hub address "hub"`, func(c *Config) { c.Address = "hub" }},
		{`hub address ":8883"`, func(c *Config) { c.Address = ":8883" }},
		{"without TLS", func(c *Config) { c.Address = "192.0.2.1:1883" }},
		{"without TLS", func(c *Config) { c.Address = "localhost:1883" }},
		{"signer is missing", func(c *Config) { c.Signer = nil }},
		{"want an Ed25519 key", func(c *Config) { c.Signer = other }},
		{"all needed", func(c *Config) { c.Log = nil }},
		{"whole seconds", func(c *Config) { c.Timing.KeepAlive = 1500 * time.Millisecond }},
	} {
		config := Config{
			Gateway: gateway, Address: "127.0.0.1:1883", Signer: seal, Journal: newMemoryJournal(gateway), Boottime: boottime,
			Anchor: func() *pb.Anchor { return nil }, Birth: func() *pb.State { return &pb.State{} }, Log: slog.New(slog.DiscardHandler),
		}
		c.change(&config)
		_, err := New(config)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

func TestBackoffHasFullJitterUnderADoublingCeiling(t *testing.T) {
	for n := range 80 {
		ceiling := time.Minute
		if n < 7 {
			ceiling = 500 * time.Millisecond << n
		}
		var least, most time.Duration = time.Hour, 0
		for range 300 {
			b := backoff{base: 500 * time.Millisecond, ceiling: time.Minute, failures: n}
			d := b.next()
			least, most = min(least, d), max(most, d)
		}
		if most >= ceiling || most < ceiling*9/10 || least > ceiling/10 {
			t.Errorf("after %d failures from %v to %v: want all of 0 to %v", n, least, most, ceiling)
		}
	}
}

func TestHubTimeHoldsTheTruth(t *testing.T) {
	const offset = 1_700_000_000_000
	for _, c := range []struct{ there, held, back, ahead int64 }{
		{0, 0, 0, 0}, {5, 1, 5, 3}, {400, 30, 2, 0}, {1, 5, 900, -7}, {20_000, 0, 0, 0},
	} {
		sent := int64(1000)
		arrived := sent + c.there
		e := &pb.TimeEcho{
			SentMs: sent, ReceivedUtcMs: arrived + offset + c.ahead, AnsweredUtcMs: arrived + c.held + offset + c.ahead,
			UncertaintyMs: uint64(max(c.ahead, -c.ahead)),
		}
		received := arrived + c.held + c.back
		a, err := hubTime(e, received)
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		if off := a.UTC - (received + offset); off > a.Uncertainty || -off > a.Uncertainty || a.At != received || a.Source != truetime.Hub {
			t.Errorf("%+v: anchor %+v is off by %d ms", c, a, off)
		}
		if most := (c.there+c.back)/2 + int64(e.UncertaintyMs) + 2; a.Uncertainty > most {
			t.Errorf("%+v: uncertainty %d, want at most %d", c, a.Uncertainty, most)
		}
	}
	quickest := &pb.TimeEcho{SentMs: 1000, ReceivedUtcMs: offset + 1000, AnsweredUtcMs: offset + 1002, UncertaintyMs: 5}
	if a, err := hubTime(quickest, 1001); err != nil || a.Uncertainty < 5 { // held for 1.2 ms of 1.3 ms
		t.Errorf("times cut to milliseconds gave %+v, %v", a, err)
	}
	for _, e := range []*pb.TimeEcho{
		{SentMs: 1000, ReceivedUtcMs: 0, AnsweredUtcMs: 5},
		{SentMs: 1000, ReceivedUtcMs: 9, AnsweredUtcMs: 5},                  // the hub's clock stepped
		{SentMs: 1000, ReceivedUtcMs: 1, AnsweredUtcMs: 1000},               // held for longer than the round trip took
		{SentMs: 1000 - 2*maxRoundTrip, ReceivedUtcMs: 1, AnsweredUtcMs: 2}, // a minute late
		{SentMs: 1000, ReceivedUtcMs: 1, AnsweredUtcMs: 2, UncertaintyMs: 1 << 62},
	} {
		if a, err := hubTime(e, 1100); err == nil {
			t.Errorf("%v gave %+v, want an error", e, a)
		}
	}
}

// certificate makes a self-signed one for 127.0.0.1, good for both ends.
func certificate(t *testing.T, name string) (tls.Certificate, *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, pool
}

func TestRenewedCertificateServesFromTheNextConnection(t *testing.T) {
	hubCert, hubPool := certificate(t, "hub")
	old, oldPool := certificate(t, "old")
	renewed, _ := certificate(t, "renewed")
	oldPool.AddCert(renewed.Leaf)
	seen := make(chan string, 10)
	srv, address := startBroker(t, &tls.Config{
		Certificates: []tls.Certificate{hubCert}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: oldPool,
		VerifyConnection: func(s tls.ConnectionState) error { seen <- s.PeerCertificates[0].Subject.CommonName; return nil },
	})
	certs := make(chan tls.Certificate, 1)
	certs <- old
	r := &rig{TB: t, journal: newMemoryJournal(gateway), proxy: newProxy(t, address)}
	r.hub = newTestHub(t, srv, gateway)
	_, r.key, _ = ed25519.GenerateKey(rand.Reader)
	var err error
	r.uplink, err = New(Config{
		Gateway: gateway, Address: r.proxy.address(), Signer: r.key, Journal: r.journal, Boottime: boottime,
		TLS: func() (*tls.Config, error) {
			select {
			case c := <-certs:
				return &tls.Config{RootCAs: hubPool, Certificates: []tls.Certificate{c}}, nil
			default:
				return nil, errors.New("no certificate yet")
			}
		},
		Anchor: func() *pb.Anchor { return nil }, Birth: func() *pb.State { return &pb.State{} },
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Timing: quick,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.keep(300)
	r.start()
	r.drained()
	if name := <-seen; name != "old" {
		t.Errorf("connected as %q", name)
	}
	certs <- renewed
	r.uplink.Reconnect()
	if name := <-seen; name != "renewed" {
		t.Errorf("connected as %q", name)
	}
	r.keep(300)
	r.drained()
	r.proxy.cut() // without a certificate it cannot connect, and says so
	r.until("the reason is told", func() bool { return strings.Contains(r.uplink.Status().LastError, "no certificate yet") })
	certs <- renewed
	r.until("it is back", func() bool { return r.uplink.Status().Connected })
}
