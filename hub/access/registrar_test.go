package access

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"frostline/hub/store/storetest"
	"frostline/proto/chain"
	"frostline/proto/enrol"
)

// desk is a Registrar with what a test wants at hand.
type desk struct {
	*Registrar
	t       *testing.T
	clock   *clock
	ca      *CA
	repo    Repository
	crlPath string
	cut     []string // gateways disconnected
	cutErr  error
}

func newDesk(t *testing.T, repo Repository) *desk {
	t.Helper()
	dir := t.TempDir()
	d := &desk{t: t, clock: newClock(), repo: repo, crlPath: filepath.Join(dir, "crl.pem")}
	d.ca = openCA(t, filepath.Join(dir, "ca"), d.clock)
	d.reopen()
	return d
}

// reopen is a restart of the hub.
func (d *desk) reopen() {
	d.t.Helper()
	r, err := Open(d.t.Context(), Config{
		CA: d.ca, Repository: d.repo, Addresses: func() []string { return []string{"hub.example.org:8883"} },
		Disconnect: func(g string) error { d.cut = append(d.cut, g); return d.cutErr },
		CRL:        d.crlPath, Now: d.clock.now, Log: storetest.Logger(d.t),
	})
	if err != nil {
		d.t.Fatal(err)
	}
	d.Registrar = r
}

// device is a gateway's side.
type device struct {
	id   string
	key  *ecdsa.PrivateKey
	seal ed25519.PrivateKey
	cert *x509.Certificate
}

func newDevice(t *testing.T, id string) *device {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, seal, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &device{id: id, key: key, seal: seal}
}

func csrFor(t *testing.T, name string, key any) (der []byte, text string) {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{"hub.example.org"}, // asked for, never given
	}, key)
	if err != nil {
		t.Fatal(err)
	}
	return der, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

func (d *device) request(t *testing.T, code string) enrol.Request {
	der, text := csrFor(t, d.id, d.key)
	return enrol.Request{
		Gateway: d.id, Code: code, CSR: text, SealPublicKey: d.seal.Public().(ed25519.PublicKey),
		Proof: ed25519.Sign(d.seal, enrol.ProofText(d.id, der)),
	}
}

// enrol enrols a device that has a right to it.
func (d *desk) enrol(dev *device) enrol.Response {
	d.t.Helper()
	code, _, err := d.NewCode(d.t.Context(), "test", dev.id)
	if err != nil {
		d.t.Fatal(err)
	}
	resp, err := d.Enrol(d.t.Context(), "here", dev.request(d.t, code.String()))
	if err != nil {
		d.t.Fatal(err)
	}
	if dev.cert, err = parseCertificate([]byte(resp.Certificate)); err != nil {
		d.t.Fatal(err)
	}
	return resp
}

func kindOf(err error) enrol.Kind {
	if bad, ok := errors.AsType[*enrol.Error](err); ok {
		return bad.Kind
	}
	return ""
}

// crl is the list on disk.
func (d *desk) crl() *x509.RevocationList {
	d.t.Helper()
	b, err := os.ReadFile(d.crlPath)
	if err != nil {
		d.t.Fatal(err)
	}
	block, _ := pem.Decode(b)
	list, err := x509.ParseRevocationList(block.Bytes)
	if err != nil {
		d.t.Fatal(err)
	}
	if err := list.CheckSignatureFrom(d.ca.Certificate()); err != nil {
		d.t.Fatal(err)
	}
	return list
}

func (d *desk) onCRL(c *x509.Certificate) bool {
	return slices.ContainsFunc(d.crl().RevokedCertificateEntries, func(e x509.RevocationListEntry) bool { return e.SerialNumber.Cmp(c.SerialNumber) == 0 })
}

func TestEnrolment(t *testing.T) {
	repositories(t, func(t *testing.T, repo Repository) {
		d := newDesk(t, repo)
		dev := newDevice(t, "vehicle-1")
		if err := d.Admitted("vehicle-1"); err == nil {
			t.Error("admitted before it was enrolled")
		}
		resp := d.enrol(dev)
		if resp.Gateway != "vehicle-1" || !slices.Equal(resp.MQTT, []string{"hub.example.org:8883"}) || resp.CA != string(d.ca.PEM()) ||
			resp.NotAfterMs != d.clock.now().Add(30*24*time.Hour).UnixMilli() || resp.HubMs != d.clock.now().UnixMilli() {
			t.Errorf("response %+v", resp)
		}
		if renew := time.UnixMilli(resp.RenewMs).Sub(d.clock.now()); renew < 19*24*time.Hour || renew > 21*24*time.Hour {
			t.Errorf("renew after %v, want two thirds of 30 days", renew)
		}
		c := dev.cert
		if c.Subject.CommonName != "vehicle-1" || len(c.DNSNames) > 0 || c.IsCA || !slices.Equal(c.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}) {
			t.Errorf("certificate for %q, names %v, ca %v, use %v", c.Subject, c.DNSNames, c.IsCA, c.ExtKeyUsage)
		}
		for range 2 {
			if g, err := d.Authorize(c); err != nil || g != "vehicle-1" {
				t.Errorf("authorize: %q, %v", g, err)
			}
			if err := d.Admitted("vehicle-1"); err != nil {
				t.Error(err)
			}
			pub := dev.seal.Public().(ed25519.PublicKey)
			if key, err := d.SealKey("vehicle-1", chain.KeyID(pub)); err != nil || !key.Equal(pub) {
				t.Errorf("seal key: %v", err)
			}
			if _, err := d.SealKey("vehicle-1", make([]byte, 8)); err == nil {
				t.Error("a seal key nobody has")
			}
			if list := d.Gateways(); len(list) != 1 || list[0].ID != "vehicle-1" || list[0].Expires != resp.NotAfterMs || len(list[0].SealKeys) != 1 {
				t.Errorf("gateways %+v", list)
			}
			d.reopen()
		}
		d.clock.advance(31 * 24 * time.Hour)
		if _, err := d.Authorize(c); err == nil || !strings.Contains(err.Error(), "expired") {
			t.Errorf("an expired certificate: %v", err)
		}
	})
}

func TestCodesAreGoodOnceAndForAWhile(t *testing.T) {
	repositories(t, func(t *testing.T, repo Repository) {
		d := newDesk(t, repo)
		ctx := t.Context()
		code, expires, err := d.NewCode(ctx, "test", "vehicle-1")
		if err != nil || !expires.Equal(d.clock.now().Add(time.Hour)) {
			t.Fatalf("expires %v, %v", expires, err)
		}
		dev, thief := newDevice(t, "vehicle-1"), newDevice(t, "vehicle-1")
		try := func(dev *device, code string) (enrol.Response, enrol.Kind) {
			t.Helper()
			resp, err := d.Enrol(ctx, "here", dev.request(t, code))
			if err != nil && kindOf(err) == "" {
				t.Fatal(err)
			}
			return resp, kindOf(err)
		}
		wrong := enrol.NewCode(d.ca.Certificate())
		if _, kind := try(dev, wrong.String()); kind != enrol.CodeUnknown {
			t.Errorf("a wrong code: %q", kind)
		}
		typo := []byte(code.String())
		typo[5]++
		if _, kind := try(dev, string(typo)); kind != enrol.Malformed {
			t.Errorf("a mistyped code: %q", kind)
		}
		elsewhere := enrol.Code{Secret: code.Secret, Fingerprint: [16]byte{1}}
		if _, kind := try(dev, elsewhere.String()); kind != enrol.CodeUnknown {
			t.Errorf("another hub's code: %q", kind)
		}
		if _, kind := try(newDevice(t, "vehicle-2"), code.String()); kind != enrol.CodeUnknown {
			t.Errorf("another gateway's code: %q", kind)
		}
		first, kind := try(dev, code.String())
		if kind != "" {
			t.Fatalf("the right code: %q", kind)
		}
		if _, kind := try(thief, code.String()); kind != enrol.CodeUsed {
			t.Errorf("used again by another: %q", kind)
		}
		// The answer was lost: the same keys are answered the same, after a
		// restart of the hub too.
		d.reopen()
		if again, kind := try(dev, code.String()); kind != "" || again.Certificate != first.Certificate {
			t.Errorf("used again by the same: %q, same certificate %v", kind, again.Certificate == first.Certificate)
		}
		// A newer code withdraws the older.
		older, _, _ := d.NewCode(ctx, "test", "vehicle-1")
		newer, _, err := d.NewCode(ctx, "test", "vehicle-1")
		if err != nil {
			t.Fatal(err)
		}
		if _, kind := try(newDevice(t, "vehicle-1"), older.String()); kind != enrol.CodeUnknown {
			t.Errorf("a withdrawn code: %q", kind)
		}
		d.clock.advance(time.Hour)
		if _, kind := try(newDevice(t, "vehicle-1"), newer.String()); kind != enrol.CodeExpired {
			t.Errorf("an hour later: %q", kind)
		}
		if _, _, err := d.NewCode(ctx, "test", "Vehicle 1"); err == nil {
			t.Error("a code for an impossible gateway id")
		}
		if n := d.Counts(); n.Codes != 2 || n.Repeated != 1 || n.Refused != 2 { // since the restart
			t.Errorf("counts %+v", n)
		}
		// No secret is stored.
		if m, ok := repo.(*memory); ok {
			for digest := range m.state.codes {
				if strings.Contains(digest, code.String()) || digest == code.String() {
					t.Error("the code itself is stored")
				}
			}
		}
	})
}

func TestRequestsAreChecked(t *testing.T) {
	d := newDesk(t, newMemory())
	code, _, err := d.NewCode(t.Context(), "test", "vehicle-1")
	if err != nil {
		t.Fatal(err)
	}
	d.enrol(newDevice(t, "vehicle-3"))
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	other := newDevice(t, "vehicle-1")
	for name, change := range map[string]func(*enrol.Request){
		"no csr":           func(r *enrol.Request) { r.CSR = "" },
		"not a csr":        func(r *enrol.Request) { r.CSR = string(d.ca.PEM()) },
		"two csrs":         func(r *enrol.Request) { r.CSR += r.CSR },
		"rsa key":          func(r *enrol.Request) { _, r.CSR = csrFor(t, "vehicle-1", weak) },
		"another name":     func(r *enrol.Request) { _, r.CSR = csrFor(t, "vehicle-2", other.key) },
		"hub's name":       func(r *enrol.Request) { r.Gateway = HubName; _, r.CSR = csrFor(t, HubName, other.key) },
		"path as name":     func(r *enrol.Request) { r.Gateway = "../../x" },
		"short seal key":   func(r *enrol.Request) { r.SealPublicKey = r.SealPublicKey[:31] },
		"no proof":         func(r *enrol.Request) { r.Proof = nil },
		"another's proof":  func(r *enrol.Request) { r.Proof = other.request(t, "").Proof },
		"another's key":    func(r *enrol.Request) { r.SealPublicKey = other.request(t, "").SealPublicKey },
		"proof of another": func(r *enrol.Request) { _, r.CSR = csrFor(t, "vehicle-1", other.key) },
	} {
		req := newDevice(t, "vehicle-1").request(t, code.String())
		change(&req)
		if _, err := d.Enrol(t.Context(), "here", req); kindOf(err) != enrol.Malformed {
			t.Errorf("%s: %v, want malformed", name, err)
		}
	}
	// None of it used up the code.
	if _, err := d.Enrol(t.Context(), "here", newDevice(t, "vehicle-1").request(t, code.String())); err != nil {
		t.Errorf("after refusals: %v", err)
	}
}

// A disk that was copied to a second device brings the first one's keys along.
func TestSealKeyOfAnotherGatewayIsRefused(t *testing.T) {
	d := newDesk(t, newMemory())
	dev := newDevice(t, "vehicle-1")
	d.enrol(dev)
	clone := newDevice(t, "vehicle-2")
	clone.seal = dev.seal
	code, _, _ := d.NewCode(t.Context(), "test", "vehicle-2")
	_, err := d.Enrol(t.Context(), "here", clone.request(t, code.String()))
	if kindOf(err) != enrol.Malformed || !strings.Contains(err.Error(), `"vehicle-1"`) {
		t.Errorf("%v, want a refusal that names vehicle-1", err)
	}
}

// A store and an authority that do not belong together are not worked with.
func TestAnotherAuthorityIsRefused(t *testing.T) {
	repo := newMemory()
	d := newDesk(t, repo)
	c := Config{CA: openCA(t, t.TempDir(), d.clock), Repository: repo, Addresses: func() []string { return nil }, Now: d.clock.now, Log: storetest.Logger(t)}
	if _, err := Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "backup") {
		t.Errorf("%v, want an error that says what to restore", err)
	}
	for _, bad := range []func(*Config){
		func(c *Config) { c.CertificateLifetime = time.Minute }, func(c *Config) { c.CodeLifetime = -1 }, func(c *Config) { c.CodeLifetime = 1000 * time.Hour },
		func(c *Config) { c.BrokerCA = []byte("x") }, func(c *Config) { c.Log = nil }, func(c *Config) { c.Addresses = nil },
	} {
		c := c
		c.CA = d.ca
		bad(&c)
		if _, err := Open(t.Context(), c); err == nil {
			t.Error("a bad setting was accepted")
		}
	}
}

// The trail says who did what; strangers can add only so much to it.
func TestTrail(t *testing.T) {
	d := newDesk(t, newMemory())
	ctx := t.Context()
	dev := newDevice(t, "vehicle-1")
	d.enrol(dev)
	if _, err := d.Renew(ctx, "address 192.0.2.1", dev.cert, renewal(t, dev)); err != nil {
		t.Fatal(err)
	}
	if err := d.Revoke(ctx, "Anna", "vehicle-1", "sold"); err != nil {
		t.Fatal(err)
	}
	events, err := d.Events(ctx, "vehicle-1", 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range events {
		got = append(got, e.Actor+": "+string(e.Action))
		if e.At != d.clock.now().UnixMilli() {
			t.Errorf("event at %d, want %d", e.At, d.clock.now().UnixMilli())
		}
	}
	if want := "Anna: revoked, address 192.0.2.1: certificate renewed, here: enrolled, test: code created"; strings.Join(got, ", ") != want {
		t.Errorf("trail %v, want %s", got, want)
	}
	for range 500 {
		req := enrol.Request{Gateway: "\xff\x00 evil\x1b[2J " + strings.Repeat("x", 1000), Code: "FL-1"}
		if _, err := d.Enrol(ctx, "address 203.0.113.9", req); kindOf(err) != enrol.Malformed {
			t.Fatal(err)
		}
	}
	events, err = d.Events(ctx, "", 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if len(events) > 70 {
		t.Errorf("%d entries: strangers can fill the trail", len(events))
	}
	for _, e := range events {
		if strings.ContainsAny(e.Gateway+e.Detail, "\x00\x1b") || !utf8.ValidString(e.Gateway+e.Detail) || len(e.Gateway) > 130 {
			t.Errorf("entry %q %q", e.Gateway, e.Detail)
		}
	}
	if n := d.Counts().Refused; n != 500 {
		t.Errorf("%d refusals counted, want 500", n)
	}
}

func TestKeepingHouse(t *testing.T) {
	repo := newMemory()
	d := newDesk(t, repo)
	dev := newDevice(t, "vehicle-1")
	d.enrol(dev)
	d.clock.advance(40 * 24 * time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Run(ctx); err != nil {
		t.Errorf("run: %v", err)
	}
	if err := d.keepHouse(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Renew(t.Context(), "here", dev.cert, renewal(t, dev)); err != nil {
		t.Errorf("a certificate within its grace was forgotten: %v", err)
	}
	err := repo.Update(t.Context(), func(ctx context.Context, tx Tx) error {
		c, err := tx.Code(ctx, "none")
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("code %+v, %v", c, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	d.clock.advance(200 * 24 * time.Hour)
	if err := d.keepHouse(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	if len(d.certs) != 0 {
		t.Errorf("%d certificates remembered long after they are of use", len(d.certs))
	}
}
