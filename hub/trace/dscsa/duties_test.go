package dscsa

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/hub/trace/dscsa/deadline"
	"frostline/hub/trace/dscsa/exception"
	"frostline/hub/trace/dscsa/vrs"
	"frostline/hub/trace/epcis"
)

func (w *world) ask(id string, about ...fact.TraceAbout) TraceRequest {
	w.t.Helper()
	r, err := w.Ask(w.t.Context(), aCourier, "", fact.TraceRequested{ID: id, Requester: "FDA", Why: "recall", About: about})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// files opens a package and checks it against its manifest.
func (w *world) files(c Content) (map[string][]byte, PackageManifest) {
	w.t.Helper()
	z, err := zip.NewReader(bytes.NewReader(c.Body), int64(len(c.Body)))
	if err != nil {
		w.t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			w.t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(r); err != nil {
			w.t.Fatal(err)
		}
	}
	var m PackageManifest
	if err := json.Unmarshal(files["manifest.json"], &m); err != nil {
		w.t.Fatal(err)
	}
	for _, f := range m.Files {
		if digest(files[f.Name]) != f.SHA256 || len(files[f.Name]) != f.Bytes {
			w.t.Errorf("%s is not what the manifest says", f.Name)
		}
	}
	if len(files) != len(m.Files)+1 {
		w.t.Errorf("%d files, %d in the manifest", len(files), len(m.Files))
	}
	return files, m
}

// TestTrace: a request has its clock, is reminded of, and is answered once, by a
// package of all that is known.
func TestTrace(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, config())
		in := w.takeIn(example(t))
		w.ship("SH-1", "S2", "11", "12")
		out, err := w.Send(t.Context(), aCourier, "", Export{Shipment: "SH-1"})
		if err != nil {
			t.Fatal(err)
		}
		r := w.ask("TR-1", fact.TraceAbout{GTIN: gtin, Lot: "A123"})
		if r.Due != start+48*hour || r.Rule != deadline.Hours48 || r.State != "open" {
			t.Errorf("request: %+v", r)
		}
		again := r.TraceRequested
		if same, err := w.Ask(t.Context(), aCourier, "", again); err != nil || same.Revision != r.Revision {
			t.Errorf("asked twice: %+v, %v", same, err)
		}
		if again.Number = "7"; !errorsIs(w.Ask(t.Context(), aCourier, "", again)) {
			t.Error("another request took the id")
		}
		w.stages("TR-1", map[int64]string{0: "", 23: "", 24: "half", 44: "short", 47: "short", 48: "overdue"})
		if r, err = w.Request(t.Context(), "TR-1"); err != nil || r.State != "overdue" {
			t.Errorf("late: %+v, %v", r, err)
		}
		if s, err := w.Status(t.Context()); err != nil || s.Open != 1 || s.Overdue != 1 {
			t.Errorf("status: %+v, %v", s, err)
		}
		if _, err := w.Package(t.Context(), "TR-1"); !errors.Is(err, record.ErrRefused) {
			t.Errorf("package before its answer: %v", err)
		}
		if r, err = w.Answer(t.Context(), aCourier, "asked by telephone", "TR-1"); err != nil || r.State != "answered" || !r.Answer.Late || r.Answer.Statements != 2 || r.Answer.Units != 12 {
			t.Fatalf("answered: %+v, %v", r.Answer, err)
		}
		w.clock.Add(hour)
		w.takeIn(changed(t, "1100220001", "1100220009", "2023-04-01T07:48:16Z", "2023-04-01T07:48:17Z"))
		twice, err := w.Answer(t.Context(), aCourier, "again", "TR-1")
		if err != nil || twice.Answer.SHA256 != r.Answer.SHA256 {
			t.Errorf("answered twice: %+v, %v", twice.Answer, err)
		}
		c, err := w.Package(t.Context(), "TR-1")
		if err != nil {
			t.Fatal(err)
		}
		files, m := w.files(c)
		if !bytes.Equal(files["received/"+in.ID+".xml"], example(t)) || files["sent/"+out.ID+".xml"] == nil || m.Company.Name != "GS1 Drug Distributor" || len(m.Units) != 12 || len(m.Units[0].Documents) != 2 {
			t.Errorf("manifest: %+v", m)
		}
		d, err := epcis.Parse(files["events.jsonld"], "application/ld+json")
		if err != nil || len(d.Events) != 8 {
			t.Errorf("events: %v, %v", d, err)
		}
	})
}

func errorsIs(_ TraceRequest, err error) bool { return errors.Is(err, record.ErrExists) }

// stages lets hours pass and looks what was reminded of.
func (w *world) stages(id string, want map[int64]string) {
	w.t.Helper()
	var hours []int64
	for h := range want {
		hours = append(hours, h)
	}
	slices.Sort(hours)
	for _, h := range hours {
		w.clock.Store(start + h*hour)
		for range 2 {
			if err := w.remind(w.t.Context()); err != nil {
				w.t.Fatal(err)
			}
		}
		if r, err := w.Request(w.t.Context(), id); err != nil || r.Stage != want[h] {
			w.t.Errorf("after %d h: %q, want %q (%v)", h, r.Stage, want[h], err)
		}
	}
	all, err := w.log.Read(w.t.Context(), 0, 1000, fact.TraceWasReminded)
	if err != nil || len(all) != 3 {
		w.t.Errorf("%d reminders, want 3 (%v)", len(all), err)
	}
}

// TestSensorDataStay: what a unit went through at its temperature is no
// transaction information.
func TestSensorDataStay(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)), config())
	w.takeIn(example(t))
	text := `{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-01-01T00:00:00Z","epcisBody":{"eventList":[
		{"type":"ObjectEvent","eventTime":"2026-01-01T00:00:00Z","eventTimeZoneOffset":"+00:00","epcList":["https://id.gs1.org/01/` + gtin + `/21/11"],"action":"OBSERVE","bizStep":"sensor_reporting",
		 "sensorElementList":[{"sensorReport":[{"type":"Temperature","value":5.1,"uom":"CEL"}]}]}]}}`
	w.takeIn([]byte(text))
	w.ask("TR-1", fact.TraceAbout{GTIN: gtin, Serial: "11"}, fact.TraceAbout{GTIN: "00614141999996"})
	if _, err := w.Answer(t.Context(), aCourier, "", "TR-1"); err != nil {
		t.Fatal(err)
	}
	c, err := w.Package(t.Context(), "TR-1")
	if err != nil {
		t.Fatal(err)
	}
	files, m := w.files(c)
	if m.LeftOut != 1 || len(m.NotKnown) != 1 || bytes.Contains(files["events.jsonld"], []byte("sensor")) || len(m.Units) != 1 {
		t.Errorf("manifest: %+v", m)
	}
}

// TestRequestRefused: what makes no sense, and nothing is noted.
func TestRequestRefused(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)), config())
	good := fact.TraceRequested{ID: "TR-1", Requester: "FDA", Why: "recall", About: []fact.TraceAbout{{GTIN: gtin}}}
	for name, change := range map[string]func(*fact.TraceRequested){
		"id": func(r *fact.TraceRequested) { r.ID = "a b" }, "requester": func(r *fact.TraceRequested) { r.Requester = "" },
		"why": func(r *fact.TraceRequested) { r.Why = "curious" }, "nothing": func(r *fact.TraceRequested) { r.About = nil },
		"gtin": func(r *fact.TraceRequested) { r.About = []fact.TraceAbout{{GTIN: "00300010123456"}} },
		"rule": func(r *fact.TraceRequested) { r.Rule = "soon" }, "future": func(r *fact.TraceRequested) { r.Received = start + day },
		"much": func(r *fact.TraceRequested) { r.About = make([]fact.TraceAbout, maxAbout+1) },
	} {
		r := good
		change(&r)
		if _, err := w.Ask(t.Context(), aCourier, "", r); !errors.Is(err, record.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if w.log.Last() != 0 {
		t.Errorf("%d events", w.log.Last())
	}
}

// reject plays an excursion whose units are rejected.
func (w *world) reject(id string, units ...string) {
	w.t.Helper()
	var all []fact.Disposition
	for _, u := range units {
		all = append(all, fact.Disposition{Unit: u, Lot: "A123", Decision: "reject"})
	}
	all = append(all, fact.Disposition{Unit: gtin + ".20", Lot: "A123", Decision: "release"})
	ref := fact.Ref{Kind: fact.Excursion, ID: id}
	_, err := w.log.Command(w.t.Context(), "person/qa", func(ctx context.Context, ch event.Change) error {
		for _, n := range []event.New{
			{Type: fact.ExcursionWasProposed, Data: fact.ExcursionProposed{ID: id, Dispositions: all}},
			{Type: fact.ExcursionWasClosed, Data: fact.ExcursionStep{ID: id, Outcome: "disposed"}, Reason: "decided"},
		} {
			n.Stream, n.Expect = ref.String(), -1
			if _, err := ch.Append(ctx, n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	events, err := w.log.Read(w.t.Context(), 0, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.follow(w.t.Context(), events); err != nil {
		w.t.Fatal(err)
	}
}

// TestSuspect: a reject proposes; a person decides, determines, and tells, within
// 24 hours of the determination.
func TestSuspect(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, config())
		w.takeIn(example(t))
		for range 2 { // handled again after a crash, and closed again
			w.reject("EX-1", gtin+".11", gtin+".12")
		}
		list, err := w.Suspicions(t.Context(), Proposed, "", 10)
		if err != nil || len(list) != 1 || len(list[0].Units) != 2 || list[0].Excursion != "EX-1" || list[0].Due != 0 {
			t.Fatalf("proposed: %+v, %v", list, err)
		}
		id := list[0].ID
		ctx := t.Context()
		must := func(s Suspicion, err error) Suspicion {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		refused := func(what string, err error) {
			t.Helper()
			if !errors.Is(err, record.ErrRefused) && !errors.Is(err, record.ErrInvalid) {
				t.Errorf("%s: %v", what, err)
			}
		}
		_, err = w.Determine(ctx, aCourier, "why", id, "Stolen", 0)
		refused("determined what is only proposed", err)
		_, err = w.Desk.Open(ctx, aCourier, "", fact.SuspectOpened{ID: id})
		refused("opened without a reason", err)
		s := must(w.Desk.Open(ctx, aCourier, "label does not fit", fact.SuspectOpened{ID: id}))
		if s.State != Suspected || len(s.Units) != 2 || s.Excursion != "EX-1" || s.Due != 0 {
			t.Errorf("opened: %+v", s)
		}
		if v, err := w.Verify(ctx, "partner/p", Inquiry{Product: fact.ProductIdentifier{GTIN: gtin, Serial: "11", Lot: "A123", Expiry: "250327"}}); err != nil || *v.Data.Verified || v.Data.Reason != vrs.NotForRedistrib || v.Data.Information != vrs.Suspect {
			t.Errorf("verified while suspect: %+v, %v", v, err)
		}
		w.clock.Add(10 * hour)
		_, err = w.Determine(ctx, aCourier, "why", id, "Bad", 0)
		refused("a classification there is not", err)
		at := w.clock.Load()
		s = must(w.Determine(ctx, aCourier, "laboratory", id, "Counterfeit", 0))
		if s.State != Illegitimate || s.Determined != at || s.Due != at+24*hour || fmt.Sprint(s.Untold()) != "[fda "+maker+"]" {
			t.Errorf("determined: %+v, untold %v", s, s.Untold())
		}
		_, err = w.Terminate(ctx, aCourier, "why", id)
		refused("ended untold", err)
		f, err := w.Form(ctx, id)
		if err != nil || len(f.Items) != 23 || fmt.Sprint(f.Missing) != "[8 9]" {
			t.Errorf("form: %+v, %v", f.Missing, err)
		}
		want := map[string]string{"4": "01/01/2026", "5": "Counterfeit", "6": "Epcistra", "10": "100mg", "11": "PILL", "12": "2 serialised units", "13": "0001-0123-45", "14": "11, 12", "15": "A123", "16": "2025-03-27", "21": "Wholesale Distributor"}
		for _, it := range f.Items {
			if v, ok := want[it.Number]; ok && it.Value != v {
				t.Errorf("item %s: %q, want %q", it.Number, it.Value, v)
			}
		}
		_, err = w.Describe(ctx, aCourier, "x", id, map[string]string{"4": "today"})
		refused("a date that the hub knows", err)
		must(w.Describe(ctx, aCourier, "from the label", id, map[string]string{"8": "Human use", "9": "Finished prescription drug"}))
		if f, err = w.Form(ctx, id); err != nil || len(f.Missing) != 0 {
			t.Errorf("form: %+v, %v", f.Missing, err)
		}
		w.clock.Add(13 * hour)
		if err := w.remind(ctx); err != nil {
			t.Fatal(err)
		}
		_, err = w.Notified(ctx, aCourier, "done", fact.SuspectNotified{ID: id, To: "0000000000000", How: "e-mail"})
		refused("told a stranger", err)
		s = must(w.Notified(ctx, aCourier, "done", fact.SuspectNotified{ID: id, To: FDA, How: "CDER NextGen portal", Incident: "INC-1"}))
		if s.Stage != "half" || s.Incident != "INC-1" || fmt.Sprint(s.Untold()) != "["+maker+"]" {
			t.Errorf("told FDA: %+v", s)
		}
		w.clock.Add(12 * hour)
		if got, err := w.Status(ctx); err != nil || got.Untold != 1 || got.Late != 1 {
			t.Errorf("status: %+v, %v", got, err)
		}
		must(w.Notified(ctx, aCourier, "done", fact.SuspectNotified{ID: id, To: maker, How: "e-mail"}))
		if s = must(w.Terminate(ctx, aCourier, "FDA agrees", id)); s.State != Terminated {
			t.Errorf("ended: %+v", s)
		}
		// A case of its own, and one that was not suspect after all.
		must(w.Raise(ctx, aCourier, "package open", fact.SuspectOpened{ID: "C-1", Units: []string{gtin + ".13"}, Cause: "opened on receipt"}))
		if s = must(w.Clear(ctx, aCourier, "the maker says it is theirs", "C-1")); s.State != Cleared {
			t.Errorf("cleared: %+v", s)
		}
		w.reject("EX-2", gtin+".14")
		list, _ = w.Suspicions(ctx, Proposed, "", 10)
		if s = must(w.Dismiss(ctx, aCourier, "destroyed, not sold", list[0].ID)); s.State != Dismissed {
			t.Errorf("dismissed: %+v", s)
		}
	})
}

// TestVerify: partners are answered by what commissioning says, and each answer is
// noted.
func TestVerify(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)), config())
	w.takeIn(example(t))
	good := fact.ProductIdentifier{GTIN: gtin, Serial: "11", Lot: "A123", Expiry: "250327"}
	for _, c := range []struct {
		change       func(*fact.ProductIdentifier)
		verified     bool
		reason, more string
	}{
		{func(*fact.ProductIdentifier) {}, true, "", vrs.Expired},
		{func(p *fact.ProductIdentifier) { p.Lot = "B" }, false, vrs.NoMatchLot, ""},
		{func(p *fact.ProductIdentifier) { p.Expiry = "270327" }, false, vrs.NoMatchExpiry, ""},
		{func(p *fact.ProductIdentifier) { p.Serial = "99" }, false, vrs.NoMatch, ""},
	} {
		p := good
		c.change(&p)
		a, err := w.Verify(t.Context(), "partner/p", Inquiry{Product: p, Requester: maker, Context: vrs.Context, UUID: "08dd5e1b-78e7-4dee-9f55-e69f5edf099b"})
		if err != nil || *a.Data.Verified != c.verified || a.Data.Reason != c.reason || a.Data.Information != c.more || a.Responder != us || a.UUID != "08dd5e1b-78e7-4dee-9f55-e69f5edf099b" {
			t.Errorf("%+v: %+v, %v", p, a, err)
		}
	}
	other := good
	other.GTIN = "00614141999996"
	if _, err := w.Verify(t.Context(), "partner/p", Inquiry{Product: other}); !errors.Is(err, record.ErrNotFound) {
		t.Errorf("a product nobody deals in: %v", err)
	}
	if _, err := w.Verify(t.Context(), "partner/p", Inquiry{Product: good, UUID: "x"}); !errors.Is(err, record.ErrInvalid) {
		t.Errorf("a wrong UUID: %v", err)
	}
	all, _, err := w.Verifications(t.Context(), "", 10)
	if err != nil || len(all) != 4 || all[0].Answered.Product.Serial != "99" {
		t.Errorf("noted: %+v, %v", all, err)
	}
}

// TestAskResolver: the hub's own service is asked by another hub, by HTTP.
func TestAskResolver(t *testing.T) {
	asked := newWorld(t, storetest.Open(t, storetest.SQLite(t)), config())
	asked.takeIn(example(t))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		parts := strings.Split(r.URL.Path, "/")
		a, err := asked.Verify(r.Context(), "partner/us", Inquiry{
			Product: fact.ProductIdentifier{GTIN: parts[3], Lot: parts[5], Serial: parts[7], Expiry: r.URL.Query().Get("exp")}, UUID: r.URL.Query().Get("corrUUID"),
		})
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(a)
	}))
	defer s.Close()
	c := config()
	c.Resolvers = []vrs.Resolver{{Name: "maker", URL: s.URL}}
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)), c)
	p := fact.ProductIdentifier{GTIN: gtin, Serial: "11", Lot: "A123", Expiry: "250327"}
	if got, err := w.AskResolver(t.Context(), aCourier, "", "maker", p); err != nil || got.Outcome != "verified" || got.Information != vrs.Expired || got.Responder != us {
		t.Errorf("asked: %+v, %v", got, err)
	}
	p.Serial = "99"
	if got, err := w.AskResolver(t.Context(), aCourier, "", "maker", p); err != nil || got.Outcome != "not verified" || got.Reason != vrs.NoMatch {
		t.Errorf("asked: %+v, %v", got, err)
	}
	s.Close()
	if got, err := w.AskResolver(t.Context(), aCourier, "", "maker", p); err != nil || got.Outcome != "unknown" || got.Why == "" {
		t.Errorf("asked: %+v, %v", got, err)
	}
	if _, err := w.AskResolver(t.Context(), aCourier, "", "nobody", p); !errors.Is(err, record.ErrInvalid) {
		t.Errorf("asked nobody: %v", err)
	}
	if all, _, err := w.Verifications(t.Context(), "", 10); err != nil || len(all) != 3 {
		t.Errorf("noted: %+v, %v", all, err)
	}
}

// TestDiscrepancy: what was scanned and what the document says are compared; the
// partner's answer closes the circle.
func TestDiscrepancy(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, config())
		s := w.takeIn(example(t))
		ctx := t.Context()
		code := func(serial, lot string) string { return "(01)" + gtin + "(21)" + serial + "(17)250327(10)" + lot }
		var all []string
		for i := 11; i <= 22; i++ {
			all = append(all, code(fmt.Sprint(i), "A123"))
		}
		if _, found, err := w.Compare(ctx, aCourier, "", Comparison{Document: s.ID, Scans: all}); err != nil || found {
			t.Errorf("what agrees: %v, %v", found, err)
		}
		c, found, err := w.Compare(ctx, aCourier, "counted", Comparison{Document: s.ID, Scans: append(all[2:], code("11", "B"), code("99", "A123")), Ordered: map[string]int{gtin: 12}})
		if err != nil || !found || c.Items != 3 || c.Resolved || c.Inbound || len(c.Messages) != 1 {
			t.Fatalf("case: %+v, %v, %v", c, found, err)
		}
		r, err := exception.ReadReport(c.Messages[0].Text)
		if err != nil || len(r.Exceptions.NoData) != 1 || len(r.Exceptions.NoProduct) != 1 || len(r.Exceptions.Misfits) != 1 || *r.Sender.GLN != us || !strings.Contains(r.Order, "XYZPO189") || r.Exceptions.NoProduct[0].File != "1100220001" {
			t.Errorf("report: %+v, %v", r, err)
		}
		response := func(item, message string) []byte {
			return []byte(`{"message_uuid":"` + message + `","exception_case_uuid":"` + c.ID + `","timestamp":1,"sender_information":{"email":"a@example.com"},"po_number":"x","response_items":[{"exception_item_uuid":"` + item + `","resolution_response":"Accept"}]}`)
		}
		if _, err := w.Respond(ctx, "partner/maker", "", response("another", "b0059655-5998-5f66-8613-e117b80ee862")); !errors.Is(err, record.ErrInvalid) {
			t.Errorf("answer to an item there is not: %v", err)
		}
		for range 2 {
			c, err = w.Respond(ctx, "partner/maker", "", response(r.Exceptions.NoData[0].Item, "b0059655-5998-5f66-8613-e117b80ee862"))
			if err != nil || len(c.Messages) != 2 || c.Messages[1].Accepted != 1 || !c.Messages[1].Inbound {
				t.Errorf("answered: %+v, %v", c, err)
			}
		}
		if c, err = w.Resolve(ctx, aCourier, "data came", c.ID); err != nil || !c.Resolved || len(c.Messages) != 3 {
			t.Errorf("resolved: %+v, %v", c, err)
		}
		if _, _, err := w.Compare(ctx, aCourier, "", Comparison{Document: s.ID, Scans: []string{"(00)003000141234567890"}}); !errors.Is(err, record.ErrInvalid) {
			t.Errorf("a scan of a pallet: %v", err)
		}
	})
}

// live has one of everything happen.
func (w *world) live(t *testing.T) {
	clear(w.products)
	early := w.takeIn(example(t))
	w.sell(sold)
	if err := w.relearn(t.Context(), early.ID); err != nil {
		t.Fatal(err)
	}
	w.ship("SH-1", "S2", "11")
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	must(w.Send(ctx, aCourier, "", Export{Shipment: "SH-1"}))
	w.ask("TR-1", fact.TraceAbout{GTIN: gtin})
	w.clock.Add(30 * hour)
	must(nil, w.remind(ctx))
	must(w.Answer(ctx, aCourier, "", "TR-1"))
	w.reject("EX-1", gtin+".11")
	list, err := w.Suspicions(ctx, "", "", 1)
	must(nil, err)
	id := list[0].ID
	must(w.Desk.Open(ctx, aCourier, "why", fact.SuspectOpened{ID: id}))
	must(w.Determine(ctx, aCourier, "why", id, "Stolen", 0))
	must(w.Describe(ctx, aCourier, "why", id, map[string]string{"7": "water"}))
	w.clock.Add(13 * hour)
	must(nil, w.remind(ctx))
	must(w.Notified(ctx, aCourier, "why", fact.SuspectNotified{ID: id, To: FDA, How: "portal"}))
	must(w.Verify(ctx, "partner/p", Inquiry{Product: fact.ProductIdentifier{GTIN: gtin, Serial: "11", Lot: "A123", Expiry: "250327"}}))
	c, _, err := w.Compare(ctx, aCourier, "", Comparison{Document: w.statement(t, false).ID})
	must(nil, err)
	must(w.Resolve(ctx, aCourier, "why", c.ID))
}
