package web

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	paper "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"frostline/hub/trace/dscsa"
	"frostline/hub/trace/dscsa/dscsatest"
	"frostline/hub/web/webtest"
	"frostline/test/axe"
)

// signedIn is a tab of somebody who has just signed in.
func (g *guarded) signedIn(t *testing.T, id string, roles ...string) *webtest.Tab {
	t.Helper()
	b := webtest.Browser(t)
	secret, _, err := g.people.Invite(t.Context(), "os/0", id, "Printed "+id, roles)
	if err != nil {
		t.Fatal(err)
	}
	tb := webtest.New(t, b, g.origin)
	tb.Do(chromedp.Navigate(g.origin+"/enter/"+secret), chromedp.Click("main form button"))
	tb.Until("location.pathname === '/me' || location.pathname === '/'")
	return tb
}

// TestTraceIsDriven: a person finds a unit and decides about a case in a browser,
// by keyboard alone, and the page complains of nothing.
func TestTraceIsDriven(t *testing.T) {
	g, w := guardedTrace(t)
	tb := g.signedIn(t, "quinn", "qa")
	tb.Open(g.origin + "/trace")
	tb.Until("document.getElementById('link').dataset.state === 'live'")
	tb.Do(chromedp.SendKeys("input[name=q]", dscsatest.GTIN+".11\r"))
	tb.Until("document.querySelector('#h-found') !== null")
	if href := webtest.Eval[string](tb, "document.querySelector('[aria-labelledby=h-found] th a').getAttribute('href')"); href != "/view/unit/"+dscsatest.GTIN+".11" {
		t.Errorf("it leads to %s", href)
	}
	tb.Open(g.origin + "/trace/suspect/sus-open")
	tb.Do(chromedp.SendKeys("form[action$='/clear'] input[name=reason]", "the seal was ours\r"))
	tb.Until("location.search === '?done=clear' && document.querySelector('[role=status].notice') !== null")
	if c, err := w.Suspicion(t.Context(), "sus-open"); err != nil || c.State != dscsa.Cleared || c.By != "person/quinn" || c.Reason != "the seal was ours" {
		t.Errorf("decided: %+v, %v", c, err)
	}
}

// TestDecidingIsForEverybody: axe-core finds nothing on the forms by which cases
// are decided, and pictures of them are taken where a folder is given.
func TestDecidingIsForEverybody(t *testing.T) {
	script := axe.Script(t)
	g, _ := guardedTrace(t)
	tb := g.signedIn(t, "quinn", "qa")
	for _, path := range []string{"/trace", "/trace/suspect/sus-prop", "/trace/suspect/sus-open", "/trace/suspect/sus-bad"} {
		id := filepath.Base(path)
		for _, size := range []struct {
			width  int64
			scheme string
		}{{390, "dark"}, {1440, "light"}} {
			tb.Size(size.width, 900, size.scheme)
			tb.Open(g.origin + path)
			tb.Until("document.querySelector('.decide button') !== null")
			webtest.Eval[bool](tb, "document.querySelectorAll('details').forEach((d) => { d.open = true; }), true")
			axe.Check(tb.Context, t, script, id)
			if *screenshots == "" {
				continue
			}
			png, err := chromedp.Run(tb.Context, chromedp.FullScreenshot(100))
			if err == nil {
				err = os.WriteFile(filepath.Join(*screenshots, "hub-decide-"+id+"-"+size.scheme+".png"), png, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestForm3911Prints: the form comes out on one sheet of letter paper,
// whatever paper the browser thinks of, without what is for the screen alone.
func TestForm3911Prints(t *testing.T) {
	g, _ := guardedTrace(t)
	tb := g.signedIn(t, "quinn", "qa")
	tb.Do(chromedp.Navigate(g.origin + "/trace/suspect/sus-bad/form-3911"))
	tb.Until("document.querySelectorAll('.items > div').length === 23")
	pdf := webtest.Call(tb, paper.PrintToPDF, paper.PrintToPDFParams{PreferCSSPageSize: new(true), PaperWidth: 8.27, PaperHeight: 11.69}).Data
	if *screenshots != "" {
		if err := os.WriteFile(filepath.Join(*screenshots, "form-3911.pdf"), pdf, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	sheets := regexp.MustCompile(`/Type /Page\b[^s]`).FindAll(pdf, -1)
	boxes := regexp.MustCompile(`/MediaBox \[([^\]]*)\]`).FindAllSubmatch(pdf, -1)
	if len(sheets) != 1 || len(boxes) != len(sheets) {
		t.Fatalf("%d sheets, %d sizes, %d bytes", len(sheets), len(boxes), len(pdf))
	}
	for _, b := range boxes {
		if got := strings.Fields(string(b[1])); strings.Join(got, " ") != "0 0 612 792" {
			t.Errorf("a sheet is %v points, want letter", got)
		}
	}
	webtest.Call(tb, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
	if text := webtest.Eval[string](tb, "document.body.innerText"); strings.Contains(text, "Write them at the case") || strings.Contains(text, "Gateways") || !strings.Contains(text, "Company Name & Address") {
		t.Errorf("it prints:\n%s", text)
	}
}
