package panel

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"frostline/edge/scan"
)

// screen is one that the pages are made for.
type screen struct{ w, h int64 }

var (
	phone  = screen{390, 844}
	small7 = screen{800, 480}
	seven  = screen{1024, 600}
	laptop = screen{1440, 900}
	wall43 = screen{1920, 1080}
)

// TestScreenshots takes a picture of each page, for people to look at:
//
//	go test ./edge/panel -run Screenshots -screenshots DIR
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("pictures are for people: give a folder with -screenshots")
	}
	ctx := browser(t)
	take := func(name, url, look, language string, on screen) {
		t.Helper()
		visit(t, ctx, url, look, language, on)
		shoot(t, ctx, fmt.Sprintf("%s-%dx%d-%s-%s", name, on.w, on.h, look, language))
	}
	for _, name := range []string{"ok", "ahead", "watch", "out", "out-offline", "cold", "silent", "over", "offline", "disk", "unwatched"} {
		url, _ := serveOn(t, pages(t, inFace(name), Settings{Kind: Vehicle}))
		for _, on := range []screen{phone, small7, seven, laptop} {
			for _, look := range []string{"light", "dark", "night", "day"} {
				if main := name == "ok" || name == "out" || name == "silent" && on == seven; main || look == "light" && on != laptop {
					take("driver-"+name, url, look, "en", on)
				}
			}
			if name == "out" || name == "silent" || name == "ok" {
				take("driver-"+name, url, "light", "es", on)
			}
		}
	}
	url, _ := serveOn(t, pages(t, site(), Settings{Kind: Site}))
	for _, on := range []screen{phone, small7, seven, laptop, wall43} {
		take("wall", url, "light", "en", on)
		take("wall", url, "dark", "es", on)
	}
	take("wall", url, "night", "en", wall43)
	for _, n := range []int{1, 3, 12, 50} {
		url, _ := serveOn(t, pages(t, big(n), Settings{Kind: Site}))
		take(fmt.Sprintf("wall-of-%d", n), url, "dark", "en", wall43)
	}
	take("table", url+"table", "light", "en", seven)
	c := &counter{}
	for i, code := range []string{"PKG-7F3K-0192", "]d20109506000134352\x1d2112345", "106141412345678908"} {
		if _, err := c.Scan(ctx, scan.Request{ID: fmt.Sprintf("scan-%d", i), Code: code, Action: actions[i], Target: "compartment/van-14-b", To: "pharmacy-9", Role: "pharmacy"}); err != nil {
			t.Fatal(err)
		}
	}
	c.entries[2].State, c.entries[1].Replaced = scan.Committed, true
	p := pages(t, inFace("offline"), Settings{Kind: Vehicle})
	p.Scans(c)
	url, _ = serveOn(t, p)
	for _, on := range []screen{phone, small7, seven, laptop} {
		take("scan", url+"scan?action=attach&target=compartment/van-14-b&done=scan-0", "light", "en", on)
		take("scan", url+"scan?action=handover", "night", "es", on)
	}
	url, _ = serveOn(t, pages(t, inFace("out"), Settings{Kind: Vehicle}))
	for _, on := range []screen{phone, small7, seven} {
		take("alarm", url+"alarms/k3f9x2ab", "light", "en", on)
		take("alarm", url+"alarms/k3f9x2ab", "night", "es", on)
	}
}

// visit opens a page in a look and a language. Light and dark are what the device
// prefers; day and night what was chosen on it.
func visit(t *testing.T, ctx context.Context, url, look, language string, on screen) {
	t.Helper()
	chosen := look
	if look == "light" || look == "dark" {
		chosen = "auto"
	}
	cookie := func(name, value string) chromedp.Action[chromedp.Void] {
		return chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
			_, err := cdp.Call(ctx, tab, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: url})
			return err
		})
	}
	err := chromedp.Do(ctx, prefer(map[bool]string{true: "dark", false: "light"}[look == "dark"]), cookie(cookieLook, chosen), cookie(cookieLanguage, language),
		chromedp.EmulateViewport(on.w, on.h), chromedp.Navigate(url), chromedp.WaitVisible("main"))
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
}

// big is a warehouse of so many zones.
func big(n int) Snapshot {
	s := site()
	few := s.Guard.Watches
	var watches []Watched
	sensors := s.Sensors
	s.Sensors = nil
	for i := range n {
		w, x := few[i%len(few)], sensors[i%len(few)]
		if i >= len(few) {
			w, x = few[0], sensors[0]
			w.ID, w.Label = fmt.Sprintf("zone-%d", i+1), fmt.Sprintf("Aisle %d, bay %d", i/6, i%6+1)
			x.ID = "probe-" + w.ID
			w.Sensor = x.ID
			l := x.Last[0]
			l.Series = uint32(i + 1)
			x.Last = []Last{l}
		}
		watches, s.Sensors = append(watches, w), append(s.Sensors, x)
	}
	s.Guard.Watches = watches
	s.Guard.Alarms = slices.DeleteFunc(slices.Clone(s.Guard.Alarms), func(a Alarm) bool {
		return !slices.ContainsFunc(watches, func(w Watched) bool { return w.ID == a.Watch })
	})
	return s
}
