package web

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"frostline/hub/web/webtest"
)

// offSheet says what of a page is not wholly on paper, or is on it in vain.
const offSheet = `(() => {
  const shown = (e) => e && e.getClientRects().length > 0;
  const out = [...document.querySelectorAll('.scroll, pre')].filter((e) => shown(e) && e.scrollWidth > document.documentElement.clientWidth).map((e) => 'too wide: ' + (e.getAttribute('aria-label') || e.textContent.slice(0, 30)));
  for (const e of document.querySelectorAll('.scroll td, .scroll th')) if (shown(e) && e.getBoundingClientRect().right > innerWidth) { out.push('off the sheet: ' + e.textContent.slice(0, 30)); break; }
  for (const e of document.querySelectorAll('.top nav, form button, .foot')) if (shown(e)) { out.push('in vain: ' + e.textContent.trim().slice(0, 30)); break; }
  if (!shown(document.querySelector('.printed'))) out.push('it does not say when it was true');
  return out.join('; ');
})()`

// TestPagesPrint: on a sheet of A4 no column of a table is cut off, what is folded
// is open, nothing is there that only a screen can do, and the page says when it
// was true.
func TestPagesPrint(t *testing.T) {
	b := webtest.Browser(t)
	c, _ := withDispatch(t)
	c.operated(t, "site-1", "van-14", "van-15")
	s, _ := c.serve(t, "127.0.0.1:0")
	for _, p := range shots {
		switch p.name {
		case "home", "account", "sensor", "packages", "package", "excursions", "unit", "dispatch", "fleet", "gateway", "rollouts", "health", "log", "audit":
		default:
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			tb := webtest.New(t, b, s.URL())
			p.show(tb, s.URL())
			tb.Do(chromedp.EmulateViewport(718, 1000)) // A4 but for margins
			webtest.Call(tb, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
			if wrong := webtest.Eval[string](tb, offSheet); wrong != "" {
				t.Error(wrong)
			}
		})
	}
}
