package axe

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// notes takes what a check says in place of the test.
type notes struct {
	testing.TB
	said []string
}

func (n *notes) Errorf(format string, args ...any) {
	n.said = append(n.said, fmt.Sprintf(format, args...))
}

// TestCheckFindsWhatIsBroken: a page that few can use is found out, in spite of
// the strictest policy, and one that all can is not.
func TestCheckFindsWhatIsBroken(t *testing.T) {
	script := Script(t)
	browser := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			browser = p
		}
	}
	if testing.Short() || browser == "" {
		t.Skip("SKIPPED: needs chromium; install it with: make install")
	}
	page := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'")
		fmt.Fprint(w, page)
	}))
	defer server.Close()
	actx, stop := chromedp.NewExecAllocator(context.Background(), chromedp.ExecPath(browser), chromedp.UserDataDir(t.TempDir()),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck)
	defer stop()
	ctx, stop := chromedp.NewContext(actx)
	defer stop()
	for _, c := range []struct {
		page string
		want []string
	}{
		{`<!doctype html><html lang="en"><title>Good</title><main><h1>Good</h1><p>Words.</p></main></html>`, nil},
		{`<!doctype html><html><title>Bad</title><main><h1>Bad</h1><p><font color="#ccc">faint</font></p><form><input></form></main></html>`, []string{"html-has-lang", "color-contrast", "label"}},
	} {
		page = c.page
		if err := chromedp.Do(ctx, chromedp.Navigate(server.URL)); err != nil {
			t.Fatal(err)
		}
		n := &notes{TB: t}
		Check(ctx, n, script, "page")
		if len(n.said) != len(c.want) {
			t.Errorf("said %q, want %q", n.said, c.want)
		}
		for _, want := range c.want {
			if all := strings.Join(n.said, "\n"); !strings.Contains(all, "page: "+want+": ") {
				t.Errorf("%s is not found: %s", want, all)
			}
		}
	}
}
