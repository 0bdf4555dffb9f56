package chaos

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"frostline/hub/notify"
)

var hookSecret = []byte("a secret of at least 24 bytes")

// told is whom a hub tells: an SMTP server and a webhook, which count what they
// are told by its id, and now and then refuse, or take a message and are gone
// before they have said so.
type told struct {
	testing.TB
	c    *chance
	smtp int // port
	hook *httptest.Server

	mu     sync.Mutex
	bodies map[string]map[string]string // channel and id to the body
	again  int                          // told once more under the same id
}

func newTold(t testing.TB, c *chance) *told {
	t.Helper()
	d := &told{TB: t, c: c, bodies: map[string]map[string]string{notify.Email: {}, notify.Hook: {}}}
	d.hook = httptest.NewServer(http.HandlerFunc(d.post))
	t.Cleanup(d.hook.Close)
	server := smtp.NewServer(d)
	server.Domain, server.ErrorLog, server.AllowInsecureAuth = "127.0.0.1", quietly{}, true
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d.smtp = ln.Addr().(*net.TCPAddr).Port
	go server.Serve(ln)
	t.Cleanup(func() { server.Close() })
	return d
}

type quietly struct{}

func (quietly) Printf(string, ...any) {}
func (quietly) Println(...any)        {}

// take notes a message: one with the same id says the same.
func (d *told) take(channel, id, body string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	was, known := d.bodies[channel][id]
	if known {
		d.again++
	}
	if id == "" || known && was != body {
		d.Errorf("%s under id %q says %q, and said %q", channel, id, body, was)
	}
	d.bodies[channel][id] = body
}

func (d *told) post(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the hub was killed
	}
	if err := notify.Verify(hookSecret, r.Header, body, time.Now()); err != nil {
		d.Errorf("webhook: %v", err)
	}
	switch {
	case d.c.in(10):
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case d.c.in(10):
		d.take(notify.Hook, r.Header.Get("webhook-id"), string(body))
		panic(http.ErrAbortHandler)
	}
	d.take(notify.Hook, r.Header.Get("webhook-id"), string(body))
}

// NewSession implements smtp.Backend.
func (d *told) NewSession(*smtp.Conn) (smtp.Session, error) { return &letter{d}, nil }

type letter struct{ *told }

func (*letter) Mail(string, *smtp.MailOptions) error { return nil }
func (*letter) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (*letter) Reset()                               {}
func (*letter) Logout() error                        { return nil }
func (l *letter) Data(r io.Reader) error {
	m, err := mail.ReadMessage(bufio.NewReader(r))
	if err != nil {
		return err
	}
	text, err := io.ReadAll(m.Body)
	if err != nil {
		return err
	}
	if l.c.in(10) {
		return &smtp.SMTPError{Code: 451, Message: "not now"}
	}
	id, _, _ := strings.Cut(strings.Trim(m.Header.Get("Message-Id"), "<>"), "@")
	l.take(notify.Email, id, m.Header.Get("Subject")+"\n"+string(text))
	return nil
}

// config is the notify part of a hub's configuration.
func (d *told) config(secretFile string) string {
	return fmt.Sprintf(`notify:
  link: https://hub.example.com
  smtp: {host: 127.0.0.1, port: %d, security: none, from: hub@example.com, timeout: 5s}
  contacts: [{name: anna, email: anna@example.com}]
  webhooks:
    - {name: pager, url: %q, private: true, secret-files: [%q], timeout: 5s, rate: 200, events: [excursion.opened, excursion.revised]}
  gather: {first: 200ms, update: 1s}
  retry: {first: 50ms, longest: 500ms, for: 1h}
  policies: [{name: all, levels: [{notify: ["contact:anna"], within: 1m}, {notify: ["contact:anna"], within: 1m}]}]
`, d.smtp, d.hook.URL, secretFile)
}

func hookSecretText() string {
	return "whsec_" + base64.StdEncoding.EncodeToString(hookSecret) + "\n"
}

// check compares what was told with what the hub has in its store: nothing is
// untold, nothing else was told, and each excursion was told of.
func (d *told) check(h *hub) {
	d.Helper()
	count := func(query string) (n int) {
		d.Helper()
		if err := h.store.QueryRow(d.Context(), query).Scan(&n); err != nil {
			d.Fatal(err)
		}
		return n
	}
	if n := count("SELECT COUNT(*) FROM notify_news WHERE delivery = ''") + count("SELECT COUNT(*) FROM notify_delivery WHERE state <> 'sent'"); n != 0 {
		d.Errorf("%d things were told to nobody", n)
	}
	if n := count(`SELECT COUNT(*) FROM event e WHERE e.type = 'excursion.opened' AND (
		NOT EXISTS (SELECT 1 FROM notify_news n WHERE n.event = e.id AND n.recipient = 'anna')
		OR NOT EXISTS (SELECT 1 FROM notify_delivery y WHERE y.event = e.id AND y.channel = 'webhook'))`); n != 0 {
		d.Errorf("%d excursions have opened, and somebody was never to be told", n)
	}
	if count("SELECT COUNT(*) FROM event WHERE type = 'excursion.opened'") == 0 {
		d.Error("there was no excursion: the test shows nothing")
	}
	rows, err := h.store.Query(d.Context(), "SELECT channel, id FROM notify_delivery")
	if err != nil {
		d.Fatal(err)
	}
	defer rows.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	known := 0
	for rows.Next() {
		var channel, id string
		if err := rows.Scan(&channel, &id); err != nil {
			d.Fatal(err)
		}
		known++
		if _, ok := d.bodies[channel][id]; !ok {
			d.Errorf("%s %s is said to be sent, and never came", channel, id)
		}
	}
	if err := rows.Err(); err != nil {
		d.Fatal(err)
	}
	if got := len(d.bodies[notify.Email]) + len(d.bodies[notify.Hook]); got != known {
		d.Errorf("%d messages came under ids of their own, and the hub has %d deliveries", got, known)
	}
	d.Logf("told by %d e-mails and %d webhooks, %d once more under the same id", len(d.bodies[notify.Email]), len(d.bodies[notify.Hook]), d.again)
}
