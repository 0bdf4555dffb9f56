package repository

import (
	"context"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

var filled = flag.Int("filled", 200_000, "events that BenchmarkFilled asks among, in millions at most 10")

// fill writes events in bulk, as captures would have left them: each of a fourth
// as many groups of three serials takes part in four events, far apart in time.
// It runs in transactions of a hundred thousand events.
func fill(b testing.TB, db *store.DB, events int) {
	const numbers = "WITH RECURSIVE n(i) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $2) "
	padded := func(digits int, of string) string {
		return fmt.Sprintf("substr(CAST(1%0*d + %s AS TEXT), 2)", digits, 0, of)
	}
	do := func(from, to int, all ...string) {
		b.Helper()
		for ; from < to; from += 100_000 {
			err := db.Write(b.Context(), func(ctx context.Context, tx *store.Tx) error {
				for _, text := range all {
					if _, err := tx.Exec(ctx, text, from, min(from+100_000, to)); err != nil {
						return fmt.Errorf("%s: %w", text, err)
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	groups := events / 4
	insert := func(into, row string) string {
		return "INSERT INTO " + into + " " + numbers + "SELECT " + row + " FROM n"
	}
	do(0, 3*groups, insert("epcis_value (id, kind, value)", fmt.Sprintf("10000 + i, %d, 'https://id.gs1.org/01/09506000134352/21/' || %s", EPC, padded(8, "i"))))
	do(0, events/20+1, insert("epcis_value (id, kind, value)", fmt.Sprintf("100000000 + i, %d, 'po urn:epcglobal:cbv:bt:9506000134352:' || CAST(i AS TEXT)", BizTransaction)))
	do(0, 300, insert("epcis_value (id, kind, value)", fmt.Sprintf("1000 + i, %d, 'https://id.gs1.org/414/' || %s", ReadPoint, padded(13, "i"))),
		insert("epcis_value (id, kind, value)", fmt.Sprintf("2000 + i, %d, 'https://id.gs1.org/414/' || %s", BizLocation, padded(13, "i"))))
	for id, t := range []text{{Type, "ObjectEvent"}, {Action, "OBSERVE"}, {Disposition, "in_transit"}, {BizStep, "commissioning"}, {BizStep, "shipping"}, {BizStep, "receiving"}, {BizStep, "dispensing"}} {
		do(id, id+1, insert("epcis_value (id, kind, value)", fmt.Sprintf("1 + i, %d, '%s'", t.kind, t.value)))
	}
	at := fmt.Sprintf("%d + i * 250", int64(noon))
	term := func(value string, role Role) string {
		return insert("epcis_term (value, time_ms, seq, role)", fmt.Sprintf("%s, %s, i + 1, %d", value, at, role))
	}
	group := fmt.Sprintf("(10000 + (i %% %d) * 3)", groups)
	id := "'urn:uuid:00000000-0000-4000-8000-' || " + padded(12, "i")
	document := fmt.Sprintf(`'{"eventID":"' || %s || '","type":"ObjectEvent","eventTime":"2026-01-01T12:00:00.000Z","eventTimeZoneOffset":"+00:00","action":"OBSERVE","epcList":["https://id.gs1.org/01/09506000134352/21/' || %s || '","https://id.gs1.org/01/09506000134352/21/' || %s || '","https://id.gs1.org/01/09506000134352/21/' || %s || '"],"bizStep":"shipping","disposition":"in_transit","readPoint":{"id":"https://id.gs1.org/414/9521321000011"},"bizLocation":{"id":"https://id.gs1.org/414/9521321000011"},"bizTransactionList":[{"type":"po","bizTransaction":"urn:epcglobal:cbv:bt:9506000134352:1"}]}'`,
		id, padded(8, group+" - 10000"), padded(8, group+" - 9999"), padded(8, group+" - 9998"))
	do(0, events,
		insert("epcis_event (seq, id, id_key, hash, declares, time_ms, recorded_ms, capture, document)",
			fmt.Sprintf("i + 1, %s, (i * 2654435761) %% 9007199254740881, 'a3bf4f1b2b0b822cd15d6c15b0f00a08' || %s, '', %s, %s, 'bulk', %s", id, padded(18, "i")+" || '12345678901234'", at, at, document)),
		term("1", None), term("2", None), term("3", None), term(fmt.Sprintf("4 + i / %d", groups), None), term("1000 + i % 300", None), term("2000 + i % 300", None), term("100000000 + i / 20", None),
		term(group, Child), term(group+" + 1", Child), term(group+" + 2", Child))
}

// BenchmarkFilled asks for all events of a serial among many. With FILLED_STORE
// set to the path of a file, that store is filled once and asked again later.
func BenchmarkFilled(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": filledFile, "postgres": storetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			db := storetest.Open(b, url(b))
			w := newWorld(b, db)
			begin := time.Now()
			if w.Last() == 0 {
				fill(b, db, *filled)
				w = newWorld(b, db)
				b.ReportMetric(float64(*filled)/time.Since(begin).Seconds(), "filled/s")
			}
			rnd := rand.New(rand.NewSource(1))
			const asked = 3000
			measure := func(what string, want int, query func() Query) {
				took := make([]time.Duration, asked)
				for i := range took {
					q := query()
					start := time.Now()
					page, _, err := w.Fetch(b.Context(), q, nil, 30)
					took[i] = time.Since(start)
					if err != nil || len(page) != want {
						b.Fatalf("%s: %d events, %v: want %d", what, len(page), err, want)
					}
				}
				slices.Sort(took)
				b.ReportMetric(took[asked/2].Seconds()*1000, what+"-ms-p50")
				b.ReportMetric(took[asked*99/100].Seconds()*1000, what+"-ms-p99")
			}
			serial := func() Filter {
				return Filter{Kind: EPC, Values: []string{epc(rnd.Intn(*filled / 4 * 3))}}
			}
			measure("epc", 4, func() Query { return Query{Filters: []Filter{serial()}} })
			measure("epc-step", 1, func() Query {
				return Query{Filters: []Filter{serial(), {Kind: BizStep, Values: []string{"dispensing"}}}}
			})
			measure("place-latest", 30, func() Query {
				return Query{Descending: true, Filters: []Filter{{Kind: ReadPoint, Values: []string{fmt.Sprintf("https://id.gs1.org/414/%013d", rnd.Intn(300))}}}}
			})
			b.ReportMetric(0, "ns/op")
		})
	}
}

func filledFile(t testing.TB) string {
	if path := os.Getenv("FILLED_STORE"); path != "" {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		return "sqlite:" + path
	}
	return storetest.SQLite(t)
}
