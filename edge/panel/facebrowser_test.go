package panel

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"frostline/edge/scan"
)

// essential says in a browser what of an expression's elements is not wholly on
// the screen, or is cut off within itself.
const essential = `(selector) => [...document.querySelectorAll(selector)].filter((e) => {
  const r = e.getBoundingClientRect();
  return r.bottom > innerHeight + 1 || r.right > innerWidth + 1 || r.top < -1 || r.left < -1 || !e.matches(".big") && e.scrollHeight > e.clientHeight + 2 || e.scrollWidth > e.clientWidth + 2;
}).map((e) => e.id || e.textContent.trim().slice(0, 40))`

// fits fails where something of the page is not to be seen without scrolling.
func fits(t *testing.T, ctx context.Context, what, selector string) {
	t.Helper()
	var bad []string
	if err := json.Unmarshal([]byte(ask[string](t, ctx, fmt.Sprintf("JSON.stringify((%s)(%q))", essential, selector))), &bad); err != nil {
		t.Fatal(err)
	}
	if len(bad) > 0 {
		t.Errorf("%s: not wholly on the screen: %q", what, bad)
	}
}

// TestDriverFitsItsScreens: on a 7-inch screen nothing of the driver's page
// scrolls, in any state and language, and what is touched is 72 px; on a phone
// nothing is wider than it.
func TestDriverFitsItsScreens(t *testing.T) {
	ctx, cancel := context.WithTimeout(browser(t), 4*time.Minute)
	defer cancel()
	for name := range faceStates {
		s := inFace(name)
		url, _ := serveOn(t, pages(t, s, Settings{Kind: Vehicle}))
		for _, language := range languages {
			for _, on := range []screen{small7, seven} {
				visit(t, ctx, url, "light", language, on)
				what := fmt.Sprintf("%s in %s at %dx%d", name, language, on.w, on.h)
				fits(t, ctx, what, "#bar, #verdict, #verdict .says, #verdict h1, #verdict .big, #steps, #steps li, #steps .button, #steps button, #boxes, #boxes li, #nav > *, #foot")
				small := ask[string](t, ctx, `[...document.querySelectorAll("a, button")].filter((e) => e.offsetHeight < 72 || e.offsetWidth < 72).map((e) => e.textContent).join()`)
				if small != "" {
					t.Errorf("%s: too small to touch: %s", what, small)
				}
			}
			visit(t, ctx, url, "light", language, phone)
			if over := ask[int](t, ctx, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
				t.Errorf("%s in %s on a phone: %d px too wide", name, language, over)
			}
		}
	}
}

// TestWallFitsItsScreen: all zones are on one screen, however many.
func TestWallFitsItsScreen(t *testing.T) {
	ctx, cancel := context.WithTimeout(browser(t), 2*time.Minute)
	defer cancel()
	for _, n := range []int{1, 2, 3, 4, 6, 8, 12, 13, 50} {
		url, _ := serveOn(t, pages(t, big(n), Settings{Kind: Site}))
		for _, language := range languages {
			visit(t, ctx, url, "dark", language, wall43)
			fits(t, ctx, fmt.Sprintf("%d zones in %s", n, language), "#bar, #tiles, .tile, .tile .big, .tile h2, .tile .word, #small li, #nav")
			if got := ask[int](t, ctx, `document.querySelectorAll(".tile, #small li").length`); got != n {
				t.Errorf("%d zones: %d are shown", n, got)
			}
		}
	}
}

// complaints are what a browser says against a page.
type complaints struct {
	mu   sync.Mutex
	said []string
}

func (c *complaints) add(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said = append(c.said, fmt.Sprintf(format, args...))
}

// hear has a test fail for each error on the console, each breach of the policy
// and each request to another host.
func hear(t *testing.T, ctx context.Context, origin string, expected ...string) {
	t.Helper()
	c := &complaints{}
	err := chromedp.Listen(ctx, func(ev any) {
		switch e := ev.(type) {
		case *runtime.EventExceptionThrown:
			c.add("exception: %s", e.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			c.add("console: %s", e.Type)
		case *log.EventEntryAdded:
			c.add("log: %s %s", e.Entry.Text, e.Entry.URL)
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, origin) && !strings.HasPrefix(e.Request.URL, "data:") {
				c.add("asks another host: %s", e.Request.URL)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, s := range c.said {
			if !slices.ContainsFunc(expected, func(x string) bool { return strings.Contains(s, x) }) {
				t.Errorf("the browser complains: %s", s)
			}
		}
	})
}

// TestFacesKeepThePolicy: no page in any look and language makes the browser
// complain or asks another host, and language and night are chosen by a touch and
// stay chosen.
func TestFacesKeepThePolicy(t *testing.T) {
	ctx, cancel := context.WithTimeout(browser(t), 2*time.Minute)
	defer cancel()
	url, _ := serveOn(t, pages(t, inFace("out"), Settings{Kind: Vehicle}))
	hear(t, ctx, url)
	for _, path := range []string{"", "driver", "wall", "details", "scan", "table", "alarms/k3f9x2ab"} {
		visit(t, ctx, url+path, "light", "en", seven)
	}
	visit(t, ctx, url, "light", "en", seven)
	press := func(selector, until string) {
		t.Helper()
		settle(t, ctx, fmt.Sprintf(`document.readyState === "complete" && (document.querySelector(%q).click(), true)`, selector))
		settle(t, ctx, until)
	}
	press(`button[value=es]`, `document.documentElement.lang === "es" && document.querySelector("h1").textContent.includes("demasiado calor")`)
	press(`button[value=night]`, `document.documentElement.className === "night" && getComputedStyle(document.documentElement).backgroundColor === "rgb(0, 0, 0)"`)
	if err := chromedp.Do(ctx, chromedp.Navigate(url+"wall"), chromedp.WaitVisible("main")); err != nil {
		t.Fatal(err)
	}
	if !ask[bool](t, ctx, `document.documentElement.className === "night" && document.documentElement.lang === "es"`) {
		t.Error("look and language are forgotten on another page")
	}
	press(`button[value=auto]`, `document.documentElement.className === "auto"`)
	press(`button[value=en]`, `document.documentElement.lang === "en"`)
}

// settle is wait across a page that is being left.
func settle(t *testing.T, ctx context.Context, expression string) {
	t.Helper()
	for {
		if ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](expression)); err == nil && ok {
			return
		} else if ctx.Err() != nil {
			t.Fatalf("%s: %v", expression, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestStepIsDoneByKeyboard: what a finger can do, the keyboard can.
func TestStepIsDoneByKeyboard(t *testing.T) {
	ctx, cancel := context.WithTimeout(browser(t), time.Minute)
	defer cancel()
	url, _ := serveOn(t, pages(t, inFace("out"), Settings{Kind: Vehicle}))
	hear(t, ctx, url)
	visit(t, ctx, url, "light", "en", seven)
	for range 10 {
		if ask[bool](t, ctx, `document.activeElement.closest("#steps") !== null`) {
			break
		}
		if err := chromedp.Do(ctx, chromedp.KeyEvent("\t")); err != nil {
			t.Fatal(err)
		}
	}
	if name := ask[string](t, ctx, `document.activeElement.textContent`); !strings.HasPrefix(name, "Done: Close this door") {
		t.Fatalf("the first thing that the keyboard comes to is %q", name)
	}
	if err := chromedp.Do(ctx, chromedp.KeyEvent("\r")); err != nil {
		t.Fatal(err)
	}
	settle(t, ctx, `document.querySelectorAll("#steps li.done").length === 1 && document.querySelector("#steps li.done").textContent.includes("rear")`)
}

// TestFacesFollowTheGateway: an open page changes its verdict, its steps and the
// order of its zones in place, and says outright that it has lost the gateway.
func TestFacesFollowTheGateway(t *testing.T) {
	ctx, cancel := context.WithTimeout(browser(t), 2*time.Minute)
	defer cancel()
	source := &switched{s: van()}
	p := NewPage("van-14", source, quiet())
	p.Alarms(&acks{})
	p.Set(Settings{Kind: Vehicle})
	url, stop := serveOn(t, p)
	hear(t, ctx, url, "ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_EMPTY_RESPONSE")
	visit(t, ctx, url, "light", "en", seven)
	ask[bool](t, ctx, `window.heading = document.querySelector("#verdict h1"); true`)
	source.set(inFace("out"))
	wait(t, ctx, `document.body.className === "face driver busy" && document.querySelectorAll("#steps li").length === 3 && document.querySelector("#boxes h2").textContent.includes("Box B")`)
	if !ask[bool](t, ctx, `document.querySelector("#verdict h1") === window.heading && document.querySelector("#verdict").className === "bad" && document.title.startsWith("Out of range")`) {
		t.Error("the verdict was replaced: a screen reader would not announce the change")
	}
	source.set(inFace("offline"))
	wait(t, ctx, `document.querySelectorAll("#steps").length === 0 && document.querySelector("#boxes h2").textContent.includes("Box A") && document.body.textContent.includes("Saving 212 readings, nothing is lost")`)
	visit(t, ctx, url+"wall", "dark", "en", wall43)
	source.set(inFace("silent"))
	wait(t, ctx, `document.querySelector("#tiles li h2").textContent.includes("Box B") && document.querySelector("#tiles li").classList.contains("silent") && document.querySelector("#tiles li .degrees").classList.contains("old")`)
	stop()
	wait(t, ctx, `!document.getElementById("stale").hidden`)
	shoot(t, ctx, "wall-lost")
	if text := ask[string](t, ctx, `document.getElementById("stale").textContent`); !strings.Contains(text, "No news from this gateway since") || !strings.Contains(text, "What is shown here is old") {
		t.Errorf("it says %q", text)
	}
	tone := ask[string](t, ctx, `getComputedStyle(document.querySelector(".tile.fine .word")).color`)
	if fine := ask[string](t, ctx, `(() => { document.documentElement.classList.remove("stale"); return getComputedStyle(document.querySelector(".tile.fine .word")).color; })()`); tone == fine {
		t.Errorf("what is old keeps the colour of what is in range, %s", tone)
	}
}

// TestScanByWedge: a scanner types codes and Enter, faster than anybody answers,
// and each is kept once, with its separator.
func TestScanByWedge(t *testing.T) {
	ctx, cancel := context.WithTimeout(browser(t), time.Minute)
	defer cancel()
	c := &counter{}
	p := pages(t, van(), Settings{Kind: Vehicle})
	p.Scans(c)
	url, _ := serveOn(t, p)
	hear(t, ctx, url, "422") // what a code with a mistake is answered by
	visit(t, ctx, url+"scan", "light", "en", seven)
	wait(t, ctx, `document.activeElement.id === "code"`)
	do := func(a ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, a...); err != nil {
			t.Fatal(err)
		}
	}
	do(chromedp.Click(`input[value="compartment/van-14-b"]`))
	wait(t, ctx, `document.activeElement.id === "code"`)
	do(chromedp.KeyEvent("]d20109506000134352"), chromedp.KeyEvent("]", chromedp.KeyModifiers(chromedp.ModifierCtrl)), chromedp.KeyEvent("2112345\r"),
		chromedp.KeyEvent("PKG-7F3K-0192\r"), chromedp.KeyEvent("PKG-7F3K-0193\r"))
	wait(t, ctx, `document.querySelectorAll("#recent li[id^=scan-]").length === 3 && document.getElementById("said").textContent.includes("PKG-7F3K-0193")`)
	var codes []string
	for _, e := range c.Recent() {
		codes = append(codes, e.Code)
		if e.Target != "compartment/van-14-b" || e.Action != scan.Attach {
			t.Errorf("taken as %+v", e.Request)
		}
	}
	if want := []string{"PKG-7F3K-0193", "PKG-7F3K-0192", "]d20109506000134352\x1d2112345"}; !slices.Equal(codes, want) {
		t.Errorf("kept %q, want %q", codes, want)
	}
	if text := ask[string](t, ctx, `document.getElementById("recent").textContent`); !strings.Contains(text, "kept on this gateway, not yet at the hub") || !strings.Contains(text, "[GS]") {
		t.Errorf("it says %q", text)
	}
	c.commit()
	wait(t, ctx, `document.getElementById("recent").textContent.includes("the hub has it")`)
	do(chromedp.KeyEvent("WRONG!\r"))
	wait(t, ctx, `document.querySelector("#said .bad")?.textContent.includes("check digit is wrong")`)
	// A gateway that cannot keep it is asked again, by the same id, until it can.
	c.mu.Lock()
	c.err = &scan.Problem{Code: scan.NotKept, Field: "code", Why: "no space"}
	c.mu.Unlock()
	do(chromedp.KeyEvent("PKG-LATER\r"))
	wait(t, ctx, `document.querySelector("#said .watch")?.textContent.includes("Not kept yet")`)
	visit(t, ctx, url+"scan", "light", "en", seven) // the page is opened anew meanwhile
	c.mu.Lock()
	c.err = nil
	c.mu.Unlock()
	wait(t, ctx, `document.getElementById("said").textContent.includes("PKG-LATER") && document.querySelector("#said .fine")`)
	c.mu.Lock()
	defer c.mu.Unlock()
	ids := map[string]bool{}
	for _, q := range c.asked {
		if q.Code == "PKG-LATER" {
			ids[q.ID] = true
		}
	}
	if len(ids) != 1 || ids[""] {
		t.Errorf("asked by the ids %v: it might be kept twice", ids)
	}
}
