package web

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"frostline/hub/excursion"
	"frostline/hub/web/webtest"
)

// mostTabs is more than anything on a page is away from its beginning.
const mostTabs = 300

// tabTo goes by the tabulator key to what a selector matches, as far as it is to
// be reached so. Whatever has the focus on the way has to show it.
func tabTo(tb *webtest.Tab, t *testing.T, selector string) {
	t.Helper()
	for range mostTabs {
		tb.Do(chromedp.KeyEvent(kb.Tab))
		unseen := webtest.Eval[string](tb, `(e => { const s = getComputedStyle(e), r = e.getBoundingClientRect();
			return e === document.body || s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2 && r.width > 0 && r.height > 0 ? '' : e.outerHTML.slice(0, 200); })(document.activeElement)`)
		if unseen != "" {
			t.Errorf("the focus is not seen on %s", unseen)
		}
		if webtest.Eval[bool](tb, "document.activeElement.matches("+quoteJS(selector)+")") {
			return
		}
	}
	t.Fatalf("%s is not reached by %d presses of the tabulator key", selector, mostTabs)
}

// TestFromTheQueueToTwoSignaturesByKeyboard: nothing but keys, from the queue to
// an excursion that is closed.
func TestFromTheQueueToTwoSignaturesByKeyboard(t *testing.T) {
	b := openBench(t)
	tb := webtest.New(t, webtest.Browser(t), b.origin)
	tb.Size(1280, 900, "light")
	ready := func(more string) {
		t.Helper()
		tb.Until("document.documentElement.dataset.ready === '' && " + more)
	}
	fill := func(field, text string) {
		t.Helper()
		tabTo(tb, t, field)
		tb.Do(chromedp.KeyEvent(text))
	}
	done := func(words string) {
		t.Helper()
		ready("!!document.querySelector('.notice.good')?.innerText.includes(" + quoteJS(words) + ")")
	}
	form := func(step, field string) string { return "form[action$='/" + step + "'] " + field }
	b.enter(tb, "ann", "qa")

	// The queue: search in it, and open what is found.
	tb.Do(chromedp.Navigate(b.origin + "/view/excursions"))
	ready("document.querySelectorAll('tr[data-excursion]').length > 0")
	fill("input[name=q]", "L1"+kb.Enter)
	ready("location.search.includes('q=L1')")
	tabTo(tb, t, "a[href='/view/excursion/"+b.id+"']")
	tb.Do(chromedp.KeyEvent(kb.Enter))
	ready("location.pathname.endsWith(" + quoteJS(b.id) + ")")

	fill(form("acknowledge", "[name=reason]"), "seen"+kb.Enter)
	done("You have acknowledged it")
	fill(form("investigate", "[name=reason]"), "the door was open"+kb.Enter)
	done("It is under investigation")
	// A span by keys instead of the brush: figures and address are of it.
	fill(".brush [name=from]", kb.ArrowUp)
	tabTo(tb, t, ".brush button")
	tb.Do(chromedp.KeyEvent(kb.Enter))
	ready("location.search.includes('from=')")

	fill("[name='lot:L1']", "rel")
	fill("[name='lot:L2']", "rej")
	fill(form("propose", "[name=reason]"), "stability data of the maker")
	if got := webtest.Eval[string](tb, "document.querySelector(\"[name='lot:L1']\").value + ' ' + document.querySelector(\"[name='lot:L2']\").value"); got != "release reject" {
		t.Fatalf("chosen by keys: %q", got)
	}
	tabTo(tb, t, form("propose", "button"))
	tb.Do(chromedp.KeyEvent(kb.Enter))
	done("The disposition is proposed")
	fill(form("sign", "[name=password]"), phrase+kb.Enter)
	done("Another person has to approve")

	b.enter(tb, "bob", "qa_approver")
	tb.Do(chromedp.Navigate(b.origin + "/view/excursion/" + b.id))
	ready("true")
	fill(form("approve", "[name=password]"), phrase+kb.Enter)
	done("You have approved")
	fill(form("close", "[name=reason]"), "done"+kb.Enter)
	done("It is closed")
	v, err := b.world.Cases.Get(t.Context(), b.id)
	if err != nil || v.State != excursion.Closed || len(v.Signed) != 2 || v.Signed[0].Person != "ann" || v.Signed[1].Person != "bob" {
		t.Fatalf("%+v, %v", v, err)
	}
}
