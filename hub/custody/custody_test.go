package custody_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"frostline/hub/custody"
	"frostline/hub/custody/timeline"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/orders"
	"frostline/hub/orders/orderstest"
	"frostline/hub/record"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

const (
	actor = "partner/scanner"
	day   = 86_400_000
)

var (
	ctx  = context.Background()
	tote = fact.Ref{Kind: fact.Tote, ID: "T1"}
	zone = fact.Ref{Kind: fact.Zone, ID: "Z1"}
)

func run(t *testing.T, test func(t *testing.T, b *orderstest.Bench)) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		b := orderstest.New(t, db)
		b.Stock()
		test(t, b)
	})
}

func attached(id string, subject, in fact.Ref, at int64) custody.Scan {
	return custody.Scan{Attached: &fact.Attached{ID: id, Subject: subject, In: &in, At: at, Via: "scan"}}
}

func take(t testing.TB, b *orderstest.Bench, device bool, scans ...custody.Scan) []custody.Outcome {
	t.Helper()
	out, err := b.Custody.Take(ctx, actor, "", scans, device)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func pack(t testing.TB, b *orderstest.Bench, id, shipment string) {
	t.Helper()
	if shipment != "" {
		if _, err := b.Orders.Plan(ctx, actor, "", fact.ShipmentPlanned{ID: shipment}, record.Any); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Orders.Pack(ctx, actor, "", orders.Packing{PackagePacked: fact.PackagePacked{ID: id, Shipment: shipment, At: b.Now()}}, 0); err != nil {
		t.Fatal(err)
	}
}

func packAt(t interface{ Fatal(...any) }, b *orderstest.Bench, id string, at int64) {
	if _, err := b.Orders.Pack(ctx, actor, "", orders.Packing{PackagePacked: fact.PackagePacked{ID: id, At: at}}, 0); err != nil {
		t.Fatal(err)
	}
}

func encode(t interface{ Fatal(...any) }, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestPromise6StoredPlacesAreOrderFree: what the store says of where things are
// is what the algebra says of all statements, whatever order they came in, over
// years, and also when the read model is rebuilt.
func TestPromise6StoredPlacesAreOrderFree(t *testing.T) {
	drawn := rapid.Custom(drawPlaces)
	run(t, func(t *testing.T, b *orderstest.Bench) {
		for seed := range 60 {
			d := drawn.Example(seed)
			tell(t, b, d, seed)
			var want timeline.Timeline
			for _, a := range d.all {
				want.Add(a.of(seed))
			}
			got, err := b.Custody.Whereabouts(ctx, subjectOf(seed), 0, 0)
			if err != nil || encode(t, append([]timeline.Interval{}, got.Intervals...)) != encode(t, append([]timeline.Interval{}, want.Intervals()...)) || !reflect.DeepEqual(got.Statements, want.Told()) {
				t.Fatalf("seed %d: got %+v (%v)\nwant %+v", seed, got, err, want.Intervals())
			}
			for n := range 2 {
				thing := thingOf(seed, n)
				var stays []timeline.Interval
				for _, v := range want.During(d.from, d.to) {
					if v.In != nil && *v.In == thing {
						stays = append(stays, v)
					}
				}
				found, err := b.Custody.Stays(ctx, thing, d.from, d.to)
				var in []timeline.Interval
				for _, s := range found {
					in = append(in, s.Interval)
				}
				if err != nil || !reflect.DeepEqual(in, stays) {
					t.Fatalf("seed %d: in %s during [%d, %d): got %+v (%v)\nwant %+v", seed, thing, d.from, d.to, in, err, stays)
				}
			}
		}
		digest, err := b.Log.Digest(ctx, "custody.place")
		if err == nil {
			err = b.Log.Rebuild(ctx, []string{"custody.place"}, nil)
		}
		again, err2 := b.Log.Digest(ctx, "custody.place")
		if err := errors.Join(err, err2); err != nil || again != digest {
			t.Fatalf("rebuilt: %s (%v), was %s", again, err, digest)
		}
	})
}

// placesDrawn are statements about one tote, the order in which they come, and
// a time to look at.
type placesDrawn struct {
	all      []placed
	order    []int
	from, to int64
}

// placed is a statement whose ids and things are numbers, so that each seed has
// a tote and zones of its own.
type placed struct {
	fact.Attached
	id, in, corrects int // -1 for none
}

func (p placed) of(seed int) fact.Attached {
	a := p.Attached
	a.ID, a.Subject = fmt.Sprintf("x%d.%d", seed, p.id), subjectOf(seed)
	if p.in >= 0 {
		in := thingOf(seed, p.in)
		a.In = &in
	}
	if p.corrects >= 0 {
		a.Corrects = fmt.Sprintf("x%d.%d", seed, p.corrects)
	}
	return a
}

func subjectOf(seed int) fact.Ref { return fact.Ref{Kind: fact.Tote, ID: fmt.Sprint("tote", seed)} }
func thingOf(seed, n int) fact.Ref {
	return fact.Ref{Kind: fact.Zone, ID: fmt.Sprintf("z%d-%d", seed, n)}
}

func drawPlaces(t *rapid.T) (d placesDrawn) {
	n := rapid.IntRange(1, 8).Draw(t, "n")
	for i := range n {
		p := placed{id: i, in: rapid.IntRange(-1, 1).Draw(t, "in"), corrects: -1}
		p.Via, p.Made = "scan", fact.Earliest+rapid.Int64Range(0, 3).Draw(t, "made")
		p.At = orderstest.Start + rapid.Int64Range(0, 20).Draw(t, "days")*20*day
		if rapid.IntRange(0, 2).Draw(t, "corrects") == 0 {
			p.corrects = (i + 1 + rapid.IntRange(0, 8).Draw(t, "target")) % 10
			p.Withdrawn = p.corrects != i && rapid.Bool().Draw(t, "withdrawn")
			if p.corrects == i {
				p.corrects = -1
			}
		}
		d.all, d.order = append(d.all, p), append(d.order, i)
	}
	d.order = rapid.Permutation(d.order).Draw(t, "order")
	d.from = orderstest.Start + rapid.Int64Range(-2, 20).Draw(t, "from")*20*day
	d.to = d.from + rapid.Int64Range(1, 18).Draw(t, "to")*20*day
	return d
}

// tell appends the statements as events, past the checks of Take, so that
// corrections do come before what they correct.
func tell(t *testing.T, b *orderstest.Bench, d placesDrawn, seed int) {
	t.Helper()
	b.Catalog.Enter(fact.ZoneRecord{ID: thingOf(seed, 0).ID}, fact.ZoneRecord{ID: thingOf(seed, 1).ID})
	_, err := b.Log.Command(ctx, actor, func(ctx context.Context, ch event.Change) error {
		for _, i := range d.order {
			a := d.all[i].of(seed)
			if _, err := ch.Append(ctx, event.New{ID: "attached:" + a.ID, Stream: a.Subject.String(), Expect: -1, Type: fact.WasAttached, Data: a}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestPromise3RepeatedScansAreOne: a batch that is sent again, whole or in part
// and in another order, changes nothing.
func TestPromise3RepeatedScansAreOne(t *testing.T) {
	run(t, func(t *testing.T, b *orderstest.Bench) {
		now := b.Now()
		scans := []custody.Scan{
			attached("c1", tote, fact.Ref{Kind: fact.Zone, ID: "Z2"}, now), // corrects one that comes after it
			attached("s1", tote, zone, now-2000),
			attached("s2", tote, fact.Ref{Kind: fact.Compartment, ID: "C1"}, now-1000),
		}
		scans[0].Attached.Corrects = "s1"
		for _, o := range take(t, b, true, scans...) {
			if o.State != custody.Taken {
				t.Fatalf("%+v, want it taken", o)
			}
		}
		last := b.Log.Last()
		b.Pass(time.Hour)
		slices.Reverse(scans)
		for _, o := range take(t, b, true, append(scans, scans...)...) {
			if o.State != custody.Known {
				t.Fatalf("%+v, want it known", o)
			}
		}
		if b.Log.Last() != last {
			t.Fatal("the same again was appended")
		}
		other := attached("s1", tote, zone, now-2001)
		if out := take(t, b, true, other); out[0].State != custody.Refused || !strings.Contains(out[0].Problem, "taken by another") {
			t.Fatalf("%+v, want it refused", out)
		}
		if _, err := b.Custody.Take(ctx, actor, "", []custody.Scan{other}, false); !errors.Is(err, custody.ErrReused) {
			t.Fatalf("got %v, want ErrReused", err)
		}
	})
}

// TestPromise10ScansOfUnknownThingsWait: they are kept, counted and shown, and
// taken as soon as the things are known.
func TestPromise10ScansOfUnknownThingsWait(t *testing.T) {
	run(t, func(t *testing.T, b *orderstest.Bench) {
		early := attached("e1", fact.Ref{Kind: fact.Package, ID: "P1"}, fact.Ref{Kind: fact.Tote, ID: "T9"}, b.Now())
		fix := attached("e2", fact.Ref{Kind: fact.Package, ID: "P1"}, zone, b.Now())
		fix.Attached.Corrects = "e1"
		if _, err := b.Custody.Take(ctx, actor, "", []custody.Scan{early}, false); !errors.Is(err, custody.ErrInvalid) || !strings.Contains(err.Error(), "package/P1 is not known") {
			t.Fatalf("a person's: got %v", err)
		}
		given := custody.Scan{HandedOver: &fact.HandedOver{ID: "h1", Subject: fact.Ref{Kind: fact.Package, ID: "P1"}, To: "co1", Role: "courier", At: b.Now(), Seal: "intact", NoPosition: "no fix"}}
		ahead := attached("f1", tote, zone, b.Now()+600_000)
		for range 2 { // sent twice
			out := take(t, b, true, fix, early, given, ahead)
			for i, want := range []string{custody.SetAside, custody.SetAside, custody.SetAside, custody.Refused} {
				if out[i].State != want {
					t.Fatalf("%+v, want it %s", out[i], want)
				}
			}
		}
		if got := asides(t, b, "waiting"); got != "e1 wants package/P1, e2 wants package/P1, h1 wants package/P1" {
			t.Fatalf("waiting: %s", got)
		}
		stop := inBackground(t, b)
		pack(t, b, "P1", "")
		until(t, b, "waiting", "e1 wants tote/T9, e2 wants statement/e1")
		b.Catalog.Enter(fact.ToteRecord{ID: "T9"})
		_, err := b.Log.Command(ctx, actor, func(ctx context.Context, ch event.Change) error {
			_, err := ch.Append(ctx, event.New{Stream: "tote/T9", Expect: -1, Type: fact.ToteDefined, Data: fact.ToteRecord{ID: "T9"}})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		until(t, b, "waiting", "")
		stop()
		w, err := b.Custody.Whereabouts(ctx, early.Attached.Subject, 0, 0)
		if err != nil || len(w.Intervals) != 1 || *w.Intervals[0].In != zone || len(w.Statements) != 2 {
			t.Fatalf("in the end: %+v (%v)", w, err)
		}
		if c := b.Custody.Counts(); c[custody.SetAside] < 3 || c[custody.Refused] != 2 {
			t.Fatalf("counts %v", c)
		}
	})
}

func asides(t testing.TB, b *orderstest.Bench, state string) string {
	t.Helper()
	list, err := b.Custody.Asides(ctx, state, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, a := range list {
		all = append(all, a.ID+" wants "+a.Wants)
	}
	return strings.Join(all, ", ")
}

// until waits for what is set aside to become so, looking after each commit.
func until(t testing.TB, b *orderstest.Bench, state, want string) {
	t.Helper()
	wake, stop := b.Log.Watch()
	defer stop()
	limit := time.After(30 * time.Second)
	for asides(t, b, state) != want {
		select {
		case <-wake:
		case <-limit:
			t.Fatalf("%s: %q, want %q", state, asides(t, b, state), want)
		}
	}
}

func inBackground(t testing.TB, b *orderstest.Bench) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- b.Custody.Run(ctx) }()
	return func() {
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) { // its cursor is saved without an event
			s, err := b.Log.Status(t.Context())
			if err != nil || time.Now().After(deadline) {
				t.Fatalf("consumer does not come to rest: %+v (%v)", s.Consumers, err)
			}
			if len(s.Consumers) == 1 && s.Consumers[0].Behind == 0 {
				break
			}
		}
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}

func TestScansThatArePointlessAreDropped(t *testing.T) {
	run(t, func(t *testing.T, b *orderstest.Bench) {
		scan := attached("d1", fact.Ref{Kind: fact.Tote, ID: "nobody"}, zone, b.Now())
		take(t, b, true, scan)
		if err := b.Custody.Drop(ctx, "person/ann", "", "d1"); !errors.Is(err, custody.ErrInvalid) {
			t.Fatalf("without a reason: %v", err)
		}
		for range 2 {
			if err := b.Custody.Drop(ctx, "person/ann", "misread", "d1"); err != nil {
				t.Fatal(err)
			}
		}
		if out := take(t, b, true, scan); out[0].State != custody.Dropped || !strings.Contains(out[0].Problem, "misread") {
			t.Fatalf("sent again: %+v", out)
		}
		if err := b.Custody.Drop(ctx, "person/ann", "x", "none"); !errors.Is(err, custody.ErrNotFound) {
			t.Fatalf("one that is not there: %v", err)
		}
		if _, err := b.Custody.Retry(ctx, "person/ann", "", "none"); !errors.Is(err, custody.ErrNotFound) {
			t.Fatalf("retry of one that is not there: %v", err)
		}
	})
}

func TestStatementsThatMakeNoSense(t *testing.T) {
	run(t, func(t *testing.T, b *orderstest.Bench) {
		before := b.Log.Last()
		for what, change := range map[string]func(*fact.Attached){
			"id \"\"":          func(a *fact.Attached) { a.ID = "" },
			"id \"a\\x00\"":    func(a *fact.Attached) { a.ID = "a\x00" },
			"subject":          func(a *fact.Attached) { a.Subject.ID = "a\x00b" },
			"in":               func(a *fact.Attached) { a.In = &fact.Ref{Kind: fact.Package, ID: "P"} },
			"in: tote":         func(a *fact.Attached) { a.In = &fact.Ref{Kind: fact.Zone, ID: "Z9"} },
			"at":               func(a *fact.Attached) { a.At = 0 },
			"at 1":             func(a *fact.Attached) { a.At = b.Now() + 300_000 },
			"made":             func(a *fact.Attached) { a.Made = b.Now() + 300_000 },
			"rank":             func(a *fact.Attached) { a.Rank = 100 },
			"note":             func(a *fact.Attached) { a.Note = "call 020 7946 0958" },
			"corrects":         func(a *fact.Attached) { a.Corrects = "unheard" },
			"withdrawn":        func(a *fact.Attached) { a.Withdrawn = true },
			"uncertainty":      func(a *fact.Attached) { a.Uncertainty = -1 },
			"corrects \"bad\"": func(a *fact.Attached) { a.Corrects = "bad" },
		} {
			s := attached("bad", tote, zone, b.Now())
			change(s.Attached)
			_, err := b.Custody.Take(ctx, actor, "", []custody.Scan{attached("good", tote, zone, b.Now()), s}, false)
			field, _, _ := strings.Cut(what, " ")
			field, _, _ = strings.Cut(field, ":")
			if !errors.Is(err, custody.ErrInvalid) || !strings.HasPrefix(err.Error(), "statements.1: "+field) {
				t.Errorf("%s: got %v", what, err)
			}
		}
		if b.Log.Last() != before {
			t.Fatal("something of what was refused was kept")
		}
	})
}

func TestMoreScansThanAnybodyMakes(t *testing.T) {
	b := orderstest.New(t, storetest.Open(t, storetest.SQLite(t)))
	b.Stock()
	b.Pass(time.Hour)
	var batch []custody.Scan
	for i := range 500 {
		batch = append(batch, attached(fmt.Sprint("s", i), tote, []fact.Ref{zone, {Kind: fact.Zone, ID: "Z2"}}[i%2], orderstest.Start+int64(i)))
	}
	for _, o := range take(t, b, true, batch...) {
		if o.State != custody.Taken {
			t.Fatalf("%+v, want it taken", o)
		}
	}
	out := take(t, b, true, attached("more", tote, zone, b.Now()-1), attached("before", tote, zone, orderstest.Start-1))
	if out[0].State != custody.Refused || !strings.Contains(out[0].Problem, "too many") || out[1].State != custody.Taken {
		t.Fatalf("%+v, want the first refused and that of the day before taken", out)
	}
}

// BenchmarkTake is a batch of a device: a thousand packages into a zone.
func BenchmarkTake(b *testing.B) {
	bench := orderstest.New(b, storetest.Open(b, storetest.SQLite(b)))
	bench.Stock()
	for i := range custody.MaxBatch {
		packAt(b, bench, fmt.Sprint("P", i), bench.Now())
	}
	bench.Pass(time.Hour)
	n := 0
	for b.Loop() {
		var batch []custody.Scan
		for i := range custody.MaxBatch {
			n++
			batch = append(batch, attached(fmt.Sprint("s", n), fact.Ref{Kind: fact.Package, ID: fmt.Sprint("P", i)}, zone, orderstest.Start+int64(n)))
		}
		take(b, bench, true, batch...)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "scans/s")
}
