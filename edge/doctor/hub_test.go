package doctor

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"google.golang.org/protobuf/proto"

	"frostline/proto/chain"
	"frostline/proto/pb"
	"frostline/proto/topic"
)

// authority makes certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	key := newKey(t)
	a := &authority{key: key}
	a.cert = a.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-72 * time.Hour), NotAfter: time.Now().Add(72 * time.Hour)}, key.Public())
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *authority) sign(t *testing.T, template *x509.Certificate, public crypto.PublicKey) *x509.Certificate {
	t.Helper()
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	parent := a.cert
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, a.key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// credentials is an Identity that is at hand.
type credentials struct {
	c   Credentials
	err error
}

func (c credentials) Credentials() (Credentials, error) { return c.c, c.err }

// testHub speaks just enough MQTT over TLS to be examined.
type testHub struct {
	ca       *authority
	address  string
	sessions atomic.Int64

	mu     sync.Mutex
	accept byte // code of CONNACK
	grant  byte // code of SUBACK
	mute   bool // seals are not answered
	late   time.Duration
	unsure bool // of its clock
	seal   ed25519.PublicKey
	faults []error
}

func newTestHub(t *testing.T) *testHub {
	t.Helper()
	h := &testHub{ca: newAuthority(t, "Frostline hub CA")}
	key := newKey(t)
	cert := h.ca.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: "hub"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, key.Public())
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{MinVersion: tls.VersionTLS13, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: h.ca.pool(),
		Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}})
	if err != nil {
		t.Fatal(err)
	}
	h.address = l.Addr().String()
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { h.serve(conn) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		serving.Wait()
		for _, err := range h.faults {
			t.Error(err)
		}
	})
	return h
}

func (h *testHub) serve(conn net.Conn) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	for {
		in, err := packets.ReadPacket(conn)
		if err != nil {
			return
		}
		h.mu.Lock()
		var out packets.ControlPacket
		switch p := in.(type) {
		case *packets.ConnectPacket:
			h.sessions.Add(1)
			if p.WillFlag || !p.CleanSession {
				h.faults = append(h.faults, errors.New("the doctor leaves a will or a session"))
			}
			ack := packets.NewControlPacket(packets.Connack).(*packets.ConnackPacket)
			ack.ReturnCode = h.accept
			out = ack
		case *packets.SubscribePacket:
			ack := packets.NewControlPacket(packets.Suback).(*packets.SubackPacket)
			ack.MessageID, ack.ReturnCodes = p.MessageID, []byte{h.grant}
			out = ack
		case *packets.PublishPacket:
			if !h.mute {
				out = h.answer(p)
			}
		}
		h.mu.Unlock()
		if out != nil && out.Write(conn) != nil {
			return
		}
	}
}

func (h *testHub) answer(p *packets.PublishPacket) packets.ControlPacket {
	gateway, lane, err := topic.Parse(p.TopicName)
	var seal pb.Seal
	if err == nil {
		err = proto.Unmarshal(p.Payload, &seal)
	}
	if err == nil {
		err = chain.Verify(gateway, &seal, h.seal)
	}
	if genesis := chain.Genesis(gateway, seal.Epoch); err != nil || lane != topic.Seal || seal.Number != 0 || string(seal.Head) != string(genesis[:]) {
		h.faults = append(h.faults, errors.New("the doctor sent something else than the seal of an empty chain"))
	}
	now := time.Now().Add(h.late).UnixMilli()
	ack := &pb.Ack{Epoch: 1}
	if !h.unsure {
		ack.Echo = &pb.TimeEcho{SentMs: seal.SentMs, ReceivedUtcMs: now, AnsweredUtcMs: now}
	}
	body, err := proto.Marshal(ack)
	if err != nil {
		h.faults = append(h.faults, err)
	}
	out := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	out.TopicName, out.Payload = topic.MQTT(gateway, topic.Ack), body
	return out
}

// identity enrols a gateway.
func (h *testHub) identity(t *testing.T, gateway string) credentials {
	t.Helper()
	return credentials{c: h.credentials(t, gateway, h.ca, time.Now().Add(-time.Hour), time.Now().Add(90*24*time.Hour))}
}

func (h *testHub) credentials(t *testing.T, gateway string, ca *authority, from, until time.Time) Credentials {
	t.Helper()
	key := newKey(t)
	leaf := ca.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: gateway}, NotBefore: from, NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, key.Public())
	public, seal, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	h.mu.Lock()
	h.seal = public
	h.mu.Unlock()
	return Credentials{Leaf: leaf, Key: key.Public(), Roots: ca.pool(), Seal: seal,
		TLS: &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: h.ca.pool(), Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.Raw}, PrivateKey: key}}}}
}

func TestCertificate(t *testing.T) {
	hub, stranger := newTestHub(t), newAuthority(t, "somebody else")
	now := time.Now()
	for _, c := range []struct {
		name     string
		identity func() (Credentials, error)
		results  map[string]Outcome
		words    map[string]string
	}{
		{"not enrolled", func() (Credentials, error) { return Credentials{}, ErrNotEnrolled },
			map[string]Outcome{"enrolled": Fail, "tls": Skipped, "mqtt": Skipped}, map[string]string{"enrolled": "frostline enrol van-14"}},
		{"unreadable", func() (Credentials, error) { return Credentials{}, errors.New("read tls.key: permission denied") },
			map[string]Outcome{"enrolled": Fail}, map[string]string{"enrolled": "permission denied"}},
		{"expired", func() (Credentials, error) {
			return hub.credentials(t, "van-14", hub.ca, now.Add(-48*time.Hour), now.Add(-24*time.Hour)), nil
		}, map[string]Outcome{"validity": Fail, "issuer": OK, "tls": Fail, "mqtt": Skipped}, map[string]string{"validity": "expired at", "tls": "refuses our certificate"}},
		{"not yet valid", func() (Credentials, error) {
			return hub.credentials(t, "van-14", hub.ca, now.Add(24*time.Hour), now.Add(48*time.Hour)), nil
		}, map[string]Outcome{"validity": Fail}, map[string]string{"validity": "Set the clock"}},
		{"renewal due", func() (Credentials, error) {
			c := hub.credentials(t, "van-14", hub.ca, now.Add(-48*time.Hour), now.Add(24*time.Hour))
			c.RenewAfter = now.Add(-time.Hour)
			return c, nil
		}, map[string]Outcome{"validity": Warn, "mqtt": OK}, map[string]string{"validity": "renewal is due"}},
		{"another gateway's", func() (Credentials, error) {
			return hub.credentials(t, "van-15", hub.ca, now.Add(-time.Hour), now.Add(time.Hour)), nil
		}, map[string]Outcome{"enrolled": Fail}, map[string]string{"enrolled": `of gateway "van-15"`}},
		{"another key", func() (Credentials, error) {
			c := hub.credentials(t, "van-14", hub.ca, now.Add(-time.Hour), now.Add(time.Hour))
			c.Key = newKey(t).Public()
			return c, nil
		}, map[string]Outcome{"key": Fail}, map[string]string{"key": "was replaced"}},
		{"of another authority", func() (Credentials, error) {
			c := hub.credentials(t, "van-14", stranger, now.Add(-time.Hour), now.Add(time.Hour))
			c.Roots = hub.ca.pool()
			return c, nil
		}, map[string]Outcome{"issuer": Fail, "tls": Fail}, map[string]string{"issuer": "somebody else", "tls": "refuses our certificate"}},
		{"another hub", func() (Credentials, error) {
			c := hub.credentials(t, "van-14", hub.ca, now.Add(-time.Hour), now.Add(time.Hour))
			c.TLS.RootCAs = stranger.pool()
			return c, nil
		}, map[string]Outcome{"tls": Fail, "mqtt": Skipped}, map[string]string{"tls": "not the hub that the gateway was enrolled with"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newTestBench(t)
			got, err := c.identity()
			b.Hub, b.Identity = hub.address, credentials{got, err}
			r, _ := examine(t, b)
			for name, outcome := range c.results {
				want(t, r, name, outcome, c.words[name])
			}
		})
	}
	b := newTestBench(t)
	b.Hub, b.Identity = hub.address, hub.identity(t, "van-14")
	b.now = func() time.Time { return time.Unix(100, 0) }
	r, _ := examine(t, b)
	want(t, r, "validity", Warn, "cannot be judged while the system clock says 1970-01-01")
}

func TestWayToTheHub(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for _, c := range []struct {
		name    string
		change  func(*bench, *testHub)
		check   string
		outcome Outcome
		words   []string
	}{
		{"no hub", func(b *bench, _ *testHub) { b.Hub = "" }, "hub", Warn, []string{"all readings stay here"}},
		{"no address", func(b *bench, _ *testHub) { b.Hub = "hub" }, "dns", Fail, []string{"want HOST:PORT"}},
		{"closed port", func(b *bench, _ *testHub) { b.Hub = closed.Addr().String() }, "tcp", Fail, []string{"refused", "start the hub"}},
		{"after a closed port", func(b *bench, _ *testHub) { b.Hub = closed.Addr().String() }, "mqtt", Skipped, []string{"tcp did not succeed"}},
		{"another name", func(b *bench, h *testHub) {
			i := b.Identity.(credentials)
			i.c.TLS.ServerName = "hub.example"
			b.Identity = i
		}, "tls", Fail, []string{"Use a name that the hub's certificate has"}},
		{"refused session", func(_ *bench, h *testHub) { h.accept = packets.ErrRefusedNotAuthorised }, "mqtt", Fail, []string{"Not Authorised", "revoked"}},
		{"refused subscription", func(_ *bench, h *testHub) { h.grant = 0x80 }, "mqtt", Fail, []string{"does not let van-14 read frost/1/van-14/ack"}},
		{"hub's clock wrong", func(_ *bench, h *testHub) { h.late = 2*time.Hour + time.Minute/2 }, "acknowledgement", Warn, []string{"h apart"}},
		{"hub's clock unsure", func(_ *bench, h *testHub) { h.unsure = true }, "acknowledgement", Warn, []string{"without the time"}},
		{"no TLS", func(b *bench, h *testHub) { b.Identity = nil }, "certificate", Skipped, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, hub := newTestBench(t), newTestHub(t)
			b.Hub, b.Identity = hub.address, hub.identity(t, "van-14")
			c.change(b, hub)
			r, _ := examine(t, b)
			want(t, r, c.check, c.outcome, c.words...)
		})
	}
}

// TestSilentHub: a broker that works and a hub behind it that does not is told
// from one that is away. The deadline of the step is brought forward.
func TestSilentHub(t *testing.T) {
	b, hub := newTestBench(t), newTestHub(t)
	hub.mute = true
	b.Hub, b.Identity = hub.address, hub.identity(t, "van-14")
	j := &journey{b: b, patience: 200 * time.Millisecond}
	results := map[string]Result{}
	for _, c := range []check{j.step("dns", j.dns), j.step("tcp", j.tcp), j.step("tls", j.tls), j.step("mqtt", j.mqtt), j.step("acknowledgement", j.acknowledgement)} {
		c.run(t.Context(), func(r Result) { results[r.Check] = r })
	}
	want(t, results, "mqtt", OK)
	want(t, results, "acknowledgement", Fail, "no answer to a seal", "the hub behind it does not answer")
}

// TestPacketsAreBounded: whatever answers on the port is not believed.
func TestPacketsAreBounded(t *testing.T) {
	for name, bytes := range map[string][]byte{
		"too long":      {0x30, 0xFF, 0xFF, 0xFF, 0x7F},
		"bad length":    {0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F},
		"no packet":     {0xF0, 0x00},
		"torn":          {0x20, 0x02, 0x00},
		"not a CONNACK": {0x20, 0x00},
	} {
		t.Run(name, func(t *testing.T) {
			a, c := net.Pipe()
			defer c.Close()
			go func() {
				a.Write(bytes)
				a.Close()
			}()
			if p, err := readPacket(c); err == nil {
				t.Errorf("got %v", p)
			}
		})
	}
}
