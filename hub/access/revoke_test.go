package access

import (
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"frostline/proto/chain"
	"frostline/proto/enrol"
)

// Enrolled again, a gateway's former certificate is void and its former seals
// still verify.
func TestEnrolledAgain(t *testing.T) {
	d := newDesk(t, newMemory())
	old, dev := newDevice(t, "vehicle-1"), newDevice(t, "vehicle-1")
	d.enrol(old)
	enrolled := d.clock.now().UnixMilli()
	if len(d.cut) != 0 {
		t.Errorf("disconnected at the first enrolment: %v", d.cut)
	}
	d.clock.advance(24 * time.Hour)
	d.enrol(dev)
	if !slices.Equal(d.cut, []string{"vehicle-1"}) {
		t.Errorf("disconnected: %v, want vehicle-1", d.cut)
	}
	for range 2 {
		if _, err := d.Authorize(old.cert); err == nil || !strings.Contains(err.Error(), "superseded") {
			t.Errorf("the former certificate: %v", err)
		}
		if _, err := d.Authorize(dev.cert); err != nil {
			t.Error(err)
		}
		if !d.onCRL(old.cert) || d.onCRL(dev.cert) {
			t.Error("the revocation list is wrong")
		}
		for _, s := range []ed25519.PrivateKey{old.seal, dev.seal} {
			if _, err := d.SealKey("vehicle-1", chain.KeyID(s.Public().(ed25519.PublicKey))); err != nil {
				t.Error(err)
			}
		}
		rec := d.Gateways()[0]
		if rec.Enrolled != enrolled || len(rec.SealKeys) != 2 || rec.SealKeys[0].From != enrolled || rec.SealKeys[1].From != d.clock.now().UnixMilli() {
			t.Errorf("record %+v", rec)
		}
		d.reopen()
	}
}

func TestRevocation(t *testing.T) {
	repositories(t, func(t *testing.T, repo Repository) {
		d := newDesk(t, repo)
		ctx := t.Context()
		dev, other := newDevice(t, "vehicle-1"), newDevice(t, "vehicle-2")
		d.enrol(dev)
		d.enrol(other)
		code, _, _ := d.NewCode(ctx, "test", "vehicle-1")
		if err := d.Revoke(ctx, "qa", "vehicle-9", "lost"); !errors.Is(err, ErrNotFound) {
			t.Errorf("revoking a stranger: %v", err)
		}
		if err := d.Revoke(ctx, "qa", "vehicle-1", "  "); err == nil {
			t.Error("revoked without a reason")
		}
		d.cutErr = errors.New("cannot")
		if err := d.Revoke(ctx, "qa", "vehicle-1", "stolen"); !errors.Is(err, d.cutErr) || !strings.Contains(err.Error(), "is revoked, but") {
			t.Errorf("revoke: %v, want an error that says that it is revoked and still connected", err)
		}
		if !slices.Equal(d.cut, []string{"vehicle-1"}) {
			t.Errorf("disconnected %v", d.cut)
		}
		for range 2 {
			if _, err := d.Authorize(dev.cert); err == nil || !strings.Contains(err.Error(), "stolen") {
				t.Errorf("authorize: %v", err)
			}
			if err := d.Admitted("vehicle-1"); err == nil || !strings.Contains(err.Error(), "stolen") {
				t.Errorf("admitted: %v", err)
			}
			if _, err := d.SealKey("vehicle-1", chain.KeyID(dev.seal.Public().(ed25519.PublicKey))); err == nil {
				t.Error("seals of a revoked gateway are taken")
			}
			if _, err := d.Renew(ctx, "here", dev.cert, renewal(t, dev)); kindOf(err) != enrol.Refused {
				t.Errorf("renew: %v", err)
			}
			if _, err := d.Enrol(ctx, "here", newDevice(t, "vehicle-1").request(t, code.String())); kindOf(err) != enrol.CodeUnknown {
				t.Errorf("a code from before: %v", err)
			}
			if !d.onCRL(dev.cert) || d.onCRL(other.cert) {
				t.Error("the revocation list is wrong")
			}
			if _, err := d.Authorize(other.cert); err != nil {
				t.Error(err)
			}
			os.Remove(d.crlPath) // as if the crash came before the list
			d.reopen()
		}
		if crl := d.crl(); !crl.NextUpdate.Equal(d.ca.Certificate().NotAfter) {
			t.Errorf("the list is good until %v: brokers that are not told of the next would turn all away", crl.NextUpdate)
		}
		again := newDevice(t, "vehicle-1")
		d.enrol(again)
		if _, err := d.Authorize(again.cert); err != nil {
			t.Errorf("enrolled again after a revocation: %v", err)
		}
		if _, err := d.Authorize(dev.cert); err == nil {
			t.Error("the revoked certificate came back to life")
		}
	})
}

func renewal(t *testing.T, dev *device) enrol.RenewRequest {
	_, text := csrFor(t, dev.id, newDevice(t, dev.id).key)
	return enrol.RenewRequest{CSR: text}
}

func TestRenewal(t *testing.T) {
	d := newDesk(t, newMemory())
	ctx := t.Context()
	dev := newDevice(t, "vehicle-1")
	d.enrol(dev)
	d.clock.advance(20 * 24 * time.Hour)
	resp, err := d.Renew(ctx, "here", dev.cert, renewal(t, dev))
	if err != nil {
		t.Fatal(err)
	}
	next, err := parseCertificate([]byte(resp.Certificate))
	if err != nil || resp.NotAfterMs != d.clock.now().Add(30*24*time.Hour).UnixMilli() {
		t.Fatalf("until %v, %v", next.NotAfter, err)
	}
	for _, c := range []*x509.Certificate{dev.cert, next} { // the answer may have been lost
		if _, err := d.Authorize(c); err != nil {
			t.Error(err)
		}
	}
	if _, err := d.Renew(ctx, "here", next, enrol.RenewRequest{CSR: renewal(t, newDevice(t, "vehicle-2")).CSR}); kindOf(err) != enrol.Malformed {
		t.Errorf("renewed for another gateway: %v", err)
	}
	// A vehicle that stood in the yard: expired, and within the grace.
	d.clock.set(next.NotAfter.Add(80 * 24 * time.Hour))
	d.reopen()
	if _, err := d.Authorize(next); err == nil {
		t.Error("an expired certificate is authorized")
	}
	if resp, err = d.Renew(ctx, "here", next, renewal(t, dev)); err != nil {
		t.Fatalf("within the grace: %v", err)
	}
	last, _ := parseCertificate([]byte(resp.Certificate))
	if _, err := d.Authorize(last); err != nil {
		t.Error(err)
	}
	d.clock.set(last.NotAfter.Add(91 * 24 * time.Hour))
	if _, err := d.Renew(ctx, "here", last, renewal(t, dev)); kindOf(err) != enrol.Refused {
		t.Errorf("after the grace: %v", err)
	}
	// Of this authority and not on record, as with a stolen copy of its key.
	forged, err := d.ca.issue(&x509.Certificate{Subject: pkix.Name{CommonName: "vehicle-1"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, dev.key.Public(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	foreign := openCA(t, t.TempDir(), d.clock)
	alien, _ := foreign.issue(&x509.Certificate{Subject: pkix.Name{CommonName: "vehicle-1"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, dev.key.Public(), time.Hour)
	for name, c := range map[string]*x509.Certificate{"forged": forged, "another authority's": alien} {
		if _, err := d.Authorize(c); err == nil {
			t.Errorf("%s: authorized", name)
		}
		if _, err := d.Renew(ctx, "here", c, renewal(t, dev)); kindOf(err) != enrol.Refused {
			t.Errorf("%s: renewed: %v", name, err)
		}
	}
}
