package web

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"frostline/hub/people"
)

// Where to go on after signing in is a page of this hub, whatever an address
// says.
func TestNoOpenRedirect(t *testing.T) {
	for in, want := range map[string]string{
		"/account": "/account", "/view/package/a%2Fb?x=1": "/view/package/a%2Fb?x=1", "/": "/", "": "/",
		"//evil.example": "/", "///evil.example": "/", "/\\evil.example": "/", "\\/evil.example": "/", "https://evil.example/": "/",
		"javascript:alert(1)": "/", "/%5Cevil.example": "/", "/%2Fevil.example": "/", "/\tevil": "/", "\t//evil.example": "/", "/ /evil": "/",
		"evil.example": "/", "/signin?next=//evil": "/", "/enter/x": "/", "http:/evil": "/", "/" + strings.Repeat("x", 3000): "/", "/%zz": "/",
	} {
		if got := safeNext(in); got != want {
			t.Errorf("%q leads to %q, want %q", in, got, want)
		}
	}
}

// What another origin sends for somebody who is signed in is refused, and so is
// what has no token of its form, one of somebody else, or one of before.
func TestForgedRequests(t *testing.T) {
	g := openGuarded(t)
	v, other := g.as("ann", "admin"), g.as("bob", "admin")
	form := func(token string) string { return url.Values{"form": {token}, "role": {"qa"}}.Encode() }
	const invite, kind, form1 = "/view/people/invite", "Content-Type", "application/x-www-form-urlencoded"
	mine := hidden(v.get("/view/people").body, "form")
	if mine == "" {
		t.Fatal("no form")
	}
	for what, p := range map[string]page{
		"another site":             v.do("POST", invite, form(mine), kind, form1, "Sec-Fetch-Site", "cross-site"),
		"another port":             v.do("POST", invite, form(mine), kind, form1, "Sec-Fetch-Site", "same-site"),
		"another origin":           v.do("POST", invite, form(mine), kind, form1, "Origin", "http://evil.example"),
		"no origin at all":         v.do("POST", invite, form(mine), kind, form1, "Origin", "null"),
		"no token":                 v.do("POST", invite, form(""), kind, form1),
		"somebody else's token":    v.do("POST", invite, form(hidden(other.get("/view/people").body, "form")), kind, form1),
		"a token of the sign-in":   v.do("POST", invite, form(hidden(g.visitor().get("/signin").body, "form")), kind, form1),
		"plain text":               v.do("POST", invite, form(mine), kind, "text/plain"),
		"no kind":                  v.do("POST", invite, form(mine)),
		"multipart":                v.do("POST", invite, form(mine), kind, "multipart/form-data; boundary=x"),
		"much":                     v.do("POST", invite, form(mine)+"&x="+strings.Repeat("y", maxForm), kind, form1),
		"by GET":                   v.do("GET", invite+"?"+form(mine), ""),
		"JSON to a form from afar": v.do("POST", "/me/passkeys/begin", "{}", kind, "application/json", "Sec-Fetch-Site", "cross-site"),
	} {
		if p.code < 400 {
			t.Errorf("%s: %d", what, p.code)
		}
	}
	if p := v.do("POST", invite, form(mine), kind, form1, "Sec-Fetch-Site", "same-origin"); p.code != http.StatusOK || !strings.Contains(p.body, g.origin+"/enter/") {
		t.Errorf("the page's own form: %d %.300s", p.code, p.body)
	}
	g.later(16 * time.Minute)
	if p := v.do("POST", invite, form(mine), kind, form1); p.code != http.StatusSeeOther || !strings.HasPrefix(p.to, "/signin?again") {
		t.Errorf("a quarter of an hour later: %d to %q, want to sign in again", p.code, p.to)
	}
	// A cookie has the attributes that keep it here.
	r, _ := http.NewRequest("GET", g.origin+"/signin", nil)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	for _, c := range resp.Cookies() {
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.Secure {
			t.Errorf("cookie %+v", c)
		}
	}
	secure := &Server{cfg: Config{TLS: &tls.Config{}}}
	if c := secure.cookie(sessionCookie, "x", time.Hour); !c.Secure {
		t.Error("by TLS, a cookie may go without it")
	}
}

// Who guesses is slowed down, learns nothing of who there is, and does not keep
// out who has signed in from a browser before.
func TestGuessingAtTheDoor(t *testing.T) {
	g := openGuarded(t)
	g.must(g.people.Add(t.Context(), "os/0", "ann", "Ann", []string{"qa"}, phrase))
	own := g.as("ann")
	g.stop() // what was spent does not come back while this runs, however slowly
	try := func(v *visitor, id, password string) page {
		from := v.get("/signin")
		return v.send(from, "/signin", "id", id, "password", password)
	}
	known, unknown := try(g.visitor(), "ann", "wrong wrong wrong"), try(g.visitor(), "eve", "wrong wrong wrong")
	plain := func(p page, id string) string {
		b := strings.ReplaceAll(p.body, `value="`+id+`"`, `value=""`)
		return strings.ReplaceAll(strings.ReplaceAll(b, hidden(p.body, "form"), ""), dataOf(p.body), "")
	}
	if known.code != http.StatusForbidden || unknown.code != known.code || plain(known, "ann") != plain(unknown, "eve") {
		t.Errorf("a known id is told from an unknown: %d and %d", known.code, unknown.code)
	}
	limited := 0
	for range 12 {
		if p := try(g.visitor(), "ann", "wrong wrong wrong"); p.code == http.StatusTooManyRequests && p.head.Get("Retry-After") != "" {
			limited++
		}
	}
	if limited == 0 {
		t.Error("guessing is not slowed down")
	}
	if p := try(g.visitor(), "ann", phrase); p.code != http.StatusTooManyRequests {
		t.Errorf("the right password while guesses from the address are not looked at: %d", p.code)
	}
	// The browser that ann has used before is not.
	if p := own.send(own.get("/signin?again=1"), "/signin", "id", "ann", "password", phrase); p.code != http.StatusOK || !strings.Contains(p.body, "Set up one-time codes") {
		t.Errorf("ann's own browser: %d %.200s", p.code, p.body)
	}
}

// Who tries links at speed is slowed down. Meanwhile a passkey lets in at the
// same address, and so does a browser that signed in there before: what the page
// promises to whoever has to wait.
func TestGuessingKeepsNobodyOut(t *testing.T) {
	g := openGuarded(t)
	g.must(g.people.Add(t.Context(), "os/0", "ann", "Ann", []string{"qa"}, phrase))
	own := g.as("ann")
	g.stop()
	stranger := g.visitor()
	var slowed page
	for range 2 * paceBurst {
		if slowed = stranger.get("/enter/" + strings.Repeat("A", 43)); slowed.code == http.StatusTooManyRequests {
			break
		}
	}
	if slowed.code != http.StatusTooManyRequests || slowed.head.Get("Retry-After") == "" || !strings.Contains(slowed.body, "A passkey works meanwhile") {
		t.Fatalf("links can be guessed at any speed: %d", slowed.code)
	}
	if p := stranger.send(stranger.get("/signin"), "/signin", "id", "ann", "password", phrase); p.code != http.StatusTooManyRequests {
		t.Errorf("a browser that is not known, meanwhile: %d", p.code)
	}
	if p := own.send(own.get("/signin?again=1"), "/signin", "id", "ann", "password", phrase); p.code != http.StatusOK || !strings.Contains(p.body, "Set up one-time codes") {
		t.Errorf("ann's own browser, meanwhile: %d %.200s", p.code, p.body)
	}
	const begin, finish = "/signin/passkey/begin", "/signin/passkey/finish"
	if p := stranger.do("POST", begin, "{}", "Content-Type", "application/json"); p.code != http.StatusOK {
		t.Errorf("a passkey, meanwhile: %d %.200s", p.code, p.body)
	}
	// Passkeys have a bound of their own, at both steps.
	for _, path := range []string{begin, finish} {
		for range 2 * keysBurst {
			if slowed = stranger.do("POST", path, "{}", "Content-Type", "application/json"); slowed.code == http.StatusTooManyRequests {
				break
			}
		}
		if slowed.code != http.StatusTooManyRequests || slowed.head.Get("Retry-After") == "" {
			t.Errorf("%s can be asked at any speed: %d", path, slowed.code)
		}
	}
	if p := own.do("POST", begin, "{}", "Content-Type", "application/json"); p.code != http.StatusOK {
		t.Errorf("a passkey in ann's own browser, meanwhile: %d %.200s", p.code, p.body)
	}
}

func dataOf(body string) string {
	_, rest, _ := strings.Cut(body, "<body ")
	data, _, _ := strings.Cut(rest, ">")
	return data
}

// What a step of signing in hands out is good for that step, unchanged, and for
// some minutes.
func TestSeals(t *testing.T) {
	g := openGuarded(t)
	ctx := t.Context()
	text, err := g.seals.seal(ctx, "code", begun{Person: "ann"}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	var b begun
	if err := g.seals.open(ctx, "code", text, &b); err != nil || b.Person != "ann" {
		t.Errorf("got %+v %v", b, err)
	}
	changed := []byte(text)
	changed[len(changed)/2] ^= 1
	for what, in := range map[string][2]string{"another purpose": {"enrol", text}, "changed": {"code", string(changed)}, "cut": {"code", text[:20]}, "nothing": {"code", ""}, "no base64": {"code", "%%%"}} {
		if err := g.seals.open(ctx, in[0], in[1], &b); err == nil {
			t.Errorf("%s: it opens", what)
		}
	}
	g.later(time.Minute)
	if err := g.seals.open(ctx, "code", text, &b); err == nil {
		t.Error("too old: it opens")
	}
}

// A session is for pages and, by the same cookie, for the interface of programs;
// a stream ends with it.
func TestSigned(t *testing.T) {
	g := openGuarded(t)
	v := g.as("ann", "qa", "auditor")
	ask := func(secret string) (people.Caller, bool) {
		r := httptest.NewRequest("GET", "/orders", nil)
		r.AddCookie(&http.Cookie{Name: sessionCookie, Value: secret})
		c, ok, err := Signed{g.people}.Signed(r)
		if err != nil {
			t.Fatal(err)
		}
		return c, ok
	}
	if c, ok := ask(v.cookie(sessionCookie)); !ok || c.Actor != "person/ann" || len(c.Roles) != 2 || len(c.Scopes) == 0 {
		t.Errorf("got %+v %t", c, ok)
	}
	for _, secret := range []string{"", "x", strings.Repeat("A", 43), v.cookie(sessionCookie) + "A"} {
		if c, ok := ask(secret); ok {
			t.Errorf("%q: %+v", secret, c)
		}
	}
}
