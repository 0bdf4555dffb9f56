package panel

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

var screenshots = flag.String("screenshots", "", "write pictures of the pages into this `folder`")

// browser starts Chromium, or skips the test where there is none; in CI it is
// installed, and its absence fails.
func browser(t *testing.T) context.Context {
	t.Helper()
	if testing.Short() {
		t.Skip("drives a browser; make test does")
	}
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("no Chromium found, and CI must have it")
		}
		t.Skip("SKIPPED: no Chromium found: install it to test the page as it is seen")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(alloc)
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return ctx
}

// switched is a Source whose state a test changes.
type switched struct {
	mu sync.Mutex
	s  Snapshot
}

func (s *switched) Snapshot(context.Context) (Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.s, nil
}

func (s *switched) set(to Snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.s = to
}

func servePage(t *testing.T, source Source) (url string, stop func()) {
	t.Helper()
	return serveOn(t, NewPage("van-14", source, quiet()))
}

func serveOn(t *testing.T, p *Page) (url string, stop func()) {
	t.Helper()
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := p.Serve(ctx, l); err != nil {
			t.Errorf("serve: %v", err)
		}
	}()
	stop = func() { cancel(); <-ended }
	t.Cleanup(stop)
	return "http://" + l.Addr().String() + "/", stop
}

// TestPageFitsEveryScreen: no state of the page is wider than the screen, and
// verdict and first sensor are seen without scrolling where they should be.
func TestPageFitsEveryScreen(t *testing.T) {
	ctx := browser(t)
	for _, name := range stateNames() {
		url, _ := servePage(t, fixed{inState(name)})
		for _, screen := range []struct{ w, h int64 }{{320, 640}, {390, 844}, {800, 480}, {1440, 900}} {
			for _, scheme := range []string{"light", "dark"} {
				if *screenshots == "" && (scheme == "dark" || screen.w > 800) {
					continue // the same boxes, or more room for them
				}
				err := chromedp.Do(ctx, prefer(scheme), chromedp.EmulateViewport(screen.w, screen.h),
					chromedp.Navigate(url), chromedp.WaitVisible("#verdict h2"))
				if err != nil {
					t.Fatalf("%s at %dx%d: %v", name, screen.w, screen.h, err)
				}
				overflow := ask[int](t, ctx, `document.documentElement.scrollWidth - document.documentElement.clientWidth`)
				if overflow > 0 {
					t.Errorf("%s at %d px: %d px wider than the screen", name, screen.w, overflow)
				}
				shoot(t, ctx, fmt.Sprintf("details-%s-%d-%s", name, screen.w, scheme))
			}
		}
	}
}

// TestPageFollowsTheGateway: an open page changes with the gateway, and when
// the gateway falls silent nothing on it looks fine any more.
func TestPageFollowsTheGateway(t *testing.T) {
	ctx, cancel := context.WithTimeout(browser(t), time.Minute)
	defer cancel()
	source := &switched{s: fineGateway()}
	url, stop := servePage(t, source)
	says := func(want string) {
		t.Helper()
		wait(t, ctx, fmt.Sprintf(`document.querySelector("#verdict h2").textContent.includes(%q)`, want))
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
		t.Fatal(err)
	}
	says("This gateway works")
	ask[bool](t, ctx, `window.verdict = document.querySelector("#verdict h2"); true`)
	source.set(inState("silent"))
	says("box-b has not answered")
	if !ask[bool](t, ctx, `document.querySelector("#verdict h2") === window.verdict`) {
		t.Error("the verdict's element was replaced: a screen reader would not announce the change")
	}
	stop()
	wait(t, ctx, `!document.getElementById("stale").hidden`)
	if text := ask[string](t, ctx, `document.getElementById("stale").textContent`); !strings.Contains(text, "No news from this gateway since") {
		t.Errorf("after the agent ended: %q", text)
	}
	if !ask[bool](t, ctx, `document.documentElement.classList.contains("stale")`) {
		t.Error("after the agent ended: what is shown keeps its colours")
	}
}

// shoot takes a picture where one is wanted.
func shoot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	if *screenshots == "" {
		return
	}
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(*screenshots, name+".png"), picture, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// prefer sets the colour scheme that the page is asked for in.
func prefer(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return err
	})
}

func ask[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v
}

func wait(t *testing.T, ctx context.Context, expression string) {
	t.Helper()
	if _, err := chromedp.Run(ctx, chromedp.Poll[chromedp.Void](expression)); err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
}
