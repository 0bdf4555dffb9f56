package sensing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"frostline/hub/correlate/join"
	"frostline/hub/custody"
	"frostline/hub/custody/timeline"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/orders"
	"frostline/hub/orders/orderstest"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/hub/trace/epcis"
	"frostline/hub/trace/repository"
	"frostline/proto/thermal"
)

const (
	start = int64(orderstest.Start) // midnight
	hour  = 60 * minute
	sscc  = "003400000000000014"
	other = "003400000000000021"
)

func unitID(n int) string { return fmt.Sprintf("%s.A%02d", orderstest.GTIN, n) }
func unitRef(n int) fact.Ref {
	return fact.Ref{Kind: fact.Unit, ID: unitID(n)}
}
func pack(id string) fact.Ref { return fact.Ref{Kind: fact.Package, ID: id} }

// world is a Keeper on real orders, custody, log and repository. Verdicts,
// cases and the registry are what the test says.
type world struct {
	t   testing.TB
	ctx context.Context
	*orderstest.Bench
	*Keeper
	repository *repository.Repository
	cases      map[string]Case
	// samples are readings by package: minute since start and m°C.
	samples map[string][]thermal.Sample
	seen    int64
}

func newWorld(t testing.TB, db *store.DB) *world {
	t.Helper()
	w := &world{t: t, ctx: context.Background(), cases: map[string]Case{}, samples: map[string][]thermal.Sample{}}
	w.Bench = orderstest.New(t, db)
	w.Stock()
	w.Catalog.Enter(fact.SiteRecord{ID: "S1", Name: "Site 1", GLN: "0614141000005"}, fact.PartyRecord{ID: "ph1", Name: "Pharmacy", Role: "pharmacy", GLN: "0614141000012"})
	var err error
	if w.repository, err = repository.New(w.ctx, repository.Options{Store: db, Events: w.Log, Now: w.Clock, Log: storetest.Logger(t)}); err != nil {
		t.Fatal(err)
	}
	w.Keeper, err = New(Options{Store: db, Events: w.Log, Places: held{w}, Orders: held{w}, Verdicts: held{w}, Cases: held{w}, Registry: held{w},
		Repository: w.repository, Base: "https://hub.example/", Now: w.Clock, Log: storetest.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// held gives a Keeper what it asks for.
type held struct{ w *world }

func (h held) Intervals(ctx context.Context, subject fact.Ref) ([]timeline.Interval, []fact.Ref, error) {
	v, err := h.w.Custody.Whereabouts(ctx, subject, 0, 0)
	if errors.Is(err, custody.ErrNotFound) {
		return nil, nil, nil
	}
	var ever []fact.Ref
	for _, s := range v.Statements {
		if s.In != nil && !slices.Contains(ever, *s.In) {
			ever = append(ever, *s.In)
		}
	}
	return v.Intervals, ever, err
}

func (h held) Inside(ctx context.Context, thing fact.Ref, from, to int64) ([]timeline.Stay, error) {
	v, err := h.w.Custody.Stays(ctx, thing, from, to)
	if errors.Is(err, custody.ErrNotFound) {
		return nil, nil
	}
	return v, err
}

func (h held) Handovers(ctx context.Context, pkg string) (all []fact.HandedOver, err error) {
	chain, err := h.w.Custody.Chain(ctx, pkg)
	for _, hold := range chain.Holds {
		all = append(all, hold.Handover)
	}
	return all, err
}

func (h held) Parcel(ctx context.Context, id string) (Parcel, bool, error) {
	p, err := h.w.Orders.Package(ctx, id)
	if err != nil {
		return Parcel{}, false, nil
	}
	first := fact.PackageAssigned{Package: p.ID, Shipment: p.PackagePacked.Shipment, At: p.At}
	return Parcel{Packed: p.PackagePacked, Closed: p.Closed, Assigned: append([]fact.PackageAssigned{first}, p.Assigned...)}, true, nil
}

func (h held) InShipment(ctx context.Context, shipment string) (ids []string, err error) {
	all, err := h.w.Orders.Packages(ctx, shipment, "", "", 100)
	for _, p := range all {
		ids = append(ids, p.ID)
	}
	return ids, err
}

func (h held) Record(ctx context.Context, r fact.Ref) (fact.Record, bool, error) {
	record, _, found, err := h.w.Catalog.Lookup(ctx, nil, r)
	return record, found, err
}

func (h held) Case(_ context.Context, id string) (Case, bool, error) {
	c, ok := h.w.cases[id]
	return c, ok, nil
}

func (h held) OfPackage(_ context.Context, pkg string) (ids []string, err error) {
	for id, c := range h.w.cases {
		if c.Facts.Package == pkg {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (h held) Judged(ctx context.Context, pkg string) ([]join.Judgement, error) {
	p, found, err := h.Parcel(ctx, pkg)
	if err != nil || !found || len(h.w.samples[pkg]) == 0 {
		return nil, err
	}
	profile, err := thermal.Named("refrigerated")
	if err != nil {
		return nil, err
	}
	to := h.w.Now()
	if p.Closed != nil {
		to = p.Closed.At
	}
	hist := history(h.w.samples[pkg], p.Packed.At, to, profile.LongestGap)
	v, err := thermal.Evaluate(&profile, &hist)
	if err != nil {
		return nil, err
	}
	digest, err := v.Digest()
	return []join.Judgement{{Profile: profile.ID, Version: 1, Digest: digest, Verdict: v, History: hist}}, err
}

// history has a stretch wherever samples are close enough.
func history(all []thermal.Sample, from, to, gap int64) thermal.History {
	h := thermal.History{From: from, To: to}
	at := from
	for i := 0; i < len(all); {
		j := i + 1
		for j < len(all) && all[j].At-all[j-1].At <= gap {
			j++
		}
		begin, end := max(all[i].At, from), min(all[j-1].At, to)
		if begin < end {
			if at < begin {
				h.Unmonitored = append(h.Unmonitored, thermal.Unmonitored{From: at, To: begin, Reason: "silent"})
			}
			h.Stretches = append(h.Stretches, thermal.Stretch{From: begin, To: end, Source: "sensor/gw-1/cargo in zone/Z1", Samples: all[i:j]})
			at = end
		}
		i = j
	}
	if at < to {
		h.Unmonitored = append(h.Unmonitored, thermal.Unmonitored{From: at, To: to, Reason: "silent"})
	}
	return h
}

// handle gives the Keeper all events it has not had, and has it work.
func (w *world) handle() {
	w.t.Helper()
	for {
		events, err := w.Log.Read(w.ctx, w.seen, 100)
		if err != nil {
			w.t.Fatal(err)
		}
		if len(events) == 0 {
			break
		}
		if err := w.note(w.ctx, events); err != nil {
			w.t.Fatal(err)
		}
		w.seen = events[len(events)-1].Position
	}
	w.Pass(settle)
	if _, err := w.work(w.ctx); err != nil {
		w.t.Fatal(err)
	}
	s, err := w.Status(w.ctx)
	if err != nil || s.Refused > 0 || s.Failing > 0 || s.Waiting > 0 {
		w.t.Fatalf("status %+v, %v: want nothing refused, failing or waiting", s, err)
	}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) receive(n int) {
	w.t.Helper()
	_, err := w.Orders.Receive(w.ctx, "person/ann", "", []fact.UnitReceived{{Product: "D1", GTIN: orderstest.GTIN, Serial: fmt.Sprintf("A%02d", n), Lot: "L1", Expiry: "2028-01-01"}}, 0)
	w.must(err)
}

func (w *world) pack(id, shipment string, at int64) {
	w.t.Helper()
	if shipment != "" {
		_, err := w.Orders.Plan(w.ctx, "person/ann", "", fact.ShipmentPlanned{ID: shipment}, -1)
		w.must(err)
	}
	_, err := w.Orders.Pack(w.ctx, "person/ann", "", orders.Packing{PackagePacked: fact.PackagePacked{ID: id, Shipment: shipment, At: at}}, 0)
	w.must(err)
}

func (w *world) scan(a fact.Attached) {
	w.t.Helper()
	a.Via = "scan"
	if a.Made == 0 {
		a.Made = a.At
	}
	_, err := w.Custody.Take(w.ctx, "partner/scanner", "", []custody.Scan{{Attached: &a}}, true)
	w.must(err)
	w.settle()
}

// settle tries again what waits for another scan, as custody does while it runs.
func (w *world) settle() {
	w.t.Helper()
	for n := -1; ; {
		all, err := w.Custody.Asides(w.ctx, "waiting", "", 100)
		w.must(err)
		if len(all) == n || len(all) == 0 {
			return
		}
		n = len(all)
		for _, a := range all {
			_, err := w.Custody.Retry(w.ctx, "person/ann", "", a.ID)
			w.must(err)
		}
	}
}

func (w *world) hand(h fact.HandedOver) {
	w.t.Helper()
	if h.Seal = "intact"; h.Position == nil {
		h.NoPosition = "indoors"
	}
	if h.Made == 0 {
		h.Made = h.At
	}
	_, err := w.Custody.Take(w.ctx, "partner/scanner", "", []custody.Scan{{HandedOver: &h}}, true)
	w.must(err)
}

func (w *world) close(id string, at int64) {
	w.t.Helper()
	_, err := w.Orders.Close(w.ctx, "person/ann", "", id, "delivered", at, -1)
	w.must(err)
}

// tell appends an event of a context that is not here.
func (w *world) tell(stream, typ string, data any) {
	w.t.Helper()
	_, err := w.Log.Command(w.ctx, "system/test", func(ctx context.Context, c event.Change) error {
		_, err := c.Append(ctx, event.New{Stream: stream, Expect: -1, Type: typ, Data: data})
		return err
	})
	w.must(err)
}

// measure has the sensor of a package measure each minute of [from, to].
func (w *world) measure(pkg string, from, to int64, value func(at int64) thermal.Temp) {
	all := w.samples[pkg]
	for at := from; at <= to; at += minute {
		all = append(all, thermal.Sample{At: at, Value: value(at)})
	}
	slices.SortFunc(all, func(a, b thermal.Sample) int { return int(a.At - b.At) })
	w.samples[pkg] = slices.CompactFunc(all, func(a, b thermal.Sample) bool { return a.At == b.At })
	w.tell("package/"+pkg, fact.VerdictWasRevised, fact.VerdictRevised{Package: pkg, Verdict: thermal.Verdict{}})
}

func steady(int64) thermal.Temp { return 5000 }

// captured gives all events of the repository, and those that no later
// declaration makes wrong.
func (w *world) captured() (all, holding []*epcis.Event) {
	w.t.Helper()
	wrong := map[string]bool{}
	for from := (*repository.Position)(nil); ; {
		page, next, err := w.repository.Fetch(w.ctx, repository.Query{}, from, 500)
		w.must(err)
		for _, row := range page {
			e, err := epcis.ParseEvent(row.Document)
			w.must(err)
			if problems := e.Validate(); len(problems) > 0 {
				w.t.Fatalf("event %s: %v", row.Document, problems)
			}
			all = append(all, e)
			wrong[e.ID] = wrong[e.ID] || e.Error != nil
		}
		if from = next; next == nil {
			break
		}
	}
	for _, e := range all {
		if !wrong[e.ID] {
			holding = append(holding, e)
		}
	}
	return all, holding
}

func days(n int64) time.Duration { return time.Duration(n) * 24 * time.Hour }
