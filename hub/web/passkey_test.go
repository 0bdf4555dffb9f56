package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"frostline/hub/people"
)

// authenticator gives a tab a device with a PIN.
func authenticator(tb *tab) string {
	tb.t.Helper()
	call(tb, webauthn.Enable, webauthn.EnableParams{})
	ctx, cancel := tb.within()
	defer cancel()
	added, err := chromedp.Call(ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}})
	if err != nil {
		tb.t.Fatal(err)
	}
	return string(added.AuthenticatorID)
}

// shows loads a page that follows nothing.
func (tb *tab) shows(url, text string) {
	tb.t.Helper()
	tb.do(chromedp.Navigate(url))
	tb.until("document.body.innerText.includes(" + quoted(text) + ")")
}

func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "\\'") + "'" }

// Somebody enters by the first link, adds a passkey, signs out, and comes back
// by it to the page that they wanted, in a real browser.
func TestPasskey(t *testing.T) {
	b := browser(t)
	g := openGuarded(t)
	secret, _, _, err := g.people.First(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tb := newTab(t, b, g.origin)
	tb.expected = []string{"403"}
	authenticator(tb)
	tb.shows(g.origin+"/enter/"+secret, "first administrator")
	tb.do(chromedp.SendKeys("input[name=id]", "root"), chromedp.SendKeys("input[name=name]", "Root Person"), chromedp.Click("main button"))
	tb.until("location.pathname === '/me' && document.documentElement.dataset.ready === ''")
	tb.do(chromedp.Click("#passkey"))
	tb.until("location.search === '?done=passkey' && document.body.innerText.includes('This device')")
	if cookies := eval[string](tb, "document.cookie"); cookies != "" {
		t.Errorf("a script reads cookies: %q", cookies)
	}
	tb.do(chromedp.Click("form[action='/me/signout'] button"))
	tb.until("location.pathname === '/signin'")

	tb.do(chromedp.Navigate(g.origin + "/account"))
	tb.until("location.pathname === '/signin' && document.documentElement.dataset.ready === ''")
	tb.do(chromedp.Click("#passkey"))
	tb.until("location.pathname === '/account' && document.body.innerText.includes('Root Person')")
	keys, err := g.people.Passkeys(t.Context(), "root")
	if err != nil || len(keys) != 1 || keys[0].Used == 0 {
		t.Fatalf("passkeys: %+v %v, want one that was used", keys, err)
	}
	sessions, err := g.people.Sessions(t.Context(), "root")
	if err != nil || len(sessions) != 1 || sessions[0].Method != people.ByPasskey {
		t.Errorf("sessions: %+v %v", sessions, err)
	}
	// Taken away, it lets nobody in, and the page says so.
	if err := g.people.DropPasskey(t.Context(), "os/0", "root", keys[0].ID); err != nil {
		t.Fatal(err)
	}
	if err := g.people.EndAll(t.Context(), "os/0", "root"); err != nil {
		t.Fatal(err)
	}
	tb.do(chromedp.Navigate(g.origin + "/signin"))
	tb.until("document.documentElement.dataset.ready === ''")
	tb.do(chromedp.Click("#passkey"))
	tb.until("document.querySelector('.said').textContent.includes('does not let anybody in')")
}

// An answer is for the document that it was asked for, for its person, and once.
func TestPasskeySigns(t *testing.T) {
	b := browser(t)
	g := openGuarded(t)
	v := g.as("ann", "qa")
	tb := newTab(t, b, g.origin)
	authenticator(tb)
	secret, _, err := g.people.SignInLink(t.Context(), "os/0", "ann")
	if err != nil {
		t.Fatal(err)
	}
	tb.shows(g.origin+"/enter/"+secret, "signs you in once")
	tb.do(chromedp.Click("main button"))
	tb.until("document.body.innerText.includes('Printed ann')")
	tb.do(chromedp.Navigate(g.origin + "/me"))
	tb.until("document.documentElement.dataset.ready === ''")
	tb.do(chromedp.Click("#passkey"))
	tb.until("location.search === '?done=passkey'")
	r, _ := http.NewRequestWithContext(context.Background(), "GET", g.origin+"/me", nil)
	desk, ok := g.passkeys(r)
	if !ok {
		t.Fatal("no passkeys under " + g.origin)
	}
	content := strings.Repeat("ab", 32)
	sign := func() (string, func(person, content string) error) {
		options, state, err := desk.BeginSign(t.Context(), "ann", content)
		if err != nil {
			t.Fatal(err)
		}
		answer := eval[string](tb, `(async () => JSON.stringify((await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(`+asJSON(options)+`) })).toJSON()))()`)
		return answer, func(person, content string) error {
			_, err := desk.Sign(t.Context(), person, content, state, []byte(answer))
			return err
		}
	}
	g.must(g.people.Add(t.Context(), "os/0", "bob", "Bob", []string{"qa"}, phrase))
	_, check := sign()
	for what, err := range map[string]error{"another document": check("ann", strings.Repeat("cd", 32)), "another person": check("bob", content), "nobody": check("eve", content)} {
		if err == nil {
			t.Errorf("%s: signed", what)
		}
	}
	if err := check("ann", content); err != nil {
		t.Errorf("signing: %v", err)
	}
	if err := check("ann", content); err == nil {
		t.Error("an answer was taken twice")
	}
	// The same by the pages: a script asks, and brings both to the interface.
	brought := eval[string](tb, `(async () => {
		const r = await fetch('/me/sign/begin', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ content: '`+content+`' }) });
		const { held, options } = await r.json();
		const key = await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
		return JSON.stringify({ held, answer: JSON.stringify(key.toJSON()) });
	})()`)
	if _, err := g.CheckSignature(t.Context(), "ann", strings.Repeat("cd", 32), []byte(brought)); !errors.Is(err, people.ErrRefused) {
		t.Errorf("another document: %v", err)
	}
	if p, err := g.CheckSignature(t.Context(), "ann", content, []byte(brought)); err != nil || p.ID != "ann" {
		t.Errorf("signing by the pages: %+v %v", p, err)
	}
	if _, err := g.CheckSignature(t.Context(), "ann", content, []byte(brought)); !errors.Is(err, people.ErrRefused) {
		t.Errorf("twice: %v", err)
	}
	for _, in := range []string{"", "{}", `{"held":"x","answer":"{}"}`, "null"} {
		if _, err := g.CheckSignature(t.Context(), "ann", content, []byte(in)); !errors.Is(err, people.ErrRefused) {
			t.Errorf("%q: %v", in, err)
		}
	}
	_, check = sign()
	if _, err := g.people.Disable(t.Context(), "os/0", "ann", "left"); err != nil {
		t.Fatal(err)
	}
	if err := check("ann", content); err == nil {
		t.Error("who is disabled signed")
	}
	if v.get("/me").code == http.StatusOK {
		t.Error("who is disabled is signed in")
	}
}
