package identity

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"frostline/edge/disk/powercut"
	"frostline/proto/enrol"
)

// testCA stands for a hub's authority.
type testCA struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newTestCA(t testing.TB) *testCA {
	t.Helper()
	key, _, err := newTLSKey()
	if err != nil {
		t.Fatal(err)
	}
	ca := &testCA{key: key}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().AddDate(40, 0, 0), KeyUsage: x509.KeyUsageCertSign,
	}
	ca.cert = ca.sign(t, template, template, &key.PublicKey)
	return ca
}

// signFor issues a client certificate for a public key.
func (ca *testCA) signFor(t testing.TB, name string, from, to time.Time, key *ecdsa.PublicKey) *x509.Certificate {
	t.Helper()
	return ca.sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(from.UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: to,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, ca.cert, key)
}

func (ca *testCA) sign(t testing.TB, template, parent *x509.Certificate, key *ecdsa.PublicKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key, ca.key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (ca *testCA) issue(t testing.TB, name string, from, to time.Time, use x509.ExtKeyUsage, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	return ca.sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(from.UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: to,
		ExtKeyUsage: []x509.ExtKeyUsage{use}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}, ca.cert, &key.PublicKey)
}

func certText(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

// settings makes an identity good for 30 days from a time.
func (ca *testCA) settings(t testing.TB, gateway string, from time.Time) settings {
	t.Helper()
	key, keyText, err := newTLSKey()
	if err != nil {
		t.Fatal(err)
	}
	_, sealText, err := newSealKey()
	if err != nil {
		t.Fatal(err)
	}
	cert := ca.issue(t, gateway, from, from.Add(30*24*time.Hour), x509.ExtKeyUsageClientAuth, key)
	return settings{
		Version: settingsVersion, Gateway: gateway, Hub: "https://localhost:8884", MQTT: []string{"localhost:8883"},
		CA: certText(ca.cert), Certificate: certText(cert), Key: keyText, SealKey: sealText,
	}
}

func TestFilesAreForTheirOwnerAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "identity")
	i, err := Open(Options{Dir: dir, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	if i.Enrolled() || i.Gateway() != "" || i.MQTT() != nil || i.Certificate().Enrolled {
		t.Error("an empty directory is taken for an identity")
	}
	for name, err := range map[string]error{"tls": second(i.TLS("x")), "signer": second(i.Signer()), "renew": i.Renew(t.Context())} {
		if !errors.Is(err, ErrNotEnrolled) {
			t.Errorf("%s: %v, want ErrNotEnrolled", name, err)
		}
	}
	ca := newTestCA(t)
	if err := i.keep(ca.settings(t, "vehicle-1", time.Now())); err != nil {
		t.Fatal(err)
	}
	if _, err := i.pendingKeys("vehicle-1", enrol.NewCode(ca.cert)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".", identityFile, pendingFile} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: mode %v, %v, want none for group and others", name, info.Mode(), err)
		}
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*.new"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := os.Chmod(filepath.Join(dir, identityFile), 0o644); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	again, err := Open(Options{Dir: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil || again.Gateway() != "vehicle-1" {
		t.Fatalf("read again: %q, %v", again.Gateway(), err)
	}
	if !strings.Contains(log.String(), "chmod 600") {
		t.Errorf("a readable key is not complained of: %s", &log)
	}
}

func second[T any](_ T, err error) error { return err }

// A damaged file is evidence of something, and holds keys: it stays.
func TestDamagedIdentityIsNamedAndLeft(t *testing.T) {
	ca := newTestCA(t)
	good := ca.settings(t, "vehicle-1", time.Now())
	other := ca.settings(t, "vehicle-1", time.Now())
	damage := map[string]func(*settings){
		"version":     func(s *settings) { s.Version = 2 },
		"gateway":     func(s *settings) { s.Gateway = "../x" },
		"another":     func(s *settings) { s.Gateway = "vehicle-2" },
		"key":         func(s *settings) { s.Key = other.Key },
		"no key":      func(s *settings) { s.Key = "" },
		"seal key":    func(s *settings) { s.SealKey = s.Key },
		"certificate": func(s *settings) { s.Certificate = "x" },
		"authority":   func(s *settings) { s.CA = "" },
		"mqtt ca":     func(s *settings) { s.MQTTCA = "x" },
		"hub":         func(s *settings) { s.Hub = "http://x" },
		"no mqtt":     func(s *settings) { s.MQTT = nil },
		"bad mqtt":    func(s *settings) { s.MQTT = []string{"x"} },
	}
	texts := map[string][]byte{"empty": {}, "torn": []byte(`{"version": 1, "gateway": "veh`)}
	for name, f := range damage {
		s := good
		f(&s)
		b, err := s.encode()
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = b
	}
	for name, b := range texts {
		dir := t.TempDir()
		path := filepath.Join(dir, identityFile)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(Options{Dir: dir, Log: quiet()})
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "enrol") {
			t.Errorf("%s: error %v, want one that names the file and what to do", name, err)
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, b) {
			t.Errorf("%s: the file was touched: %v", name, err)
		}
	}
}

func TestHubAddress(t *testing.T) {
	for in, want := range map[string]string{
		"hub":                      "https://hub:8884",
		"hub:1":                    "https://hub:1",
		"https://hub.example.org/": "https://hub.example.org:8884",
		"192.0.2.1":                "https://192.0.2.1:8884",
		"[::1]:8884":               "https://[::1]:8884",
		"http://hub":               "", "": "", "https://": "", "https://u:p@hub": "", "https://hub/path": "", "hub:x": "",
	} {
		u, err := hubAddress(in)
		if (err != nil) != (want == "") || err == nil && u.String() != want {
			t.Errorf("%q: %v, %v, want %q", in, u, err, want)
		}
	}
}

// A clock that is behind must not keep a gateway from its hub; an expired
// certificate must.
func TestServerCertificateIsJudgedAtAKnownTime(t *testing.T) {
	ca := newTestCA(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	base := time.Now().Truncate(time.Second)
	for _, c := range []struct {
		name          string
		clock         time.Time
		from, to      time.Time
		use           x509.ExtKeyUsage
		authority     *testCA
		host          string
		wantErr, says string
	}{
		{name: "now", clock: base, from: base.Add(-day), to: base.Add(day)},
		{name: "clock in 1970", clock: time.Unix(100, 0), from: base.Add(-day), to: base.Add(day)},
		{name: "clock in 1970, certificate newer than own", clock: time.Unix(100, 0), from: base.Add(50 * day), to: base.Add(60 * day)},
		{name: "not yet valid", clock: base, from: base.Add(day), to: base.Add(2 * day)},
		{name: "expired", clock: base.Add(3 * day), from: base.Add(-day), to: base.Add(day), says: "clock"},
		{name: "expired before own was issued, clock in 1970", clock: time.Unix(100, 0), from: base.Add(-20 * day), to: base.Add(-2 * day), says: "expired"},
		{name: "a gateway's", clock: base, from: base.Add(-day), to: base.Add(day), use: x509.ExtKeyUsageClientAuth, says: "not the hub"},
		{name: "another authority's", clock: base, from: base.Add(-day), to: base.Add(day), authority: newTestCA(t), says: "not the hub"},
		{name: "another name", clock: base, from: base.Add(-day), to: base.Add(day), host: "hub.example.org", says: `for localhost, 127.0.0.1 and not for "hub.example.org"`},
		{name: "by address", clock: base, from: base.Add(-day), to: base.Add(day), host: "127.0.0.1"},
	} {
		i, err := open(Options{Dir: "/x", Now: func() time.Time { return c.clock }, Log: quiet()}, powercut.New())
		if err != nil {
			t.Fatal(err)
		}
		if err := i.keep(ca.settings(t, "vehicle-1", base.Add(-day))); err != nil {
			t.Fatal(err)
		}
		by := ca
		if c.authority != nil {
			by = c.authority
		}
		if c.use == 0 {
			c.use = x509.ExtKeyUsageServerAuth
		}
		if c.host == "" {
			c.host = "localhost"
		}
		cert := by.issue(t, "server", c.from, c.to, c.use, key)
		config, err := i.TLS(c.host)
		if err != nil {
			t.Fatal(err)
		}
		err = shake(t, config, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw, by.cert.Raw}, PrivateKey: key}}, ClientAuth: tls.RequireAnyClientCert})
		if (err != nil) != (c.says != "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.name, err, c.says)
		}
	}
}

// shake makes a handshake and gives the client's error.
func shake(t *testing.T, client, server *tls.Config) error {
	t.Helper()
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	go func() {
		s := tls.Server(b, server)
		if s.Handshake() == nil {
			s.Write([]byte("x"))
		}
		b.Close()
	}()
	return tls.Client(a, client).Handshake()
}

func TestSchedule(t *testing.T) {
	ca := newTestCA(t)
	b, err := ca.settings(t, "vehicle-1", time.Unix(1e9, 0)).encode()
	if err != nil {
		t.Fatal(err)
	}
	c, err := parse(b)
	if err != nil {
		t.Fatal(err)
	}
	steady := time.Now()
	at := func(days float64) time.Time { return c.cert.NotBefore.Add(time.Duration(days * float64(day))) }
	for _, s := range []struct {
		early float64
		days  float64
		want  bool
	}{
		{0, 1, false}, {0, 19.9, false}, {0, 20.1, true}, {1, 18.4, false}, {1, 18.6, true}, {0, 29, true}, {0, 31, true}, {0, 400, true},
		{0, -1, true}, // before the certificate was issued: the clock is wrong
	} {
		sch := schedule{early: s.early}
		if got := sch.due(steady, at(s.days), c); got != s.want {
			t.Errorf("early %v, day %v of 30: due %v, want %v", s.early, s.days, got, s.want)
		}
	}
	var s schedule
	s.tried(steady, nil)
	if s.due(steady.Add(time.Hour), at(-1), c) || !s.due(steady.Add(25*time.Hour), at(-1), c) {
		t.Error("with a wrong clock: want one renewal a day")
	}
	if !s.due(steady.Add(time.Minute), at(21), c) {
		t.Error("a success a minute ago keeps a certificate that is due from being renewed")
	}
	for n := range 20 {
		s.tried(steady, errors.New("no"))
		if wait := s.next.Sub(steady); wait < 0 || wait > retryMost || n == 0 && wait > retryFirst {
			t.Errorf("failure %d: wait %v", n, wait)
		}
	}
	s = schedule{}
	s.tried(steady, &enrol.Error{Kind: enrol.Busy, RetryAfterMs: 90_000})
	if wait := s.next.Sub(steady); wait < 90*time.Second {
		t.Errorf("told to wait 90 s, waits %v", wait)
	}
}

// What was begun with a code is gone on with, so that the hub answers again.
func TestPendingKeysStay(t *testing.T) {
	ca := newTestCA(t)
	d := powercut.New()
	i, err := open(Options{Dir: "/x", Log: quiet()}, d)
	if err != nil {
		t.Fatal(err)
	}
	code, other := enrol.NewCode(ca.cert), enrol.NewCode(ca.cert)
	a, err := i.pendingKeys("vehicle-1", code)
	if err != nil {
		t.Fatal(err)
	}
	if i, err = open(Options{Dir: "/x", Log: quiet()}, d.Cut(false)); err != nil {
		t.Fatal(err)
	}
	b, err := i.pendingKeys("vehicle-1", code)
	if err != nil || a != b {
		t.Errorf("after a power cut other keys are sent: %v", err)
	}
	for _, c := range []struct {
		gateway string
		code    enrol.Code
	}{{"vehicle-2", code}, {"vehicle-1", other}} {
		if n, err := i.pendingKeys(c.gateway, c.code); err != nil || n.Key == a.Key || n.SealKey == a.SealKey {
			t.Errorf("%s: keys of another enrolment are used: %v", c.gateway, err)
		}
	}
	if b, _ := d.Read("/x/pending.json"); strings.Contains(string(b), code.String()[3:10]) {
		t.Error("the code is on disk")
	}
}
