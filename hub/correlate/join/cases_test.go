package join

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/proto/thermal"
)

// Stories reckon by minutes of a morning in 2026.
const (
	morning = 1_790_000_000_000
	minute  = 60_000
)

func clock(ms int64) string {
	if d := ms - morning; d%minute == 0 {
		return fmt.Sprint(d / minute)
	}
	return fmt.Sprintf("%d+%d", (ms-morning)/minute, (ms-morning)%minute)
}

// measure is Readings of sensors by id.
type measure map[string][]dot

type dot struct {
	at    int64
	value thermal.Temp
	state State
}

func (m measure) Temperatures(_ context.Context, sensor string, from, to int64, yield func(int64, thermal.Temp, State) error) error {
	for _, d := range m[sensor] {
		if d.at >= from && d.at < to {
			if err := yield(d.at, d.value, d.state); err != nil {
				return err
			}
		}
	}
	return nil
}

func (measure) Undated(context.Context, string) ([]Span, error) { return nil, nil }

// each gives readings of one temperature every so many minutes.
func each(every, from, to int64, v thermal.Temp) (out []dot) {
	for at := from; at <= to; at += every {
		out = append(out, dot{morning + at*minute, v, Usable})
	}
	return out
}

func ref(s string) fact.Ref {
	k, id, _ := strings.Cut(s, "/")
	return fact.Ref{Kind: fact.Kind(k), ID: id}
}

// story collects events; each stream counts its versions.
type story struct {
	events   []event.Event
	versions map[string]int64
}

func (s *story) tell(typ, stream string, recorded int64, data any) {
	b, err := json.Marshal(data)
	if err != nil {
		panic(err)
	}
	if s.versions == nil {
		s.versions = map[string]int64{}
	}
	s.versions[stream]++
	s.events = append(s.events, event.Event{ID: fmt.Sprintf("%s-%d-%s", stream, s.versions[stream], typ), Stream: stream, Version: s.versions[stream], Type: typ, At: morning + recorded*minute, Data: b})
}

// put states where something is from a minute on.
func (s *story) put(id, subject, in string, at, made int64, change ...func(*fact.Attached)) {
	a := fact.Attached{ID: id, Subject: ref(subject), At: morning + at*minute, Made: morning + made*minute, Via: "scan"}
	if in != "" {
		r := ref(in)
		a.In = &r
	}
	for _, c := range change {
		c(&a)
	}
	s.tell(fact.WasAttached, subject, made, a)
}

func corrects(id string) func(*fact.Attached) { return func(a *fact.Attached) { a.Corrects = id } }
func withdraws(id string) func(*fact.Attached) {
	return func(a *fact.Attached) { a.Corrects, a.Withdrawn = id, true }
}
func rank(n int) func(*fact.Attached) { return func(a *fact.Attached) { a.Rank = n } }

func (s *story) profile(id string, version int, from int64, change ...func(*thermal.Profile)) {
	low, high := thermal.Temp(2000), thermal.Temp(8000)
	p := thermal.Profile{ID: id, Version: version, Name: id, Source: "test", Low: &low, High: &high, LongestGap: 5 * minute, Limits: []thermal.Limit{
		{Name: "high", Op: thermal.Above, At: 8000, Timer: thermal.Single, Severity: thermal.Alarm},
		{Name: "low", Op: thermal.Below, At: 2000, Timer: thermal.Single, Severity: thermal.Alarm}}}
	for _, c := range change {
		c(&p)
	}
	s.tell(fact.ProfileDefined, "profile/"+id, from, fact.ProfileRecord{Profile: p, From: morning + from*minute})
}

func (s *story) packed(at, made int64) {
	s.tell(fact.PackageWasPacked, "package/P", made, fact.PackagePacked{ID: "P", Profile: "cold", At: morning + at*minute, Made: morning + made*minute})
}

func (s *story) closed(at, made int64) {
	s.tell(fact.PackageWasClosed, "package/P", made, fact.PackageClosed{ID: "P", How: "delivered", At: morning + at*minute, Made: morning + made*minute})
}

func (s *story) unit(id, product string, pkg string, at int64) {
	s.tell(fact.UnitWasReceived, "unit/"+id, at, fact.UnitReceived{ID: id, Product: product, GTIN: "00312345678906", Serial: id, Lot: "L", Expiry: "2030-01-01"})
	s.put("in-"+id, "unit/"+id, "package/"+pkg, at, at)
}

func (s *story) certificate(id, sensor string, from, until int64, accuracy thermal.Temp) {
	s.tell(fact.CalibrationDefined, "calibration/"+id, from, fact.CalibrationRecord{ID: id, Sensor: sensor, Lab: "lab", From: morning + from*minute, Until: morning + until*minute, Accuracy: accuracy})
}

// known writes what is judged of package P: each judgement with its outcome,
// who vouched when, and budgets.
func (s *story) known(t *testing.T, r Readings, now int64, events []event.Event) string {
	t.Helper()
	f := NewFacts()
	for _, e := range events {
		if err := f.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	c, ok := f.Case("P", morning+now*minute)
	if !ok {
		return "never packed"
	}
	judged, err := c.Judge(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range c.Missing {
		out = append(out, "missing "+m.String())
	}
	for i := range judged {
		j := &judged[i]
		line := fmt.Sprintf("%s.%d%s %s:", j.Profile, j.Version, strings.TrimSuffix("/"+j.Product, "/"), j.Verdict.Outcome)
		type part struct {
			from int64
			text string
		}
		var parts []part
		for _, x := range j.History.Stretches {
			parts = append(parts, part{x.From, fmt.Sprintf(" %s-%s %s", clock(x.From), clock(x.To), strings.ReplaceAll(x.Source, "sensor/", ""))})
		}
		for _, x := range j.History.Unmonitored {
			parts = append(parts, part{x.From, fmt.Sprintf(" %s-%s (%s)", clock(x.From), clock(x.To), x.Reason)})
		}
		slices.SortFunc(parts, func(a, b part) int { return int(a.from - b.from) })
		for _, p := range parts {
			line += p.text
		}
		for _, u := range j.Units {
			for _, b := range u.Budgets {
				line += fmt.Sprintf(" %s %s %d min", u.Unit, b.Name, b.Spent/minute)
			}
		}
		out = append(out, line)
	}
	dissent, unheard, err := c.Dissents(context.Background(), r, judged)
	if err != nil {
		t.Fatal(err)
	}
	if unheard > 0 {
		out = append(out, fmt.Sprintf("%d unheard", unheard))
	}
	for _, d := range dissent {
		out = append(out, fmt.Sprintf("dissent of %s: %s at %s, %s to %s in %d min", d.Source, strings.Join(d.Limits, " "), clock(d.At), d.Min, d.Max, d.Compared/minute))
	}
	return strings.Join(out, "\n")
}

// TestCases tells small stories in every order and holds what is known at the
// end against what a person would say.
func TestCases(t *testing.T) {
	steady := measure{"g/a": each(1, -30, 200, 5000), "g/b": each(1, -30, 200, 6000), "g/own": each(1, -30, 200, 4000)}
	shelf := func(s *story) { // package P on a shelf in zone Z with sensor a, from 0 to 60
		s.profile("cold", 1, -100)
		s.packed(0, 0)
		s.closed(60, 60)
		s.put("a-in-z", "sensor/g/a", "zone/Z", -100, -100)
		s.put("p-in-z", "package/P", "zone/Z", 0, 0)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := &story{}
			if !c.bare {
				shelf(s)
			}
			c.tell(s)
			m := c.readings
			if m == nil {
				m = steady
			}
			now := int64(100)
			if c.now != 0 {
				now = c.now
			}
			want := strings.Join(c.want, "\n")
			rnd := rand.New(rand.NewSource(1))
			events := slices.Clone(s.events)
			for range 30 {
				if got := s.known(t, m, now, events); got != want {
					t.Fatalf("got\n%s\nwant\n%s\ntold in the order %v", got, want, ids(events))
				}
				rnd.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
				events = append(events, events[rnd.Intn(len(events))]) // told twice
			}
		})
	}
}

func ids(events []event.Event) (out []string) {
	for _, e := range events {
		out = append(out, e.ID)
	}
	return out
}
