package access

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"frostline/hub/store/storetest"
)

// clock is set by hand.
type clock struct{ ms atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.ms.Store(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC).UnixMilli())
	return c
}

func (c *clock) now() time.Time          { return time.UnixMilli(c.ms.Load()) }
func (c *clock) set(t time.Time)         { c.ms.Store(t.UnixMilli()) }
func (c *clock) advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

func openCA(t testing.TB, dir string, c *clock) *CA {
	t.Helper()
	ca, err := OpenCA(dir, c.now, storetest.Logger(t))
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func TestCAIsMadeOnceAndKept(t *testing.T) {
	dir, c := filepath.Join(t.TempDir(), "ca"), newClock()
	ca := openCA(t, dir, c)
	info, err := os.Stat(filepath.Join(dir, caKey))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file: mode %v, %v, want 0600", info.Mode(), err)
	}
	if again := openCA(t, dir, c); again.Fingerprint() != ca.Fingerprint() {
		t.Error("the second start has another authority")
	}
	if !ca.Certificate().IsCA || ca.Certificate().NotAfter.Sub(c.now()) < 19*365*24*time.Hour {
		t.Errorf("certificate %+v", ca.Certificate())
	}
	left, _ := filepath.Glob(filepath.Join(dir, ".*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A lost key must not quietly become a new authority.
func TestCARefusesHalfOfItself(t *testing.T) {
	c := newClock()
	for name, damage := range map[string]struct {
		do   func(dir string) error
		want string
	}{
		"key gone":     {func(dir string) error { return os.Remove(filepath.Join(dir, caKey)) }, "restore it from backup"},
		"key damaged":  {func(dir string) error { return os.WriteFile(filepath.Join(dir, caKey), []byte("x"), 0o600) }, caKey},
		"cert damaged": {func(dir string) error { return os.WriteFile(filepath.Join(dir, caCert), nil, 0o600) }, caCert},
		"another's key": {func(dir string) error {
			openCA(t, filepath.Join(dir, "other"), c)
			return os.Rename(filepath.Join(dir, "other", caKey), filepath.Join(dir, caKey))
		}, "does not belong"},
	} {
		dir := t.TempDir()
		openCA(t, dir, c)
		if err := damage.do(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenCA(dir, c.now, storetest.Logger(t)); err == nil || !strings.Contains(err.Error(), damage.want) {
			t.Errorf("%s: %v, want an error that says %q", name, err, damage.want)
		}
	}
	// Cut short between its two files, the first start goes on at the second.
	dir := t.TempDir()
	openCA(t, dir, c)
	key, _ := os.ReadFile(filepath.Join(dir, caKey))
	if err := os.Remove(filepath.Join(dir, caCert)); err != nil {
		t.Fatal(err)
	}
	openCA(t, dir, c)
	if now, _ := os.ReadFile(filepath.Join(dir, caKey)); !bytes.Equal(now, key) {
		t.Error("the key was made anew")
	}
}

func TestOwnCertificateIsReplacedInTime(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	ca := openCA(t, dir, c)
	own, err := ca.Server([]string{"Hub.Example.ORG.", "192.0.2.7", "2001:db8::1", "localhost"})
	if err != nil {
		t.Fatal(err)
	}
	first, err := own.Get()
	if err != nil {
		t.Fatal(err)
	}
	leaf := first.Leaf
	for _, name := range []string{"localhost", "127.0.0.1", "::1", "hub.example.org", "192.0.2.7", "2001:db8::1"} {
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: ca.Pool(), DNSName: name, CurrentTime: c.now()}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(first.Certificate) != 2 || !bytes.Equal(first.Certificate[1], ca.Certificate().Raw) {
		t.Error("the authority is not shown, so a gateway could not compare it with its code")
	}
	info, err := os.Stat(filepath.Join(dir, "server.pem"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("file mode %v, %v, want 0600", info.Mode(), err)
	}
	same := func(hosts ...string) bool {
		again, err := openCA(t, dir, c).Server(hosts)
		if err != nil {
			t.Fatal(err)
		}
		got, err := again.Get()
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Equal(got.Certificate[0], leaf.Raw)
	}
	if !same("hub.example.org", "192.0.2.7", "2001:db8::1") {
		t.Error("a restart makes another certificate")
	}
	c.advance(ownLifetime / 2)
	if got, _ := own.Get(); got != first {
		t.Error("replaced at half its life")
	}
	// Not replaceable: the former serves as long as it lasts.
	c.advance(ownLifetime / 4)
	if err := os.Rename(dir, dir+"-away"); err != nil {
		t.Fatal(err)
	}
	if got, err := own.Get(); err != nil || got != first {
		t.Errorf("while it cannot be replaced: %v", err)
	}
	c.advance(ownLifetime)
	if _, err := own.Get(); err == nil {
		t.Error("an expired certificate is shown")
	}
	if err := os.Rename(dir+"-away", dir); err != nil {
		t.Fatal(err)
	}
	second, err := own.Get()
	if err != nil || second == first || second.Leaf.NotAfter.Before(c.now().Add(ownLifetime-time.Minute)) {
		t.Fatalf("not replaced: %v", err)
	}
	if bytes.Equal(second.Leaf.RawSubjectPublicKeyInfo, leaf.RawSubjectPublicKeyInfo) {
		t.Error("the new certificate has the old key")
	}
	leaf = second.Leaf
	if same("other.example.org") {
		t.Error("other hosts have the same certificate")
	}
	for _, bad := range []string{"", "a b", "hub:8883", "https://hub", "x\n"} {
		if _, err := ca.Server([]string{bad}); err == nil || !strings.Contains(err.Error(), "host") {
			t.Errorf("host %q: %v", bad, err)
		}
	}
}

// A damaged file of the hub's own is no evidence: it is made anew, and said.
func TestOwnCertificateDamaged(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	ca := openCA(t, dir, c)
	if _, err := ca.Client(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "hub-client.pem")
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	ca.log = slog.New(slog.NewTextHandler(&log, nil))
	own, err := ca.Client()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), path) {
		t.Errorf("not said: %s", &log)
	}
	cert, key, err := own.Files()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil || pair.Leaf.Subject.CommonName != HubName {
		t.Errorf("files: %v", err)
	}
}

func TestBrokerCertificate(t *testing.T) {
	c := newClock()
	ca := openCA(t, t.TempDir(), c)
	cert, key, err := ca.IssueBroker([]string{"mosquitto.example.org", "192.0.2.9"}, 365*24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: ca.Pool(), DNSName: "mosquitto.example.org", CurrentTime: c.now().Add(300 * 24 * time.Hour)}); err != nil {
		t.Error(err)
	}
	if _, _, err := ca.IssueBroker(nil, time.Hour); err == nil {
		t.Error("a certificate for no host")
	}
	if block, _ := pem.Decode(key); block == nil || block.Type != "PRIVATE KEY" {
		t.Error("the key is not PKCS #8 in PEM")
	}
}

func TestRate(t *testing.T) {
	now := newClock().now()
	r := newRates(time.Second, 3, 2)
	for i := range 3 {
		if _, ok := r.take("a", now); !ok {
			t.Errorf("%d of a burst of 3 turned away", i+1)
		}
	}
	wait, ok := r.take("a", now)
	if ok || wait != time.Second {
		t.Errorf("the fourth: let through %v, wait %v, want to wait 1s", ok, wait)
	}
	if _, ok := r.take("b", now); !ok {
		t.Error("another address is turned away")
	}
	if _, ok := r.take("c", now); ok {
		t.Error("a third address is remembered, at most two may")
	}
	if _, ok := r.take("a", now.Add(time.Second)); !ok {
		t.Error("turned away after waiting")
	}
	if _, ok := r.take("c", now.Add(time.Hour)); !ok {
		t.Error("turned away though the others are idle")
	}
	for in, want := range map[string]string{"192.0.2.1:5": "192.0.2.1", "[2001:db8:1:2:3::4]:5": "2001:db8:1:2::/64", "[::1]:5": "::1", "[::ffff:192.0.2.1]:5": "192.0.2.1"} {
		if got := remote(in); got != want {
			t.Errorf("remote %s: %s, want %s", in, got, want)
		}
	}
}
