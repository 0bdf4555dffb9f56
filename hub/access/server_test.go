package access

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"frostline/hub/store/storetest"
	"frostline/proto/enrol"
)

// listener runs a Server over real TLS.
type listener struct {
	*desk
	url  string
	stop func() error
}

func listen(t *testing.T) *listener {
	t.Helper()
	d := newDesk(t, newMemory())
	own, err := d.ca.Server(nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(d.Registrar, own, storetest.Logger(t))
	s.ForGateways("/for/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "given "+r.URL.Path) }))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	stop := sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("serve: %v, want nil after an orderly stop", err)
		}
	})
	return &listener{d, "https://" + l.Addr().String(), stop}
}

// post sends a body and gives status and answer.
func (l *listener) post(path, kind string, body []byte, certs ...tls.Certificate) (int, []byte) {
	l.t.Helper()
	c := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: l.ca.Pool(), Certificates: certs, Time: l.clock.now}, DisableKeepAlives: true}}
	resp, err := c.Post(l.url+path, kind, bytes.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		l.t.Fatal(err)
	}
	return resp.StatusCode, b
}

func encode(t *testing.T, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestServerEnrolsAndRenews(t *testing.T) {
	l := listen(t)
	dev := newDevice(t, "vehicle-1")
	code, _, err := l.NewCode(t.Context(), "test", "vehicle-1")
	if err != nil {
		t.Fatal(err)
	}
	status, body := l.post(enrol.CertificatePath, "application/json", encode(t, dev.request(t, code.String())))
	var resp enrol.Response
	if err := json.Unmarshal(body, &resp); status != http.StatusOK || err != nil {
		t.Fatalf("enrol: %d %s", status, body)
	}
	if dev.cert, err = parseCertificate([]byte(resp.Certificate)); err != nil {
		t.Fatal(err)
	}
	shown := tls.Certificate{Certificate: [][]byte{dev.cert.Raw}, PrivateKey: dev.key}
	renew := encode(t, renewal(t, dev))
	if status, body := l.post(enrol.RenewPath, "application/json; charset=utf-8", renew, shown); status != http.StatusOK {
		t.Errorf("renew: %d %s", status, body)
	}
	if status, body := l.post(enrol.RenewPath, "application/json", renew); status != http.StatusForbidden || !strings.Contains(string(body), string(enrol.Refused)) {
		t.Errorf("renew without certificate: %d %s", status, body)
	}
	// Expired, within the grace: TLS lets it through and the registrar takes it.
	l.clock.advance(40 * 24 * time.Hour)
	if _, err := l.Authorize(dev.cert); err == nil {
		t.Error("an expired certificate is authorized")
	}
	if status, body := l.post(enrol.RenewPath, "application/json", renew, shown); status != http.StatusOK {
		t.Errorf("renew with an expired certificate: %d %s", status, body)
	}
	events, err := l.Events(t.Context(), "vehicle-1", 0, 10)
	if err != nil || len(events) == 0 || events[0].Actor != "address 127.0.0.1" {
		t.Errorf("trail %+v, %v", events, err)
	}
}

// What is for gateways is given to those with a certificate of this hub that is
// neither expired nor revoked.
func TestServerGivesToGateways(t *testing.T) {
	l := listen(t)
	dev := newDevice(t, "vehicle-1")
	l.enrol(dev)
	shown := tls.Certificate{Certificate: [][]byte{dev.cert.Raw}, PrivateKey: dev.key}
	get := func(certs ...tls.Certificate) (int, string) {
		t.Helper()
		c := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: l.ca.Pool(), Certificates: certs, Time: l.clock.now}, DisableKeepAlives: true}}
		resp, err := c.Get(l.url + "/for/all")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(b)
	}
	if status, body := get(shown); status != http.StatusOK || body != "given /for/all" {
		t.Errorf("with a certificate: %d %s", status, body)
	}
	if status, body := get(); status != http.StatusForbidden {
		t.Errorf("without: %d %s", status, body)
	}
	other := listen(t)
	stranger := newDevice(t, "vehicle-1")
	other.enrol(stranger)
	if status, body := get(tls.Certificate{Certificate: [][]byte{stranger.cert.Raw}, PrivateKey: stranger.key}); status != http.StatusForbidden {
		t.Errorf("of another hub: %d %s", status, body)
	}
	if err := l.Revoke(t.Context(), "test", "vehicle-1", "stolen"); err != nil {
		t.Fatal(err)
	}
	if status, body := get(shown); status != http.StatusForbidden || !strings.Contains(body, "revoked") {
		t.Errorf("revoked: %d %s", status, body)
	}
}

// A certificate is public; who shows it must hold its key.
func TestServerWantsProofOfTheKey(t *testing.T) {
	l := listen(t)
	dev, thief := newDevice(t, "vehicle-1"), newDevice(t, "vehicle-1")
	l.enrol(dev)
	c := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: l.ca.Pool(), Time: l.clock.now,
		Certificates: []tls.Certificate{{Certificate: [][]byte{dev.cert.Raw}, PrivateKey: thief.key}}}}}
	if resp, err := c.Post(l.url+enrol.RenewPath, "application/json", bytes.NewReader(encode(t, renewal(t, thief)))); err == nil {
		resp.Body.Close()
		t.Errorf("answered %s to a stolen certificate", resp.Status)
	}
	if n := l.Counts().Renewed; n != 0 {
		t.Errorf("%d renewed", n)
	}
}

func TestServerRefusesNonsense(t *testing.T) {
	l := listen(t)
	for _, c := range []struct {
		path, kind, body string
		want             int
	}{
		{enrol.CertificatePath, "text/plain", "{}", http.StatusBadRequest},
		{enrol.CertificatePath, "application/json", "", http.StatusBadRequest},
		{enrol.CertificatePath, "application/json", "{", http.StatusBadRequest},
		{enrol.CertificatePath, "application/json", `{"gateway": 5}`, http.StatusBadRequest},
		{enrol.CertificatePath, "application/json", `{} {}`, http.StatusBadRequest},
		{enrol.CertificatePath, "application/json", `{"code": "` + strings.Repeat("x", enrol.MaxBody) + `"}`, http.StatusBadRequest},
		{"/", "application/json", "{}", http.StatusNotFound},
		{"/enrol/v1/../v1/certificate/x", "application/json", "{}", http.StatusNotFound},
	} {
		status, body := l.post(c.path, c.kind, []byte(c.body))
		if status != c.want {
			t.Errorf("%s %.30q: %d %s, want %d", c.path, c.body, status, body, c.want)
		}
		var bad enrol.Error
		if c.want == http.StatusBadRequest && (json.Unmarshal(body, &bad) != nil || bad.Kind != enrol.Malformed) {
			t.Errorf("%.30q: answer %s", c.body, body)
		}
	}
}

// What goes wrong in the hub is the hub's business.
func TestServerKeepsItsTroubleToItself(t *testing.T) {
	l := listen(t)
	code, _, err := l.NewCode(t.Context(), "test", "vehicle-1")
	if err != nil {
		t.Fatal(err)
	}
	m := l.repo.(*memory)
	m.mu.Lock()
	m.failing = func() (error, error) { return fmt.Errorf("password=hunter2 at /var/lib/x"), nil }
	m.mu.Unlock()
	status, body := l.post(enrol.CertificatePath, "application/json", encode(t, newDevice(t, "vehicle-1").request(t, code.String())))
	if status != http.StatusServiceUnavailable || strings.Contains(string(body), "hunter2") || !strings.Contains(string(body), string(enrol.Unavailable)) {
		t.Errorf("%d %s", status, body)
	}
}

func TestServerLimitsAttempts(t *testing.T) {
	l := listen(t)
	limited := 0
	for range askBurst + 10 {
		status, body := l.post(enrol.CertificatePath, "application/json", []byte(`{"gateway":"vehicle-1","code":"x"}`))
		var bad enrol.Error
		if err := json.Unmarshal(body, &bad); err != nil {
			t.Fatal(err)
		}
		if status == http.StatusTooManyRequests {
			limited++
			if bad.Kind != enrol.Busy || bad.RetryAfterMs <= 0 || !bad.Temporary() {
				t.Errorf("answer %s", body)
			}
		}
	}
	if limited != 10 || l.Counts().Limited != 10 || l.Counts().Refused != askBurst {
		t.Errorf("%d of %d limited, counts %+v", limited, askBurst+10, l.Counts())
	}
	l.clock.advance(askInterval)
	if status, _ := l.post(enrol.CertificatePath, "application/json", []byte(`{}`)); status == http.StatusTooManyRequests {
		t.Error("limited after waiting")
	}
}

// Strangers that hold connections open are bounded, and go when time is up; an
// orderly stop does not wait for them for long.
func TestLimitListener(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := limitListener(inner, 2)
	accepted := make(chan net.Conn)
	ended := make(chan error, 1)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				ended <- err
				return
			}
			accepted <- c
		}
	}()
	for range 3 {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	first := <-accepted
	<-accepted
	select {
	case <-accepted:
		t.Error("a third connection was accepted")
	default:
	}
	first.Close()
	first.Close() // twice frees one slot
	<-accepted
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err == nil {
		t.Error("accept went on after close")
	}
}

// Renewals and revocations at once: whatever the order, a revoked gateway has
// no good certificate.
func TestRevokeWhileRenewing(t *testing.T) {
	d := newDesk(t, newMemory())
	for round := range 30 {
		id := fmt.Sprintf("vehicle-%d", round)
		dev := newDevice(t, id)
		d.enrol(dev)
		req := renewal(t, dev)
		var wg sync.WaitGroup
		var got enrol.Response
		var renewErr error
		wg.Go(func() { got, renewErr = d.Renew(context.Background(), "here", dev.cert, req) })
		wg.Go(func() {
			if err := d.Revoke(context.Background(), "qa", id, "lost"); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		if renewErr == nil {
			c, err := parseCertificate([]byte(got.Certificate))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.Authorize(c); err == nil {
				t.Fatalf("round %d: a certificate outlived its gateway's revocation", round)
			}
			if !d.onCRL(c) {
				t.Fatalf("round %d: a revoked certificate is not on the list", round)
			}
		}
	}
}
