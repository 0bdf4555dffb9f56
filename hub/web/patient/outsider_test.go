package patient

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"frostline/hub/privacy"
)

const nobodys = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

// bare is what an answer says but for its date.
func bare(r reply) string {
	h := r.header.Clone()
	h.Del("Date")
	var b strings.Builder
	_ = h.Write(&b)
	return b.String() + r.body
}

// TestOutsiderCannotTellWhetherALinkExists: whoever has no session gets the same,
// byte for byte, whatever the secret is, and whoever answers wrongly too.
func TestOutsiderCannotTellWhetherALinkExists(t *testing.T) {
	h := open(t, newCompany())
	good, _ := h.made()
	revoked, k := h.made()
	if _, err := h.links.Revoke(ctx, "person/amy", k.ID, "test"); err != nil {
		t.Fatal(err)
	}
	locked, _ := h.made()
	for range privacy.MostWrong {
		h.pass(time.Hour)
		if _, _, err := h.links.Open(ctx, locked, "00000", ""); !errors.Is(err, privacy.ErrClosed) {
			t.Fatal(err)
		}
	}
	expired, _, err := h.links.Make(ctx, "person/amy", "SH-1", privacy.ZIP, "98134", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	h.pass(2 * time.Hour)
	another, _ := h.made()
	others := h.enter(another)
	right := url.Values{"answer": {"98134"}}
	wrong := url.Values{"answer": {"98135"}}

	for name, ask := range map[string]func(secret string) reply{
		"the page":     func(s string) reply { return h.ask("GET", Prefix+s, "", nil) },
		"its head":     func(s string) reply { return h.ask("HEAD", Prefix+s, "", nil) },
		"in Spanish":   func(s string) reply { return h.ask("GET", Prefix+s+"?lang=es", "", nil) },
		"what follows": func(s string) reply { return h.ask("GET", Prefix+s+"/live", "", nil) },
		"what follows, resumed": func(s string) reply {
			return h.ask("GET", Prefix+s+"/live", "", nil, "Last-Event-ID", h.server.start+".1")
		},
		"with another link's session": func(s string) reply { return h.ask("GET", Prefix+s, others, nil) },
		"follow with another's":       func(s string) reply { return h.ask("GET", Prefix+s+"/live", others, nil) },
		"with a made-up session":      func(s string) reply { return h.ask("GET", Prefix+s, cookieName+"="+strings.Repeat("A", 54), nil) },
		"a wrong answer":              func(s string) reply { return h.ask("POST", Prefix+s, "", wrong) },
		"an answer of another kind":   func(s string) reply { return h.ask("POST", Prefix+s, "", url.Values{"answer": {"1957"}}) },
		"no answer":                   func(s string) reply { return h.ask("POST", Prefix+s, "", url.Values{"answer": {" "}}) },
		"two answers":                 func(s string) reply { return h.ask("POST", Prefix+s, "", url.Values{"answer": {"98134", "98135"}}) },
		"from another site":           func(s string) reply { return h.ask("POST", Prefix+s, "", right, "Sec-Fetch-Site", "cross-site") },
		"from another origin":         func(s string) reply { return h.ask("POST", Prefix+s, "", right, "Origin", "https://elsewhere.example") },
		"too much": func(s string) reply {
			return h.ask("POST", Prefix+s, "", url.Values{"answer": {strings.Repeat("9", 2000)}})
		},
		"JSON":                   func(s string) reply { return h.ask("POST", Prefix+s, "", right, "Content-Type", "application/json") },
		"PUT":                    func(s string) reply { return h.ask("PUT", Prefix+s, "", right) },
		"DELETE":                 func(s string) reply { return h.ask("DELETE", Prefix+s, "", nil) },
		"OPTIONS":                func(s string) reply { return h.ask("OPTIONS", Prefix+s, "", nil) },
		"POST to what follows":   func(s string) reply { return h.ask("POST", Prefix+s+"/live", "", right) },
		"a slash more":           func(s string) reply { return h.ask("GET", Prefix+s+"/", "", nil) },
		"a slash before":         func(s string) reply { return h.ask("GET", Prefix+"/"+s, "", nil) },
		"dots":                   func(s string) reply { return h.ask("GET", Prefix+"x/../"+s, "", nil) },
		"escaped":                func(s string) reply { return h.ask("GET", Prefix+"%"+hexOf(s[0])+s[1:], "", nil) },
		"in capitals":            func(s string) reply { return h.ask("GET", Prefix+strings.ToUpper(s), "", nil) },
		"a zero byte":            func(s string) reply { return h.ask("GET", Prefix+s+"%00", "", nil) },
		"parameters in the path": func(s string) reply { return h.ask("GET", Prefix+s+";x=1", "", nil) },
		"another path in a header": func(s string) reply {
			return h.ask("GET", Prefix+s, "", nil, "X-Original-URL", "/", "X-Rewrite-URL", Prefix+good)
		},
		"another method in a header": func(s string) reply { return h.ask("GET", Prefix+s, "", nil, "X-HTTP-Method-Override", "POST") },
		"another host": func(s string) reply {
			return h.ask("GET", Prefix+s, "", nil, "Host", "elsewhere.example", "X-Forwarded-Host", "elsewhere.example")
		},
		"a bearer token": func(s string) reply { return h.ask("GET", Prefix+s, "", nil, "Authorization", "Bearer "+good) },
		"two cookies":    func(s string) reply { return h.ask("GET", Prefix+s, others+"; "+others, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			h.pass(time.Hour / 2)
			want := ask(nobodys)
			if want.status == http.StatusSeeOther || strings.Contains(want.body, "data-cursor") {
				t.Fatalf("nobody's link opened: %+v", want)
			}
			for which, secret := range map[string]string{"a good link": good, "a revoked one": revoked, "an expired one": expired, "a locked one": locked} {
				if got := ask(secret); got.status != want.status || strings.ReplaceAll(bare(got), secret, nobodys) != bare(want) {
					t.Errorf("%s differs from none: %d %s\nwant %d %s", which, got.status, bare(got), want.status, bare(want))
				}
			}
		})
	}
	for which, secret := range map[string]string{"nobody's": nobodys, "revoked": revoked, "expired": expired, "locked": locked} {
		h.pass(time.Hour)
		if r := h.ask("POST", Prefix+secret, "", right); r.status != http.StatusForbidden || len(r.header.Values("Set-Cookie")) != 0 {
			t.Errorf("%s: the right answer gives %d", which, r.status)
		}
	}
	if strings.Contains(h.log.String(), good) || strings.Contains(h.log.String(), "98134") || strings.Contains(h.log.String(), nobodys) {
		t.Errorf("the log has a secret in it:\n%s", h.log.String())
	}
}

func hexOf(b byte) string { return string("0123456789abcdef"[b>>4]) + string("0123456789abcdef"[b&15]) }

func TestSessionOpensItsLinkAlone(t *testing.T) {
	h := open(t, newCompany())
	secret, k := h.made()
	r := h.ask("POST", Prefix+secret, "", url.Values{"answer": {"98134-1234"}}, "X-Forwarded-Proto", "https")
	c := r.header.Get("Set-Cookie")
	for _, part := range []string{"HttpOnly", "SameSite=Strict", "Secure", "Path=/p/" + secret, "Max-Age=14400"} {
		if !strings.Contains(c, part) {
			t.Errorf("cookie %q lacks %s", c, part)
		}
	}
	if r.header.Get("Location") != Prefix+secret {
		t.Errorf("goes on at %q", r.header.Get("Location"))
	}
	cookie := h.enter(secret)
	h.shown(secret, cookie, "")
	h.pass(privacy.SessionLife)
	if r := h.ask("GET", Prefix+secret, cookie, nil); strings.Contains(r.body, "data-cursor") {
		t.Error("an old session still opens")
	}
	cookie = h.enter(secret)
	if _, err := h.links.Revoke(ctx, "person/amy", k.ID, "lost"); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", "/live"} {
		if r := h.ask("GET", Prefix+secret+path, cookie, nil); strings.Contains(r.body, "data-") && strings.Contains(r.body, "in_range") {
			t.Errorf("a session of a revoked link opens %s", path)
		}
	}
}

func TestGuessedAtSpeed(t *testing.T) {
	h := open(t, newCompany())
	secret, _ := h.made()
	for which, s := range map[string]string{"a link": secret, "nobody's": nobodys} {
		var statuses []int
		retry := ""
		for range 5 {
			r := h.ask("POST", Prefix+s, "", url.Values{"answer": {"11111"}})
			statuses = append(statuses, r.status)
			retry = r.header.Get("Retry-After")
		}
		if statuses[0] != http.StatusForbidden || statuses[4] != http.StatusTooManyRequests || retry == "" {
			t.Errorf("%s: %v, Retry-After %q", which, statuses, retry)
		}
	}
	// One origin that tries many secrets is slowed down, and is told no more.
	limited := 0
	for range 60 {
		s := strings.Map(func(r rune) rune { return 'a' + (r+rune(limited))%26 }, nobodys)
		if r := h.ask("POST", Prefix+s[:31]+string(rune('a'+limited%20)), "", url.Values{"answer": {"98134"}}, "X-Forwarded-For", "203.0.113.7, 198.51.100.2"); r.status == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited == 0 {
		t.Error("one origin may try as fast as it likes")
	}
}

// TestAnswersTakeTheSameTime: an answer is not sent before the floor, right or
// wrong, there be a link or not.
func TestAnswersTakeTheSameTime(t *testing.T) {
	h := open(t, newCompany())
	h.server.cfg.Floor = 40 * time.Millisecond
	secret, _ := h.made()
	for _, c := range []struct{ secret, answer string }{{secret, "98134"}, {secret, "11111"}, {nobodys, "98134"}} {
		begin := time.Now()
		h.ask("POST", Prefix+c.secret, "", url.Values{"answer": {c.answer}})
		if took := time.Since(begin); took < h.server.cfg.Floor {
			t.Errorf("%v: answered after %v", c, took)
		}
	}
}

func TestHeadOfEveryAnswer(t *testing.T) {
	h := open(t, newCompany())
	secret, _ := h.made()
	cookie := h.enter(secret)
	for _, r := range []reply{
		h.ask("GET", Prefix+secret, "", nil), h.ask("GET", Prefix+secret, cookie, nil), h.ask("GET", Prefix+"x", "", nil),
		h.ask("POST", Prefix+nobodys, "", url.Values{"answer": {"1"}}), h.ask("GET", Prefix+nobodys+"/live", "", nil), h.ask("PUT", Prefix+secret, "", nil),
	} {
		for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow, noarchive", "X-Content-Type-Options": "nosniff",
			"X-Frame-Options": "DENY", "Cross-Origin-Resource-Policy": "same-origin"} {
			if got := r.header.Get(name); got != want {
				t.Errorf("%d: %s is %q, want %q", r.status, name, got, want)
			}
		}
		if csp := r.header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") {
			t.Errorf("%d: policy %q", r.status, csp)
		}
	}
	page := h.shown(secret, cookie, "")
	for _, m := range regexp.MustCompile(`(?:src|href|action)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if strings.HasPrefix(m[1], "http") || strings.HasPrefix(m[1], "//") || strings.Contains(m[1], secret) {
			t.Errorf("the page points to %s", m[1])
		}
	}
}

// TestFirstLoadIsSmall: page and script, compressed.
func TestFirstLoadIsSmall(t *testing.T) {
	h := open(t, newCompany())
	secret, _ := h.made()
	cookie := h.enter(secret)
	total := 0
	for _, path := range []string{Prefix + secret, Prefix + h.server.script} {
		r := h.ask("GET", path, cookie, nil, "Accept-Encoding", "gzip")
		if r.header.Get("Content-Encoding") != "gzip" {
			t.Errorf("%s is not compressed", path)
		}
		total += len(r.body)
	}
	t.Logf("%d bytes", total)
	if total > 30<<10 {
		t.Errorf("the first load takes %d bytes, want at most 30 KB", total)
	}
}

// events reads a stream of events.
type events struct {
	t *testing.T
	s *bufio.Scanner
}

func (h *hub) follow(secret, cookie, last string) (*events, func()) {
	h.Helper()
	run, stop := context.WithTimeout(ctx, 30*time.Second)
	r, _ := http.NewRequestWithContext(run, "GET", h.http.URL+Prefix+secret+"/live", nil)
	r.Header.Set("Cookie", cookie)
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { stop(); resp.Body.Close() })
	s := bufio.NewScanner(resp.Body)
	s.Buffer(nil, 1<<20)
	return &events{h.T, s}, stop
}

// next gives the next event of a kind; "" at the end of the stream.
func (e *events) next(kind string) (id, data string) {
	e.t.Helper()
	name := ""
	for e.s.Scan() {
		line := e.s.Text()
		switch {
		case strings.HasPrefix(line, "id: "):
			id = line[4:]
		case strings.HasPrefix(line, "event: "):
			name = line[7:]
		case strings.HasPrefix(line, "data: "):
			if name == kind {
				return id, line[6:]
			}
		}
	}
	return "", ""
}

func TestFollowsAndResumes(t *testing.T) {
	h := open(t, newCompany())
	secret, k := h.made()
	cookie := h.enter(secret)
	e, stop := h.follow(secret, cookie, "")
	_, data := e.next("parts")
	for _, name := range partNames {
		if !strings.Contains(data, `"`+name+`"`) {
			t.Fatalf("the first event lacks %s", name)
		}
	}
	h.do("package/P1", func() { h.measure("P1", 5_600, "in_range") })
	id, data := e.next("parts")
	if !strings.Contains(data, "5.6 °C") || strings.Contains(data, `"sentence"`) || strings.Contains(data, `"journey"`) {
		t.Errorf("a new reading tells: %s", data)
	}
	stop()
	h.do("shipment/SH-1", func() { h.report("delivered", noon); h.close("P1", "delivered", "in_range") })
	e, _ = h.follow(secret, cookie, id)
	_, data = e.next("parts")
	if !strings.Contains(data, "handed over") || strings.Contains(data, `"chart"`) {
		t.Errorf("resumed: %s", data)
	}
	if _, err := h.links.Revoke(ctx, "person/amy", k.ID, "lost phone"); err != nil {
		t.Fatal(err)
	}
	if _, data = e.next("over"); data != "{}" {
		t.Errorf("a revoked link is still told: %q", data)
	}
	if _, data = e.next("parts"); data != "" {
		t.Errorf("after its end: %s", data)
	}
}

// TestWhatCannotBeReadIsNotTold: facts that are too old are not told any more, and
// the page learns nothing that would look alive.
func TestWhatCannotBeReadIsNotTold(t *testing.T) {
	h := open(t, newCompany())
	secret, _ := h.made()
	e, _ := h.follow(secret, h.enter(secret), "")
	e.next("parts")
	d, err := h.server.board.get("SH-1", false)
	if err != nil {
		t.Fatal(err)
	}
	h.do("shipment/SH-1", func() { h.broken = errors.New("no disk") })
	h.pass(tooOld + time.Second)
	if err := h.server.board.round(ctx); err == nil {
		t.Error("a round went well")
	}
	d.mu.Lock()
	seq := d.seq
	d.mu.Unlock()
	h.pass(10 * time.Second)
	if err := h.server.board.round(ctx); !errors.Is(err, errOld) {
		t.Errorf("tells what is old: %v", err)
	}
	d.mu.Lock()
	same := seq == d.seq
	d.mu.Unlock()
	if _, err := h.server.board.beat(d, "en"); !errors.Is(err, errOld) || !same {
		t.Errorf("beats: %v", err)
	}
	if c := h.server.Counts(); c.Failures == 0 || c.Watching != 1 {
		t.Errorf("%+v", c)
	}
}
