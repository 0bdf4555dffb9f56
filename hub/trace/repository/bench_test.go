package repository

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"frostline/hub/store/storetest"
)

var benchEvents = flag.Int("events", 20_000, "events to capture and to ask about in benchmarks")

// shipped is an event as a wholesaler sends it: three serials of a product on
// their way. Each serial takes part in four events.
func shipped(n int) *Record {
	at := int64(noon + n*250)
	step, disposition := "shipping", "in_transit"
	if n%4 == 3 {
		step, disposition = "receiving", "in_progress"
	}
	id := fmt.Sprintf("urn:uuid:%08x-0000-4000-8000-%012x", n, n)
	place := fmt.Sprintf("https://id.gs1.org/414/0950600013%03d", n%300)
	first := n / 4 * 3
	r := record(id, at, id, Term{Type, "ObjectEvent", None}, Term{Action, "OBSERVE", None}, Term{BizStep, step, None}, Term{Disposition, disposition, None},
		Term{ReadPoint, place, None}, Term{BizLocation, place, None}, Term{BizTransaction, fmt.Sprintf("po urn:epcglobal:cbv:bt:9506000134352:%d", n/20), None},
		Term{EPC, epc(first), Child}, Term{EPC, epc(first + 1), Child}, Term{EPC, epc(first + 2), Child})
	r.Document = fmt.Appendf(nil, `{"type":"ObjectEvent","eventID":%q,"eventTime":"2026-01-01T12:00:00.000Z","eventTimeZoneOffset":"+00:00","action":"OBSERVE","epcList":[%q,%q,%q],"bizStep":%q,"disposition":%q,"readPoint":{"id":%q},"bizLocation":{"id":%q},"bizTransactionList":[{"type":"po","bizTransaction":"urn:epcglobal:cbv:bt:9506000134352:%d"}]}`,
		id, epc(first), epc(first+1), epc(first+2), step, disposition, place, place, n/20)
	return r
}

// BenchmarkRepository captures events as partners do, eight at once in
// documents of a hundred, and then asks for all events of a serial.
func BenchmarkRepository(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b, storetest.Open(b, url(b)))
			begin := time.Now()
			var next atomic.Int64
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					for {
						first := int(next.Add(100)) - 100
						if first >= *benchEvents {
							return
						}
						var batch []*Record
						for n := first; n < min(first+100, *benchEvents); n++ {
							batch = append(batch, shipped(n))
						}
						if j, err := w.Capture(b.Context(), Capture{By: "partner/x", Items: items(batch...)}); err != nil || !j.Success {
							b.Errorf("capture: %+v %v", j, err)
							return
						}
					}
				})
			}
			all.Wait()
			b.ReportMetric(float64(*benchEvents)/time.Since(begin).Seconds(), "events/s")
			const asked = 2000
			var took []time.Duration
			for range asked {
				q := Query{Filters: []Filter{{Kind: EPC, Values: []string{epc(rand.IntN(*benchEvents / 4 * 3))}}}}
				start := time.Now()
				page, _, err := w.Fetch(b.Context(), q, nil, 30)
				took = append(took, time.Since(start))
				if err != nil || len(page) != 4 {
					b.Fatalf("%d events, %v: want 4", len(page), err)
				}
			}
			slices.Sort(took)
			b.ReportMetric(took[asked/2].Seconds()*1000, "ms-p50")
			b.ReportMetric(took[asked*99/100].Seconds()*1000, "ms-p99")
			b.ReportMetric(0, "ns/op")
			for what, q := range map[string]Query{
				"step":      {Filters: []Filter{{Kind: BizStep, Values: []string{"shipping"}}}, Descending: true},
				"step-rp":   {Filters: []Filter{{Kind: BizStep, Values: []string{"receiving"}}, {Kind: ReadPoint, Values: []string{"https://id.gs1.org/414/0950600013007"}}}, ByRecord: true},
				"two-steps": {Filters: []Filter{{Kind: BizStep, Values: []string{"receiving", "shipping"}}, {Kind: Disposition, Values: []string{"in_progress"}}}},
			} {
				start := time.Now()
				if page, _, err := w.Fetch(b.Context(), q, nil, 30); err != nil || len(page) == 0 {
					b.Fatalf("%s: %d events, %v", what, len(page), err)
				}
				b.ReportMetric(time.Since(start).Seconds()*1000, "ms-"+strings.ReplaceAll(what, " ", "-"))
			}
		})
	}
}
