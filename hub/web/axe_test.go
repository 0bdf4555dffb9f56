package web

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"frostline/hub/view"
	"frostline/hub/web/webtest"
	"frostline/test/axe"
)

// TestPagesAreForEverybody: axe-core finds nothing at WCAG 2.2 A and AA on any
// page, light at a desk's width and dark at a phone's; and no page complains on
// the console, breaks its policy or asks another host, which webtest watches for.
func TestPagesAreForEverybody(t *testing.T) {
	script := axe.Script(t)
	b := webtest.Browser(t)
	c, _ := withDispatch(t)
	c.operated(t, "site-1", "van-14", "van-15")
	s, _ := c.serve(t, "127.0.0.1:0")
	none := &company{base: base, started: time.Now(), watchers: map[int]func(view.Batch){}}
	empty, _ := none.serve(t, "127.0.0.1:0")
	for _, page := range shots {
		from := s.URL()
		if page.name == "empty" {
			from = empty.URL()
		}
		page.examine(t, b, script, from)
	}
}

// TestSigningInIsForEverybody is the same for the pages by which people come in.
func TestSigningInIsForEverybody(t *testing.T) {
	script := axe.Script(t)
	b, g := webtest.Browser(t), openGuarded(t)
	examine := func(name, path string) {
		t.Helper()
		shot{name, path, ""}.examine(t, b, script, g.origin+"/")
	}
	door := g.comeIn(t, b, examine)
	examine("refused", "no/such/page")
	g.showCodes(door)
	axe.Check(door.Context, t, script, "codes")
}

// examine looks at a page in both schemes. Its tab is closed then: a
// browser has six connections to a host, and each page that follows holds one.
func (p shot) examine(t *testing.T, b context.Context, script, from string) {
	t.Run(p.name, func(t *testing.T) {
		tb := webtest.New(t, b, from)
		for scheme, width := range map[string]int64{"light": 1440, "dark": 390} {
			tb.Do(chromedp.Navigate("about:blank")) // or a place on the same page would be no visit
			tb.Size(width, 900, scheme)
			p.show(tb, from)
			webtest.Eval[bool](tb, "document.querySelectorAll('details').forEach((d) => { d.open = true; }), true")
			axe.Check(tb.Context, t, script, fmt.Sprintf("%s, %s, %d px", p.name, scheme, width))
		}
	})
}
