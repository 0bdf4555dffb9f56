package patient

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"frostline/hub/web/webtest"
	"frostline/test/axe"
)

// TestPageIsForEverybody: axe-core finds nothing at WCAG 2.2 A and AA in any
// situation of a delivery, nor at the question before it, light and dark, in both
// languages, and no page complains, which webtest watches for.
func TestPageIsForEverybody(t *testing.T) {
	script, b, n := axe.Script(t), webtest.Browser(t), 0
	for _, s := range situations {
		c := newCompany()
		s.do(c)
		h := open(t, c)
		secret, _ := h.made()
		name, value, _ := strings.Cut(h.enter(secret), "=")
		scheme, lang := []string{"light", "dark"}[n%2], Languages[n/2%2]
		n++
		t.Run(strings.ReplaceAll(s.name, " ", "-"), func(t *testing.T) {
			tb := webtest.New(t, b, h.http.URL)
			tb.Size(320, 844, scheme)
			webtest.Call(tb, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: h.http.URL + Prefix + secret, Path: Prefix + secret})
			tb.Do(chromedp.Navigate(h.http.URL + Prefix + secret + "?lang=" + lang))
			tb.Until("document.getElementById('link').dataset.state === 'live'")
			webtest.Eval[bool](tb, "document.querySelectorAll('details').forEach((d) => { d.open = true; }), true")
			axe.Check(tb.Context, t, script, s.name+", "+scheme+", "+lang)
		})
	}
	h := open(t, newCompany())
	for _, scheme := range []string{"light", "dark"} {
		t.Run("question-"+scheme, func(t *testing.T) {
			tb := webtest.New(t, b, h.http.URL)
			tb.Size(320, 640, scheme)
			tb.Do(chromedp.Navigate(h.http.URL + Prefix + nobodys))
			tb.Until("!!document.getElementById('answer')")
			axe.Check(tb.Context, t, script, "question, "+scheme)
		})
	}
}
