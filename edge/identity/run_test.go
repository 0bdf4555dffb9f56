package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"frostline/edge/disk"
	"frostline/edge/disk/powercut"
	"frostline/proto/enrol"
)

// fakeHub answers renewals.
type fakeHub struct {
	t        *testing.T
	ca       *testCA
	offset   time.Duration // of the hub's clock against the gateway's
	fails    int           // so many requests fail first
	requests []time.Time   // by the gateway's steady clock
}

func (h *fakeHub) answer(_ context.Context, _ *url.URL, path string, _ *tls.Config, body any) (enrol.Response, error) {
	h.requests = append(h.requests, time.Now())
	if path != enrol.RenewPath {
		h.t.Errorf("request to %s", path)
	}
	if h.fails > 0 {
		h.fails--
		return enrol.Response{}, errors.New("connection refused")
	}
	block, _ := pem.Decode([]byte(body.(enrol.RenewRequest).CSR))
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		h.t.Error(err)
	}
	now := time.Now().Add(h.offset)
	key := csr.PublicKey.(*ecdsa.PublicKey)
	cert := h.ca.signFor(h.t, csr.Subject.CommonName, now.Add(-time.Hour), now.Add(30*24*time.Hour), key)
	return enrol.Response{
		Gateway: "vehicle-1", Certificate: certText(cert), CA: certText(h.ca.cert), MQTT: []string{"hub:8883"},
		NotAfterMs: cert.NotAfter.UnixMilli(), HubMs: now.UnixMilli(),
	}, nil
}

// runFor runs an identity, enrolled now by the hub's clock, for a while.
func runFor(t *testing.T, h *fakeHub, d time.Duration) *Identity {
	t.Helper()
	h.t, h.ca = t, newTestCA(t)
	i, err := open(Options{Dir: "/x", Log: quiet()}, powercut.New())
	if err != nil {
		t.Fatal(err)
	}
	i.send = h.answer
	if err := i.keep(h.ca.settings(t, "vehicle-1", time.Now().Add(h.offset))); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if err := i.Run(ctx); err != nil {
		t.Errorf("run: %v", err)
	}
	return i
}

const day = 24 * time.Hour

func TestRunRenewsAtTwoThirds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, start := &fakeHub{}, time.Now()
		i := runFor(t, h, 100*day)
		if len(h.requests) < 4 || len(h.requests) > 6 {
			t.Fatalf("%d renewals in 100 days, want about every 20", len(h.requests))
		}
		if first := h.requests[0].Sub(start); first < 18*day || first > 20*day+time.Hour {
			t.Errorf("first renewal after %v, want 18.5 to 20 days", first)
		}
		c := i.Certificate()
		if !c.NotAfter.After(time.Now()) || c.Trouble != nil || c.MQTT[0] != "hub:8883" {
			t.Errorf("certificate %+v", c)
		}
	})
}

// A hub that is away for days, and then is there.
func TestRunGoesOnTrying(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, start := &fakeHub{fails: 40}, time.Now()
		i := runFor(t, h, 30*day)
		if len(h.requests) != 41 {
			t.Fatalf("%d requests, want 41", len(h.requests))
		}
		for n, at := range h.requests[1:] {
			if gap := at.Sub(h.requests[n]); gap > retryMost+2*look {
				t.Errorf("%v between two attempts", gap)
			}
		}
		if at := h.requests[9].Sub(h.requests[0]); at < 20*time.Minute {
			t.Errorf("ten attempts within %v", at)
		}
		if i.Certificate().Trouble != nil || h.requests[40].Sub(start) > 26*day {
			t.Errorf("renewed after %v, trouble %v", h.requests[40].Sub(start), i.Certificate().Trouble)
		}
	})
}

// A gateway whose clock is years behind cannot tell when its certificate
// expires, and renews it once a day.
func TestRunWithAWrongClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &fakeHub{offset: 20 * 365 * day}
		runFor(t, h, 10*day)
		if n := len(h.requests); n < 9 || n > 11 {
			t.Errorf("%d renewals in ten days, want one a day", n)
		}
	})
}

// Enrolled by another process while it runs.
func TestRunTakesUpAnIdentity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca, d := newTestCA(t), powercut.New()
		i, err := open(Options{Dir: "/x", Log: quiet()}, d)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 2)
		go func() { done <- i.Run(ctx) }()
		go func() { done <- i.Wait(ctx) }()
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(done) != 0 || i.Enrolled() {
			t.Fatal("enrolled by nobody")
		}
		b, err := ca.settings(t, "vehicle-1", time.Now()).encode()
		if err != nil {
			t.Fatal(err)
		}
		if err := disk.Put(d, "/x/identity.json", b); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil || i.Gateway() != "vehicle-1" {
			t.Errorf("wait: %v, gateway %q", err, i.Gateway())
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
}
