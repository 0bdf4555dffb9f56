package web

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"frostline/hub/event"
	"frostline/hub/excursion"
	"frostline/hub/people"
	"frostline/hub/store"
)

// guarded is the pages of a company, with people of its own on a real store.
type guarded struct {
	*Server
	t      *testing.T
	people *people.Keeper
	origin string
	trace  *traced

	mu  sync.Mutex
	off time.Duration // of the clock
	at  time.Time     // where it was stopped; zero while it runs
}

func (g *guarded) now() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.at.IsZero() {
		return g.at.Add(g.off)
	}
	return time.Now().Add(g.off)
}

// stop stops the clock: time passes by later alone.
func (g *guarded) stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.at = time.Now()
}

func (g *guarded) later(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.off += d
}

// guard opens pages that nobody is signed in at.
func openGuarded(t *testing.T, change ...func(*Config)) *guarded {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "hub.db"), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	g := &guarded{t: t}
	if g.people, err = people.New(people.Options{Store: db, Log: log, Now: g.now}); err != nil {
		t.Fatal(err)
	}
	c := newCompany()
	c.dispatch = dispatches(t, g.now)
	tables := excursion.NewTables()
	events, err := event.Open(t.Context(), event.Options{Store: db, Models: tables.Models(), Now: g.now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	cases, err := excursion.New(excursion.Options{Events: events, Store: db, Tables: tables, Signers: signers{g.people, func() *Server { return g.Server }}, Now: g.now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	g.trace = openTraced(t, g.now)
	cfg := Config{Addr: "127.0.0.1:0", Trace: g.trace, Lookup: g.trace.lookup, Access: g.people, Passkeys: g.people, Fleet: c, History: c, Feed: c, Stories: stories(), Excursions: cases, Dispatch: c.dispatch, Now: g.now, Log: log,
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "frostline_up 1\n") })}
	carried := openCarried(t, db, g.now)
	cfg.Sagas, cfg.Holds = carried.sagas, carried.holds
	cfg.Operations = operate(t, g.now, "site-1", "van-14", "van-15")
	for _, f := range change {
		f(&cfg)
	}
	if g.Server, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	select {
	case <-g.Ready():
	case err := <-done:
		t.Fatal(err)
	}
	g.origin = g.Origin()
	return g
}

// visitor is a browser without scripts.
type visitor struct {
	g    *guarded
	http *http.Client
	jar  *cookiejar.Jar
}

func (g *guarded) visitor() *visitor {
	jar, _ := cookiejar.New(nil)
	return &visitor{g, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Timeout: 20 * time.Second}, jar}
}

type page struct {
	code int
	body string
	to   string // where it leads
	head http.Header
}

func (v *visitor) do(method, path, body string, header ...string) page {
	v.g.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = v.g.origin + path
	}
	r, err := http.NewRequest(method, path, strings.NewReader(body))
	if err != nil {
		v.g.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := v.http.Do(r)
	if err != nil {
		v.g.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		v.g.t.Fatal(err)
	}
	return page{resp.StatusCode, string(b), resp.Header.Get("Location"), resp.Header}
}

func (v *visitor) get(path string) page { v.g.t.Helper(); return v.do("GET", path, "") }

func hidden(body, name string) string {
	if m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(body); m != nil {
		return m[1]
	}
	return ""
}

// send sends the form of a page that was looked at.
func (v *visitor) send(from page, path string, fields ...string) page {
	v.g.t.Helper()
	q := url.Values{"form": {hidden(from.body, "form")}}
	for _, name := range []string{"held", "next"} {
		if x := hidden(from.body, name); x != "" {
			q.Set(name, x)
		}
	}
	for i := 0; i < len(fields); i += 2 {
		q.Set(fields[i], fields[i+1])
	}
	return v.do("POST", path, q.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

func (v *visitor) cookie(name string) string {
	u, _ := url.Parse(v.g.origin)
	for _, c := range v.jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// as signs somebody in who is entered for it.
func (g *guarded) as(id string, roles ...string) *visitor {
	g.t.Helper()
	if _, err := g.people.Person(g.t.Context(), id); err != nil {
		if _, err := g.people.Add(g.t.Context(), "os/0", id, "Printed "+id, roles, phrase); err != nil {
			g.t.Fatal(err)
		}
	}
	secret, _, err := g.people.SignInLink(g.t.Context(), "os/0", id)
	if err != nil {
		g.t.Fatal(err)
	}
	v := g.visitor()
	if p := v.send(v.get("/enter/"+secret), "/enter/"+secret); p.code != http.StatusSeeOther {
		g.t.Fatalf("link of %s: %d %.300s", id, p.code, p.body)
	}
	return v
}

const phrase = "correct horse battery"

// The first administrator enters by the one link, adds a password and codes, and
// comes back by them.
func TestFirstAdministrator(t *testing.T) {
	g := openGuarded(t)
	v := g.visitor()
	if p := v.get("/view/packages?x=1"); p.code != http.StatusSeeOther || p.to != "/signin?next=%2Fview%2Fpackages%3Fx%3D1" {
		t.Fatalf("a stranger: %d to %s", p.code, p.to)
	}
	secret, _, ok, err := g.people.First(t.Context())
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	older, newer := secret, ""
	if newer, _, ok, err = g.people.First(t.Context()); err != nil || !ok {
		t.Fatal(ok, err)
	}
	if p := v.get("/enter/" + older); p.code != http.StatusNotFound {
		t.Errorf("a link that was made anew: %d, want 404", p.code)
	}
	look := v.get("/enter/" + newer)
	if p := v.send(look, "/enter/"+newer, "id", "../x", "name", "N"); p.code != http.StatusUnprocessableEntity {
		t.Errorf("no id: %d", p.code)
	}
	if p := v.send(look, "/enter/"+newer, "id", "Root", "name", "Root Person"); p.code != http.StatusSeeOther || p.to != "/me" {
		t.Fatalf("enter: %d to %q %.300s", p.code, p.to, p.body)
	}
	if p := g.visitor().get("/enter/" + newer); p.code != http.StatusNotFound {
		t.Errorf("a link that was used: %d, want 404", p.code)
	}
	if _, _, ok, err := g.people.First(t.Context()); err != nil || ok {
		t.Errorf("a first link while somebody is entered: %t %v", ok, err)
	}
	me := v.get("/me")
	if !strings.Contains(me.body, "Root Person") || !strings.Contains(me.body, "nothing to sign in with yet") {
		t.Errorf("account page: %.500s", me.body)
	}
	before := v.cookie(sessionCookie)
	if p := v.send(me, "/me/password", "password", phrase); p.code != http.StatusSeeOther || v.cookie(sessionCookie) == before {
		t.Fatalf("password: %d %.300s", p.code, p.body)
	}
	// Another browser: the password, then codes are set up.
	w := g.visitor()
	step := w.send(w.get("/signin?next=/account"), "/signin", "id", "root", "password", phrase)
	seed := strings.ReplaceAll(regexp.MustCompile(`class="secret">([A-Z2-7 ]+)<`).FindStringSubmatch(step.body)[1], " ", "")
	code := func() string {
		c, err := totp.GenerateCode(seed, g.now())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if p := w.send(step, "/signin/enrol", "code", "000000"); p.code != http.StatusForbidden || w.cookie(sessionCookie) != "" {
		t.Errorf("a wrong first code: %d", p.code)
	}
	if p := w.send(step, "/signin/enrol", "code", code()); p.code != http.StatusSeeOther || p.to != "/account" {
		t.Fatalf("the first code: %d to %q %.400s", p.code, p.to, p.body)
	}
	// And a third: the same code is spent, the next is good.
	x := g.visitor()
	step = x.send(x.get("/signin"), "/signin", "id", "root", "password", phrase)
	if p := x.send(step, "/signin/code", "code", code()); p.code != http.StatusForbidden {
		t.Errorf("a code that is spent: %d", p.code)
	}
	g.later(30 * time.Second)
	if p := x.send(step, "/signin/code", "code", code()); p.code != http.StatusSeeOther || p.to != "/" {
		t.Fatalf("the next code: %d %.300s", p.code, p.body)
	}
	if p := x.get("/"); p.code != http.StatusOK || !strings.Contains(p.body, "Root Person") {
		t.Errorf("first page: %d", p.code)
	}
}

// Sessions end: by time without use, by time in all, by signing out, and by what
// is changed of the person. A secret that the browser brings is never taken over.
func TestSessionsEnd(t *testing.T) {
	g := openGuarded(t)
	in := func(v *visitor) bool { return v.get("/me").code == http.StatusOK }
	idle := g.as("ann", "qa")
	g.later(50 * time.Minute)
	if !in(idle) {
		t.Error("ended before an hour without use")
	}
	g.later(61 * time.Minute)
	if in(idle) {
		t.Error("good after an hour without use")
	}
	long := g.as("ann")
	for range 23 {
		g.later(31 * time.Minute)
		if !in(long) {
			t.Fatal("ended while it was used")
		}
	}
	g.later(31 * time.Minute)
	if in(long) {
		t.Error("good after twelve hours")
	}
	for what, end := range map[string]func(v *visitor){
		"signing out":      func(v *visitor) { v.send(v.get("/me"), "/me/signout") },
		"everywhere":       func(*visitor) { other := g.as("ann"); other.send(other.get("/me"), "/me/signout/everywhere") },
		"another password": func(*visitor) { g.must(g.people.SetPassword(t.Context(), "os/0", "ann", phrase+" two")) },
		"other roles":      func(*visitor) { g.must(g.people.SetRoles(t.Context(), "os/0", "ann", []string{"auditor"})) },
		"disabled":         func(*visitor) { g.must(g.people.Disable(t.Context(), "os/0", "ann", "test")) },
	} {
		v := g.as("ann")
		if !in(v) {
			t.Fatalf("%s: not signed in", what)
		}
		end(v)
		if in(v) {
			t.Errorf("%s: the session is still good", what)
		}
		g.must(g.people.Enable(t.Context(), "os/0", "ann", "test"))
		if in(v) {
			t.Errorf("%s: the session is good again", what)
		}
	}
	// Fixation: whoever plants a cookie learns nothing from it.
	v := g.as("bob", "qa")
	planted := v.cookie(sessionCookie)
	secret, _, err := g.people.SignInLink(t.Context(), "os/0", "ann")
	if err != nil {
		t.Fatal(err)
	}
	v.send(v.get("/enter/"+secret), "/enter/"+secret)
	if now := v.cookie(sessionCookie); now == planted || !strings.Contains(v.get("/me").body, "Printed ann") {
		t.Error("the session that was planted is taken over")
	}
	if _, _, ok, _ := g.people.Session(t.Context(), planted, false); ok {
		t.Error("the session before is still good")
	}
}

func (g *guarded) must(_ people.Person, err error) {
	g.t.Helper()
	if err != nil {
		g.t.Fatal(err)
	}
}
