package web

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"html"
	"log/slog"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"frostline/hub/access"
	"frostline/hub/desired"
	eventlog "frostline/hub/event"
	"frostline/hub/evidence/ledger"
	"frostline/hub/health"
	"frostline/hub/people"
	"frostline/hub/policy"
	"frostline/hub/rollout"
	"frostline/hub/rollout/rollouttest"
	"frostline/hub/store"
	"frostline/hub/view"
	"frostline/proto/enrol"
	"frostline/proto/topic"
)

// operate gives what operators work with, on a real store: gateways that were
// enrolled by codes, a release, a rollout of it, settings and commands.
func operate(t testing.TB, now func() time.Time, gateways ...string) *Operations {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "hub.db"), log)
	must(err)
	t.Cleanup(func() { db.Close() })
	ca, err := access.OpenCA(t.TempDir(), now, log)
	must(err)
	r, err := access.Open(t.Context(), access.Config{CA: ca, Repository: access.NewSQL(db), Addresses: func() []string { return []string{"hub.example:8883"} }, Now: now, Log: log})
	must(err)
	for _, g := range gateways {
		code, _, err := r.NewCode(t.Context(), "person/june", g)
		must(err)
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		must(err)
		_, seal, err := ed25519.GenerateKey(rand.Reader)
		must(err)
		der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: g}}, key)
		must(err)
		_, err = r.Enrol(t.Context(), "address 192.0.2.7", enrol.Request{
			Gateway: g, Code: code.String(), CSR: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})),
			SealPublicKey: seal.Public().(ed25519.PublicKey), Proof: ed25519.Sign(seal, enrol.ProofText(g, der)),
		})
		must(err)
	}
	events, err := eventlog.Open(t.Context(), eventlog.Options{Store: db, Log: log, Now: now})
	must(err)
	hubKey := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	publish := func(string, topic.Lane, []byte) error { return nil }
	d, err := desired.New(t.Context(), desired.Options{Store: db, Events: events, Key: hubKey, Now: now, Log: log, Publish: publish, Enrolled: func(g string) bool { return r.Admitted(g) == nil }})
	must(err)
	ro, err := rollout.New(t.Context(), rollout.Options{Store: db, Events: events, Dir: t.TempDir(), Key: hubKey, Now: now, Log: log, Publish: publish, Enrolled: func() []string { return gateways }})
	must(err)
	if len(gateways) > 0 {
		file, _ := rollouttest.File(t, "v1.1.0", hubKey)
		_, err = ro.Publish(t.Context(), "person/june", "the clock fix", bytes.NewReader(file))
		must(err)
		_, err = ro.Start(t.Context(), "person/june", "the clock fix", rollout.Plan{Release: "v1.1.0", Waves: []string{"1", "100%"}, Failures: 1, Quorum: 100, Soak: time.Hour})
		must(err)
		_, err = d.Set(t.Context(), "person/june", "fewer readings", gateways[0], "sensors: []\n", 0)
		must(err)
		_, err = d.Ask(t.Context(), "person/june", "which one is it", "first", gateways[0], "identify", "30s")
		must(err)
	}
	l, err := ledger.Open(t.Context(), ledger.Options{Dir: t.TempDir(), Origin: "frostline/test", Store: db, Events: events, Now: now, Log: log, Interval: 50 * time.Millisecond})
	must(err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	t.Cleanup(func() { stop(); must(<-ended) })
	if last := events.Last(); last > 0 {
		must(l.Reach(t.Context(), last))
	}
	trail, err := people.New(people.Options{Store: db, Now: now, Log: log})
	must(err)
	if len(gateways) > 0 {
		_, err = trail.Add(t.Context(), "os/0", "june", "=June", []string{policy.Operator}, phrase)
		must(err)
	}
	ask := func(problem string) func(context.Context) (health.Report, error) {
		return func(context.Context) (health.Report, error) { return health.Report{Problem: problem}, nil }
	}
	board, err := health.NewBoard([]health.Part{{Name: "store", Ask: ask("")}, {Name: "notify", Ask: ask("2 deliveries were given up: somebody was not told")}, {Name: "proposals", Ask: ask("")}}, now, log)
	must(err)
	return &Operations{Admission: r, Desired: d, Rollouts: ro, Enrol: "hub.example:8884", Ledger: l, Trail: trail, Records: events, Objectives: board.Objectives}
}

// operated is a company whose hub has operators, and forms for them.
func (c *company) operated(t testing.TB, gateways ...string) *company {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "people.db"), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if c.access, err = people.New(people.Options{Store: db, Log: log}); err != nil {
		t.Fatal(err)
	}
	c.operations = operate(t, c.now, gateways...)
	return c
}

// TestFleetIsWorstFirst: what is wrong stands in words, and orders the list.
func TestFleetIsWorstFirst(t *testing.T) {
	c := newCompany().operated(t, "site-1", "van-14", "van-15")
	s, _ := c.serve(t, "127.0.0.1:0")
	body := html.UnescapeString(pageOf(t, s.URL()+"view/fleet"))
	at := -1
	for _, want := range []string{">van-15</a>", "its buffer is full in 3 h", "not connected", ">van-14</a>", "its buffer is full in 18 h", "no network for 8 h 2 min", ">site-1</a>"} {
		i := strings.Index(body, want)
		if i <= at {
			t.Errorf("%q is not there, or not in its place", want)
		}
		at = i
	}
	for _, no := range []string{"ZgotmplZ", "%!", "{with}"} {
		if strings.Contains(body, no) {
			t.Errorf("%q is on the page", no)
		}
	}
	none := &company{base: base, started: time.Now(), watchers: map[int]func(view.Batch){}}
	empty, _ := none.operated(t).serve(t, "127.0.0.1:0")
	for path, want := range map[string]string{"view/fleet": "Let the first one in below.", "view/rollouts": "No release went to gateways yet"} {
		if body := pageOf(t, empty.URL()+path); !strings.Contains(body, want) {
			t.Errorf("%s of an empty hub does not say %q", path, want)
		}
	}
}

// TestConcerns: each is raised by what it is about, and a gateway that is revoked
// is nobody's.
func TestConcerns(t *testing.T) {
	const now, far = int64(1_790_000_000_000), int64(1_790_000_000_000 + 30*86_400_000)
	hours := func(n uint32) *uint32 { return &n }
	well := view.Gateway{ID: "g", Enrolled: 1, Connected: true, Heard: now, Clock: view.Clock{Dated: true, Source: "ntp"}, Journal: view.Journal{HoursLeft: hours(700)}}
	for _, x := range []struct {
		what    string
		change  func(*view.Gateway)
		expires int64
		mark    string
		text    string // of the first concern
	}{
		{"well", func(*view.Gateway) {}, far, "live", ""},
		{"short and draining", func(g *view.Gateway) { g.PendingBlocks, g.Journal.HoursLeft = 100, hours(3) }, far, "wrong", "its buffer is full in {with} h"},
		{"short, and all is here", func(g *view.Gateway) { g.Journal.HoursLeft = hours(3) }, far, "live", ""},
		{"short for a day", func(g *view.Gateway) { g.PendingBlocks, g.Journal.HoursLeft = 100, hours(23) }, far, "not-ok", "its buffer is full in {with} h"},
		{"full", func(g *view.Gateway) {
			g.PendingBlocks, g.Journal.HoursLeft, g.Journal.FullPercent = 100, hours(0), 100
		}, far, "wrong", "its buffer is full"},
		{"away for long", func(g *view.Gateway) { g.Connected, g.Heard, g.Journal.HoursLeft = false, now-4*3_600_000, hours(4) }, far, "wrong", "its buffer may be full by now"},
		{"away for a while", func(g *view.Gateway) { g.Connected, g.Heard, g.Journal.HoursLeft = false, now-2*3_600_000, hours(5) }, far, "wrong", "its buffer is full in {with} h"},
		{"disk", func(g *view.Gateway) { g.Journal.MemoryBlocks = 4 }, far, "wrong", "its disk takes nothing: {with} blocks wait in memory"},
		{"expired", func(*view.Gateway) {}, now, "wrong", "its certificate has expired"},
		{"expires", func(*view.Gateway) {}, now + 86_400_000, "not-ok", "its certificate expires in {with} and was not renewed"},
		{"no certificate", func(*view.Gateway) {}, 0, "wrong", "it has no certificate"},
		{"quarantine", func(g *view.Gateway) { g.Quarantined = 2 }, far, "not-ok", "{with} parcels are quarantined"},
		{"undated", func(g *view.Gateway) { g.Clock = view.Clock{} }, far, "not-ok", "clock: {with}"},
		{"away", func(g *view.Gateway) { g.Connected = false }, far, "silent", "not connected"},
		{"never heard", func(g *view.Gateway) { g.Connected, g.Heard, g.Clock = false, 0, view.Clock{} }, far, "silent", "not heard yet"},
		{"revoked", func(g *view.Gateway) { g.Revoked, g.Quarantined, g.RevokedFor = 5, 9, "stolen" }, now, "silent", "revoked: {with}"},
	} {
		g := well
		x.change(&g)
		l := standingOf(g, x.expires, now)
		first := ""
		if len(l.Concerns) > 0 {
			first = l.Concerns[0].Text
		}
		if l.Mark != x.mark || first != x.text {
			t.Errorf("%s: %s, %q; want %s, %q", x.what, l.Mark, first, x.mark, x.text)
		}
	}
}

// TestOperatorLooksAfterGateways: an operator lets one in by a code that is shown
// once, asks, sets, revokes and updates; an auditor sees all of it, and changes
// nothing.
func TestOperatorLooksAfterGateways(t *testing.T) {
	g := openGuarded(t)
	op := g.as("olga", policy.Operator)
	fleet := op.get("/view/fleet")
	if p := op.send(fleet, "/view/fleet/enrol", "gateway", "No Id"); p.code != http.StatusUnprocessableEntity {
		t.Errorf("an id that cannot be is answered %d", p.code)
	}
	made := op.send(fleet, "/view/fleet/enrol", "gateway", "site-9")
	code := regexp.MustCompile(`frostline-edge enrol --hub hub.example:8884 --code (\S+)</code>`).FindStringSubmatch(made.body)
	if made.code != http.StatusOK || code == nil {
		t.Fatalf("no code: %d %.2000s", made.code, made.body)
	}
	if again := op.get("/view/fleet"); strings.Contains(again.body, code[1]) {
		t.Error("the code is shown twice")
	}
	one := "/view/fleet/site-1"
	page := op.get(one)
	if !strings.Contains(page.body, "sensors: []") || !strings.Contains(page.body, "which one is it") {
		t.Errorf("settings or commands are not told: %.3000s", page.body)
	}
	for _, c := range []struct {
		path   string
		fields []string
		to     string
		code   int
	}{
		{one + "/command", []string{"kind", "restart", "reason", ""}, "", 422},
		{one + "/command", []string{"kind", "self-destruct", "reason", "x"}, "", 422},
		{one + "/command", []string{"kind", "restart", "reason", "it hangs <b>"}, one + "?done=command", 303},
		{one + "/settings", []string{"version", "7", "document", "sensors: []", "reason", "x"}, "", 422},
		{one + "/settings", []string{"version", "1", "document", "# none\r\nsensors: []\r\n", "reason", "note"}, one + "?done=settings", 303},
		{"/view/rollouts/1/pause", []string{"reason", "wait"}, "/view/rollouts?done=pause", 303},
		{"/view/rollouts/1/pause", []string{"reason", "wait"}, "", 422},
		{"/view/rollouts/1/resume", []string{"reason", "go"}, "/view/rollouts?done=resume", 303},
		{"/view/rollouts/1/abort", []string{"reason", "bad"}, "/view/rollouts?done=abort", 303},
		{"/view/rollouts/99/abort", []string{"reason", "bad"}, "", 422},
		{"/view/rollouts/start", []string{"release", "v1.1.0", "waves", "200%", "failures", "1", "quorum", "100", "soak", "0", "reason", "x"}, "", 422},
		{"/view/rollouts/start", []string{"release", "v1.1.0", "waves", "1 100%", "failures", "1", "quorum", "100", "soak", "0", "reason", "again"}, "/view/rollouts?done=start", 303},
		{"/view/fleet/van-14/revoke", []string{"reason", "stolen"}, "/view/fleet/van-14?done=revoke", 303},
	} {
		p := op.send(page, c.path, c.fields...)
		if p.code != c.code || p.to != c.to {
			t.Errorf("%s %q: %d to %q, want %d to %q\n%s", c.path, c.fields, p.code, p.to, c.code, c.to, regexp.MustCompile(`role="alert">[^<]*`).FindString(p.body))
		}
	}
	eve := g.as("eve", policy.Auditor)
	for path, want := range map[string]string{"/view/fleet": ">site-1</a>", one: "it hangs &lt;b&gt;", "/view/fleet/van-14": "stolen", "/view/rollouts": "the clock fix"} {
		p := eve.get(path)
		if p.code != http.StatusOK || !strings.Contains(p.body, want) {
			t.Errorf("auditor at %s: %d, without %q", path, p.code, want)
		}
		if strings.Contains(p.body, "<form") {
			t.Errorf("auditor at %s is given a form", path)
		}
	}
	if p := eve.send(eve.get("/me"), one+"/revoke", "reason", "x"); p.code != http.StatusForbidden {
		t.Errorf("an auditor revokes: %d", p.code)
	}
	// Who signed in long ago signs in again first, and comes back here.
	g.later(freshWithin + time.Minute)
	if p := op.send(op.get("/view/fleet"), "/view/fleet/enrol", "gateway", "site-10"); p.code != http.StatusSeeOther || !strings.HasPrefix(p.to, "/signin?again=1") {
		t.Errorf("who signed in long ago makes a code: %d to %q", p.code, p.to)
	}
}

// TestAuditorReadsEverything: every page that is only looked at is an auditor's,
// with exports and the log's checkpoints, and nothing that changes anything is.
func TestAuditorReadsEverything(t *testing.T) {
	g := openGuarded(t)
	eve := g.as("eve", policy.Auditor)
	for path, wants := range map[string][]string{
		"/view/log":                {"frostline/test", "/log/checkpoint", "frostline witness --log 'frostline/test+", "Verify it", "<summary>show</summary>", "No witness is asked"},
		"/view/health":             {"99.9 %", "40 min", ">well<"},
		"/view/audit":              {"person/june", "code created", "person added", "/view/audit/people.csv"},
		"/view/audit/people.csv":   {"id,at,actor,action,subject,detail\n1,2", "person/june"},
		"/view/audit/gateways.csv": {"id,at,actor,action,gateway,detail\n", "code created,van-15", "enrolled,site-1"},
	} {
		p := eve.get(path)
		for _, want := range wants {
			if p.code != http.StatusOK || !strings.Contains(html.UnescapeString(p.body), want) {
				t.Errorf("%s: %d, without %q", path, p.code, want)
			}
		}
	}
	changes := []string{"POST /me/signout", "POST /me/signout/everywhere", "POST /me/password", "POST /me/codes", "POST /me/codes/confirm", "POST /me/codes/remove", "POST /me/passkeys/begin", "POST /me/passkeys/finish", "POST /me/passkeys/remove"} // of their own account
	for _, pattern := range policy.Pages() {
		rule, _ := policy.Page(pattern)
		may := rule.Person([]string{policy.Auditor})
		switch {
		case pattern == "POST /view/excursion/{id}/verify": // it looks, and keeps nothing
		case strings.HasPrefix(pattern, "POST ") && may && !rule.Open && !slices.Contains(changes, pattern):
			t.Errorf("an auditor may %s, which changes something", pattern)
		case strings.HasPrefix(pattern, "GET ") && !may && !rule.Local:
			t.Errorf("an auditor may not %s", pattern)
		}
	}
}

// TestExportsAreInert: text that a spreadsheet would take for a formula is text.
func TestExportsAreInert(t *testing.T) {
	for in, want := range map[string]string{"": "", "a=b": "a=b", "=1+1": "'=1+1", "@x": "'@x", "-5": "'-5", "\tx": "'\tx"} {
		if got := inert(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}
