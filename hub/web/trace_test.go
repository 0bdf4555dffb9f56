package web

import (
	"context"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"frostline/dashboards"
	eventlog "frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store/storetest"
	"frostline/hub/trace/dscsa"
	"frostline/hub/trace/dscsa/dscsatest"
	"frostline/hub/trace/lookup"
	"frostline/hub/web/tongue"
)

// traced is real duties of a trading partner on a store of their own.
type traced struct {
	*dscsatest.World
	lookup *lookup.Desk
	t      testing.TB
	now    func() time.Time
}

func openTraced(t testing.TB, now func() time.Time) *traced {
	t.Helper()
	db := storetest.Open(t, storetest.SQLite(t))
	m := lookup.NewModel()
	w := &traced{World: dscsatest.Open(t, db, now, m.Models()...), t: t, now: now}
	var err error
	if w.lookup, err = lookup.New(lookup.Options{Store: db, Model: m, Documents: w, Products: w, Packages: w, Events: w.Repository}); err != nil {
		t.Fatal(err)
	}
	return w
}

const (
	ourCase  = "4f1c2c1e-0d5c-4b5e-9d55-6a3f4a1d9a01" // reported by a partner
	theHour  = int64(time.Hour / time.Millisecond)
	anyOne   = "person/ann"
	theUnits = 12
)

func (w *traced) must(_ any, err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// propose does what an excursion's rejection does.
func (w *traced) propose(id string, units ...string) {
	w.t.Helper()
	_, err := w.Log.Command(w.t.Context(), "system/dscsa", func(ctx context.Context, ch eventlog.Change) error {
		_, err := ch.Append(ctx, eventlog.New{Stream: fact.Ref{Kind: fact.Suspect, ID: id}.String(), Expect: -1, Type: fact.SuspectWasProposed,
			Data: fact.SuspectProposed{ID: id, Units: units, Package: "003123450000000018", Excursion: "ex-1", Cause: "rejected after excursion ex-1: 9.1 °C for 31 min"}})
		return err
	})
	w.must(nil, err)
}

// lives has one of everything stand on the pages.
func (w *traced) lives() {
	w.t.Helper()
	ctx, now := w.t.Context(), w.now().UnixMilli()
	s := w.TakeIn(dscsatest.Example(w.t))
	ask := func(id, who, why string, ago int64, about ...fact.TraceAbout) {
		w.must(w.Ask(ctx, anyOne, "", fact.TraceRequested{ID: id, Requester: who, Contact: "the portal of their office", Number: "N-" + id, Why: why, About: about, Received: now - ago}))
	}
	ask("TR-late", "FDA, district office", "illegitimate", 50*theHour, fact.TraceAbout{GTIN: dscsatest.GTIN, Lot: "A123"})
	ask("TR-1", "Wholesaler <b>North</b>", "recall", 30*theHour, fact.TraceAbout{GTIN: dscsatest.GTIN, Serial: "11"}, fact.TraceAbout{GTIN: "00614141999996"})
	ask("TR-0", "State board", "audit", 12*theHour, fact.TraceAbout{GTIN: dscsatest.GTIN, Serial: "12"})
	w.must(w.Answer(ctx, anyOne, "", "TR-0"))
	unit := func(serial string) string { return dscsatest.GTIN + "." + serial }
	w.propose("sus-prop", unit("11"), unit("12"))
	w.must(w.Raise(ctx, anyOne, "the seal is broken", fact.SuspectOpened{ID: "sus-open", Units: []string{unit("13")}, Cause: "broken seal"}))
	w.must(w.Raise(ctx, anyOne, "found by the wholesaler", fact.SuspectOpened{ID: "sus-bad", Units: []string{unit("14"), unit("15")}, Cause: "serial numbers twice in the market"}))
	w.must(w.Determine(ctx, anyOne, "laboratory result", "sus-bad", "Counterfeit", now-22*theHour))
	w.must(w.Notified(ctx, anyOne, "called", fact.SuspectNotified{ID: "sus-bad", To: dscsa.FDA, How: "portal", Incident: "INC-7"}))
	code := func(serial, lot string) string {
		return "(01)" + dscsatest.GTIN + "(21)" + serial + "(17)250327(10)" + lot
	}
	_, _, err := w.Compare(ctx, anyOne, "counted", dscsa.Comparison{Document: s.ID, Scans: []string{code("11", "A123"), code("12", "B"), code("99", "A123")}, Ordered: map[string]int{dscsatest.GTIN: 12}})
	w.must(nil, err)
	w.must(w.Report(ctx, "partner/north", "", []byte(`{"message_uuid":"0e0f5f9c-58a5-4c7c-9e8f-0d1f2b3c4d5e","exception_case_uuid":"`+ourCase+`","timestamp":1,"po_number":"PO-9","sender_information":{"email":"a@example.com","vp":null,"gln":null,"phone":null},"exceptions":{"missing_product":[{"exception_item_uuid":"b0059655-5998-5f66-8613-e117b80ee862","file_id":"F-1","product_gtin":"`+dscsatest.GTIN+`","product_serial":"20","resolution_request":"Send product"}]},"other_errors":["one box was wet"],"case_resolved":false}`)))
	w.Unsell()
	w.TakeIn(dscsatest.Example(w.t, "1100220001", "1100220002", "0012345", "0012346", "1012345", "1012346", "06:4", "07:4"))
}

// guardedTrace is the pages with somebody of each role, and duties.
func guardedTrace(t *testing.T) (*guarded, *traced) {
	g := openGuarded(t)
	w := g.trace
	w.lives()
	return g, w
}

// TestTracePage: what is open stands on the page, most urgent first, and what is
// on a box leads to its units.
func TestTracePage(t *testing.T) {
	g, w := guardedTrace(t)
	v := g.as("quinn", "qa")
	p := v.get("/trace")
	body := html.UnescapeString(p.body)
	for _, want := range []string{
		"overdue by 2 h", "FDA, district office", "for illegitimate product", "GTIN " + dscsatest.GTIN + ", lot A123", "within 48 hours",
		"2 units are illegitimate: Counterfeit", "for somebody to tell partner 0300011111116", "2 units of package 003123450000000018 may be suspect", "1 unit is suspect",
		"reported by this hub", "reported by a partner", "for our response", "the catalog has no product with this GTIN", "the units then become known by themselves",
		`aria-current="page">Trace<`, `12 <span class="muted">units</span>`, "Enter a trace request",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is not in it", want)
		}
	}
	for _, want := range []string{`(17 h \d+ min|18 h) left`, `(1 h \d+ min|2 h) left`} {
		if !regexp.MustCompile(want).MatchString(body) {
			t.Errorf("%q is not in it", want)
		}
	}
	for _, no := range []string{"ZgotmplZ", "%!", "<b>North", "TR-0<", "None is open"} {
		if strings.Contains(p.body, no) {
			t.Errorf("%q is in it", no)
		}
	}
	if strings.Index(body, "TR-late") > strings.Index(body, "TR-1<") || strings.Index(body, "sus-bad") > strings.Index(body, "sus-prop") || strings.Index(body, "sus-prop") > strings.Index(body, "sus-open") {
		t.Error("what is most urgent is not first")
	}
	// The word on the page is that of the service.
	r, err := w.Request(t.Context(), "TR-late")
	if err != nil || r.State != "overdue" {
		t.Errorf("the service says %s, %v", r.State, err)
	}
	for text, leads := range map[string][]string{
		"(01)" + dscsatest.GTIN + "(21)11":   {`/view/unit/` + dscsatest.GTIN + `.11"`, "received, as epcistra; 1 document"},
		"A123":                               {"/trace/lot?gtin=" + dscsatest.GTIN + "&lot=A123", "Units of lot A123"},
		"0001-0123-45":                       {"/trace/lot?gtin=" + dscsatest.GTIN + "&lot=A123"},
		"urn:epc:id:sscc:030001.41234567890": {"Container 403000112345678901", "In it, by the events about it"},
		"<script>":                           {"Nothing is known of this"},
		"urn:epc:id:sgtin:030001.0012346." + "11":                  {"not received", "document"},
		strings.Repeat("9", 501):                                   {"cannot be looked for"},
		"https://id.gs1.org/01/" + dscsatest.GTIN + "/21/nothing9": {"no captured event"},
	} {
		p := v.get(searchPath(text))
		for _, want := range leads {
			if body := html.UnescapeString(p.body); !strings.Contains(body, want) || p.code != http.StatusOK || strings.Contains(p.body, "<script>\"") {
				t.Errorf("%s: %d, %q is not in it", text, p.code, want)
			}
		}
	}
	lot := v.get(lotPath(dscsatest.GTIN, "A123"))
	if n := strings.Count(lot.body, `href="/view/unit/`); n != theUnits || !strings.Contains(lot.body, "Units: 12, of which received: 12.") {
		t.Errorf("the lot has %d units", n)
	}
	if p := v.get("/trace/lot?gtin=1&lot=x"); p.code != http.StatusBadRequest {
		t.Errorf("no lot: %d", p.code)
	}
	if p := v.get(lotPath(dscsatest.GTIN, "none")); p.code != http.StatusNotFound {
		t.Errorf("a lot that nobody knows: %d", p.code)
	}
	if p := v.get("/trace/ended"); !strings.Contains(p.body, "TR-0") || !strings.Contains(p.body, "answered in time, after 12 h") {
		t.Errorf("what has ended: %s", p.body)
	}
}

// TestTraceRequestPage: a request is entered, looked at, answered and its package
// given out, by who may.
func TestTraceRequestPage(t *testing.T) {
	g, w := guardedTrace(t)
	qa, store, phar := g.as("quinn", "qa"), g.as("wes", "warehouse"), g.as("pat", "pharmacist")
	page := phar.get("/trace")
	fields := []string{"id", "TR-9", "requester", "County", "why", "audit", "rule", "24_hours", "gtin", "00300010123456", "received", "2026-01-01T10:00"}
	if p := phar.send(page, "/trace/requests", fields...); p.code != http.StatusUnprocessableEntity || !strings.Contains(p.body, "check digit") || !strings.Contains(p.body, `value="County"`) {
		t.Errorf("a wrong GTIN: %d", p.code)
	}
	fields[9] = dscsatest.GTIN
	if p := phar.send(page, "/trace/requests", fields...); p.code != http.StatusSeeOther || p.to != "/trace/request/TR-9?done=asked" {
		t.Errorf("entered: %d to %s: %.2000s", p.code, p.to, p.body)
	}
	if r, err := w.Request(t.Context(), "TR-9"); err != nil || r.Received != time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC).UnixMilli() || r.By != "person/pat" {
		t.Errorf("entered: %+v, %v", r, err)
	}
	if p := store.get("/trace/request/TR-1"); p.code != http.StatusOK || strings.Contains(p.body, "/answer\"") || strings.Contains(p.body, "/preview\"") || !strings.Contains(p.body, "QA and QA approvers answer") {
		t.Errorf("the warehouse: %d", p.code)
	}
	preview := qa.get("/trace/request/TR-1/preview")
	for _, want := range []string{"Units: 1; files: 2", "events.jsonld", "and the package says so:", "GTIN 00614141999996", "received/ti-"} {
		if !strings.Contains(preview.body, want) {
			t.Errorf("the preview lacks %q", want)
		}
	}
	last := w.Log.Last()
	if p := qa.get("/trace/request/TR-1/package.zip"); p.code != http.StatusConflict || w.Log.Last() != last {
		t.Errorf("a package before the answer: %d, %d events since", p.code, w.Log.Last()-last)
	}
	if p := qa.send(preview, "/trace/request/TR-1/answer", "reason", "by mail"); p.code != http.StatusSeeOther {
		t.Fatalf("answered: %d %.2000s", p.code, p.body)
	}
	r, err := w.Request(t.Context(), "TR-1")
	if err != nil || r.Answer == nil || r.Answer.Late {
		t.Fatalf("answered: %+v, %v", r, err)
	}
	done := qa.get("/trace/request/TR-1?done=answered")
	zip := qa.get("/trace/request/TR-1/package.zip")
	if !strings.Contains(done.body, r.Answer.SHA256) || !strings.Contains(done.body, "the portal of their office") || int64(len(zip.body)) != r.Answer.Bytes || zip.head.Get("Content-Type") != "application/zip" {
		t.Errorf("given out: %d bytes of %d", len(zip.body), r.Answer.Bytes)
	}
	if p := qa.get("/trace/request/none"); p.code != http.StatusNotFound {
		t.Errorf("no request: %d", p.code)
	}
}

// TestSuspectPages: persons decide, with a reason, after they have shown who they
// are; the form follows from what is known and what was written.
func TestSuspectPages(t *testing.T) {
	g, w := guardedTrace(t)
	qa, store := g.as("quinn", "qa"), g.as("wes", "warehouse")
	if p := store.get("/trace/suspect/sus-prop"); strings.Contains(p.body, "<form") || !strings.Contains(p.body, "QA and QA approvers decide") {
		t.Error("the warehouse may decide")
	}
	page := qa.get("/trace/suspect/sus-prop")
	if !strings.Contains(page.body, "rejected after excursion ex-1") || !strings.Contains(page.body, `href="/view/excursion/ex-1"`) {
		t.Error("the page lacks the facts")
	}
	path := func(id, step string) string { return "/trace/suspect/" + id + "/" + step }
	state := func(id string) string {
		c, err := w.Suspicion(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return c.State
	}
	// A case that nothing proposed.
	front := qa.get("/trace")
	raise := []string{"id", "sus-new", "units", "(01)" + dscsatest.GTIN + "(21)17\r\n" + dscsatest.GTIN + ".18\r\n\r\n", "cause", "opened before", "reason", "seen at receipt"}
	if p := qa.send(front, "/trace/suspects", append(slices.Clone(raise), "units", "box 7")...); p.code != http.StatusUnprocessableEntity || !strings.Contains(p.body, "names no unit") || !strings.Contains(p.body, "opened before") {
		t.Errorf("what names no unit: %d", p.code)
	}
	if p := qa.send(front, "/trace/suspects", raise...); p.code != http.StatusSeeOther || p.to != "/trace/suspect/sus-new?done=open" {
		t.Errorf("raised: %d to %s", p.code, p.to)
	}
	if c, err := w.Suspicion(t.Context(), "sus-new"); err != nil || c.State != dscsa.Suspected || strings.Join(c.Units, " ") != dscsatest.GTIN+".17 "+dscsatest.GTIN+".18" {
		t.Errorf("raised: %+v, %v", c, err)
	}
	if p := store.get("/trace"); strings.Contains(p.body, "/trace/suspects") {
		t.Error("the warehouse may raise cases")
	}
	// Without a reason nothing happens, and what was typed stays.
	if p := qa.send(page, path("sus-prop", "open"), "cause", "smells odd"); p.code != http.StatusUnprocessableEntity || !strings.Contains(p.body, "smells odd") || !strings.Contains(p.body, "reason: say why") {
		t.Errorf("without a reason: %d", p.code)
	}
	if p := qa.send(page, path("sus-prop", "fly"), "reason", "x"); p.code != http.StatusNotFound {
		t.Errorf("an unknown step: %d", p.code)
	}
	// A quarter of an hour later, who decides shows first that it is them.
	g.later(16 * time.Minute)
	if p := qa.send(page, path("sus-prop", "open"), "reason", "x"); p.code != http.StatusSeeOther || p.to != "/signin?again=1&next=%2Ftrace%2Fsuspect%2Fsus-prop" || state("sus-prop") != dscsa.Proposed {
		t.Errorf("later: %d to %s, %s", p.code, p.to, state("sus-prop"))
	}
	if p := qa.get("/trace/suspect/sus-prop"); strings.Contains(p.body, `action="/trace/suspect/sus-prop/open"`) || !strings.Contains(p.body, "Sign in again, and decide") {
		t.Error("the page does not say that one has to sign in again")
	}
	qa = g.as("quinn", "qa")
	page = qa.get("/trace/suspect/sus-prop")
	for _, s := range []struct {
		step, want string
		fields     []string
	}{
		{"open", dscsa.Suspected, []string{"reason", "the cap is loose"}},
		{"open", dscsa.Suspected, []string{"reason", "again"}}, // refused
		{"determine", dscsa.Illegitimate, []string{"reason", "laboratory", "classification", "Stolen"}},
		{"terminate", dscsa.Illegitimate, []string{"reason", "too early"}}, // refused: nobody was told
		{"notified", dscsa.Illegitimate, []string{"reason", "filed", "to", "fda", "how", "portal", "incident", "INC-1"}},
		{"notified", dscsa.Illegitimate, []string{"reason", "written", "to", "0300011111116", "how", "e-mail"}},
		{"describe", dscsa.Illegitimate, []string{"reason", "read from the label", "item7", "water", "item8", "Human\r\nuse"}},
		{"terminate", dscsa.Terminated, []string{"reason", "FDA agrees"}},
	} {
		p := qa.send(page, path("sus-prop", s.step), s.fields...)
		if got := state("sus-prop"); got != s.want {
			t.Errorf("%s %v: %d, the case is %s, want %s\n%s", s.step, s.fields, p.code, got, s.want, regexp.MustCompile(`role="alert">[^<]*`).FindString(p.body))
		}
	}
	ended := qa.get("/trace/suspect/sus-prop")
	for _, want := range []string{"Printed quinn", "person/quinn", "the cap is loose", "determined to be illegitimate: Stolen", "FDA told, by portal", "2 items of Form FDA 3911 written"} {
		if !strings.Contains(ended.body, want) && want != "Printed quinn" {
			t.Errorf("the history lacks %q", want)
		}
	}
	form := qa.get("/trace/suspect/sus-prop/form-3911")
	last := -1
	for _, want := range []string{"Type of Report", "Incident Number", "INC-1", "Stolen", "Epcistra", "water", "Human\nuse", "12", "A123", "2025-03-27", "GS1 Drug Distributor", "Wholesale Distributor", "Quality"} {
		at := strings.Index(form.body, want)
		if at < 0 {
			t.Errorf("the form lacks %q", want)
		}
		if at < last && want != "12" {
			t.Errorf("%q is not in its place on the form", want)
		}
		last = max(last, at)
	}
	if p := qa.get("/trace/suspect/sus-open/form-3911"); p.code != http.StatusConflict {
		t.Errorf("the form of what is not illegitimate: %d", p.code)
	}
}

// TestExceptionPages: messages are told in words, given as they were sent, and a
// case of ours is resolved.
func TestExceptionPages(t *testing.T) {
	g, w := guardedTrace(t)
	qa := g.as("quinn", "qa")
	open, err := w.Discrepancies(t.Context(), "open", "", 10)
	if err != nil || len(open) != 2 {
		t.Fatalf("%+v, %v", open, err)
	}
	ours := open[0].ID
	if open[0].Inbound {
		ours = open[1].ID
	}
	p := qa.get("/trace/exception/" + ours)
	body := html.UnescapeString(p.body)
	for _, want := range []string{"product without data", "serial 99", "label and data differ", "label: lot B", "data without product", "for the partner’s response", "fewer than ordered", "3 received, 12 ordered"} {
		if want = strings.ReplaceAll(want, "’", "'"); !strings.Contains(strings.ReplaceAll(body, "’", "'"), want) {
			t.Errorf("%q is not in it", want)
		}
	}
	message := regexp.MustCompile(`href="(/trace/exception/[^"/]+/[^"]+)"`).FindStringSubmatch(p.body)
	if message == nil {
		t.Fatal("there is no message to be sent")
	}
	if m := qa.get(message[1]); m.head.Get("Content-Type") != "application/json" || !strings.Contains(m.body, `"exception_case_uuid":"`+ours) {
		t.Errorf("message: %d %s", m.code, m.body)
	}
	if p := qa.get("/trace/exception/" + ours + "/none"); p.code != http.StatusNotFound {
		t.Errorf("no message: %d", p.code)
	}
	if p := qa.send(p, "/trace/exception/"+ours+"/resolve"); p.code != http.StatusSeeOther {
		t.Errorf("resolved: %d", p.code)
	}
	if c, err := w.Discrepancy(t.Context(), ours); err != nil || !c.Resolved {
		t.Errorf("resolved: %+v, %v", c, err)
	}
	theirs := qa.get("/trace/exception/" + ourCase)
	if !strings.Contains(theirs.body, "one box was wet") || strings.Contains(theirs.body, "/resolve\"") {
		t.Errorf("a partner's case: %d", theirs.code)
	}
	if p := qa.send(qa.get("/trace/request/TR-1"), "/trace/exception/"+ourCase+"/resolve"); p.code != http.StatusUnprocessableEntity {
		t.Errorf("a partner's case is resolved by us: %d", p.code)
	}
}

// TestTraceInSpanish: each word of these pages has its Spanish, and what is put
// together is said in it.
func TestTraceInSpanish(t *testing.T) {
	tongues, err := tongue.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"trace", "traceended", "tracelist", "tracelot", "tracerequest", "suspect", "form3911", "exception"} {
		text, err := dashboards.Templates.ReadFile("templates/" + name + ".html")
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range regexp.MustCompile(`\bt "([^"]*)"`).FindAllStringSubmatch(string(text), -1) {
			if !tongues["es"].Known(key[1]) {
				t.Errorf("%s: %q has no Spanish", name, key[1])
			}
		}
	}
	g, _ := guardedTrace(t)
	v := g.as("quinn", "qa")
	for path, want := range map[string][]string{
		"/trace":                      {`<html lang="es">`, "fuera de plazo desde hace 2 h", "por producto ilegítimo", "en 48 horas", "2 unidades: producto ilegítimo (Counterfeit)", "que alguien avise: socio 0300011111116", "2 unidades del paquete 003123450000000018: posible producto sospechoso", "el catálogo no tiene ningún producto", "las unidades se conocen entonces por sí solas", "nuestra respuesta"},
		searchPath("A123"):            {"Leído como un número de serie o de lote.", "Unidades del lote A123"},
		"/trace/request/TR-1/preview": {"GTIN " + dscsatest.GTIN + ", número de serie 11", "registrada, la pide Wholesaler"},
		"/trace/suspect/sus-bad":      {"socio 0300011111116: sin avisar todavía", "determinado ilegítimo: Counterfeit", "avisado: FDA, por portal"},
		"/trace/exception/" + ourCase: {"Informe del socio", "datos sin producto", "en el archivo F-1", "Enviar el producto"},
		"/trace/ended":                {"respondida a tiempo, tras 12 h"},
	} {
		p := v.do("GET", path, "", "Accept-Language", "es-US,es;q=0.9")
		body := html.UnescapeString(p.body)
		for _, w := range want {
			if !strings.Contains(body, w) {
				t.Errorf("%s: %q is not in it", path, w)
			}
		}
	}
}
