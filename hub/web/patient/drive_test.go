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
)

var screenshots = flag.String("screenshots", "", "write a picture of each page into this folder")

// answerIt fills in the question and sends it.
func (tb *tab) answerIt(answer string) {
	tb.t.Helper()
	tb.until("!!document.getElementById('answer')")
	eval[bool](tb, "(document.getElementById('answer').value = '"+answer+"', true)")
	tb.click("button")
}

// click clicks from here: the page's policy forbids what would wait inside it.
func (tb *tab) click(selector string) {
	tb.t.Helper()
	eval[bool](tb, "(document.querySelector('"+selector+"').click(), true)")
}

// line sets how good the network is.
func (tb *tab) line(c network.Conditions) {
	tb.t.Helper()
	call(tb, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: []*network.Conditions{&c}})
}

const (
	delivered = "!!document.querySelector('[data-part=sentence] h1')"
	fits      = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
)

func TestPatientFollowsADeliveryByBrowser(t *testing.T) {
	c := newCompany()
	c.wall, c.began = true, time.Now()
	c.chart.Unmonitored = nil
	h := open(t, c)
	secret, k := h.made()
	tb := newTab(t, browser(t), h.http.URL)
	tb.size(320, 640, "light")
	tb.do(chromedp.Navigate(h.http.URL + Prefix + secret + "?lang=en"))
	tb.expected = append(tb.expected, "403 (Forbidden)")
	tb.answerIt("98135")
	tb.until("!!document.querySelector('[role=alert]')")
	if !eval[bool](tb, fits) {
		t.Error("the question is wider than 320 px")
	}
	tb.answerIt("98134")
	tb.until("document.documentElement.dataset.ready === '' && document.getElementById('link').dataset.state === 'live'")
	if got := eval[string](tb, "document.querySelector('h1').innerText"); got != "Your delivery is on its way, in range now." {
		t.Errorf("says %q", got)
	}
	if !eval[bool](tb, fits) {
		t.Error("the delivery is wider than 320 px")
	}
	tb.click("summary")
	if !eval[bool](tb, fits+" && document.querySelectorAll('tbody tr').length > 5") {
		t.Error("the table is wider than 320 px, or not there")
	}
	// It follows, and what somebody has opened stays open.
	h.do("package/P1", func() { c.measure("P1", 8_420, correlate.OutOfRange) })
	tb.until("document.querySelector('.pill').dataset.mark === 'not-ok' && document.querySelector('.c').innerText === '8.4 °C'")
	if !eval[bool](tb, "document.querySelector('details').open") {
		t.Error("the table was closed")
	}
	h.do("excursion/ex-1", func() { c.opened("opened") })
	tb.until("document.querySelector('.pill').dataset.condition === 'checking' && document.querySelector('h1').innerText.includes('do not use')")
	h.do("route/R1", func() {
		c.cases, c.chart.Unmonitored = nil, nil
		c.measure("P1", 5_000, correlate.InRange)
		c.visit("s2", "completed", noon)
		c.report("delivered", noon)
		c.close("P1", "delivered", "in_range")
	})
	tb.until("document.querySelector('.pill').dataset.condition === 'kept' && document.querySelector('[data-if=map]').hidden")
	// The link is revoked while somebody looks: the page asks, and tells nothing.
	if _, err := h.links.Revoke(ctx, "person/amy", k.ID, "test"); err != nil {
		t.Fatal(err)
	}
	tb.until("!!document.getElementById('answer') && !document.querySelector('[data-part]')")
}

// TestPageThatLosesTheHubSaysSo, and goes on by itself when it is back.
func TestPageThatLosesTheHubSaysSo(t *testing.T) {
	c := newCompany()
	c.wall, c.began = true, time.Now()
	h := open(t, c)
	secret, _ := h.made()
	tb := newTab(t, browser(t), h.http.URL)
	tb.expected = append(tb.expected, "ERR_INTERNET_DISCONNECTED", "ERR_NETWORK_CHANGED", "ERR_INCOMPLETE_CHUNKED_ENCODING")
	tb.size(390, 844, "dark")
	tb.do(chromedp.Navigate(h.http.URL + Prefix + secret + "?lang=es"))
	tb.answerIt("98134")
	tb.until("document.documentElement.lang === 'es' && document.getElementById('link')?.dataset.state === 'live'")
	tb.line(network.Conditions{Offline: true, DownloadThroughput: -1, UploadThroughput: -1})
	h.http.CloseClientConnections()
	tb.until("document.getElementById('link').dataset.state === 'lost' && document.body.hasAttribute('data-stale') && document.getElementById('link').innerText.includes('sin conexión')")
	h.do("package/P1", func() { c.measure("P1", 6_300, correlate.InRange) })
	tb.line(network.Conditions{DownloadThroughput: -1, UploadThroughput: -1})
	tb.until("document.getElementById('link').dataset.state === 'live' && document.querySelector('.c').innerText === '6.3 °C'")
}

func TestPageWithoutJavaScript(t *testing.T) {
	h := open(t, newCompany())
	secret, _ := h.made()
	tb := newTab(t, browser(t), h.http.URL)
	call(tb, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	tb.size(320, 640, "light")
	tb.do(chromedp.Navigate(h.http.URL + Prefix + secret + "?lang=en"))
	tb.answerIt("98134")
	tb.until(delivered)
	if text := eval[string](tb, "document.body.innerText"); !strings.Contains(text, "As of 13:00:00. Reload") || strings.Contains(text, "connecting") || !strings.Contains(text, "5.1 °C") {
		t.Errorf("says:\n%s", text)
	}
	if !eval[bool](tb, fits) {
		t.Error("wider than 320 px")
	}
	h.do("package/P1", func() { h.measure("P1", 6_000, correlate.InRange) })
	tb.click(".nojs a")
	tb.until("document.querySelector('.c')?.innerText === '6.0 °C'")
}

// TestThrottledPhone logs how long the page takes over a slow line: 400 kbit/s
// and 300 ms for each round besides, and a processor four times slower.
func TestThrottledPhone(t *testing.T) {
	h := open(t, newCompany())
	secret, _ := h.made()
	cookie := h.enter(secret)
	name, value, _ := strings.Cut(cookie, "=")
	tb := newTab(t, browser(t), h.http.URL)
	tb.size(320, 640, "light")
	call(tb, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: h.http.URL + Prefix + secret, Path: Prefix + secret})
	call(tb, network.Enable, network.EnableParams{})
	call(tb, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true})
	tb.line(network.Conditions{Latency: 300, DownloadThroughput: 50_000, UploadThroughput: 50_000})
	call(tb, emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: 4})
	tb.do(chromedp.Navigate(h.http.URL + Prefix + secret))
	tb.until("document.documentElement.dataset.ready === ''")
	paint := eval[float64](tb, "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1")
	ready := eval[float64](tb, "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
	bytes := eval[float64](tb, "performance.getEntriesByType('navigation')[0].transferSize + performance.getEntriesByType('resource').reduce((n, r) => n + r.transferSize, 0)")
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
	b := browser(t)
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
		tb := newTab(t, b, h.http.URL)
		tb.size(width, 844, scheme)
		if cookie != "" {
			key, value, _ := strings.Cut(cookie, "=")
			call(tb, network.SetCookie, network.SetCookieParams{Name: key, Value: value, URL: h.http.URL + Prefix + secret, Path: Prefix + secret})
		}
		tb.do(chromedp.Navigate(h.http.URL + Prefix + secret + "?lang=" + lang))
		if cookie != "" {
			tb.until("document.getElementById('link').dataset.state === 'live'")
		} else {
			tb.until("!!document.getElementById('answer')")
		}
		if !eval[bool](tb, fits) {
			t.Error("it is wider than the screen")
		}
		png, err := chromedp.Run(tb.ctx, chromedp.FullScreenshot(100))
		if err == nil {
			err = os.WriteFile(filepath.Join(*screenshots, file), png, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
}
