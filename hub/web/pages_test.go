package web

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"frostline/hub/view"
	"frostline/hub/web/webtest"
	"frostline/proto/reading"
)

var zoneA = view.Series{Gateway: "site-1", Sensor: "zone-a-air", Quantity: reading.Temperature}

const zoneAElement = `document.querySelector('[data-series="site-1/zone-a-air/temperature"]')`

// live waits until a page follows the hub.
const following = "document.getElementById('link').dataset.state === 'live'"

func TestPagesFollowTheHub(t *testing.T) {
	b := webtest.Browser(t)

	t.Run("a committed value arrives", func(t *testing.T) {
		c := newCompany()
		c.silence("site-1", "zone-a-air")
		s, _ := c.serve(t, "127.0.0.1:0")
		tb := webtest.New(t, b, s.URL())
		tb.Open(s.URL())
		tb.Until(following)
		now := c.now().UnixMilli()
		c.commit(zoneA, view.Reading{Epoch: 1, Boot: 4, Tick: 1000, Dated: true, UTC: now, Value: 7_654})
		tb.Until(zoneAElement + ".querySelector('.num').textContent === '7.65'")
		// Older than what is shown, as a backlog brings it: no change.
		c.commit(zoneA, view.Reading{Epoch: 1, Boot: 3, Tick: 5000, Dated: true, UTC: now - 9_000_000, Value: 1_111})
		c.commit(zoneA, view.Reading{Epoch: 1, Boot: 4, Tick: 2000, Dated: true, UTC: now + 1, Quality: reading.Checksum})
		tb.Until(zoneAElement + ".querySelector('.word').textContent === 'not ok: checksum wrong'")
		if got := webtest.Eval[string](tb, zoneAElement+".querySelector('.num').textContent"); got != noValue {
			t.Errorf("a reading that may not be used shows the value %q", got)
		}
		if got := webtest.Eval[string](tb, zoneAElement+".closest('article').dataset.state"); got != "not-ok" {
			t.Errorf("the card is %q, want not-ok", got)
		}
	})

	t.Run("silence shows by time alone", func(t *testing.T) {
		c := newCompany()
		s, _ := c.serve(t, "127.0.0.1:0")
		tb := webtest.New(t, b, s.URL())
		tb.Open(s.URL())
		tb.Until(following + " && " + zoneAElement + ".dataset.state === 'live'")
		c.silence("site-1", "zone-a-air")
		c.jump(30 * time.Second)
		tb.Until(zoneAElement + ".dataset.state === 'silent' && " + zoneAElement + ".querySelector('use').getAttribute('href') === '#s-silent'")
		tb.Until("document.querySelector('#tally [data-state=silent] .n').textContent === '3'")
	})

	t.Run("a new gateway appears", func(t *testing.T) {
		c := &company{base: base, started: time.Now(), models: map[view.Series]model{}, watchers: map[int]func(view.Batch){}}
		s, _ := c.serve(t, "127.0.0.1:0")
		tb := webtest.New(t, b, s.URL())
		tb.Open(s.URL())
		tb.Until(following)
		if text := webtest.Eval[string](tb, "document.body.innerText"); !strings.Contains(text, "frostline enrol site-1") {
			t.Errorf("an empty hub does not say what to do next:\n%s", text)
		}
		c.gateway("site-9", func(*view.Gateway) {})
		c.sensor("site-9", "shelf", "ds18b20", "28-1", time.Second, map[reading.Quantity]model{reading.Temperature: {value: func(int64) int64 { return 5_000 }}})
		tb.Until(`document.querySelector('[data-series="site-9/shelf/temperature"] .num')?.textContent === '5.00'`)
	})

	t.Run("a value that comes while the page is made anew is kept", func(t *testing.T) {
		c := newCompany()
		s, _ := c.serve(t, "127.0.0.1:0")
		tb := webtest.New(t, b, s.URL())
		tb.Open(s.URL())
		tb.Until(following)
		value := func(tick, v int64) {
			c.commit(zoneA, view.Reading{Epoch: 1, Boot: 9, Tick: tick, Dated: true, UTC: c.now().UnixMilli(), Value: v})
		}
		value(1, 1_110)
		// The new gateway's small chart, and so the whole page, waits until a
		// newer value than it was made with has come.
		asked, answer := make(chan struct{}), make(chan struct{})
		once := sync.OnceFunc(func() { close(asked) })
		c.mu.Lock()
		c.gate = func(s view.Series) {
			if s.Gateway == "site-9" {
				once()
				<-answer
			}
		}
		c.mu.Unlock()
		c.gateway("site-9", func(*view.Gateway) {})
		c.sensor("site-9", "shelf", "ds18b20", "28-1", time.Second, map[reading.Quantity]model{reading.Temperature: {value: func(int64) int64 { return 5_000 }}})
		<-asked
		value(2, 6_660)
		tb.Until(zoneAElement + ".querySelector('.num').textContent === '6.66'")
		close(answer)
		tb.Until(`document.querySelector('[data-series="site-9/shelf/temperature"]') && ` + zoneAElement + ".querySelector('.num').textContent === '6.66'")
	})

	t.Run("it resumes after the hub has restarted", func(t *testing.T) {
		c := newCompany()
		s, stop := c.serve(t, "127.0.0.1:0")
		addr := strings.TrimSuffix(strings.TrimPrefix(s.URL(), "http://"), "/")
		tb := webtest.New(t, b, s.URL())
		tb.Expected = []string{"net::ERR_", "Failed to fetch"}
		tb.Open(s.URL())
		tb.Until(following)
		stop()
		tb.Until("/^connection lost, showing values as of \\d\\d:\\d\\d:\\d\\d$/.test(document.querySelector('#link .word').textContent)")
		c.serve(t, addr)
		c.commit(zoneA, view.Reading{Epoch: 1, Boot: 5, Tick: 1, Dated: true, UTC: c.now().UnixMilli(), Value: 6_543})
		tb.Until(following)
		c.commit(zoneA, view.Reading{Epoch: 1, Boot: 5, Tick: 2, Dated: true, UTC: c.now().UnixMilli(), Value: 6_789})
		tb.Until(zoneAElement + ".querySelector('.num').textContent === '6.79'")
	})
}

func TestChart(t *testing.T) {
	c := newCompany()
	s, _ := c.serve(t, "127.0.0.1:0")
	b := webtest.Browser(t)
	drawnNow := "document.documentElement.dataset.charts === 'drawn'"

	t.Run("a gap is hatched where it was, and not bridged", func(t *testing.T) {
		tb := webtest.New(t, b, s.URL())
		tb.Size(1280, 900, "light")
		tb.Open(s.URL() + "sensor/site-1/zone-a-air?from=2026-09-14T13:05:00Z&to=2026-09-14T14:05:00Z")
		tb.Until(drawnNow)
		box := webtest.Eval[struct {
			N           int
			Left, Width float64
			Title       string
			Hatched     bool
		}](tb, `(() => { const hs = document.querySelectorAll('[data-chart=temperature] .u-over .hole'); const over = hs[0].parentElement.getBoundingClientRect(), h = hs[0].getBoundingClientRect();
			return {N: hs.length, Left: (h.left - over.left) / over.width, Width: h.width / over.width, Title: hs[0].title, Hatched: getComputedStyle(hs[0]).backgroundImage.includes('repeating-linear-gradient')} })()`)
		// The company has no readings from 13:43 to 13:48 of 13:05 to 14:05.
		if box.N != 1 || !box.Hatched || math.Abs(box.Left-38.0/60) > 0.005 || math.Abs(box.Width-5.0/60) > 0.005 {
			t.Errorf("got %+v, want one hatched hole at %.3f, %.3f wide", box, 38.0/60, 5.0/60)
		}
		if !strings.Contains(box.Title, "13:43:00") || !strings.Contains(box.Title, "13:48:00") {
			t.Errorf("the hole is titled %q", box.Title)
		}
		said := webtest.Eval[string](tb, "document.getElementById('said-temperature').innerText")
		for _, want := range []string{"No readings for 5 min: 13:43:00 to 13:48:00.", "312 readings of this sensor cannot be dated"} {
			if !strings.Contains(said, want) {
				t.Errorf("the page does not say %q:\n%s", want, said)
			}
		}
		webtest.Eval[any](tb, "document.querySelector('button.astable').click()")
		if !webtest.Eval[bool](tb, "document.querySelector('#table-temperature table').checkVisibility()") {
			t.Error("“Show as table” shows no table")
		}
		if rows := webtest.Eval[int](tb, "document.querySelectorAll('#table-temperature tbody tr').length"); rows != 31 {
			t.Errorf("the table has %d rows, want 31 of two minutes from 13:04 on", rows)
		}
	})

	t.Run("readings that may not be used are marked", func(t *testing.T) {
		tb := webtest.New(t, b, s.URL())
		tb.Open(s.URL() + "sensor/site-1/freezer?range=1h")
		tb.Until(drawnNow)
		if title := webtest.Eval[string](tb, "document.querySelector('[data-chart] .u-over .bad').title"); !strings.Contains(title, "no answer") {
			t.Errorf("the mark is titled %q", title)
		}
		if said := webtest.Eval[string](tb, "document.getElementById('said-temperature').innerText"); !strings.Contains(said, "readings could not be used: 3") {
			t.Errorf("the page says only:\n%s", said)
		}
	})

	t.Run("live values are added at its right edge", func(t *testing.T) {
		tb := webtest.New(t, b, s.URL())
		tb.Open(s.URL() + "sensor/site-1/zone-a-air?range=15m")
		tb.Until(following + " && " + drawnNow)
		r := c.reading(model{value: func(int64) int64 { return 7_777 }}, c.now().UnixMilli())
		r.Boot = 9
		c.commit(zoneA, r)
		tb.Until(zoneAElement + ".querySelector('.num').textContent === '7.78'")
	})

	t.Run("dragging zooms, and the address says where", func(t *testing.T) {
		tb := webtest.New(t, b, s.URL())
		tb.Size(1280, 900, "light")
		tb.Open(s.URL() + "sensor/site-1/zone-a-air?from=2026-09-14T13:05:00Z&to=2026-09-14T14:05:00Z")
		tb.Until(drawnNow)
		webtest.Eval[any](tb, `(() => { const over = document.querySelector('[data-chart=temperature] .u-over'), r = over.getBoundingClientRect();
			const at = (type, f, el) => el.dispatchEvent(new MouseEvent(type, {bubbles: true, clientX: r.left + r.width * f, clientY: r.top + 50, button: 0, movementX: 5, movementY: 0}));
			at('mousemove', 0.25, over); at('mousedown', 0.25, over); at('mousemove', 0.4, over); at('mousemove', 0.5, over); at('mouseup', 0.5, document); })()`)
		tb.Until("location.search.includes('from=2026-09-14T13%3A') && !location.search.includes('T13%3A05') && document.documentElement.dataset.ready === '' && " + drawnNow)
	})
}

func TestPagesFitAndStandAlone(t *testing.T) {
	s, _ := newCompany().serve(t, "127.0.0.1:0")
	b := webtest.Browser(t)
	paths := []string{"", "sensor/site-1/zone-a-air", "sensor/van-14/position", "account", "sensor/site-1/nothing"}
	for _, width := range []int64{320, 768, 2560} {
		for _, path := range paths {
			t.Run(fmt.Sprintf("%d px, /%s", width, path), func(t *testing.T) {
				tb := webtest.New(t, b, s.URL())
				tb.Expected = []string{"404"}
				tb.Size(width, 700, "dark")
				tb.Do(chromedp.Navigate(s.URL() + path))
				tb.Until("document.readyState === 'complete'")
				if got := webtest.Eval[int64](tb, "document.documentElement.scrollWidth"); got > width {
					wide := webtest.Eval[string](tb, "[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll')).map(e => e.tagName + '.' + (e.className.baseVal ?? e.className)).slice(0, 5).join(' ')")
					t.Errorf("it scrolls sideways: %d px wide; too wide: %s", got, wide)
				}
			})
		}
	}

	t.Run("without JavaScript", func(t *testing.T) {
		tb := webtest.New(t, b, s.URL())
		webtest.Call(tb, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		text := func(path string) string {
			tb.Do(chromedp.Navigate(s.URL() + path))
			return webtest.Eval[string](tb, "document.body.innerText")
		}
		home := text("")
		for _, want := range []string{"values as of 14:05:", "reload for newer", "zone-a-air", "°C", "not ok: no answer", "silent"} {
			if !strings.Contains(home, want) {
				t.Errorf("the first page does not show %q:\n%s", want, home)
			}
		}
		if strings.Contains(home, "connecting") {
			t.Error("a page without JavaScript says that it is connecting")
		}
		sensor := text("sensor/site-1/zone-a-air")
		for _, want := range []string{"no readings for", "lowest", "The chart needs JavaScript"} {
			if !strings.Contains(sensor, want) {
				t.Errorf("the page of a sensor does not show %q:\n%s", want, sensor)
			}
		}
	})
}

// TestWordsAreTheSame: the page's module of words says what package view says.
func TestWordsAreTheSame(t *testing.T) {
	s, _ := newCompany().serve(t, "127.0.0.1:0")
	tb := webtest.New(t, webtest.Browser(t), s.URL())
	tb.Open(s.URL())
	ms := []int64{-5, 0, 999, 1000, 59_999, 60_000, 3_599_999, 3_600_000, 3_661_000, 86_399_000, 86_400_000, 172_799_000, 172_800_000, 9e9, base, base + 43_210_987}
	in, _ := json.Marshal(ms)
	got := webtest.Eval[[][]string](tb, fmt.Sprintf(`import('/assets/modules/words.js').then(w => %s.map(ms => [w.ago(ms), w.span(ms), w.timeOfDay(ms), w.date(ms), w.moment(ms)]))`, in))
	for i, ms := range ms {
		want := []string{view.Ago(ms), view.Span(ms), view.TimeOfDay(ms), view.Date(ms), view.Moment(ms)}
		if fmt.Sprint(got[i]) != fmt.Sprint(want) {
			t.Errorf("%d ms: the page says %q, the hub %q", ms, got[i], want)
		}
	}
}
