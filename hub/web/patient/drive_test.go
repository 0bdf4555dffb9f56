package patient

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"frostline/hub/correlate"
	"frostline/hub/web/webtest"
)

var screenshots = flag.String("screenshots", "", "write a picture of each page into this folder")

// answerIt fills in the question and sends it.
func answerIt(tb *webtest.Tab, answer string) {
	tb.Until("!!document.getElementById('answer')")
	webtest.Eval[bool](tb, "(document.getElementById('answer').value = '"+answer+"', true)")
	tb.Click("button")
}

// line sets how good the network is.
func line(tb *webtest.Tab, c network.Conditions) {
	webtest.Call(tb, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: []*network.Conditions{&c}})
}

const (
	delivered = "!!document.querySelector('[data-part=sentence] h1')"
	fits      = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
)

func TestPatientFollowsADeliveryByBrowser(t *testing.T) {
	c := newCompany()
	c.wall, c.began = true, time.Now()
	c.chart = chartOf(noon, 0)
	h := open(t, c)
	secret, k := h.made()
	tb := webtest.New(t, webtest.Browser(t), h.http.URL)
	tb.Size(320, 640, "light")
	tb.Do(chromedp.Navigate(h.http.URL + Prefix + secret + "?lang=en"))
	tb.Expected = append(tb.Expected, "403 (Forbidden)")
	answerIt(tb, "98135")
	tb.Until("!!document.querySelector('[role=alert]')")
	if !webtest.Eval[bool](tb, fits) {
		t.Error("the question is wider than 320 px")
	}
	answerIt(tb, "98134")
	tb.Until("document.documentElement.dataset.ready === '' && document.getElementById('link').dataset.state === 'live'")
	if got := webtest.Eval[string](tb, "document.querySelector('h1').innerText"); got != "Your delivery is on its way, in range now." {
		t.Errorf("says %q", got)
	}
	if !webtest.Eval[bool](tb, fits) {
		t.Error("the delivery is wider than 320 px")
	}
	tb.Click("summary")
	if !webtest.Eval[bool](tb, fits+" && document.querySelectorAll('tbody tr').length > 5") {
		t.Error("the table is wider than 320 px, or not there")
	}
	// It follows, and what somebody has opened stays open.
	h.do("package/P1", func() { c.measure("P1", 8_420, correlate.OutOfRange) })
	tb.Until("document.querySelector('.pill').dataset.mark === 'not-ok' && document.querySelector('.c').innerText === '8.4 °C'")
	if !webtest.Eval[bool](tb, "document.querySelector('details').open") {
		t.Error("the table was closed")
	}
	h.do("excursion/ex-1", func() { c.opened("opened") })
	tb.Until("document.querySelector('.pill').dataset.condition === 'checking' && document.querySelector('h1').innerText.includes('do not use')")
	h.do("route/R1", func() {
		c.cases, c.chart = nil, chartOf(noon, 0)
		c.measure("P1", 5_000, correlate.InRange)
		c.visit("s2", "completed", noon)
		c.report("delivered", noon)
		c.close("P1", "delivered", "in_range")
	})
	tb.Until("document.querySelector('.pill').dataset.condition === 'kept' && document.querySelector('[data-if=map]').hidden")
	// The link is revoked while somebody looks: the page asks, and tells nothing.
	if _, err := h.links.Revoke(ctx, "person/amy", k.ID, "test"); err != nil {
		t.Fatal(err)
	}
	tb.Until("!!document.getElementById('answer') && !document.querySelector('[data-part]')")
}

// TestPageThatLosesTheHubSaysSo, and goes on by itself when it is back.
func TestPageThatLosesTheHubSaysSo(t *testing.T) {
	c := newCompany()
	c.wall, c.began = true, time.Now()
	h := open(t, c)
	secret, _ := h.made()
	tb := webtest.New(t, webtest.Browser(t), h.http.URL)
	tb.Expected = append(tb.Expected, "ERR_INTERNET_DISCONNECTED", "ERR_NETWORK_CHANGED", "ERR_INCOMPLETE_CHUNKED_ENCODING")
	tb.Size(390, 844, "dark")
	tb.Do(chromedp.Navigate(h.http.URL + Prefix + secret + "?lang=es"))
	answerIt(tb, "98134")
	tb.Until("document.documentElement.lang === 'es' && document.getElementById('link')?.dataset.state === 'live'")
	line(tb, network.Conditions{Offline: true, DownloadThroughput: -1, UploadThroughput: -1})
	h.http.CloseClientConnections()
	tb.Until("document.getElementById('link').dataset.state === 'lost' && document.body.hasAttribute('data-stale') && document.getElementById('link').innerText.includes('sin conexión')")
	h.do("package/P1", func() { c.measure("P1", 6_300, correlate.InRange) })
	line(tb, network.Conditions{DownloadThroughput: -1, UploadThroughput: -1})
	tb.Until("document.getElementById('link').dataset.state === 'live' && document.querySelector('.c').innerText === '6.3 °C'")
}

func TestPageWithoutJavaScript(t *testing.T) {
	h := open(t, newCompany())
	secret, _ := h.made()
	tb := webtest.New(t, webtest.Browser(t), h.http.URL)
	webtest.Call(tb, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	tb.Size(320, 640, "light")
	tb.Do(chromedp.Navigate(h.http.URL + Prefix + secret + "?lang=en"))
	answerIt(tb, "98134")
	tb.Until(delivered)
	if text := webtest.Eval[string](tb, "document.body.innerText"); !strings.Contains(text, "As of 13:00:00. Reload") || strings.Contains(text, "connecting") || !strings.Contains(text, "5.1 °C") {
		t.Errorf("says:\n%s", text)
	}
	if !webtest.Eval[bool](tb, fits) {
		t.Error("wider than 320 px")
	}
	h.do("package/P1", func() { h.measure("P1", 6_000, correlate.InRange) })
	tb.Click(".nojs a")
	tb.Until("document.querySelector('.c')?.innerText === '6.0 °C'")
}

// TestThrottledPhone logs how long the page takes over a slow line: 400 kbit/s
// and 300 ms for each round besides, and a processor four times slower.
func TestThrottledPhone(t *testing.T) {
	h := open(t, newCompany())
	secret, _ := h.made()
	cookie := h.enter(secret)
	name, value, _ := strings.Cut(cookie, "=")
	tb := webtest.New(t, webtest.Browser(t), h.http.URL)
	tb.Size(320, 640, "light")
	webtest.Call(tb, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: h.http.URL + Prefix + secret, Path: Prefix + secret})
	webtest.Call(tb, network.Enable, network.EnableParams{})
	webtest.Call(tb, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true})
	line(tb, network.Conditions{Latency: 300, DownloadThroughput: 50_000, UploadThroughput: 50_000})
	webtest.Call(tb, emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: 4})
	tb.Do(chromedp.Navigate(h.http.URL + Prefix + secret))
	tb.Until("document.documentElement.dataset.ready === ''")
	paint := webtest.Eval[float64](tb, "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1")
	ready := webtest.Eval[float64](tb, "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
	bytes := webtest.Eval[float64](tb, "performance.getEntriesByType('navigation')[0].transferSize + performance.getEntriesByType('resource').reduce((n, r) => n + r.transferSize, 0)")
	t.Logf("first paint after %.0f ms, ready after %.0f ms, %.0f bytes", paint, ready, bytes)
	if bytes > 30<<10 || bytes < 1000 {
		t.Errorf("%v bytes were loaded", bytes)
	}
}

// TestScreenshots takes the page in many situations (make screenshots).
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("no -screenshots folder given (make screenshots)")
	}
	if err := os.MkdirAll(*screenshots, 0o755); err != nil {
		t.Fatal(err)
	}
	b := webtest.Browser(t)
	for _, s := range situations {
		c := newCompany()
		s.do(c)
		h := open(t, c)
		secret, _ := h.made()
		cookie := h.enter(secret)
		all := strings.Contains("on its way, next, under QA, silent, handed over", s.name)
		for _, width := range []int64{320, 390, 1440} {
			for _, scheme := range []string{"light", "dark"} {
				for _, lang := range Languages {
					if !all && (width != 390 || scheme != "light" || lang != "en") {
						continue
					}
					picture(t, b, h, secret, cookie, strings.ReplaceAll(s.name, " ", "-"), width, scheme, lang)
				}
			}
		}
	}
	h := open(t, newCompany())
	for _, scheme := range []string{"light", "dark"} {
		for _, lang := range Languages {
			picture(t, b, h, nobodys, "", "question", 320, scheme, lang)
		}
	}
}

func picture(t *testing.T, b context.Context, h *hub, secret, cookie, name string, width int64, scheme, lang string) {
	file := strings.Join([]string{"patient", strings.ReplaceAll(name, ",", ""), fmt.Sprint(width), scheme, lang}, "-") + ".png"
	t.Run(file, func(t *testing.T) {
		tb := webtest.New(t, b, h.http.URL)
		tb.Size(width, 844, scheme)
		if cookie != "" {
			key, value, _ := strings.Cut(cookie, "=")
			webtest.Call(tb, network.SetCookie, network.SetCookieParams{Name: key, Value: value, URL: h.http.URL + Prefix + secret, Path: Prefix + secret})
		}
		tb.Do(chromedp.Navigate(h.http.URL + Prefix + secret + "?lang=" + lang))
		if cookie != "" {
			tb.Until("document.getElementById('link').dataset.state === 'live'")
		} else {
			tb.Until("!!document.getElementById('answer')")
		}
		if !webtest.Eval[bool](tb, fits) {
			t.Error("it is wider than the screen")
		}
		tb.Picture(filepath.Join(*screenshots, file))
	})
}
