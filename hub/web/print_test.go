package web

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	paper "github.com/chromedp/cdproto/page"

	"frostline/hub/excursion"
	"frostline/hub/web/webtest"
)

// offSheet says what of a page is not wholly on paper, or is on it in vain.
const offSheet = `(() => {
  const shown = (e) => e && e.getClientRects().length > 0;
  const out = [...document.querySelectorAll('.scroll, pre')].filter((e) => shown(e) && e.scrollWidth > document.documentElement.clientWidth).map((e) => 'too wide: ' + (e.getAttribute('aria-label') || e.textContent.slice(0, 30)));
  for (const e of document.querySelectorAll('main *')) if (shown(e) && e.scrollHeight > e.clientHeight + 4 && e.clientHeight > 0 && !['visible', 'clip'].includes(getComputedStyle(e).overflowY) && !e.closest('.hear, svg')) { out.push('cut: ' + e.tagName + ' ' + e.className + ' ' + e.textContent.trim().slice(0, 30)); break; }
  for (const e of document.querySelectorAll('.scroll td, .scroll th')) if (shown(e) && e.getBoundingClientRect().right > innerWidth) { out.push('off the sheet: ' + e.textContent.slice(0, 30)); break; }
  for (const e of document.querySelectorAll('.top nav, form button, .foot')) if (shown(e)) { out.push('in vain: ' + e.textContent.trim().slice(0, 30)); break; }
  const dark = (c) => { const n = (c.match(/[\d.]+/g) || []).map(Number); return n.length >= 3 && !(n[3] === 0) && 0.3 * n[0] + 0.6 * n[1] + 0.1 * n[2] < 128; };
  for (const e of document.querySelectorAll('body, main, .card, table, td, th, .pill, .notice, pre, blockquote')) if (shown(e) && dark(getComputedStyle(e).backgroundColor)) { out.push('dark: ' + e.className + ' ' + e.textContent.trim().slice(0, 30)); break; }
  for (const e of document.querySelectorAll('input:not([type=hidden]), select, textarea, button')) if (shown(e)) { out.push('to be filled in: ' + (e.name || e.textContent.trim().slice(0, 30))); break; }
  if (!shown(document.querySelector('.printed'))) out.push('it does not say when it was true');
  return out.join('; ');
})()`

// print looks at a page as it comes onto paper, and prints it where a folder for
// pictures is given.
func (p shot) print(t *testing.T, b context.Context, from string, more ...string) {
	t.Run(p.name, func(t *testing.T) {
		tb := webtest.New(t, b, from)
		tb.Size(718, 1000, "dark") // A4 but for margins; paper is never dark
		p.show(tb, from)
		webtest.Call(tb, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print", Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}})
		if wrong := webtest.Eval[string](tb, offSheet); wrong != "" {
			t.Error(wrong)
		}
		said := webtest.Eval[string](tb, "document.body.innerText")
		for _, want := range more {
			if !strings.Contains(said, want) {
				t.Errorf("%q is not on paper", want)
			}
		}
		if *screenshots == "" {
			return
		}
		pdf := webtest.Call(tb, paper.PrintToPDF, paper.PrintToPDFParams{PreferCSSPageSize: new(true), PaperWidth: 8.27, PaperHeight: 11.69}).Data
		if err := os.WriteFile(filepath.Join(*screenshots, "hub-"+p.name+".pdf"), pdf, 0o644); err != nil {
			t.Fatal(err)
		}
	})
}

// TestPagesPrint: on a sheet of A4 no column of a table is cut off, what is folded
// is open, nothing is there that only a screen can do, and the page says when it
// was true.
func TestPagesPrint(t *testing.T) {
	b := webtest.Browser(t)
	c, _ := withDispatch(t)
	c.operated(t, "site-1", "van-14", "van-15")
	s, _ := c.serve(t, "127.0.0.1:0")
	for _, p := range shots {
		p.print(t, b, s.URL())
	}
}

// TestWorkbenchPrints an excursion with the hash that it can be checked by.
func TestWorkbenchPrints(t *testing.T) {
	b, chrome := openBench(t), webtest.Browser(t)
	b.enter(webtest.New(t, chrome, b.origin), "ann", "qa", "qa_approver", "auditor")
	by := excursion.By{Actor: "person/ann", Case: b.id, Why: "seen", Expect: -1}
	v, err := b.world.Cases.Acknowledge(t.Context(), by)
	if err == nil {
		v, err = b.world.Cases.Attach(t.Context(), by, "The driver has sent this.", []excursion.Upload{{Name: "door.jpg", Body: []byte("x")}})
	}
	if err != nil {
		t.Fatal(err)
	}
	shot{"workbench", "view/excursion/" + b.id, "true"}.print(t, chrome, b.origin+"/", v.Digest, "door.jpg", v.Documents[0].SHA256)
	shot{"queue", "view/excursions", "true"}.print(t, chrome, b.origin+"/")
	shot{"trail", "view/trail/excursion/" + b.id, ""}.print(t, chrome, b.origin+"/", v.Digest)
}
