package patient

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
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

// browser starts a headless Chromium of its own. Without one the test is
// skipped, except in CI, where it must be there.
func browser(t *testing.T) context.Context {
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

// tab is a page being driven. It notes what a good page never does.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu     sync.Mutex
	wrongs []string
	// expected are parts of complaints that the test provokes.
	expected []string
}

func newTab(t *testing.T, parent context.Context, url string) *tab {
	t.Helper()
	ctx, stop := chromedp.NewContext(parent)
	t.Cleanup(stop)
	tb := &tab{t: t, ctx: ctx}
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
			if !slices.ContainsFunc(tb.expected, func(e string) bool { return strings.Contains(w, e) }) {
				t.Errorf("the page did what no page may: %s", w)
			}
		}
	})
	return tb
}

func (tb *tab) wrong(s string) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.wrongs = append(tb.wrongs, s)
}

// within bounds one step with a page.
func (tb *tab) within() (context.Context, context.CancelFunc) {
	return context.WithTimeout(tb.ctx, 30*time.Second)
}

func (tb *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	tb.t.Helper()
	ctx, cancel := tb.within()
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		tb.t.Fatalf("%v\n%s", err, strings.Join(tb.wrongs, "\n"))
	}
}

func call[P, R any](tb *tab, cmd cdp.Command[P, R], params P) {
	tb.t.Helper()
	ctx, cancel := tb.within()
	defer cancel()
	if _, err := chromedp.Call(ctx, cmd, params); err != nil {
		tb.t.Fatalf("%s: %v", cmd.Method, err)
	}
}

// size sets the viewport and the colour scheme.
func (tb *tab) size(width, height int64, scheme string) {
	tb.t.Helper()
	tb.do(chromedp.EmulateViewport(width, height))
	call(tb, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
}

// until waits for an expression to become true. It asks from here, since the
// pages' policy forbids what a poll inside the page would need.
func (tb *tab) until(js string) {
	tb.t.Helper()
	ctx, cancel := tb.within()
	defer cancel()
	for {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](js))
		if err == nil && ok {
			return
		}
		select {
		case <-ctx.Done():
			text, _ := chromedp.Run(tb.ctx, chromedp.Evaluate[string]("document.body.innerText.slice(0, 1500)"))
			tb.t.Fatalf("waited for %s: %v; the page says:\n%s\n%s", js, err, text, strings.Join(tb.wrongs, "\n"))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func eval[T any](tb *tab, js string) T {
	tb.t.Helper()
	ctx, cancel := tb.within()
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](js, func(p *runtime.EvaluateParams) { p.AwaitPromise = new(true) }))
	if err != nil {
		tb.t.Fatalf("%s: %v", js, err)
	}
	return v
}
