// Package webtest drives pages in a headless Chromium, for tests of what serves
// them. Each tab fails its test for what a good page never does: an exception,
// an error or warning on the console, or a request to another host.
package webtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Browser starts a headless Chromium of its own. Without one the test is
// skipped, except in CI, where it must be there.
func Browser(t *testing.T) context.Context {
	t.Helper()
	if testing.Short() {
		t.Skip("drives a browser; make test does")
	}
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("no chromium on this machine: CI must install it (make install)")
		}
		t.Skip("SKIPPED: no chromium on this machine, so the pages were NOT driven; install it with: make install")
	}
	opts := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
	}
	for _, f := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "disable-extensions", "disable-default-apps", "mute-audio", "hide-scrollbars"} {
		opts = append(opts, chromedp.Flag(f, true))
	}
	actx, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(stop)
	ctx, stop := chromedp.NewContext(actx)
	t.Cleanup(stop)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return ctx
}

// Tab is a page being driven. It notes what a good page never does. Its methods
// fail the test, and are called from its goroutine alone.
type Tab struct {
	// Context is for steps that have no method here.
	Context context.Context
	// Expected are parts of complaints that the test provokes.
	Expected []string

	t      *testing.T
	mu     sync.Mutex
	wrongs []string
}

// within bounds one step with a page.
const within = 30 * time.Second

// New opens a tab that may ask nobody but the origin of url. It is closed, and
// its complaints are told, at the end of the test.
func New(t *testing.T, parent context.Context, url string) *Tab {
	t.Helper()
	ctx, stop := chromedp.NewContext(parent)
	t.Cleanup(stop)
	tb := &Tab{t: t, Context: ctx}
	origin := strings.TrimSuffix(url, "/")
	err := chromedp.Listen(ctx, func(ev any) {
		switch ev := ev.(type) {
		case *runtime.EventExceptionThrown:
			tb.wrong("exception: " + ev.ExceptionDetails.Text)
			if ev.ExceptionDetails.Exception != nil {
				tb.wrong("exception: " + ev.ExceptionDetails.Exception.Description)
			}
		case *runtime.EventConsoleAPICalled:
			if ev.Type == runtime.ConsoleAPICalledTypeError || ev.Type == runtime.ConsoleAPICalledTypeWarning {
				var parts []string
				for _, a := range ev.Args {
					parts = append(parts, string(a.Value)+a.Description)
				}
				tb.wrong("console: " + strings.Join(parts, " "))
			}
		case *log.EventEntryAdded:
			if ev.Entry.Level == "error" || ev.Entry.Level == "warning" {
				tb.wrong(fmt.Sprintf("log: %s %s", ev.Entry.Text, ev.Entry.URL))
			}
		case *network.EventRequestWillBeSent:
			if u := ev.Request.URL; !strings.HasPrefix(u, origin) && !strings.HasPrefix(u, "data:") && !strings.HasPrefix(u, "about:") {
				tb.wrong("request to another host: " + u)
			}
		}
	})
	if err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	t.Cleanup(func() {
		tb.mu.Lock()
		defer tb.mu.Unlock()
		for _, w := range tb.wrongs {
			if !slices.ContainsFunc(tb.Expected, func(e string) bool { return strings.Contains(w, e) }) {
				t.Errorf("the page did what no page may: %s", w)
			}
		}
	})
	return tb
}

func (tb *Tab) wrong(s string) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.wrongs = append(tb.wrongs, s)
}

// Do takes steps.
func (tb *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.Context, within)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		tb.t.Fatalf("%v\n%s", err, strings.Join(tb.wrongs, "\n"))
	}
}

// Call sends a command of the DevTools protocol.
func Call[P, R any](tb *Tab, cmd cdp.Command[P, R], params P) R {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.Context, within)
	defer cancel()
	answer, err := chromedp.Call(ctx, cmd, params)
	if err != nil {
		tb.t.Fatalf("%s: %v", cmd.Method, err)
	}
	return answer
}

// Size sets the viewport and the colour scheme.
func (tb *Tab) Size(width, height int64, scheme string) {
	tb.t.Helper()
	tb.Do(chromedp.EmulateViewport(width, height))
	Call(tb, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
}

// Open loads a page and waits until its modules run.
func (tb *Tab) Open(url string) {
	tb.t.Helper()
	tb.Do(chromedp.Navigate(url))
	tb.Until("document.documentElement.dataset.ready === ''")
}

// Shows loads a page and waits until it shows a text.
func (tb *Tab) Shows(url, text string) {
	tb.t.Helper()
	tb.Do(chromedp.Navigate(url))
	tb.Until("document.body?.innerText.includes(" + strconv.Quote(text) + ")")
}

// Until waits for an expression to become true. It asks from here, since the
// pages' policy forbids what a poll inside the page would need.
func (tb *Tab) Until(js string) {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.Context, within)
	defer cancel()
	for {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](js))
		if err == nil && ok {
			return
		}
		select {
		case <-ctx.Done():
			text, _ := chromedp.Run(tb.Context, chromedp.Evaluate[string]("document.body.innerText.slice(0, 1500)"))
			tb.t.Fatalf("waited for %s: %v; the page says:\n%s\n%s", js, err, text, strings.Join(tb.wrongs, "\n"))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Click clicks the first element that matches, from outside: the pages' policy
// forbids what would wait inside them.
func (tb *Tab) Click(selector string) {
	tb.t.Helper()
	Eval[bool](tb, "(document.querySelector("+strconv.Quote(selector)+").click(), true)")
}

// Picture writes the whole page into a file, as PNG.
func (tb *Tab) Picture(file string) {
	tb.t.Helper()
	png, err := chromedp.Run(tb.Context, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(file, png, 0o644)
	}
	if err != nil {
		tb.t.Fatalf("take a picture: %v", err)
	}
}

// Eval gives the value of an expression in the page; a promise is waited for.
func Eval[T any](tb *Tab, js string) T {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.Context, within)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](js, func(p *runtime.EvaluateParams) { p.AwaitPromise = new(true) }))
	if err != nil {
		tb.t.Fatalf("%s: %v", js, err)
	}
	return v
}
