package enrolment

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"frostline/edge/identity"
	"frostline/hub/access"
	"frostline/hub/broker"
	"frostline/proto/chain"
	"frostline/proto/enrol"
	"frostline/proto/pb"
	"frostline/proto/topic"
)

func kindOf(err error) enrol.Kind {
	if bad, ok := errors.AsType[*enrol.Error](err); ok {
		return bad.Kind
	}
	return ""
}

// From a code to readings at the hub, and again after both have restarted.
func TestEnrolAndSpeak(t *testing.T) {
	hubDir, dir := t.TempDir(), filepath.Join(t.TempDir(), "identity")
	h := startHub(t, hubDir)
	i := openIdentity(t, dir)
	must(t, i.Enrol(t.Context(), "vehicle-1", h.enrolAddr, strings.ToLower(h.code("vehicle-1"))))
	c := i.Certificate()
	if !c.Enrolled || c.Gateway != "vehicle-1" || c.Hub != "https://"+h.enrolAddr || c.MQTT[0] != h.broker.Addr() || c.Issuer != h.ca.Certificate().Subject.CommonName {
		t.Errorf("certificate %+v", c)
	}
	l := mustConnect(t, i)
	l.send("first")
	h.received("vehicle-1", "first")

	// The hub verifies its seals.
	signer, err := i.Signer()
	must(t, err)
	seal := &pb.Seal{Epoch: 1, Number: 1, Head: make([]byte, 32)}
	must(t, chain.Sign("vehicle-1", seal, signer))
	key, err := h.registrar.SealKey("vehicle-1", seal.KeyId)
	must(t, err)
	must(t, chain.Verify("vehicle-1", seal, key))

	// The hub restarts on another port, as it were moved; the gateway is told
	// at its next renewal.
	h.stop()
	h = startHub(t, hubDir)
	again := openIdentity(t, dir)
	if again.Certificate().Serial != c.Serial {
		t.Error("the identity did not outlive the restart")
	}
	if err := again.Renew(t.Context()); err == nil {
		t.Error("renewed at an address nobody listens on")
	}
	if again.Certificate().Trouble == nil {
		t.Error("a failed renewal does not show")
	}
	if g, err := h.registrar.Authorize(parse(t, again)); err != nil || g != "vehicle-1" {
		t.Errorf("after the restart: %q, %v", g, err)
	}
}

// parse gives the certificate that an identity shows.
func parse(t *testing.T, i *identity.Identity) *x509.Certificate {
	t.Helper()
	config, err := i.TLS("localhost")
	must(t, err)
	pair, err := config.GetClientCertificate(nil)
	must(t, err)
	return pair.Leaf
}

func TestCodesThatDoNotServe(t *testing.T) {
	h := startHub(t, t.TempDir())
	ctx := t.Context()
	good := h.code("vehicle-1")
	i := newIdentity(t)
	wrong := enrol.NewCode(h.ca.Certificate()).String()
	if err := i.Enrol(ctx, "vehicle-1", h.enrolAddr, wrong); kindOf(err) != enrol.CodeUnknown {
		t.Errorf("a wrong code: %v", err)
	}
	if err := i.Enrol(ctx, "vehicle-2", h.enrolAddr, good); kindOf(err) != enrol.CodeUnknown {
		t.Errorf("another gateway's code: %v", err)
	}
	if err := i.Enrol(ctx, "vehicle-1", h.enrolAddr, good[:len(good)-2]+"00"); !errors.Is(err, enrol.ErrCode) {
		t.Errorf("a mistyped code: %v", err)
	}
	if i.Enrolled() {
		t.Error("enrolled by codes that do not serve")
	}
	must(t, i.Enrol(ctx, "vehicle-1", h.enrolAddr, good))
	if err := newIdentity(t).Enrol(ctx, "vehicle-1", h.enrolAddr, good); kindOf(err) != enrol.CodeUsed {
		t.Errorf("a code used before: %v", err)
	}
	mustConnect(t, i).send("still good")
	h.received("vehicle-1", "still good")
	for _, address := range []string{"http://" + h.enrolAddr, "", "https://" + h.enrolAddr + "/x"} {
		if err := i.Enrol(ctx, "vehicle-1", address, good); err == nil || !strings.Contains(err.Error(), "hub address") {
			t.Errorf("address %q: %v", address, err)
		}
	}
	if n := h.registrar.Counts(); n.Enrolled != 1 || n.Refused != 3 {
		t.Errorf("counts %+v", n)
	}
}

// Someone in between must learn nothing: neither the code nor anything else.
func TestManInTheMiddle(t *testing.T) {
	h := startHub(t, t.TempDir())
	code := h.code("vehicle-1")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Frostline hub"}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	mine, err := access.OpenCA(filepath.Join(t.TempDir(), "ca"), time.Now, testLog(t))
	must(t, err)
	own, err := mine.Server(nil)
	must(t, err)
	other, err := own.Get()
	must(t, err)
	for name, c := range map[string]struct {
		cert tls.Certificate
		want string
	}{
		"another authority": {*other, identity.ErrAuthority.Error()},
		// The hub's authority is public; showing it proves nothing.
		"own certificate with the hub's authority shown": {tls.Certificate{Certificate: [][]byte{der, h.ca.Certificate().Raw}, PrivateKey: key}, "not the hub"},
		"the hub's authority with another key":           {tls.Certificate{Certificate: [][]byte{h.ca.Certificate().Raw}, PrivateKey: key}, "certificate"},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		var asked atomic.Int64
		s := &http.Server{TLSConfig: &tls.Config{Certificates: []tls.Certificate{c.cert}}, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo),
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked.Add(1) })}
		go s.ServeTLS(l, "", "")
		i := newIdentity(t)
		err = i.Enrol(t.Context(), "vehicle-1", l.Addr().String(), code)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error that says %q", name, err, c.want)
		}
		if i.Enrolled() || asked.Load() != 0 {
			t.Errorf("%s: enrolled %v, %d requests came through", name, i.Enrolled(), asked.Load())
		}
		s.Close()
	}
	// The code still serves.
	must(t, newIdentity(t).Enrol(t.Context(), "vehicle-1", h.enrolAddr, code))
}

// The hub has granted and its answer is lost on the way; the operator types
// the code again.
func TestLostAnswer(t *testing.T) {
	h := startHub(t, t.TempDir())
	code := h.code("vehicle-1")
	relay := loseAnswer(t, h.enrolAddr)
	dir := t.TempDir()
	i := openIdentity(t, dir)
	if err := i.Enrol(t.Context(), "vehicle-1", relay, code); err == nil {
		t.Fatal("the answer was to be lost")
	}
	eventually(t, "the hub has granted", func() bool { return h.registrar.Counts().Enrolled == 1 })
	if i.Enrolled() {
		t.Fatal("enrolled without an answer")
	}
	i = openIdentity(t, dir) // after a power cut, say
	must(t, i.Enrol(t.Context(), "vehicle-1", h.enrolAddr, code))
	if n := h.registrar.Counts(); n.Enrolled != 1 || n.Repeated != 1 {
		t.Errorf("counts %+v", n)
	}
	if list := h.registrar.Gateways(); len(list) != 1 || len(list[0].SealKeys) != 1 {
		t.Errorf("gateways %+v, want one with one seal key", list)
	}
	mustConnect(t, i).send("hello")
	h.received("vehicle-1", "hello")
}

// loseAnswer relays to an address and ends the connection when the answer to a
// request comes: after the handshake's, at the second flight from the server.
func loseAnswer(t *testing.T, to string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s, err := net.Dial("tcp", to)
			if err != nil {
				c.Close()
				return
			}
			go func() {
				defer c.Close()
				defer s.Close()
				var flights atomic.Int64 // from the client
				go func() {
					b := make([]byte, 64<<10)
					for {
						n, err := c.Read(b)
						if err != nil {
							return
						}
						flights.Add(1)
						if _, err := s.Write(b[:n]); err != nil {
							return
						}
					}
				}()
				b := make([]byte, 64<<10)
				for {
					n, err := s.Read(b)
					// Tickets and answer come when the client has sent its
					// second flight; none of it is passed on, and the first
					// that comes after the request ends it.
					if err != nil {
						return
					}
					if flights.Load() < 2 {
						if _, err := c.Write(b[:n]); err != nil {
							return
						}
						continue
					}
					io.Copy(io.Discard, s) // the hub answers and hangs up
					return
				}
			}()
		}
	}()
	return l.Addr().String()
}

// A certificate is renewed under a live connection, and the next one shows it.
func TestRenewWithoutRestart(t *testing.T) {
	h := startHub(t, t.TempDir())
	i := newIdentity(t)
	must(t, i.Enrol(t.Context(), "vehicle-1", h.enrolAddr, h.code("vehicle-1")))
	before := i.Certificate()
	l := mustConnect(t, i)
	must(t, i.Renew(t.Context()))
	after := i.Certificate()
	if after.Serial == before.Serial || after.SealKeyID != before.SealKeyID || after.Trouble != nil {
		t.Errorf("before %+v, after %+v", before, after)
	}
	l.send("on the old connection")
	h.received("vehicle-1", "on the old connection")
	l.Disconnect(100)
	mustConnect(t, i).send("on a new connection")
	h.received("vehicle-1", "on a new connection")
	if n := h.registrar.Counts().Renewed; n != 1 {
		t.Errorf("%d renewals", n)
	}
}

// A revoked gateway is cut off at once and stays off, until it is enrolled
// again.
func TestRevokedIsRefused(t *testing.T) {
	h := startHub(t, t.TempDir())
	i, other := newIdentity(t), newIdentity(t)
	must(t, i.Enrol(t.Context(), "vehicle-1", h.enrolAddr, h.code("vehicle-1")))
	must(t, other.Enrol(t.Context(), "vehicle-2", h.enrolAddr, h.code("vehicle-2")))
	l, good := mustConnect(t, i), mustConnect(t, other)
	l.send("before")
	h.received("vehicle-1", "before")
	must(t, h.registrar.Revoke(t.Context(), "test", "vehicle-1", "stolen"))
	l.waitLost(t)
	for range 3 {
		if l, err := connect(t, i); err == nil {
			l.send("after")
			t.Error("connected after the revocation")
		}
	}
	if err := i.Renew(t.Context()); kindOf(err) != enrol.Refused {
		t.Errorf("renewed after the revocation: %v", err)
	}
	good.send("fence")
	h.received("vehicle-2", "fence")
	if h.has("vehicle-1", "after") {
		t.Error("the revoked gateway got through")
	}
	if n := h.broker.Status().Refused; n < 3 {
		t.Errorf("%d refusals counted, want 3", n)
	}
	must(t, i.Enrol(t.Context(), "vehicle-1", h.enrolAddr, h.code("vehicle-1")))
	mustConnect(t, i).send("enrolled again")
	h.received("vehicle-1", "enrolled again")
}

// A device is replaced: the new one takes the name, the old one is out, and
// cannot use its name even with a connection it had.
func TestReplacedDevice(t *testing.T) {
	h := startHub(t, t.TempDir())
	old, dev := newIdentity(t), newIdentity(t)
	must(t, old.Enrol(t.Context(), "vehicle-1", h.enrolAddr, h.code("vehicle-1")))
	l := mustConnect(t, old)
	must(t, dev.Enrol(t.Context(), "vehicle-1", h.enrolAddr, h.code("vehicle-1")))
	l.waitLost(t)
	if _, err := connect(t, old); err == nil {
		t.Error("the old device is let in")
	}
	mustConnect(t, dev).send("new")
	h.received("vehicle-1", "new")
	must(t, h.broker.Publish("vehicle-1", topic.Ack, []byte("x")))
}

// The name in the hub's certificate is the one that brokers are told to trust.
func TestHubNameIsOne(t *testing.T) {
	if access.HubName != broker.HubName {
		t.Errorf("access issues to %q, broker configuration trusts %q", access.HubName, broker.HubName)
	}
}
