package notify

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/thermal"
)

const t0 = int64(1_780_000_000_000)

// write puts a secret into a file of its owner.
func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// certificate makes a self-signed certificate of 127.0.0.1 and gives its file.
func certificate(t testing.TB) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		write(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
}

// post is an SMTP server on TCP that keeps what it has taken.
type post struct {
	mu    sync.Mutex
	taken []*mail.Message
	texts []string
	// answers are given to the first messages, before any is taken.
	answers []error
	drop    int // messages taken, after which the connection is cut without an answer
}

func (p *post) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &session{post: p, conn: c}, nil
}

type session struct {
	post *post
	in   bool
	conn *smtp.Conn
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "frostline" || password != "geheim" {
			return smtp.ErrAuthFailed
		}
		s.in = true
		return nil
	}), nil
}
func (s *session) Mail(string, *smtp.MailOptions) error {
	if !s.in {
		return smtp.ErrAuthRequired
	}
	return nil
}
func (s *session) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (s *session) Reset()                               {}
func (s *session) Logout() error                        { return nil }
func (s *session) Data(r io.Reader) error {
	m, err := mail.ReadMessage(bufio.NewReader(r))
	if err != nil {
		return err
	}
	text, err := io.ReadAll(m.Body)
	if err != nil {
		return err
	}
	p := s.post
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.answers) > 0 {
		err := p.answers[0]
		p.answers = p.answers[1:]
		return err
	}
	p.taken, p.texts = append(p.taken, m), append(p.texts, string(text))
	if p.drop > 0 {
		p.drop--
		s.conn.Conn().Close() // taken, and nobody was told
	}
	return nil
}

func (p *post) got() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.taken)
}

// quiet takes what go-smtp logs.
type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// start serves and gives the configuration to reach it: by STARTTLS, or by TLS
// from the first byte.
func (p *post) start(t testing.TB, implicit bool) SMTP {
	t.Helper()
	cert, ca := certificate(t)
	s := smtp.NewServer(p)
	s.Domain, s.ErrorLog, s.TLSConfig = "127.0.0.1", quiet{}, &tls.Config{Certificates: []tls.Certificate{cert}}
	s.ReadTimeout, s.WriteTimeout = 10*time.Second, 10*time.Second
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := ln.Addr().(*net.TCPAddr).Port
	security := "starttls"
	if implicit {
		security, ln = "tls", tls.NewListener(ln, s.TLSConfig)
	}
	go s.Serve(ln)
	t.Cleanup(func() { s.Close() })
	return SMTP{
		Host: "127.0.0.1", Port: port, Security: security, CAFile: ca, User: "frostline", PasswordFile: write(t, "password", "geheim\n"),
		From: "hub@example.com", Timeout: 5 * time.Second,
	}
}

var secret = []byte("a secret of at least 24 bytes")

func secretFile(t testing.TB) string {
	return write(t, "secret", "whsec_"+base64.StdEncoding.EncodeToString(secret)+"\n")
}

// config tells by e-mail and by the webhook, and tries again soon.
func config(t testing.TB, mailTo *post, hookURL string) Config {
	c := Config{
		Link: "https://hub.example.com", Retry: Retry{First: 20 * time.Millisecond, Longest: 50 * time.Millisecond, For: time.Minute},
		Gather:   Gather{First: 10 * time.Millisecond, Update: 20 * time.Millisecond},
		Policies: []Policy{{Name: "all"}},
	}
	var targets []string
	if mailTo != nil {
		s := mailTo.start(t, false)
		c.SMTP = &s
		c.Contacts = []Contact{{"anna", "anna@example.com"}}
		targets = append(targets, "contact:anna")
	}
	if hookURL != "" {
		c.Webhooks = []Webhook{{Name: "pager", URL: hookURL, SecretFiles: []string{secretFile(t)}, Private: true, Timeout: time.Second}}
		targets = append(targets, "webhook:pager")
	}
	c.Policies[0].Levels = []Level{{Notify: targets}}
	return c
}

// world is a notifier on a real event store.
type world struct {
	t   testing.TB
	log *event.Log
	db  *store.DB
}

func newWorld(t testing.TB, db *store.DB) *world {
	t.Helper()
	log, err := event.Open(context.Background(), event.Options{Store: db, Log: storetest.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	return &world{t, log, db}
}

func (w *world) notifier(c Config) *Notifier {
	w.t.Helper()
	n, err := New(Options{Config: c, Events: w.log, Store: w.db, Log: storetest.Logger(w.t)})
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// run runs a notifier until stop is called.
func (w *world) run(n *Notifier) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				w.t.Errorf("run: %v", err)
			}
		})
	}
	w.t.Cleanup(stop)
	return stop
}

func facts() fact.ExcursionFacts {
	bound, peak := thermal.Temp(8000), thermal.Temp(12300)
	return fact.ExcursionFacts{
		Package: "P1", Profile: "fridge", Version: 2, Kind: fact.BrokenLimit, Limit: "high\r\nBcc: eve@example.com", Op: thermal.Above, Bound: &bound,
		Severity: thermal.Critical, From: t0, To: t0 + 600_000, Ended: "end", Peak: &peak, Duration: 600_000,
		Units: []fact.Affected{{Unit: "09506000134352.S1", Lot: "L1"}},
	}
}

func (w *world) opened(id string) event.Event {
	w.t.Helper()
	return w.tell(id, fact.ExcursionWasOpened, fact.ExcursionOpened{ID: id, Facts: facts(), Place: "compartment/van-1-a", State: "opened"})
}

func (w *world) tell(id, typ string, data any) event.Event {
	w.t.Helper()
	all, err := w.log.Command(context.Background(), "system/test", func(ctx context.Context, c event.Change) error {
		_, err := c.Append(ctx, event.New{Stream: "excursion/" + id, Expect: -1, Type: typ, Data: data})
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return all[0]
}

// until waits for a condition.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	end := time.Now().Add(30 * time.Second)
	for !ok() {
		if time.Now().After(end) {
			t.Fatalf("not within 30 s: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (w *world) states(n *Notifier) map[string]int {
	w.t.Helper()
	all, err := n.List(context.Background(), Filter{}, "", 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	m := map[string]int{}
	for _, d := range all {
		m[d.State]++
	}
	return m
}

func TestEmailByARealServer(t *testing.T) {
	for _, implicit := range []bool{false, true} {
		t.Run(fmt.Sprintf("implicit=%v", implicit), func(t *testing.T) {
			w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
			p := &post{answers: []error{
				&smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "try again later"},
				&smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user, says a server that is being set up"},
			}}
			c := config(t, p, "")
			s := p.start(t, implicit)
			c.SMTP = &s
			n := w.notifier(c)
			w.run(n)
			w.opened("x1")
			until(t, "taken", func() bool { return w.states(n)[Sent] == 1 })
			if p.got() != 1 {
				t.Fatalf("%d messages taken, want 1", p.got())
			}
			m := p.taken[0]
			d, err := n.List(context.Background(), Filter{About: "x1"}, "", 10)
			if err != nil {
				t.Fatal(err)
			}
			if id := m.Header.Get("Message-Id"); id != "<"+d[0].ID+"@example.com>" {
				t.Errorf("message id %q", id)
			}
			if m.Header.Get("Bcc") != "" || m.Header.Get("Auto-Submitted") != "auto-generated" || m.Header.Get("To") != "<anna@example.com>" {
				t.Errorf("header %v", m.Header)
			}
			text := strings.ReplaceAll(strings.ReplaceAll(p.texts[0], "=\r\n", ""), "=C2=B0", "°")
			for _, want := range []string{"compartment/van-1-a", "up to 12.3", "10m0s", "2026-05-28 20:26:40 UTC", "Acknowledge", "https://hub.example.com/view/excursion/x1", "lots L1", "1 unit"} {
				if !strings.Contains(text, want) {
					t.Errorf("message does not say %q:\n%s", want, text)
				}
			}
			k, err := n.Counts(context.Background())
			if err != nil || k.Told != 1 || k.Sent != 1 || k.Retried != 2 || k.Pending != 0 || d[0].Attempts != 3 {
				t.Errorf("counts %+v, %v, attempts %d", k, err, d[0].Attempts)
			}
		})
	}
}

func TestEmailRefusesAServerWithoutTLSAndAWrongPassword(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	p := &post{}
	c := config(t, p, "")
	c.SMTP.CAFile = "" // the system does not know this authority
	if err := w.notifier(c).mail.send(context.Background(), Delivery{ID: "m", Address: "anna@example.com"}); err == nil {
		t.Error("sent to a server with an unknown certificate")
	}
	c = config(t, p, "")
	c.SMTP.PasswordFile = write(t, "password", "falsch")
	if err := w.notifier(c).mail.send(context.Background(), Delivery{ID: "m", Address: "anna@example.com"}); err == nil {
		t.Error("sent with a wrong password")
	}
	plain := smtp.NewServer(p) // offers no STARTTLS
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go plain.Serve(ln)
	defer plain.Close()
	c.SMTP.Port = ln.Addr().(*net.TCPAddr).Port
	if err := w.notifier(c).mail.send(context.Background(), Delivery{ID: "m", Address: "anna@example.com"}); err == nil {
		t.Error("sent in the clear")
	}
	if p.got() != 0 {
		t.Errorf("%d messages taken", p.got())
	}
}

// TestServerThatTakesAMessageAndDropsTheConnection gets it again under the same
// Message-ID: told at least once, and recognisably.
func TestServerThatTakesAMessageAndDropsTheConnection(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	p := &post{drop: 1}
	n := w.notifier(config(t, p, ""))
	w.run(n)
	w.opened("x1")
	until(t, "taken", func() bool { return w.states(n)[Sent] == 1 })
	if p.got() != 2 || p.taken[0].Header.Get("Message-Id") != p.taken[1].Header.Get("Message-Id") {
		t.Errorf("%d messages with ids %v", p.got(), p.taken)
	}
}
