package web

import (
	"context"
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"frostline/hub/view"
	"frostline/hub/web/webtest"
)

var (
	screenshots = flag.String("screenshots", "", "write a picture of each page into this folder")
	pictureIn   = flag.String("language", "", "take them in this language, es or en; English, if not given")
	picturesOf  = flag.String("of", "", "take them of a running hub, to which this is a link to sign in, as frostline user link prints it")
)

// shots are the pages of a company (withDispatch). Pictures are taken of them,
// and TestPagesAreForEverybody examines them.
var shots = []shot{
	{"home", "", "true"},
	{"empty", "", "true"},
	{"sensor", "sensor/site-1/zone-a-air", "document.documentElement.dataset.charts === 'drawn'"},
	{"sensor-door", "sensor/site-1/dock-door", "document.documentElement.dataset.charts === 'drawn'"},
	{"position", "sensor/van-14/position", "document.documentElement.dataset.charts === 'drawn'"},
	{"account", "account", "true"},
	{"packages", "view/packages", "true"},
	{"package", "view/package/003123450000000018", "true"},
	{"excursions", "view/excursions", "true"},
	{"unit", "view/unit/00614141999996.A1", "true"},
	{"trace", "trace", "true"},
	{"trace-found", "trace?q=A123", "true"},
	{"trace-lot", "trace/lot?gtin=00300010123455&lot=A123", ""},
	{"trace-ended", "trace/ended", ""},
	{"trace-request", "trace/request/TR-1/preview", "true"},
	{"trace-answered", "trace/request/TR-0", "true"},
	{"suspect", "trace/suspect/sus-prop", "true"},
	{"illegitimate", "trace/suspect/sus-bad", "true"},
	{"form-3911", "trace/suspect/sus-bad/form-3911", ""},
	{"exception", "trace/exception/4f1c2c1e-0d5c-4b5e-9d55-6a3f4a1d9a01", "true"},
	{"sagas", "view/sagas", "true"},
	{"saga-parked", "view/saga/excursion-x1", "true"},
	{"saga-asks", "view/saga/excursion-x2", "true"},
	{"saga-waits", "view/saga/excursion-x3", "true"},
	{"saga-over", "view/saga/excursion-x5", "true"},
	{"holds", "view/holds", "true"},
	{"hold", "view/hold/hold-m1", "true"},
	{"fleet", "view/fleet", "true"},
	{"gateway", "view/fleet/site-1", "true"},
	{"rollouts", "view/rollouts", "true"},
	{"health", "view/health", "true"},
	{"log", "view/log", "true"},
	{"audit", "view/audit", ""},
	{"dispatch", "dispatch", "true"},
	{"dispatch-route", "dispatch#route-R-7", "document.getElementById('route-R-7').open"},
	{"dispatch-chosen", "dispatch?route=R-7#map", "document.querySelector('.work') !== null"},
}

// TestScreenshots takes each page at a phone's and a desk's width, light and
// dark (make screenshots).
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("no -screenshots folder given (make screenshots)")
	}
	if err := os.MkdirAll(*screenshots, 0o755); err != nil {
		t.Fatal(err)
	}
	c, _ := withDispatch(t)
	c.operated(t, "site-1", "van-14", "van-15")
	s, _ := c.serve(t, "127.0.0.1:0")
	none := &company{base: base, started: time.Now(), watchers: map[int]func(view.Batch){}}
	empty, _ := none.serve(t, "127.0.0.1:0")
	b := webtest.Browser(t)
	for _, page := range shots {
		from := s.URL()
		if page.name == "empty" {
			from = empty.URL()
		}
		page.take(t, b, from)
	}
}

// TestScreenshotsOfARunningHub takes the pages of a hub that runs, such as a
// demonstration's, and each story that it tells:
//
//	go test ./hub/web -run OfARunningHub -count=1 -screenshots DIR -of "$(bin/frostline user link june | head -1)"
func TestScreenshotsOfARunningHub(t *testing.T) {
	if *screenshots == "" || *picturesOf == "" {
		t.Skip("no -screenshots folder and address of a hub with -of given")
	}
	if err := os.MkdirAll(*screenshots, 0o755); err != nil {
		t.Fatal(err)
	}
	b := webtest.Browser(t)
	link, err := url.Parse(*picturesOf)
	if err != nil {
		t.Fatal(err)
	}
	from := link.Scheme + "://" + link.Host + "/"
	door := webtest.New(t, b, from)
	door.Do(chromedp.Navigate(*picturesOf), chromedp.Click("main form button"))
	door.Until("!location.pathname.startsWith('/enter')")
	pages := []shot{{"home", "", "true"}, {"account", "account", "true"}, {"packages", "view/packages", "true"}, {"excursions", "view/excursions", "true"}, {"sagas", "view/sagas", "true"}, {"holds", "view/holds", "true"},
		{"fleet", "view/fleet", "true"}, {"gateway", "view/fleet/van-1", "true"}, {"rollouts", "view/rollouts", "true"}, {"health", "view/health", "true"}, {"log", "view/log", "true"}, {"audit", "view/audit", ""}, {"people", "view/people", ""},
		{"fleet-es", "view/fleet?lang=es", "true"}, {"home-es", "?lang=es", "true"}, {"sensor-es", "sensor/van-1/probe-1?lang=es", "true"}, {"english", "account?lang=en", "true"}}
	for _, list := range []string{"packages", "excursions", "sagas"} {
		door.Do(chromedp.Navigate(from + "view/" + list))
		body := webtest.Eval[string](door, "document.documentElement.outerHTML")
		seen := map[string]bool{}
		for _, m := range regexp.MustCompile(`href="/(view/(?:package|excursion|saga)/([^"/]+))"`).FindAllStringSubmatch(body, -1) {
			if strings.HasPrefix(m[1], "view/"+strings.TrimSuffix(list, "s")+"/") && !seen[m[1]] {
				seen[m[1]] = true
				pages = append(pages, shot{strings.TrimSuffix(list, "s") + "-" + m[2], m[1], "true"})
			}
		}
	}
	for _, page := range pages {
		page.take(t, b, from)
	}
}

// shot is a page to be taken, once an expression holds.
type shot struct{ name, path, until string }

// TestScreenshotsOfSigningIn takes the pages by which people come in (make
// screenshots).
func TestScreenshotsOfSigningIn(t *testing.T) {
	if *screenshots == "" || *picturesOf != "" {
		t.Skip("no -screenshots folder given (make screenshots)")
	}
	if err := os.MkdirAll(*screenshots, 0o755); err != nil {
		t.Fatal(err)
	}
	b, g := webtest.Browser(t), openGuarded(t)
	door := g.comeIn(t, b, func(name, path string) {
		t.Helper()
		shot{name, path, ""}.take(t, b, g.origin+"/")
	})
	g.showCodes(door)
	door.Picture(filepath.Join(*screenshots, "hub-codes.png"))
}

// comeIn has the first administrator come in, in the tab that it gives, and visits
// the pages about that and about people on the way, each by a name.
func (g *guarded) comeIn(t *testing.T, b context.Context, visit func(name, path string)) *webtest.Tab {
	t.Helper()
	secret, _, _, err := g.people.First(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	visit("signin", "signin")
	visit("enter-first", "enter/"+secret)
	visit("enter-over", "enter/nothing")
	door := webtest.New(t, b, g.origin)
	door.Do(chromedp.Navigate(g.origin+"/enter/"+secret), chromedp.SendKeys("input[name=id]", "root"), chromedp.SendKeys("input[name=name]", "Root Person"), chromedp.Click("main form button"))
	door.Until("location.pathname === '/me'")
	for _, p := range []string{"ann", "bob"} {
		g.must(g.people.Add(t.Context(), "person/root", p, "Printed "+p, []string{"qa", "auditor"}, phrase))
	}
	g.must(g.people.Disable(t.Context(), "person/root", "bob", "left"))
	visit("me", "me")
	visit("people", "view/people")
	return door
}

// showCodes asks for one-time codes, which the page shows to be scanned.
func (g *guarded) showCodes(door *webtest.Tab) {
	door.Do(chromedp.Navigate(g.origin+"/me"), chromedp.Click("form[action='/me/codes'] button"))
	door.Until("document.querySelector('.qr') !== null")
}

// take takes a page at a phone's and a desk's width, light and dark.
func (p shot) take(t *testing.T, b context.Context, from string) {
	for _, size := range []struct {
		name          string
		width, height int64
	}{{"390", 390, 844}, {"1440", 1440, 900}} {
		for _, scheme := range []string{"light", "dark"} {
			t.Run(p.name+"-"+size.name+"-"+scheme, func(t *testing.T) {
				tb := webtest.New(t, b, from)
				tb.Size(size.width, size.height, scheme)
				p.show(tb, from)
				tb.Picture(filepath.Join(*screenshots, "hub-"+p.name+"-"+size.name+"-"+scheme+".png"))
			})
		}
	}
}

// show opens the page and waits until it is all there.
func (p shot) show(tb *webtest.Tab, from string) {
	if *pictureIn != "" && !strings.Contains(p.path, "lang=") {
		path, fragment, found := strings.Cut(p.path, "#")
		mark := "?"
		if strings.Contains(path, "?") {
			mark = "&"
		}
		if p.path = path + mark + "lang=" + *pictureIn; found {
			p.path += "#" + fragment
		}
	}
	if p.until == "" { // it follows nothing
		tb.Expected = []string{"404"}
		tb.Do(chromedp.Navigate(from + p.path))
		tb.Until("document.readyState === 'complete'")
		return
	}
	tb.Open(from + p.path)
	tb.Until("document.getElementById('link').dataset.state === 'live' && " + p.until)
}
