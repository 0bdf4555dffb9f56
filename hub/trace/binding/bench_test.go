package binding

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"frostline/hub/store/storetest"
)

var benchEvents = flag.Int("events", 20_000, "events to capture and to ask about")

func serial(n int) string { return fmt.Sprintf("https://id.gs1.org/01/09506000134352/21/%08d", n) }

// place is a GLN, with its check digit.
func place(n int) string {
	digits := fmt.Sprintf("9521321%05d", n)
	sum := 0
	for i, d := range digits {
		sum += int(d-'0') * (1 + 2*(i%2))
	}
	return digits + string(rune('0'+(10-sum%10)%10))
}

// shipment is a document of events as a wholesaler sends it: three serials of a
// product each, and each serial in four events.
func shipment(first, n int) []byte {
	var b strings.Builder
	b.WriteString(`{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-11-21T00:00:00Z","epcisBody":{"eventList":[`)
	for i := first; i < first+n; i++ {
		if i > first {
			b.WriteByte(',')
		}
		at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(i) * 250 * time.Millisecond).Format("2006-01-02T15:04:05.000Z")
		one := i / 4 * 3
		fmt.Fprintf(&b, `{"type":"ObjectEvent","eventID":"urn:uuid:%08x-0000-4000-8000-%012x","eventTime":%q,"eventTimeZoneOffset":"+00:00","action":"OBSERVE","epcList":[%q,%q,%q],"bizStep":"shipping","disposition":"in_transit","readPoint":{"id":"https://id.gs1.org/414/%s"},"bizLocation":{"id":"https://id.gs1.org/414/%s"},"bizTransactionList":[{"type":"po","bizTransaction":"urn:epcglobal:cbv:bt:9506000134352:%d"}]}`,
			i, i, at, serial(one), serial(one+1), serial(one+2), place(i%300), place(i%300), i/20)
	}
	b.WriteString("]}}")
	return []byte(b.String())
}

// BenchmarkBinding captures over HTTP, eight partners at once with documents of
// a hundred events, and then asks for all events of a serial over HTTP.
func BenchmarkBinding(b *testing.B) {
	for name, store := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b, storetest.Open(b, store(b)))
			server := httptest.NewServer(w.binding.Trusted(func(*http.Request) string { return "os/0" })) // whose rate is not bounded
			defer server.Close()
			w.base = server.URL + Root
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
						if a := w.do(http.MethodPost, "/capture", ldJSONType, shipment(first, min(100, *benchEvents-first))); a.status != http.StatusAccepted {
							b.Errorf("capture: %d %s", a.status, a.body)
							return
						}
					}
				})
			}
			all.Wait()
			b.ReportMetric(float64(*benchEvents)/time.Since(begin).Seconds(), "events/s")
			const asked = 1000
			var took []time.Duration
			for range asked {
				path := query("MATCH_anyEPC", serial(rand.IntN(*benchEvents/4*3)))
				if rand.IntN(2) == 0 {
					path = "/epcs/" + url.PathEscape(serial(rand.IntN(*benchEvents/4*3))) + "/events"
				}
				start := time.Now()
				a := w.do(http.MethodGet, path, "", nil)
				took = append(took, time.Since(start))
				if n := strings.Count(string(a.body), "eventID"); a.status != http.StatusOK || n != 4 {
					b.Fatalf("%s: %d, %d events, want 4: %s", path, a.status, n, a.body)
				}
			}
			slices.Sort(took)
			b.ReportMetric(took[asked/2].Seconds()*1000, "ms-p50")
			b.ReportMetric(took[asked*99/100].Seconds()*1000, "ms-p99")
			b.ReportMetric(0, "ns/op")
		})
	}
}
