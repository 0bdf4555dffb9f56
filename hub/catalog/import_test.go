package catalog_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"frostline/hub/catalog"
	"frostline/hub/catalog/sheet"
	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

func (h *hub) load(k fact.Kind, f sheet.Format, text string, dryRun bool) catalog.ImportReport {
	h.t.Helper()
	s := sheet.Parse([]byte(text), sheet.Options{Kind: k, Format: f})
	r, err := h.Import(h.ctx, actor, "import", k, s, dryRun, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func told(r catalog.ImportReport) string {
	var b strings.Builder
	for _, p := range r.Problems {
		fmt.Fprintln(&b, p)
	}
	return b.String()
}

func TestAnImportIsDoneWhollyOrNotAtAll(t *testing.T) {
	run(t, func(t *testing.T, h *hub) {
		h.warehouse()
		last := h.log.Last()
		r := h.load(fact.Zone, sheet.CSV, "id,site,name,profile\nz1,depot,One,cold\nz2,depott,Two,\nz3,depot,,\nz1,depot,Other,cold\nz4,depot,Four,warm\n", false)
		want := `line 3: site "depott": there is no site with this id; enter the site first, or correct the id
line 4: name: is empty; give what people call it
line 5: id "z1": is on line 2 too, with something else; keep one of the two lines
line 6: profile "warm": there is no profile with this id; enter the profile first, or correct the id
`
		if got := told(r); got != want || r.Done {
			t.Errorf("got %+v\n%swant\n%s", r, got, want)
		}
		if h.log.Last() != last {
			t.Errorf("%d events were appended", h.log.Last()-last)
		}
		good := "id,site,name,profile\nz1,depot,One,cold\nz2,depot,Two,\ndepot.a,depot,New name,cold\nz2,depot,Two,\n"
		for _, c := range []struct {
			dryRun                      bool
			created, changed, unchanged int
			events                      int64
		}{{true, 2, 1, 1, 0}, {false, 2, 1, 1, 3}, {false, 0, 0, 4, 0}, {true, 0, 0, 4, 0}} {
			last := h.log.Last()
			r := h.load(fact.Zone, sheet.CSV, good, c.dryRun)
			if r.Created != c.created || r.Changed != c.changed || r.Unchanged != c.unchanged || r.Done == c.dryRun || !r.OK() || h.log.Last()-last != c.events {
				t.Errorf("want %+v, got %+v and %d events", c, r, h.log.Last()-last)
			}
		}
		if _, err := h.Retire(h.ctx, actor, "torn down", fact.Ref{Kind: fact.Zone, ID: "z2"}, catalog.Any); err != nil {
			t.Fatal(err)
		}
		if r := h.load(fact.Zone, sheet.CSV, good, false); !strings.Contains(told(r), `line 3: id "z2": is retired since`) {
			t.Errorf("retired: got %s", told(r))
		}
	})
}

// TestTheOrderInAFileDoesNotMatter: references and numbers that move from one
// record to another are seen whole.
func TestTheOrderInAFileDoesNotMatter(t *testing.T) {
	lines := []string{
		`{"kind":"zone","id":"z","site":"s","name":"Z","profile":"cold"}`,
		`{"kind":"site","id":"s","name":"S","gln":"0614141000029"}`,
		`{"kind":"site","id":"depot","name":"Depot"}`,
		`{"kind":"site","id":"heir","name":"Heir","gln":"0614141000012"}`,
		`{"kind":"calibration","id":"c","sensor":"g/s","lab":"L","from":"2026-01-01","until":"2027-01-01","accuracy":0.1}`,
		`{"kind":"sensor","id":"g/s","in":"zone/z","from":"2026-01-01"}`,
		`{"kind":"gateway","id":"g","site":"s"}`,
		`{"kind":"product","id":"p","name":"P","profile":"cold"}`,
	}
	run(t, func(t *testing.T, h *hub) {
		h.warehouse() // in which the site depot has the GLN that heir gets
		n := 0
		rapid.Check(t, func(t *rapid.T) {
			text := strings.Join(rapid.Permutation(lines).Draw(t, "lines"), "\n")
			s := sheet.Parse([]byte(text), sheet.Options{Kind: sheet.All, Format: sheet.JSON})
			r, err := h.Import(h.ctx, actor, "", sheet.All, s, true, nil)
			if err != nil || !r.OK() || r.Created != 7 || r.Changed != 1 {
				t.Fatalf("got %+v, %v", r, err)
			}
			n++
		})
		r := h.load(sheet.All, sheet.JSON, strings.Join(lines, "\n"), false)
		if !r.Done || r.Created != 7 || r.Placed != 1 {
			t.Errorf("got %+v", r)
		}
		if r := h.load(sheet.All, sheet.JSON, strings.Join(lines, "\n"), false); !r.Done || r.Unchanged != 8 || r.Placed != 0 {
			t.Errorf("again: got %+v", r)
		}
	})
}

func TestProfilesAreImportedByVersion(t *testing.T) {
	run(t, func(t *testing.T, h *hub) {
		version := func(n int, high string) string {
			return fmt.Sprintf(`{"id":"cold","version":%d,"name":"Cold","source":"label","limits":[{"name":"warm","op":">","at":%s,"timer":"single","delay":0,"deadband":0,"severity":"alarm"}],"activation":0,"longestGap":600000}`, n, high)
		}
		text := version(2, "9") + "\n" + version(1, "8")
		for _, want := range []string{"2 0 0", "0 0 2"} {
			r := h.load(fact.Profile, sheet.JSON, text, false)
			if got := fmt.Sprint(r.Created+r.Changed, " ", 0, " ", r.Unchanged); got != want || !r.Done {
				t.Errorf("got %+v %s, want %s", r, told(r), want)
			}
		}
		if r := h.load(fact.Profile, sheet.JSON, version(1, "7"), false); !strings.Contains(told(r), `line 1: version "1": is there already and says something else`) {
			t.Errorf("got %s", told(r))
		}
	})
}

// TestAnImportSeesWhatHappenedMeanwhile: another command retires the site
// between check and write.
func TestAnImportSeesWhatHappenedMeanwhile(t *testing.T) {
	run(t, func(t *testing.T, h *hub) {
		h.warehouse()
		s := sheet.Parse([]byte("id,site,name\nz1,depot,One\n"), sheet.Options{Kind: fact.Zone, Format: sheet.CSV})
		checks := 0
		r, err := h.Import(h.ctx, actor, "", fact.Zone, s, false, func(phase string, done, total int) {
			if phase == "check" && done == total {
				if checks++; checks == 1 {
					if _, err := h.Retire(h.ctx, actor, "closed", fact.Ref{Kind: fact.Site, ID: "depot"}, catalog.Any); err != nil {
						t.Error(err)
					}
				}
			}
		})
		if err != nil || r.Done || !strings.Contains(told(r), "the site is retired") || checks != 2 {
			t.Errorf("got %+v after %d checks, %v", r, checks, err)
		}
		// Where the log never rests, the third check is within the transaction.
		h.define(fact.SiteRecord{ID: "busy", Name: "Busy"})
		s = sheet.Parse([]byte("id,site,name\nz1,busy,One\n"), sheet.Options{Kind: fact.Zone, Format: sheet.CSV})
		checks = 0
		r, err = h.Import(h.ctx, actor, "", fact.Zone, s, false, func(phase string, done, total int) {
			if phase == "check" && done == total {
				if checks++; checks <= 2 {
					h.define(fact.ToteRecord{ID: fmt.Sprint("t", checks)})
				}
			}
		})
		if err != nil || !r.Done || checks != 3 {
			t.Errorf("got %+v after %d checks, %v", r, checks, err)
		}
	})
}

// TestAnExportIsImportedUnchanged for every kind with columns.
func TestAnExportIsImportedUnchanged(t *testing.T) {
	h := open(t, storetest.Open(t, storetest.SQLite(t)))
	h.warehouse()
	h.define(fact.PartyRecord{ID: "c", Name: "=cmd|' /C calc'!A0", Role: "courier"})
	h.define(fact.CalibrationRecord{ID: "k", Sensor: "gw/s1", Lab: "@home", From: 1_768_435_200_000, Until: 1_768_435_200_001, Accuracy: 1})
	for _, k := range fact.RecordKinds() {
		if sheet.Columns(k) == nil {
			continue
		}
		var b bytes.Buffer
		n, err := h.Export(h.ctx, k, catalog.Filter{}, &b, sheet.CSV)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			continue
		}
		if r := h.load(k, sheet.CSV, b.String(), false); !r.Done || r.Unchanged != n {
			t.Errorf("%s: got %+v of\n%s", k, r, b.String())
		}
	}
}

// TestTheExamplesCanBeImported one after the other, on an empty hub but for the
// ready-made profile that they name.
func TestTheExamplesCanBeImported(t *testing.T) {
	h := open(t, storetest.Open(t, storetest.SQLite(t)))
	h.define(profile("refrigerated", 2, 8))
	for _, k := range append(fact.RecordKinds(), sheet.All) {
		format := sheet.CSV
		if sheet.Columns(k) == nil {
			format = sheet.JSON
		}
		if r := h.load(k, format, sheet.Example(k), false); !r.Done {
			t.Errorf("%s: %s", k, told(r))
		}
	}
}

func TestALargeImport(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		h := open(t, db)
		var b strings.Builder
		b.WriteString("id,name\n")
		for i := range 5000 {
			fmt.Fprintf(&b, "tote-%d,Tote %d\n", i, i)
		}
		for _, want := range []int{5000, 0} {
			if r := h.load(fact.Tote, sheet.CSV, b.String(), false); !r.Done || r.Created != want {
				t.Errorf("got %+v", r)
			}
		}
	})
}

func BenchmarkImport(b *testing.B) {
	for _, n := range []int{1000, sheet.MaxRows} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var text strings.Builder
			text.WriteString("id,name\n")
			for i := range n {
				fmt.Fprintf(&text, "tote-%d,Tote %d\n", i, i)
			}
			for b.Loop() {
				h := open(b, storetest.Open(b, storetest.SQLite(b)))
				if r := h.load(fact.Tote, sheet.CSV, text.String(), false); r.Created != n {
					b.Fatal(r)
				}
			}
			b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "records/s")
		})
	}
}
