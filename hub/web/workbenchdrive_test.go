package web

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"frostline/hub/dossier"
	"frostline/hub/dossier/dossiertest"
	"frostline/hub/excursion"
	"frostline/hub/fact"
	"frostline/hub/view"
	"frostline/hub/web/webtest"
	"frostline/test/axe"
)

// enter signs somebody in at a browser.
func (b *bench) enter(tb *webtest.Tab, id string, roles ...string) {
	b.t.Helper()
	if _, err := b.people.Person(b.t.Context(), id); err != nil {
		b.must(b.people.Add(b.t.Context(), "os/0", id, "Printed "+id, roles, phrase))
	}
	secret, _, err := b.people.SignInLink(b.t.Context(), "os/0", id)
	if err != nil {
		b.t.Fatal(err)
	}
	tb.Shows(b.origin+"/enter/"+secret, "as "+id)
	tb.Click("main form button")
	tb.Until("!location.pathname.startsWith('/enter')")
}

// TestInvestigateAndSign: two persons investigate and sign an excursion by the
// page's forms, and brush its chart on the way.
func TestInvestigateAndSign(t *testing.T) {
	b := openBench(t)
	tb := webtest.New(t, webtest.Browser(t), b.origin)
	tb.Expected = []string{"status of 403", "status of 409"}
	tb.Size(1280, 900, "light")
	page := b.origin + "/view/excursion/" + b.id
	b.enter(tb, "ann", "qa")
	send := func(step string, fill string) {
		t.Helper()
		webtest.Eval[any](tb, "(() => { const f = document.querySelector(`form[action$='/"+step+"']`); "+fill+"; f.requestSubmit(); })()")
	}
	after := func(done string) {
		t.Helper()
		tb.Until("document.querySelector('.notice.good')?.innerText.includes(" + quoteJS(done) + ") && document.documentElement.dataset.ready === ''")
	}
	tb.Open(b.origin + "/view/excursions?state=open&q=L1")
	tb.Until("document.querySelectorAll('tr[data-excursion]').length === 2")
	tb.Open(page)
	send("acknowledge", "f.elements.reason.value = 'seen'")
	after("You have acknowledged it")
	send("investigate", "f.elements.reason.value = 'the door was open'")
	after("It is under investigation")

	// One brush: the address, the figures, the lanes, the map and the range to
	// assess follow it.
	whole := b.figures(tb)
	maps := webtest.Eval[string](tb, "document.querySelector('#map .path').getAttribute('d')")
	webtest.Eval[any](tb, `(() => { const svg = document.querySelector('#brushed svg.desk'), r = svg.getBoundingClientRect();
		const at = (type, f, el) => el.dispatchEvent(new PointerEvent(type, {bubbles: true, button: 0, pointerId: 1, isPrimary: true, clientX: r.left + r.width * (40 + 1000 * f) / 1040, clientY: r.top + 40}));
		at('pointerdown', 0.25, svg); at('pointermove', 0.35, document); at('pointermove', 0.45, document); at('pointerup', 0.45, document); })()`)
	tb.Until("location.search.includes('from=') && document.documentElement.dataset.brush === 'shown'")
	from, to := webtest.Eval[string](tb, "new URLSearchParams(location.search).get('from')"), webtest.Eval[string](tb, "new URLSearchParams(location.search).get('to')")
	begin, err1 := instantOf("from", from)
	end, err2 := instantOf("to", to)
	if err1 != nil || err2 != nil || abs(begin-dossiertest.Start-9_000_000) > 60_000 || abs(end-dossiertest.Start-16_200_000) > 60_000 {
		t.Fatalf("brushed %s to %s (%v %v), want 2:30 to 4:30 h after the start", from, to, err1, err2)
	}
	b.sameAsEngine(tb, begin, end)
	if part := b.figures(tb); part["monitored"] == whole["monitored"] || part["mean kinetic temperature"] == whole["mean kinetic temperature"] {
		t.Errorf("the figures do not follow the brush: %v", part)
	}
	if d := webtest.Eval[string](tb, "document.querySelector('#map .path').getAttribute('d')"); d == maps {
		t.Error("the map does not follow the brush")
	}
	if got := webtest.Eval[string](tb, "document.querySelector('#assess [name=from]').value + 'Z'"); got != from {
		t.Errorf("the range to assess begins at %s, want %s", got, from)
	}
	// Back goes back, and a reload shows the same.
	tb.Do(chromedp.Navigate(webtest.Eval[string](tb, "location.href")))
	tb.Until("document.documentElement.dataset.ready === ''")
	b.sameAsEngine(tb, begin, end)
	webtest.Eval[any](tb, "document.getElementById('whole').click()")
	tb.Until("!location.search.includes('from=') && document.documentElement.dataset.brush === 'shown'")
	if again := b.figures(tb); again["monitored"] != whole["monitored"] {
		t.Errorf("the whole watch: %v, want %v", again, whole)
	}
	webtest.Eval[any](tb, "history.back()")
	tb.Until("location.search.includes('from=') && document.querySelector('.brush [name=from]').value + 'Z' === new URLSearchParams(location.search).get('from')")

	send("assess", "f.elements.reason.value = 'from loading to unloading'")
	after("The assessed range is kept")
	photo := filepath.Join(t.TempDir(), "door <open>.jpg")
	if err := os.WriteFile(photo, []byte("not really a picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	tb.Do(chromedp.SetUploadFiles("input[name=document]", []string{photo}))
	send("comment", "f.elements.text.value = 'The driver has sent this.'")
	after("Your comment is in the trail")
	tb.Until("document.querySelector('#trail a[download]')?.innerText === 'door <open>.jpg'")
	send("propose", "f.elements['lot:L1'].value = 'release'; f.elements['lot:L2'].value = 'reject'; f.elements['unit:"+unitTwo+"'].value = 'quarantine'; f.elements.reason.value = 'stability data of the maker'")
	after("The disposition is proposed")
	send("sign", "f.elements.password.value = 'wrong'")
	tb.Until("document.getElementById('problem')?.innerText.includes('not your password') && document.documentElement.dataset.ready === ''")
	send("sign", "f.elements.password.value = '"+phrase+"'; f.elements.comment.value = 'reviewed'")
	after("Another person has to approve")
	if tb.Until("document.getElementById('work').innerText.includes('with the role QA approver')"); webtest.Eval[bool](tb, "!!document.querySelector(`form[action$='/approve']`)") {
		t.Error("who has signed is offered to approve")
	}

	b.enter(tb, "bob", "qa_approver")
	tb.Open(page)
	send("approve", "f.elements.password.value = '"+phrase+"'")
	after("You have approved")
	send("close", "f.elements.reason.value = 'done'")
	after("It is closed")
	v, err := b.world.Cases.Get(t.Context(), b.id)
	if err != nil || v.State != excursion.Closed || len(v.Signed) != 2 || v.Signed[0].Person != "ann" || v.Signed[1].Person != "bob" || v.Signed[0].Standing != "valid" || v.Signed[1].Standing != "valid" {
		t.Fatalf("%+v, %v", v, err)
	}
	want := []fact.Disposition{{Unit: unitOne, Lot: "L1", Decision: "release"}, {Unit: unitTwo, Lot: "L1", Decision: "quarantine"}, {Unit: unitThree, Lot: "L2", Decision: "reject"}}
	for i, d := range v.Proposal {
		if d != want[i] {
			t.Errorf("disposition %d is %+v, want %+v", i, d, want[i])
		}
	}
	if a := v.Assessment; a == nil || a.From != begin || a.To != end {
		t.Errorf("assessed %+v, want %d to %d", a, begin, end)
	}
}

func abs(n int64) int64 { return max(n, -n) }

func quoteJS(s string) string { return "'" + strings.ReplaceAll(s, "'", `\'`) + "'" }

// figures reads the table of figures: what is shown, by name.
func (b *bench) figures(tb *webtest.Tab) map[string]string {
	b.t.Helper()
	return webtest.Eval[map[string]string](tb, "Object.fromEntries([...document.querySelectorAll('tr[data-figure]')].map(r => [r.dataset.figure, r.cells[1].innerText]))")
}

// sameAsEngine holds words, marks and numbers of the page against what the engine
// says of a range.
func (b *bench) sameAsEngine(tb *webtest.Tab, from, to int64) {
	b.t.Helper()
	c, err := b.world.Cases.Get(b.t.Context(), b.id)
	if err != nil {
		b.t.Fatal(err)
	}
	l, err := b.world.Look(b.t.Context(), dossier.QueryOf(&c.Facts, from, to))
	if err != nil {
		b.t.Fatal(err)
	}
	v, got := &l.Verdict, b.figures(tb)
	for name, want := range map[string]string{
		"monitored": view.Span(v.Monitored), "unknown": view.Span(v.Unmonitored), "out of range": view.Span(v.OutOfRange),
		"lowest": dossier.Degrees(*v.Min) + " at " + view.Moment(v.MinAt), "highest": dossier.Degrees(*v.Max) + " at " + view.Moment(v.MaxAt),
		"mean": dossier.Degrees(*v.Mean), "mean kinetic temperature": dossier.Degrees(v.MKT.Value),
	} {
		if got[name] != want {
			b.t.Errorf("%s: the page says %q, the engine %q", name, got[name], want)
		}
	}
	if word := webtest.Eval[string](tb, "document.getElementById('range-outcome').innerText"); !strings.HasSuffix(strings.TrimSpace(word), dossier.Word(v.Outcome)) {
		b.t.Errorf("the mark says %q, the engine %q", word, v.Outcome)
	}
	if state := webtest.Eval[string](tb, "document.getElementById('range-outcome').dataset.state"); state != string(outcomeMark(v.Outcome)) {
		b.t.Errorf("the mark is %q, the engine says %q", state, v.Outcome)
	}
	if says := webtest.Eval[string](tb, "document.getElementById('range-summary').innerText"); !strings.HasSuffix(says, l.Summary()) {
		b.t.Errorf("the page says %q, the engine %q", says, l.Summary())
	}
	if span := webtest.Eval[string](tb, "(s => s.dataset.from + ' ' + s.dataset.to)(document.querySelector('#brushed svg'))"); span != asJSON(v.From)+" "+asJSON(v.To) {
		b.t.Errorf("the chart goes from %s, the verdict from %d %d", span, v.From, v.To)
	}
	for _, lane := range l.Budgets {
		want := view.Span(lane.After) + " of " + view.Span(lane.Allowed) + " used"
		if !webtest.Eval[bool](tb, "[...document.querySelectorAll('.lane-name')].some(n => n.innerText.includes('of lot "+lane.Lot+": "+want+"'))") {
			b.t.Errorf("no lane says that lot %s has used %s", lane.Lot, want)
		}
	}
}

// TestScreenshotsOfWorkbench takes the workbench while it is worked on.
func TestScreenshotsOfWorkbench(t *testing.T) {
	if *screenshots == "" {
		t.Skip("no -screenshots folder given (make screenshots)")
	}
	if err := os.MkdirAll(*screenshots, 0o755); err != nil {
		t.Fatal(err)
	}
	b, chrome := openBench(t), webtest.Browser(t)
	door := webtest.New(t, chrome, b.origin)
	b.enter(door, "ann", "qa", "qa_approver", "auditor")
	page := "view/excursion/" + b.id
	take := func(name, path, until string) { shot{name, path, until}.take(t, chrome, b.origin+"/") }
	take("queue", "view/excursions?state=open", "true")
	take("queue-none", "view/excursions?q=nothing", "true")
	take("workbench", page, "true")
	by := func() excursion.By {
		return excursion.By{Actor: "person/ann", Case: b.id, Why: "the door was open", Expect: -1}
	}
	for _, step := range []func() error{
		func() error { _, err := b.world.Cases.Acknowledge(t.Context(), by()); return err },
		func() error { _, err := b.world.Cases.Investigate(t.Context(), by()); return err },
		func() error {
			_, err := b.world.Cases.Attach(t.Context(), by(), "The driver has sent this.", []excursion.Upload{{Name: "door.jpg", Body: []byte("x")}})
			return err
		},
		func() error {
			_, err := b.world.Cases.Assess(t.Context(), by(), dossiertest.Start+2*hourMS, dossiertest.Start+5*hourMS)
			return err
		},
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	around := "?from=2026-09-21T16:52:51Z&to=2026-09-21T18:23:28Z"
	take("workbench-whatif", page+around+"&if_above=8&if_above_min=45", "true")
	if _, err := b.world.Cases.Propose(t.Context(), by(), []excursion.Decision{{Lot: "L1", Decision: "release"}, {Lot: "L2", Decision: "reject"}}); err != nil {
		t.Fatal(err)
	}
	take("workbench-sign", page+around, "true")
	take("trail", "view/trail/excursion/"+b.id, "")
}

// TestWorkbenchIsForEverybody: axe-core finds nothing while it is worked on, nor
// without JavaScript what takes it.
func TestWorkbenchIsForEverybody(t *testing.T) {
	script := axe.Script(t)
	b, chrome := openBench(t), webtest.Browser(t)
	b.enter(webtest.New(t, chrome, b.origin), "ann", "qa", "qa_approver", "auditor")
	by := func() excursion.By {
		return excursion.By{Actor: "person/ann", Case: b.id, Why: "x", Expect: -1}
	}
	page := "view/excursion/" + b.id
	examine := func(name, path, until string) { shot{name, path, until}.examine(t, chrome, script, b.origin+"/") }
	examine("queue", "view/excursions?q=none", "true")
	examine("opened", page+"?if_above=8", "true")
	for _, step := range []func(context.Context, excursion.By) (excursion.View, error){b.world.Cases.Acknowledge, b.world.Cases.Investigate} {
		if _, err := step(t.Context(), by()); err != nil {
			t.Fatal(err)
		}
	}
	examine("investigated", page+"?from=2026-09-21T16:52:51Z", "true")
	if _, err := b.world.Cases.Propose(t.Context(), by(), []excursion.Decision{{Lot: "L1", Decision: "release"}, {Lot: "L2", Decision: "reject"}}); err != nil {
		t.Fatal(err)
	}
	examine("proposed", page, "true")
	examine("trail", "view/trail/package/P1", "")
}

// TestWorkbenchFits a phone, and works without JavaScript.
func TestWorkbenchFits(t *testing.T) {
	b := openBench(t)
	tb := webtest.New(t, webtest.Browser(t), b.origin)
	b.enter(tb, "ann", "qa", "auditor")
	webtest.Call(tb, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	page := b.origin + "/view/excursion/" + b.id
	for _, width := range []int64{320, 390, 1440} {
		tb.Size(width, 800, "dark")
		for _, path := range []string{page + "?if_above=8", b.origin + "/view/excursions", b.origin + "/view/trail/package/P1"} {
			tb.Do(chromedp.Navigate(path))
			if over := webtest.Eval[int64](tb, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); over > 0 {
				t.Errorf("%s at %d px is %d px too wide", path, width, over)
			}
		}
	}
	tb.Do(chromedp.Navigate(page))
	webtest.Eval[any](tb, "(f => { f.elements.from.value = '2026-09-21T17:00:00'; f.elements.to.value = '2026-09-21T19:00:00'; })(document.querySelector('form.brush'))")
	tb.Click(".brush button")
	tb.Until("location.search.includes('from=2026-09-21T17') && document.readyState === 'complete'")
	b.sameAsEngine(tb, dossiertest.Start+10_000_000, dossiertest.Start+17_200_000)
	tb.Click("form[action$='/acknowledge'] button")
	tb.Until("document.querySelector('.notice.good')?.innerText.includes('acknowledged')")
	if strings.Contains(webtest.Eval[string](tb, "document.body.innerText"), "drag across the chart") {
		t.Error("what needs JavaScript is offered without it")
	}
}

// TestSignByPasskey: a passkey signs in place of the password, and a page says
// that it has become old when somebody else has gone on.
func TestSignByPasskey(t *testing.T) {
	b := openBench(t)
	tb := webtest.New(t, webtest.Browser(t), b.origin)
	authenticator(tb)
	b.enter(tb, "ann", "qa")
	tb.Open(b.origin + "/me")
	tb.Click("#passkey")
	tb.Until("location.search === '?done=passkey'")
	by := func(who string) excursion.By {
		return excursion.By{Actor: "person/" + who, Case: b.id, Why: "x", Expect: -1}
	}
	for _, step := range []func(context.Context, excursion.By) (excursion.View, error){b.world.Cases.Acknowledge, b.world.Cases.Investigate} {
		if _, err := step(t.Context(), by("dan")); err != nil {
			t.Fatal(err)
		}
	}
	propose := func(decision string) {
		t.Helper()
		if _, err := b.world.Cases.Propose(t.Context(), by("dan"), []excursion.Decision{{Package: "P1", Decision: decision}, {Lot: "L1", Decision: decision}, {Lot: "L2", Decision: decision}}); err != nil {
			t.Fatal(err)
		}
	}
	propose("release")
	tb.Open(b.origin + "/view/excursion/" + b.id)
	tb.Until(following)
	propose("reject")
	webtest.Eval[any](tb, "document.dispatchEvent(new Event('visibilitychange'))")
	tb.Until("!document.getElementById('moved').hidden")
	tb.Open(b.origin + "/view/excursion/" + b.id)
	tb.Click("#sign-passkey")
	tb.Until("document.querySelector('.notice.good')?.innerText.includes('Another person has to approve')")
	v, err := b.world.Cases.Get(t.Context(), b.id)
	if err != nil || v.State != excursion.Signed || v.Signed[0].Name != "Printed ann" || v.Signed[0].Standing != "valid" || v.Proposal[0].Decision != "reject" {
		t.Errorf("%+v, %v", v, err)
	}
}
