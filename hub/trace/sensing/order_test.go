package sensing

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"frostline/hub/fact"
	"frostline/hub/store/storetest"
	"frostline/proto/thermal"
)

// Each check is two stores and some dozen synced commits: 10 by default, more
// by -rapid.checks.
func init() { flag.Set("rapid.checks", "10") }

// drawn is a set of facts about one package, in no order.
type drawn struct {
	scans  []fact.Attached
	hands  []fact.HandedOver
	spans  [][2]int64 // of readings, in minutes since start
	closed int64      // 0 for never
	cases  []Case
}

func drawFacts(r *rapid.T) (d drawn) {
	at := func(name string) int64 { return start + minute*rapid.Int64Range(0, 60*60).Draw(r, name) }
	homes := map[string][]*fact.Ref{
		"unit":    {{Kind: fact.Package, ID: sscc}, {Kind: fact.Package, ID: other}, nil},
		"package": {{Kind: fact.Tote, ID: "T1"}, {Kind: fact.Tote, ID: "T2"}, {Kind: fact.Zone, ID: "Z1"}, {Kind: fact.Compartment, ID: "C1"}, nil},
		"tote":    {{Kind: fact.Zone, ID: "Z1"}, {Kind: fact.Zone, ID: "Z2"}, {Kind: fact.Compartment, ID: "C1"}},
	}
	subjects := []fact.Ref{unitRef(0), unitRef(1), unitRef(2), pack(sscc), {Kind: fact.Tote, ID: "T1"}, {Kind: fact.Tote, ID: "T2"}}
	for i := range rapid.IntRange(1, 9).Draw(r, "scans") {
		s := rapid.SampledFrom(subjects).Draw(r, "subject")
		a := fact.Attached{ID: fmt.Sprint("a", i), Subject: s, In: rapid.SampledFrom(homes[string(s.Kind)]).Draw(r, "in"), At: at("scan at")}
		a.Made = a.At + int64(i)
		d.scans = append(d.scans, a)
		if rapid.IntRange(0, 3).Draw(r, "corrected") == 0 {
			c := a
			c.ID, c.Corrects, c.Made, c.At = fmt.Sprint("c", i), a.ID, a.Made+1, at("corrected at")
			c.Withdrawn = rapid.Bool().Draw(r, "withdrawn")
			if c.Withdrawn {
				c.In = nil
			}
			d.scans = append(d.scans, c)
		}
	}
	for i := range rapid.IntRange(0, 3).Draw(r, "hand-overs") {
		h := fact.HandedOver{ID: fmt.Sprint("h", i), Subject: pack(sscc), At: at("handed over at"),
			To: rapid.SampledFrom([]string{"ph1", "co1", "co2"}).Draw(r, "to")}
		h.Role = map[string]string{"ph1": "pharmacy"}[h.To]
		if h.Role == "" {
			h.Role = "courier"
		}
		if rapid.Bool().Draw(r, "shipment") {
			h.Subject = fact.Ref{Kind: fact.Shipment, ID: "S-1"}
		}
		d.hands = append(d.hands, h)
	}
	for range rapid.IntRange(0, 4).Draw(r, "spans") {
		from := rapid.Int64Range(0, 50*60).Draw(r, "from")
		d.spans = append(d.spans, [2]int64{from, from + rapid.Int64Range(10, 20*60).Draw(r, "for")})
	}
	if rapid.Bool().Draw(r, "closed") {
		d.closed = start + hour*rapid.Int64Range(30, 60).Draw(r, "closed at")
	}
	f := excursionOf(start+hour, start+2*hour, 0, 1)
	for i := range rapid.IntRange(0, 3).Draw(r, "revisions") {
		f.To, f.Revision, f.Verdict = start+int64(i+2)*hour, i, fmt.Sprint(i)
		f.Retracted = rapid.Bool().Draw(r, "retracted")
		d.cases = append(d.cases, Case{State: "opened", Facts: f})
	}
	return d
}

// steps are what tells a world of the facts, each once, and revisions of the
// case in their order.
func (d *drawn) steps(w *world) (all []func()) {
	for _, a := range d.scans {
		all = append(all, func() { w.scan(a) })
	}
	for _, h := range d.hands {
		all = append(all, func() { w.hand(h) })
	}
	for _, s := range d.spans {
		all = append(all, func() {
			w.measure(sscc, start+s[0]*minute, start+s[1]*minute, func(at int64) thermal.Temp { return thermal.Temp(4000 + at/minute%977*7) })
		})
	}
	if d.closed != 0 {
		all = append(all, func() { w.close(sscc, d.closed) })
	}
	next := 0
	for range d.cases {
		all = append(all, func() {
			w.cases["X"] = d.cases[next]
			next++
			w.tell("excursion/X", fact.ExcursionWasRevised, fact.ExcursionRevised{ID: "X"})
		})
	}
	return all
}

// stated is what holds of all that was captured: the hashes of contents, and
// the events to show.
func (w *world) said() (hashes, shown []string) {
	_, holding := w.captured()
	for _, e := range holding {
		hashes = append(hashes, e.HashID())
		shown = append(shown, strings.Replace(string(e.JSON()), e.ID, "", 1))
	}
	slices.Sort(hashes)
	slices.Sort(shown)
	return hashes, shown
}

// TestPromise6OrderFreeEvents: in whatever order facts and readings come, some
// handled as they come and some together, with time passing in between, what
// the hub states in EPCIS and does not declare to be wrong is the same.
func TestPromise6OrderFreeEvents(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		d := drawFacts(r)
		var outcomes, events [2][]string
		for i := range 2 {
			w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
			w.Pass(days(3))
			w.pack(sscc, "S-1", start)
			w.pack(other, "", start+hour)
			for n := range 3 {
				w.receive(n)
			}
			steps := d.steps(w)
			if i == 1 {
				steps = rapid.Permutation(steps).Draw(r, "order")
			}
			for _, step := range steps {
				step()
				if i == 1 && rapid.Bool().Draw(r, "handled") {
					w.handle()
				}
				if i == 1 && rapid.IntRange(0, 3).Draw(r, "later") == 0 {
					w.Pass(time.Duration(rapid.IntRange(1, 12).Draw(r, "hours")) * time.Hour)
				}
			}
			w.Pass(days(20) - time.Duration(w.Now()-start)*time.Millisecond)
			w.handle()
			outcomes[i], events[i] = w.said()
		}
		if !slices.Equal(outcomes[0], outcomes[1]) {
			only := func(a, b []string) string {
				return strings.Join(slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) }), "\n")
			}
			r.Fatalf("in one order only:\n%s\nin another only:\n%s", only(events[0], events[1]), only(events[1], events[0]))
		}
	})
}
