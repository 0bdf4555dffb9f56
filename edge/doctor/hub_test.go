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

	"frostline/edge/identity"
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

// enrolment is an Identity that is at hand.
type enrolment struct {
	info   identity.Info
	config *tls.Config
	seal   crypto.Signer
	mqtt   []string
	unread error
}

func (e *enrolment) open() (Identity, error)         { return e, e.unread }
func (e *enrolment) Enrolled() bool                  { return e.info.Enrolled }
func (e *enrolment) Certificate() identity.Info      { return e.info }
func (e *enrolment) TLS(string) (*tls.Config, error) { return e.config, nil }
func (e *enrolment) MQTT() []string                  { return e.mqtt }
func (e *enrolment) Signer() (crypto.Signer, error)  { return e.seal, nil }

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

// enrol gives a gateway a certificate of an authority for a span of time.
func (h *testHub) enrol(t *testing.T, gateway string, ca *authority, from, until time.Duration) *enrolment {
	t.Helper()
	key, now := newKey(t), time.Now()
	leaf := ca.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: gateway}, NotBefore: now.Add(from), NotAfter: now.Add(until),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, key.Public())
	public, seal, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	h.mu.Lock()
	h.seal = public
	h.mu.Unlock()
	return &enrolment{seal: seal,
		info: identity.Info{Enrolled: true, Gateway: gateway, Issuer: ca.cert.Subject.CommonName, NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter,
			RenewAt: leaf.NotBefore.Add(leaf.NotAfter.Sub(leaf.NotBefore) * 2 / 3)},
		config: &tls.Config{MinVersion: tls.VersionTLS13, ServerName: "127.0.0.1", RootCAs: h.ca.pool(),
			Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.Raw}, PrivateKey: key}}}}
}

// gateway is one that is enrolled as it should be.
func (h *testHub) gateway(t *testing.T) *enrolment {
	t.Helper()
	return h.enrol(t, "van-14", h.ca, -time.Hour, 90*24*time.Hour)
}

func TestCertificate(t *testing.T) {
	hub, stranger := newTestHub(t), newAuthority(t, "somebody else")
	const day = 24 * time.Hour
	for _, c := range []struct {
		name    string
		who     func(t *testing.T) *enrolment
		results map[string]Outcome
		words   map[string]string
	}{
		{"not enrolled", func(*testing.T) *enrolment { return &enrolment{} },
			map[string]Outcome{"enrolled": Fail, "tls": Skipped, "mqtt": Skipped}, map[string]string{"enrolled": "frostline enrol van-14"}},
		{"unreadable", func(*testing.T) *enrolment { return &enrolment{unread: errors.New("identity.json is damaged")} },
			map[string]Outcome{"enrolled": Fail, "tls": Skipped}, map[string]string{"enrolled": "identity.json is damaged"}},
		{"expired", func(t *testing.T) *enrolment { return hub.enrol(t, "van-14", hub.ca, -2*day, -day) },
			map[string]Outcome{"validity": Fail, "key": OK, "tls": Fail, "mqtt": Skipped}, map[string]string{"validity": "expired at", "tls": "refuses our certificate"}},
		{"not yet valid", func(t *testing.T) *enrolment { return hub.enrol(t, "van-14", hub.ca, day, 2*day) },
			map[string]Outcome{"validity": Fail}, map[string]string{"validity": "Set the clock"}},
		{"renewal due", func(t *testing.T) *enrolment { return hub.enrol(t, "van-14", hub.ca, -3*day, day) },
			map[string]Outcome{"validity": Warn, "mqtt": OK}, map[string]string{"validity": "renewal is due"}},
		{"another gateway's", func(t *testing.T) *enrolment { return hub.enrol(t, "van-15", hub.ca, -day, day) },
			map[string]Outcome{"enrolled": Fail}, map[string]string{"enrolled": `enrolled as "van-15"`}},
		{"another key", func(t *testing.T) *enrolment {
			e := hub.gateway(t)
			e.config.Certificates[0].PrivateKey = newKey(t)
			return e
		}, map[string]Outcome{"key": Fail, "tls": Fail}, map[string]string{"key": "was replaced"}},
		{"no key of seals", func(t *testing.T) *enrolment {
			e := hub.gateway(t)
			e.seal = newKey(t)
			return e
		}, map[string]Outcome{"key": Fail}, map[string]string{"key": "want Ed25519"}},
		{"of another authority", func(t *testing.T) *enrolment { return hub.enrol(t, "van-14", stranger, -day, day) },
			map[string]Outcome{"enrolled": OK, "tls": Fail}, map[string]string{"enrolled": "somebody else", "tls": "refuses our certificate"}},
		{"another hub", func(t *testing.T) *enrolment {
			e := hub.gateway(t)
			e.config.RootCAs = stranger.pool()
			return e
		}, map[string]Outcome{"tls": Fail, "mqtt": Skipped}, map[string]string{"tls": "not the hub that the gateway was enrolled with"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newTestBench(t)
			b.Hub, b.Identity = hub.address, c.who(t).open
			r, _ := examine(t, b)
			for name, outcome := range c.results {
				want(t, r, name, outcome, c.words[name])
			}
		})
	}
	b := newTestBench(t)
	b.Hub, b.Identity = hub.address, hub.gateway(t).open
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
		{"hub of the enrolment", func(b *bench, h *testHub) {
			e := h.gateway(t)
			e.mqtt = []string{h.address}
			b.Hub, b.Identity = "", e.open
		}, "acknowledgement", OK, nil},
		{"no address", func(b *bench, _ *testHub) { b.Hub = "hub" }, "dns", Fail, []string{"want HOST:PORT"}},
		{"closed port", func(b *bench, _ *testHub) { b.Hub = closed.Addr().String() }, "tcp", Fail, []string{"refused", "start the hub"}},
		{"after a closed port", func(b *bench, _ *testHub) { b.Hub = closed.Addr().String() }, "mqtt", Skipped, []string{"tcp did not succeed"}},
		{"another name", func(b *bench, h *testHub) {
			e := h.gateway(t)
			e.config.ServerName = "hub.example"
			b.Identity = e.open
		}, "tls", Fail, []string{"Use a name that the hub's certificate has"}},
		{"refused session", func(_ *bench, h *testHub) { h.accept = packets.ErrRefusedNotAuthorised }, "mqtt", Fail, []string{"Not Authorised", "revoked"}},
		{"refused subscription", func(_ *bench, h *testHub) { h.grant = 0x80 }, "mqtt", Fail, []string{"does not let van-14 read frost/1/van-14/ack"}},
		{"hub's clock wrong", func(_ *bench, h *testHub) { h.late = 2*time.Hour + time.Minute/2 }, "acknowledgement", Warn, []string{"h apart"}},
		{"hub's clock unsure", func(_ *bench, h *testHub) { h.unsure = true }, "acknowledgement", Warn, []string{"without the time"}},
		{"no TLS", func(b *bench, h *testHub) { b.Identity = nil }, "certificate", Skipped, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, hub := newTestBench(t), newTestHub(t)
			b.Hub, b.Identity = hub.address, hub.gateway(t).open
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
	enrolled := hub.gateway(t)
	b.Hub, b.Identity, b.identity = hub.address, enrolled.open, enrolled
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
