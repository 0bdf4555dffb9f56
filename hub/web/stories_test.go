package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"frostline/hub/dossier"
	"frostline/hub/dossier/dossiertest"
	"frostline/hub/event"
	"frostline/hub/evidence/verify"
	"frostline/hub/fact"
	"frostline/hub/trace/provenance"
	"frostline/hub/web/webtest"
	"frostline/proto/thermal"
)

// storyteller tells of one shipment, and of a package with a hostile name.
type storyteller struct{ dossier.Shipment }

func stories() *storyteller { return &storyteller{*dossiertest.Shipment()} }

func (s *storyteller) lines() []dossier.Line {
	warm := thermal.Temp(8420)
	p := s.Packages[0]
	return []dossier.Line{
		{ID: p.ID, Shipment: s.ID, Status: "in_transit", Place: "compartment van-1-box", Now: dossier.NowOutOfRange, Since: p.Packed, Temperature: &warm, At: p.Packed,
			Source: "van-1/probe-1", Outcome: thermal.Excursion, Open: 2, Ahead: "at 8 °C in about 20 min (12 to 31 min), if nothing changes"},
		{ID: "PKG-2", Shipment: s.ID, Status: "in_transit", Now: dossier.NowUnknown, Since: p.Packed, Outcome: thermal.Unknown, Open: 1},
		{ID: "PKG-3", Shipment: s.ID, Status: "delivered", Closed: p.Closed, Place: "zone sodo-cold", Now: dossier.NowInRange, Outcome: thermal.InRange},
	}
}

func (s *storyteller) Lines(context.Context, int) (dossier.Listing, error) {
	return dossier.Listing{Lines: s.lines(), Watched: map[dossier.State]int{dossier.NowOutOfRange: 1, dossier.NowUnknown: 12}}, nil
}
func (s *storyteller) Package(_ context.Context, id string) (dossier.Package, dossier.Line, error) {
	if id != s.Packages[0].ID {
		return dossier.Package{}, dossier.Line{}, fmt.Errorf("package %s: %w", id, ErrNoStory)
	}
	return s.Packages[0], s.lines()[0], nil
}
func (s *storyteller) CaseLines(context.Context, dossier.CaseQuery) (dossier.Queue, error) {
	return dossier.Queue{Lines: []dossier.CaseLine{{Case: s.Packages[0].Cases[0], Package: s.Packages[0].ID}}, Found: 1, All: 1}, nil
}

// Look knows the whole watch alone; TestWorkbench looks at parts, by the engine.
func (s *storyteller) Look(_ context.Context, q dossier.Query) (dossier.Look, error) {
	j := s.Packages[0].Judgements[0]
	from, to := j.Verdict.From, j.Verdict.To
	return dossier.Look{Judgement: j, WatchFrom: from, WatchTo: to,
		Sources: []dossier.Source{{From: from, To: to, Gateway: "van-14", Sensor: "box-1", In: "compartment/van-14-box"}},
		Budgets: []dossier.LotLane{{Lot: "L77", Units: 2, Lives: 1, Name: "8 to 25 °C", Allowed: 72 * 3_600_000, Before: 18 * 3_600_000, After: 19 * 3_600_000,
			Points: []dossier.LanePoint{{At: from, Spent: 18 * 3_600_000}, {At: from + (to-from)/2, Spent: 66_600_000}, {At: to, Spent: 19 * 3_600_000}}}}}, nil
}
func (s *storyteller) Profiles(context.Context) ([]thermal.Profile, error) {
	return []thermal.Profile{s.Packages[0].Judgements[0].Profile}, nil
}
func (s *storyteller) Trail(_ context.Context, of fact.Ref, after int64, _ int) ([]event.Event, error) {
	if of.ID != s.Packages[0].ID || after > 0 {
		return nil, nil
	}
	return []event.Event{{ID: "e1", Position: 7, Stream: of.String(), Version: 1, Type: fact.PackageWasPacked, At: s.Packages[0].Packed, Actor: "person/amy", Reason: "<b>order</b>", Data: []byte(`{"id":"<script>"}`)}}, nil
}
func (s *storyteller) Verify(context.Context, string) (*verify.Report, error) {
	return &verify.Report{Problems: []verify.Problem{{Check: verify.Container, Gateway: "van-14", Epoch: 1, Block: 120, Detail: "the block was changed"}}}, nil
}
func (s *storyteller) Case(_ context.Context, id string) (dossier.Case, dossier.Package, error) {
	if id != "ex-1" {
		return dossier.Case{}, dossier.Package{}, ErrNoStory
	}
	return s.Packages[0].Cases[0], s.Packages[0], nil
}
func (s *storyteller) Unit(_ context.Context, id string) (*provenance.Provenance, error) {
	if id != "00614141999996.A1" {
		return nil, ErrNoStory
	}
	return wayOfAUnit(), nil
}
func (s *storyteller) ShipmentReport(_ context.Context, id string) ([]byte, string, error) {
	if id != s.ID {
		return nil, "", ErrNoStory
	}
	return []byte("%PDF-"), "shipment " + id + "\r\n.pdf", nil
}
func (s *storyteller) CaseReport(context.Context, string) ([]byte, string, error) {
	return []byte("%PDF-"), "case.pdf", nil
}
func (s *storyteller) Bundle(_ context.Context, _ string, documents bool) (Bundle, error) {
	return zipped(documents), nil
}

func TestPagesTellStories(t *testing.T) {
	s, _ := newCompany().serve(t, "127.0.0.1:0")
	get := func(path string) (int, string, http.Header) {
		t.Helper()
		r, err := http.Get(s.URL() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		b, _ := io.ReadAll(r.Body)
		return r.StatusCode, string(b), r.Header
	}
	p := stories().Packages[0]
	for path, wants := range map[string][]string{
		"view/packages":              {p.ID, "out of range", "8.42 °C", "nowhere known", "12</span> unknown now", "11 more are watched", "closed"},
		"view/package/" + p.ID:       {"verdict: excursion", "10.87 °C", "hatch", "the sensor was silent", "custodian before was not told", "report.pdf"},
		"view/excursions":            {"was above 8 °C for 42 min", "0</span> not closed"},
		"view/trail/package/" + p.ID: {"person/amy", "orders package packed", "&lt;b&gt;order", "event 7 of the log"},
		"view/unit/00614141999996.A1": {"gap: custody", "nobody has told of receiving it", "alarm: 4.1 °C to 11.9 °C", "entry 41 of the evidence log", "not yet in the evidence log",
			"declared wrong", "with SSCC 003400000000000014", "not told yet", "party GLN 0614141000005 to party co1"},
		"view/excursion/ex-1": {"Budget 8 to 25 °C, 2 units of lot L77: 19 h of 3 d used, 2 d 5 h left", "sensor box-1 of van-14", "Show the chart as a table", "Amélie Østergård, PharmD", "no longer matches", "acknowledged", "lot L77"},
	} {
		code, body, _ := get(path)
		for _, want := range wants {
			if code != http.StatusOK || !strings.Contains(body, want) {
				t.Errorf("%s: %d, %q is not in it", path, code, want)
			}
		}
		if strings.Contains(body, "ZgotmplZ") || strings.Contains(body, "%!") {
			t.Errorf("%s: a template went wrong", path)
		}
	}
	if code, body, _ := get("view/package/none"); code != http.StatusNotFound || !strings.Contains(body, "no such package") {
		t.Errorf("a package that is not there: %d", code)
	}
	code, body, h := get("view/shipment/SH-1/report.pdf")
	if code != http.StatusOK || body != "%PDF-" || h.Get("Content-Disposition") != `attachment; filename="shipment-SH-1--.pdf"` {
		t.Errorf("report: %d %q %q", code, body, h.Get("Content-Disposition"))
	}
	if code, _, _ := get("view/shipment/other/report.pdf"); code != http.StatusNotFound {
		t.Errorf("a report of nothing: %d", code)
	}
	// A chart draws a line within each run of knowledge and never between two,
	// for a desk and for a phone.
	j := p.Judgements[0]
	if n := strings.Count(string(storyChart(&j)), `class="mean"`); n != 4 {
		t.Errorf("%d lines, want one on each side of the gap, twice", n)
	}
}

// TestTheTallyOfCasesStays: what counts sensors on the first page does not count
// cases.
func TestTheTallyOfCasesStays(t *testing.T) {
	s, _ := newCompany().serve(t, "127.0.0.1:0")
	tb := webtest.New(t, webtest.Browser(t), s.URL())
	tb.Open(s.URL() + "view/excursions")
	tb.Until(following)
	if n := webtest.Eval[string](tb, "document.querySelector('#case-tally [data-state=wrong] .n').textContent"); n != "0" {
		t.Errorf("%q cases are not closed, want 0", n)
	}
}
