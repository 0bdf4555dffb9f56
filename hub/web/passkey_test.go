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
	"frostline/hub/web/webtest"
)

// authenticator gives a tab a device with a PIN.
func authenticator(tb *webtest.Tab) string {
	webtest.Call(tb, webauthn.Enable, webauthn.EnableParams{})
	added := webtest.Call(tb, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}})
	return string(added.AuthenticatorID)
}

// Somebody enters by the first link, adds a passkey, signs out, and comes back
// by it to the page that they wanted, in a real browser.
func TestPasskey(t *testing.T) {
	b := webtest.Browser(t)
	g := openGuarded(t)
	secret, _, _, err := g.people.First(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tb := webtest.New(t, b, g.origin)
	tb.Expected = []string{"403"}
	authenticator(tb)
	tb.Shows(g.origin+"/enter/"+secret, "first administrator")
	tb.Do(chromedp.SendKeys("input[name=id]", "root"), chromedp.SendKeys("input[name=name]", "Root Person"), chromedp.Click("main button"))
	tb.Until("location.pathname === '/me' && document.documentElement.dataset.ready === ''")
	tb.Do(chromedp.Click("#passkey"))
	tb.Until("location.search === '?done=passkey' && document.body.innerText.includes('This device')")
	if cookies := webtest.Eval[string](tb, "document.cookie"); cookies != "" {
		t.Errorf("a script reads cookies: %q", cookies)
	}
	tb.Click("form[action='/me/signout'] button")
	tb.Until("location.pathname === '/signin'")

	tb.Do(chromedp.Navigate(g.origin + "/account"))
	tb.Until("location.pathname === '/signin' && document.documentElement.dataset.ready === ''")
	tb.Do(chromedp.Click("#passkey"))
	tb.Until("location.pathname === '/account' && document.body.innerText.includes('Root Person')")
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
	tb.Do(chromedp.Navigate(g.origin + "/signin"))
	tb.Until("document.documentElement.dataset.ready === ''")
	tb.Do(chromedp.Click("#passkey"))
	tb.Until("document.querySelector('.said').textContent.includes('does not let anybody in')")
}

// An answer is for the document that it was asked for, for its person, and once.
func TestPasskeySigns(t *testing.T) {
	b := webtest.Browser(t)
	g := openGuarded(t)
	v := g.as("ann", "qa")
	tb := webtest.New(t, b, g.origin)
	authenticator(tb)
	secret, _, err := g.people.SignInLink(t.Context(), "os/0", "ann")
	if err != nil {
		t.Fatal(err)
	}
	tb.Shows(g.origin+"/enter/"+secret, "signs you in once")
	tb.Do(chromedp.Click("main button"))
	tb.Until("document.body.innerText.includes('Printed ann')")
	tb.Do(chromedp.Navigate(g.origin + "/me"))
	tb.Until("document.documentElement.dataset.ready === ''")
	tb.Do(chromedp.Click("#passkey"))
	tb.Until("location.search === '?done=passkey'")
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
		answer := webtest.Eval[string](tb, `(async () => JSON.stringify((await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(`+asJSON(options)+`) })).toJSON()))()`)
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
	brought := webtest.Eval[string](tb, `(async () => {
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
