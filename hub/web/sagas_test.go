package web

import (
	"context"
	"html"
	"log/slog"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"frostline/dashboards"
	log "frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/hold"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/hub/web/tongue"
	"frostline/hub/web/webtest"
	"frostline/hub/workflow"
)

// carried is sagas as the log tells them, which nobody carries on, and holds; on
// a real store.
type carried struct {
	t     testing.TB
	log   *log.Log
	sagas *workflow.Engine
	holds *hold.Holds
}

// What the engine does not ask that does not run.
type (
	noCases    struct{ workflow.Cases }
	noHolds    struct{ workflow.Holds }
	noOrders   struct{ workflow.Orders }
	noDispatch struct{ workflow.Dispatch }
)

func openCarried(t testing.TB, db *store.DB, now func() time.Time) *carried {
	t.Helper()
	logger := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	sagas, holds := workflow.NewModel(), hold.NewModel()
	c := &carried{t: t}
	var err error
	if c.log, err = log.Open(t.Context(), log.Options{Store: db, Models: append(sagas.Models(), holds.Models()...), Now: now, Log: logger}); err != nil {
		t.Fatal(err)
	}
	if c.sagas, err = workflow.New(workflow.Options{
		Database: "sqlite:none", Events: c.log, Store: db, Model: sagas, Now: now, Log: logger,
		Cases: noCases{}, Holds: noHolds{}, Orders: noOrders{}, Dispatch: noDispatch{},
	}); err != nil {
		t.Fatal(err)
	}
	if c.holds, err = hold.New(hold.Options{Log: c.log, Store: db, Model: holds, Suspected: func(_ context.Context, id string) (bool, error) { return id == "T1", nil }}); err != nil {
		t.Fatal(err)
	}
	return c
}

// somewhere is a store of the test's own.
func somewhere(t testing.TB) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "hub.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// say appends what a saga did, all at one instant.
func (c *carried) say(saga, actor, reason string, all ...any) {
	c.t.Helper()
	_, err := c.log.Command(context.Background(), actor, func(ctx context.Context, ch log.Change) error {
		for _, data := range all {
			var typ string
			switch data.(type) {
			case fact.SagaStarted:
				typ = fact.SagaWasStarted
			case fact.SagaStep:
				typ = fact.SagaStepEnded
			case fact.SagaWaiting:
				typ = fact.SagaWaits
			case fact.SagaParked:
				typ = fact.SagaWasParked
			case fact.SagaDecided:
				typ = fact.SagaWasDecided
			case fact.SagaOver:
				typ = fact.SagaEnded
			}
			if _, err := ch.Append(ctx, log.New{Stream: "saga/" + saga, Expect: -1, Type: typ, Reason: reason, Data: data}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// begun is a saga of a package that has come as far as its delivery is held, or
// is to be.
func (c *carried) begun(excursion, pkg, stop string, steps ...fact.SagaStep) string {
	c.t.Helper()
	id := "excursion-" + excursion
	units := []string{"00614141999996." + excursion + "1", "00614141999996." + excursion + "2"}
	_, err := c.holds.Place(context.Background(), "system/workflow", "temperature excursion", fact.HoldPlaced{
		ID: "hold-" + excursion, Package: pkg, Units: units, Excursion: excursion, Cause: "temperature excursion: until quality releases it",
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.say(id, "system/workflow", "",
		fact.SagaStarted{ID: id, Kind: "excursion", Excursion: excursion, Package: pkg, Severity: "alarm", Units: units, Stop: stop},
		fact.SagaStep{ID: id, Step: "quarantine", Round: 1, Outcome: "done", Refs: []fact.Ref{{Kind: fact.Hold, ID: "hold-" + excursion}}},
		fact.SagaStep{ID: id, Step: "find", Round: 1, Outcome: "done", Delivery: &fact.SagaDelivery{Shipment: "SH-" + excursion, Order: "O-" + excursion, Job: "J-" + excursion, Stops: []fact.SagaStop{{Route: "R-7", Stop: "s1"}}}})
	for _, s := range steps {
		s.ID, s.Round = id, 1
		if s.Outcome == "" {
			s.Outcome = "done"
		}
		c.say(id, "system/workflow", "", s)
	}
	return id
}

func (c *carried) park(id, step, why string) {
	c.t.Helper()
	c.say(id, "system/workflow", "", fact.SagaParked{ID: id, Step: step, Pause: step + ".1.0", Error: why, Choices: workflow.Decisions})
}

// stories has a saga of each kind, and product that is suspect.
func (c *carried) stories() {
	c.t.Helper()
	held := []fact.SagaStep{{Step: "stop", Refs: []fact.Ref{{Kind: fact.Route, ID: "R-7"}}}, {Step: "tell"}}
	with := func(more ...fact.SagaStep) []fact.SagaStep { return append(held[:len(held):len(held)], more...) }
	c.park(c.begun("x1", "003123450000000018", workflow.StopHold), "stop", `route "R-7": the database is locked (8 attempts)`)
	c.park(c.begun("x2", "PKG-2", workflow.StopAsk), "stop", "the delivery is under way: retry holds it, skip lets it go on")
	waits := c.begun("x3", "PKG-3", workflow.StopHold, held...)
	c.say(waits, "system/workflow", "", fact.SagaWaiting{ID: waits, Step: "disposition", Pause: "disposition.1.0", For: "disposition"})
	c.begun("x4", "PKG-4", workflow.StopHold, with(fact.SagaStep{Step: "disposition", Disposition: workflow.Rejected}, fact.SagaStep{Step: "order", Refs: []fact.Ref{{Kind: fact.Order, ID: "saga-5d0f"}}})...)
	over := c.begun("x5", "PKG-5", workflow.StopHold, with(fact.SagaStep{Step: "disposition", Disposition: workflow.Released}, fact.SagaStep{Step: "lift"}, fact.SagaStep{Step: "resume"}, fact.SagaStep{Step: "tell outcome"})...)
	c.say(over, "system/workflow", "", fact.SagaOver{ID: over, Outcome: workflow.Released})
	if _, err := c.holds.Place(context.Background(), "system/hold", "no seal", fact.HoldPlaced{ID: "hold-t1", Units: []string{"00614141999996.T1"}, Suspect: "T1", Cause: "suspect product, case T1"}); err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.holds.Place(context.Background(), "person/ann", "", fact.HoldPlaced{ID: "hold-m2", Package: "PKG-3", Cause: "the seal is broken"}); err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.holds.Place(context.Background(), "person/ann", "", fact.HoldPlaced{ID: "hold-m1", Units: []string{"00614141999996.M1", "00614141999996.M2"}, Cause: "dented at the dock"}); err != nil {
		c.t.Fatal(err)
	}
}

// openSagas is pages with sagas of each kind and people of their own.
func openSagas(t *testing.T) (*guarded, *carried) {
	t.Helper()
	var c *carried
	g := openGuarded(t, func(cfg *Config) {
		c = openCarried(t, somewhere(t), cfg.Now)
		c.stories()
		cfg.Sagas, cfg.Holds = c.sagas, c.holds
	})
	return g, c
}

func TestPagesTellOfSagas(t *testing.T) {
	g, _ := openSagas(t)
	v := g.as("ann", "qa")
	for path, wants := range map[string][]string{
		"/view/sagas": {"These wait for a person", "Package 003123450000000018: waits for a person: a step failed, holding the delivery", `route "R-7": the database is locked (8 attempts)`,
			"Done so far: The package is in quarantine; Its delivery was looked up.", "Comes next: Tell quality and dispatch,", "<em>if quality releases it</em> End the quarantine", "<em>if quality rejects it</em> Order a replacement", "is the delivery to be held?",
			"waits for quality", "runs", "Ended lately", "released: the delivery goes on", "In quarantine: 8", `aria-current="page">Sagas<`},
		"/view/saga/excursion-x1": {"Try again", "The step is done once more: hold the delivery.", "what it did is undone: its hold on the package is lifted.", "I know that quality has not decided", "to come, if quality has rejected it",
			`href="/view/hold/hold-x1"`, `href="/dispatch#route-R-7"`, "<dd>J-x1</dd>", "s1 of route R-7"},
		"/view/saga/excursion-x2": {"Hold the delivery", "Let it go on", "a person decides"},
		"/view/saga/excursion-x3": {"waits for quality to sign a disposition", "Undo and end", "its stops are let go; its hold on the package is lifted. The package stays in quarantine: something else holds it too."},
		"/view/saga/excursion-x4": {"Quality has rejected it", "at it now", "order saga-5d0f"},
		"/view/saga/excursion-x5": {"Quality has released it", "The delivery goes on"},
		"/view/holds":             {"suspect product, case T1", "dented at the dock", "package PKG-3, 2 units", "Put into quarantine"},
		"/view/hold/hold-t1":      {"clearing its case releases it"},
		"/view/hold/hold-x3":      {"signing a disposition releases it", "excursion-x3"},
		"/view/hold/hold-x5":      {"Release</button>"}, // its saga is over
		"/dispatch":               {`href="/view/sagas"`},
	} {
		p := v.get(path)
		body := html.UnescapeString(p.body)
		for _, want := range wants {
			if p.code != http.StatusOK || !strings.Contains(body, want) {
				t.Errorf("%s: %d, %q is not in it", path, p.code, want)
			}
		}
		if strings.Contains(body, "ZgotmplZ") || strings.Contains(body, "%!") || strings.Contains(body, "<no value>") {
			t.Errorf("%s: a template went wrong", path)
		}
	}
	if body := v.get("/view/saga/excursion-x4").body; strings.Contains(body, "h-decide") || strings.Contains(html.UnescapeString(body), "if quality has") {
		t.Error("a saga that runs is said to wait for something")
	}
	if p := v.get("/view/sagas?excursion=x3"); p.code != http.StatusSeeOther || p.to != "/view/saga/excursion-x3" {
		t.Errorf("the saga of an excursion: %d to %q", p.code, p.to)
	}
	if p := v.get("/view/sagas?excursion=%3Cb%3E"); p.code != http.StatusOK || !strings.Contains(p.body, "Nothing followed from this excursion") || strings.Contains(p.body, "<b>") {
		t.Errorf("an excursion without: %d", p.code)
	}
	for _, path := range []string{"/view/saga/none", "/view/hold/none", "/view/saga/%2e%2e", "/view/hold/a%20b"} {
		if p := v.get(path); p.code != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, p.code)
		}
	}
	// Whoever may not decide is told who does, and is given no form.
	p := g.as("dan", "dispatcher").get("/view/saga/excursion-x1")
	if strings.Contains(p.body, `name="decision"`) || !strings.Contains(p.body, "Who decides about it: QA, QA approver") {
		t.Errorf("a dispatcher is shown a form: %.300s", p.body[strings.Index(p.body, "<main"):])
	}
	empty := openGuarded(t).as("ann", "qa")
	if p := empty.get("/view/sagas"); !strings.Contains(p.body, "Nothing is under way") {
		t.Errorf("a hub without sagas: %d", p.code)
	}
	if p := empty.get("/view/holds"); !strings.Contains(p.body, "Nothing is in quarantine") {
		t.Errorf("a hub without holds: %d", p.code)
	}
}

func TestExcursionLeadsToItsSaga(t *testing.T) {
	c, _ := withDispatch(t)
	s, _ := c.serve(t, "127.0.0.1:0")
	if body := pageOf(t, s.URL()+"view/excursion/ex-1"); !strings.Contains(body, `href="/view/sagas?excursion=ex-1"`) {
		t.Error("the page of an excursion does not lead to what follows from it")
	}
}

// TestSagasInSpanish: each word of these pages has its Spanish, and what is put
// together is said in it.
func TestSagasInSpanish(t *testing.T) {
	tongues, err := tongue.Load()
	if err != nil {
		t.Fatal(err)
	}
	es := tongues["es"]
	for _, name := range []string{"sagas", "saga", "holds", "hold", "holdlist"} {
		text, err := dashboards.Templates.ReadFile("templates/" + name + ".html")
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range regexp.MustCompile(`\bt "([^"]*)"`).FindAllStringSubmatch(string(text), -1) {
			if !es.Known(key[1]) {
				t.Errorf("%s: %q has no Spanish", name, key[1])
			}
		}
	}
	known := func(texts ...string) {
		t.Helper()
		for _, text := range texts {
			if text != "" && es.Tell(text) == text {
				t.Errorf("%q has no Spanish", text)
			}
		}
	}
	for _, w := range sagaSteps {
		known(w.Do, w.Did, lower(w.Do), lower(w.Did))
		if w.Undo != "" {
			known(w.Undo+";", w.Undo+".")
		}
	}
	for _, words := range []map[string]string{decidedWords, deeds, heldWords, applied} {
		for _, text := range words {
			known(strings.ReplaceAll(text, "{}", "R-7"))
		}
	}
	for _, text := range decisionWords {
		known(text + ": hold the delivery")
	}
	g, c := openSagas(t)
	c.say("excursion-x4", "system/workflow", "", fact.SagaStep{ID: "excursion-x4", Step: "order", Round: 1, Undo: true, Outcome: "done"})
	v := g.as("ann", "qa")
	for path, wants := range map[string][]string{
		"/view/sagas":             {`<html lang="es">`, "falló un paso, retener la entrega", "¿se retiene la entrega?", "si calidad lo rechaza:", "espera a calidad", "liberado: la entrega sigue"},
		"/view/saga/excursion-x1": {"El paso se hace otra vez: retener la entrega.", "por venir, si calidad lo libera", "se levanta su retención del paquete.", "la retención"},
		"/view/saga/excursion-x3": {"se dejan seguir sus paradas;", "también lo retiene otra cosa", "ruta R-7"},
		"/view/saga/excursion-x4": {"Deshecho: la reposición está pedida", "Calidad lo ha rechazado"},
		"/view/holds":             {"producto sospechoso, caso T1", "paquete PKG-3, 2 unidades", "excursión de temperatura: hasta que calidad lo libere"},
		"/view/hold/hold-x3":      {"Decide la excursión:"},
	} {
		body := html.UnescapeString(v.do("GET", path, "", "Accept-Language", "es-US,es;q=0.9").body)
		for _, want := range wants {
			if !strings.Contains(body, want) {
				t.Errorf("%s: %q is not in it", path, want)
			}
		}
	}
}

// TestTwoPeopleDecide about the same saga, each on a page of their own.
func TestTwoPeopleDecide(t *testing.T) {
	g, c := openSagas(t)
	ann, bob := g.as("ann", "qa"), g.as("bob", "qa_approver")
	const path = "/view/saga/excursion-x1"
	of := func(v *visitor) page { return v.get(path) }
	annSees, bobSees := of(ann), of(bob)
	at := hidden(annSees.body, "at")
	if p := ann.send(annSees, path+"/decide", "at", at, "decision", "skip"); p.code != http.StatusUnprocessableEntity || !strings.Contains(p.body, "say why") {
		t.Errorf("without a reason: %d", p.code)
	}
	if p := ann.send(annSees, path+"/decide", "at", at, "decision", "burn", "reason", "x"); p.code != http.StatusUnprocessableEntity {
		t.Errorf("something that cannot be decided: %d", p.code)
	}
	if p := ann.send(annSees, path+"/decide", "at", at, "decision", "compensate", "reason", "enough"); p.code != http.StatusUnprocessableEntity || !strings.Contains(p.body, "quality has not decided yet") || !strings.Contains(p.body, `value="enough"`) {
		t.Errorf("ended without knowing: %d", p.code)
	}
	if p := ann.send(annSees, path+"/decide", "at", at, "decision", "skip", "reason", "the driver telephoned"); p.code != http.StatusSeeOther || p.to != path+"?done=skip" {
		t.Fatalf("decide: %d to %q %.300s", p.code, p.to, p.body)
	}
	p := bob.send(bobSees, path+"/decide", "at", at, "decision", "retry", "reason", "again")
	if p.code != http.StatusConflict || !strings.Contains(p.body, "Nothing was decided: ann was first, and decided to leave it out, at ") {
		t.Errorf("the second is told %d %.400s", p.code, p.body[strings.Index(p.body, "<main"):])
	}
	if p := ann.send(annSees, path+"/decide", "at", at, "decision", "skip", "reason", "the driver telephoned"); p.code != http.StatusSeeOther {
		t.Errorf("pressed twice: %d", p.code)
	}
	// The step fails anew: what bob looked at is over, though the step is the same.
	c.park("excursion-x1", "stop", "another error")
	c.say("excursion-x1", "system/workflow", "", fact.SagaParked{ID: "excursion-x1", Step: "stop", Pause: "stop.1.1", Error: "another error", Choices: workflow.Decisions})
	if p := bob.send(bobSees, path+"/decide", "at", at, "decision", "retry", "reason", "again"); p.code != http.StatusConflict {
		t.Errorf("about an error that was not seen: %d", p.code)
	}
	s, err := c.sagas.Saga(t.Context(), "excursion-x1")
	if err != nil || len(s.Taken) != 1 || s.Taken[0].By != "person/ann" || s.Taken[0].Reason != "the driver telephoned" {
		t.Errorf("decisions %+v, %v", s.Taken, err)
	}
	if p := g.as("dan", "dispatcher").send(annSees, path+"/decide", "at", at, "decision", "skip", "reason", "x"); p.code != http.StatusForbidden {
		t.Errorf("a dispatcher decides: %d", p.code)
	}
}

func TestHoldsArePlacedAndReleased(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		var c *carried
		g := openGuarded(t, func(cfg *Config) {
			c = openCarried(t, db, cfg.Now)
			c.stories()
			cfg.Sagas, cfg.Holds = c.sagas, c.holds
		})
		v := g.as("ann", "qa")
		list := v.get("/view/holds")
		id := hidden(list.body, "id")
		if p := v.send(list, "/view/holds/place", "id", id, "cause", "wet"); p.code != http.StatusUnprocessableEntity || !strings.Contains(p.body, "name units, a package, or both") || !strings.Contains(p.body, `value="wet"`) {
			t.Errorf("nothing is named: %d", p.code)
		}
		if p := v.send(list, "/view/holds/place", "id", id, "cause", "wet", "units", "not a unit"); p.code != http.StatusUnprocessableEntity {
			t.Errorf("no unit: %d", p.code)
		}
		for range 2 { // pressed twice it is one
			if p := v.send(list, "/view/holds/place", "id", id, "cause", "wet", "package", "PKG-9", "units", "00614141999996.W1\r\n00614141999996.W2,"); p.code != http.StatusSeeOther || p.to != "/view/hold/"+id+"?done=placed" {
				t.Fatalf("place: %d to %q %.300s", p.code, p.to, p.body)
			}
		}
		one := v.get("/view/hold/" + id)
		if p := v.send(one, "/view/hold/"+id+"/release", "reason", "dried"); p.code != http.StatusUnprocessableEntity {
			t.Errorf("nothing is chosen: %d", p.code)
		}
		if p := v.send(one, "/view/hold/"+id+"/release", "all", "yes"); p.code != http.StatusUnprocessableEntity || !strings.Contains(p.body, "say why") {
			t.Errorf("without a reason: %d", p.code)
		}
		if p := v.send(one, "/view/hold/"+id+"/release", "unit", "00614141999996.W1", "reason", "dried"); p.code != http.StatusSeeOther {
			t.Errorf("a unit: %d", p.code)
		}
		if h, err := c.holds.Hold(t.Context(), id); err != nil || h.Lifted != 0 || len(h.Out) != 1 {
			t.Errorf("after a unit: %+v, %v", h, err)
		}
		if p := v.send(one, "/view/hold/"+id+"/release", "all", "yes", "reason", "dried"); p.code != http.StatusSeeOther {
			t.Errorf("all of it: %d", p.code)
		}
		if p := v.send(one, "/view/hold/"+id+"/release", "all", "yes", "reason", "dried"); p.code != http.StatusConflict || !strings.Contains(p.body, "released already, by ann") {
			t.Errorf("a second time: %d", p.code)
		}
		for of, says := range map[string]string{"hold-t1": "clear case", "hold-x3": "waits for the disposition"} {
			if p := v.send(one, "/view/hold/"+of+"/release", "all", "yes", "reason", "in a hurry"); p.code != http.StatusConflict || !strings.Contains(p.body, says) {
				t.Errorf("%s: %d, want it to say %q", of, p.code, says)
			}
		}
		if p := g.as("dan", "dispatcher").send(one, "/view/hold/"+id+"/release", "all", "yes", "reason", "x"); p.code != http.StatusForbidden {
			t.Errorf("a dispatcher releases: %d", p.code)
		}
	})
}

// TestSagaInABrowser: by keyboard, the list leads to the saga, the saga to a
// decision, and what another decides meanwhile shows by itself.
func TestSagaInABrowser(t *testing.T) {
	g, c := openSagas(t)
	secret := func(id string) string {
		g.as(id, "qa")
		link, _, err := g.people.SignInLink(t.Context(), "os/0", id)
		if err != nil {
			t.Fatal(err)
		}
		return link
	}
	tb := webtest.New(t, webtest.Browser(t), g.origin)
	tb.Do(chromedp.Navigate(g.origin+"/enter/"+secret("ann")), chromedp.Click("main form button"))
	tb.Until("location.pathname === '/me'")
	tb.Open(g.origin + "/view/sagas")
	tb.Until(following)
	// The focus stays where it is while the list is renewed.
	const link = "document.querySelector('[data-saga=excursion-x2] .go')"
	webtest.Eval[any](tb, link+".focus()")
	webtest.Eval[any](tb, link+".dataset.before = ''")
	tb.Until(link + ".dataset.before === undefined")
	if !webtest.Eval[bool](tb, "document.activeElement === "+link) {
		t.Errorf("renewing the list has taken the focus to %s", webtest.Eval[string](tb, "document.activeElement.outerHTML.slice(0, 200)"))
	}
	tb.Do(chromedp.KeyEvent("\r"))
	tb.Until("location.pathname === '/view/saga/excursion-x2' && document.documentElement.dataset.ready === ''")
	tb.Until(following)
	webtest.Eval[any](tb, "document.querySelector('input[name=reason]').focus()")
	tb.Do(chromedp.KeyEvent("asked the driver"))
	// What is typed stays while the page is renewed.
	tb.Until("performance.getEntriesByType('resource').filter((e) => e.name.endsWith('/view/saga/excursion-x2')).length > 0")
	tb.Do(chromedp.KeyEvent(", twice"))
	if typed := webtest.Eval[string](tb, "document.querySelector('input[name=reason]').value"); typed != "asked the driver, twice" {
		t.Errorf("typed is %q", typed)
	}
	tb.Click("button[value=retry]")
	tb.Until("location.search === '?done=retry' && document.body.innerText.includes('it is tried again')")
	s, err := c.sagas.Saga(t.Context(), "excursion-x2")
	if err != nil || len(s.Taken) != 1 || s.Taken[0].Decision != workflow.Retry || s.Taken[0].Reason != "asked the driver, twice" || s.Taken[0].By != "person/ann" {
		t.Errorf("decided: %+v, %v", s.Taken, err)
	}
	// What another decides meanwhile shows by itself.
	tb.Open(g.origin + "/view/saga/excursion-x1")
	tb.Until(following + " && document.querySelector('button[value=skip]') !== null")
	if _, err := c.sagas.Decide(t.Context(), "person/bob", "no", "excursion-x1", "", workflow.Skip); err != nil {
		t.Fatal(err)
	}
	tb.Until("document.querySelector('button[value=skip]') === null && document.body.innerText.includes('Left out: hold the delivery')")
	for _, width := range []int64{320, 390, 1440} {
		for _, path := range []string{"/view/sagas", "/view/saga/excursion-x1", "/view/holds", "/view/hold/hold-m1"} {
			tb.Size(width, 900, "light")
			tb.Open(g.origin + path)
			if over := webtest.Eval[int](tb, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); over > 0 {
				t.Errorf("%s at %d px is %d px too wide", path, width, over)
			}
		}
	}
}
