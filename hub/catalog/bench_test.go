package catalog_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"frostline/hub/catalog"
	"frostline/hub/catalog/sheet"
	"frostline/hub/custody"
	"frostline/hub/event"
	"frostline/hub/evidence"
	"frostline/hub/excursion"
	"frostline/hub/fact"
	"frostline/hub/orders"
	"frostline/hub/store/storetest"
)

// BenchmarkLargestImport enters the largest file there may be, with the read models of
// a hub and its custody: zones, and sensors with the place of each. B/row is
// the highest that the heap grew by.
func BenchmarkLargestImport(b *testing.B) {
	for _, database := range []struct {
		name string
		url  func(testing.TB) string
	}{{"sqlite", storetest.SQLite}, {"postgres", storetest.Postgres}} {
		for _, c := range []struct {
			name string
			kind fact.Kind
			text string
		}{{"zones", fact.Zone, zonesCSV(sheet.MaxRows)}, {"placed sensors", sheet.All, sensorsJSON(sheet.MaxRows)}} {
			b.Run(database.name+"/"+c.name, func(b *testing.B) {
				for b.Loop() {
					b.StopTimer()
					o := company(b, database.url(b))
					format := sheet.JSON
					if c.kind != sheet.All {
						format = sheet.CSV
					}
					b.StartTimer()
					peak := highest()
					began := time.Now()
					var writing time.Time
					s := sheet.Parse([]byte(c.text), sheet.Options{Kind: c.kind, Format: format})
					report, err := o.Import(b.Context(), "person/ann", "import", c.kind, s, false, func(phase string, done, _ int) {
						if phase == "write" && done == 0 {
							writing = time.Now()
						}
					})
					if err != nil || !report.Done || report.Created != sheet.MaxRows {
						b.Fatalf("%+v, %v", report, err)
					}
					b.ReportMetric(time.Since(began).Seconds(), "s/import")
					b.ReportMetric(time.Since(writing).Seconds(), "s/transaction")
					b.ReportMetric(float64(peak())/1e6, "MB-heap")
					b.ReportMetric(float64(len(c.text))/1e6, "MB-file")
				}
			})
		}
	}
}

// company is a catalog as the hub has it, with a site.
func company(b *testing.B, url string) *catalog.Catalog {
	db := storetest.Open(b, url)
	model, places, ordered := catalog.NewModel(), custody.NewModel(), orders.NewModel()
	models := append([]event.Model{model.Model(), evidence.Links}, places.Models()...)
	models = append(append(models, ordered.Models()...), excursion.NewTables().Models()...)
	log, err := event.Open(b.Context(), event.Options{Store: db, Models: models, Outbox: true, Log: storetest.Logger(b)})
	if err != nil {
		b.Fatal(err)
	}
	keeper, err := custody.New(custody.Options{Log: log, Store: db, Model: places, Catalog: model, Orders: ordered, Logger: storetest.Logger(b)})
	if err != nil {
		b.Fatal(err)
	}
	c, err := catalog.New(catalog.Options{Log: log, Store: db, Model: model, Attacher: keeper, Logger: storetest.Logger(b)})
	if err != nil {
		b.Fatal(err)
	}
	for _, r := range []fact.Record{profile("cold", 2, 8), fact.SiteRecord{ID: "depot", Name: "Depot"}} {
		if _, err := c.Define(context.Background(), "person/ann", "test", r, catalog.Any); err != nil {
			b.Fatal(err)
		}
	}
	return c
}

func zonesCSV(n int) string {
	var s strings.Builder
	s.WriteString("id,site,name,profile\n")
	for i := range n {
		fmt.Fprintf(&s, "zone-%05d,depot,Aisle %d shelf %d,cold\n", i, i/100, i%100)
	}
	return s.String()
}

// sensorsJSON are sensors, fifty on a gateway and in a zone.
func sensorsJSON(n int) string {
	var s strings.Builder
	for rows, g := 0, 0; rows < n; g++ {
		fmt.Fprintf(&s, `{"kind":"gateway","id":"gw-%04d","site":"depot"}`+"\n", g)
		rows++
		if rows < n {
			fmt.Fprintf(&s, `{"kind":"zone","id":"zone-%04d","site":"depot","name":"Zone %d","profile":"cold"}`+"\n", g, g)
			rows++
		}
		for i := 0; i < 50 && rows < n; i++ {
			fmt.Fprintf(&s, `{"kind":"sensor","id":"gw-%04d/t-%02d","name":"Shelf %d","accuracy":0.2,"in":"zone/zone-%04d","from":"2026-01-01"}`+"\n", g, i, i, g)
			rows++
		}
	}
	return s.String()
}

// highest watches the heap until it is called: the most that it grew by.
func highest() func() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before, most := m.HeapAlloc, m.HeapAlloc
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			select {
			case <-stop:
				return
			case <-tick.C:
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
			}
		}
	}()
	return func() uint64 { close(stop); <-done; return most - before }
}
