package web

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"frostline/hub/view"
)

var screenshots = flag.String("screenshots", "", "write a picture of each page into this folder")

// TestScreenshots takes each page at a phone's and a desk's width, light and
// dark (make screenshots).
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("no -screenshots folder given (make screenshots)")
	}
	if err := os.MkdirAll(*screenshots, 0o755); err != nil {
		t.Fatal(err)
	}
	s, _ := newCompany().serve(t, "127.0.0.1:0")
	none := &company{base: base, started: time.Now(), watchers: map[int]func(view.Batch){}}
	empty, _ := none.serve(t, "127.0.0.1:0")
	b := browser(t)
	for _, page := range []struct{ name, path, until string }{
		{"home", "", "true"},
		{"empty", "", "true"},
		{"sensor", "sensor/site-1/zone-a-air", "document.documentElement.dataset.charts === 'drawn'"},
		{"sensor-door", "sensor/site-1/dock-door", "document.documentElement.dataset.charts === 'drawn'"},
		{"position", "sensor/van-14/position", "document.documentElement.dataset.charts === 'drawn'"},
		{"account", "account", "true"},
		{"packages", "view/packages", "true"},
		{"package", "view/package/003123450000000018", "true"},
		{"excursions", "view/excursions", "true"},
		{"excursion", "view/excursion/ex-1", "true"},
	} {
		for _, size := range []struct {
			name          string
			width, height int64
		}{{"390", 390, 844}, {"1440", 1440, 900}} {
			for _, scheme := range []string{"light", "dark"} {
				s := s
				if page.name == "empty" {
					s = empty
				}
				t.Run(page.name+"-"+size.name+"-"+scheme, func(t *testing.T) {
					tb := newTab(t, b, s.URL())
					tb.size(size.width, size.height, scheme)
					tb.open(s.URL() + page.path)
					tb.until("document.getElementById('link').dataset.state === 'live' && " + page.until)
					png, err := chromedp.Run(tb.ctx, chromedp.FullScreenshot(100))
					if err != nil {
						t.Fatal(err)
					}
					name := filepath.Join(*screenshots, "hub-"+page.name+"-"+size.name+"-"+scheme+".png")
					if err := os.WriteFile(name, png, 0o644); err != nil {
						t.Fatal(err)
					}
				})
			}
		}
	}
}
