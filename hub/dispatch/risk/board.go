package risk

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"frostline/hub/dispatch"
	"frostline/hub/event"
	"frostline/hub/fact"
)

// Events is what a Board needs of the event log; *event.Log has it.
type Events interface {
	Last() int64
	Read(ctx context.Context, after int64, limit int, types ...string) ([]event.Event, error)
}

// Routes is what a Board needs of dispatch; *dispatch.Dispatch has it.
type Routes interface {
	Open(ctx context.Context) ([]dispatch.Route, error)
	Job(ctx context.Context, id string) (dispatch.Job, error)
}

// Loads tells how packages fare.
type Loads interface {
	// Briefs gives packages as they are followed, without an outlook, in the
	// order of ids. It takes microseconds for each.
	Briefs(ids []string) []Load
	// Ahead gives a package with its outlook, and until when that holds unless
	// another reading comes, Unix ms. It reads history.
	Ahead(ctx context.Context, id string) (l Load, until int64, err error)
}

// Options of NewBoard.
type Options struct {
	Events Events // required
	Routes Routes // required
	Loads  Loads  // required
	// Packages gives the packages of a shipment; required.
	Packages func(ctx context.Context, shipment string) ([]string, error)
	// Arrival tells when a courier comes to a stop; nil, or false, where nobody
	// knows better than the plan.
	Arrival func(route, stop string) (dispatch.Arrival, bool)
	Now     func() time.Time // nil: time.Now
	Log     *slog.Logger     // required
}

const (
	each     = time.Second            // between refreshes
	reading  = 300 * time.Millisecond // of each second, at most, outlooks are made
	fresh    = 15_000                 // ms for which an outlook serves though newer readings have come
	page     = 1000                   // events read at once
	handOver = 5 * 60_000             // ms that a hand-over usually takes
)

// Board keeps the list of deliveries under way and planned. Its methods may be
// called from any goroutine.
type Board struct {
	o Options

	// Owned by whoever holds work.
	work     sync.Mutex
	position int64
	routes   []dispatch.Route
	jobs     map[string]dispatch.Job
	packages map[string][]string // by shipment
	shipment map[string]string   // that a package was read with
	ahead    map[string]outlook
	queue    []string // packages whose outlook is looked at, in turn
	failing  bool

	mu       sync.Mutex
	list     []Delivery
	made     int64
	watchers map[chan struct{}]bool
}

// outlook is what Ahead gave.
type outlook struct {
	load  Load
	until int64 // it holds
	made  int64
}

// NewBoard makes a Board. It starts nothing; the list is empty until Run or
// Refresh.
func NewBoard(o Options) (*Board, error) {
	if o.Events == nil || o.Routes == nil || o.Loads == nil || o.Packages == nil || o.Log == nil {
		return nil, errors.New("risk: Events, Routes, Loads, Packages and Log are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Arrival == nil {
		o.Arrival = func(string, string) (dispatch.Arrival, bool) { return dispatch.Arrival{}, false }
	}
	return &Board{o: o, position: -1, ahead: map[string]outlook{}, watchers: map[chan struct{}]bool{}}, nil
}

// Run keeps the list until ctx ends; it then returns nil.
func (b *Board) Run(ctx context.Context) error {
	for {
		err := b.Refresh(ctx)
		if err == nil {
			err = b.look(ctx)
		}
		b.say(ctx, err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(each):
		}
	}
}

// say logs the first failure of a row, and that it is over.
func (b *Board) say(ctx context.Context, err error) {
	b.work.Lock()
	defer b.work.Unlock()
	switch {
	case err != nil && ctx.Err() == nil && !b.failing:
		b.o.Log.Warn("the list of deliveries at risk is not refreshed; trying again", "error", err)
		b.failing = true
	case err == nil && b.failing:
		b.o.Log.Info("the list of deliveries at risk is refreshed again")
		b.failing = false
	}
}

// List gives the deliveries, most urgent first, and when the list was made,
// Unix ms; 0 before it was. The list is not to be changed.
func (b *Board) List() (all []Delivery, made int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.list, b.made
}

// Watch gives a channel that is sent to when the list has changed, until stop.
func (b *Board) Watch() (changed <-chan struct{}, stop func()) {
	ch := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watchers[ch] = true
	return ch, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.watchers, ch)
	}
}

// Refresh makes the list anew of what is known: plans and packages as far as
// they have changed, conditions as they are, and the outlooks there are.
func (b *Board) Refresh(ctx context.Context) error {
	b.work.Lock()
	defer b.work.Unlock()
	if err := b.follow(ctx); err != nil {
		return err
	}
	var all []Delivery
	var ids []string
	from := []int{} // of each delivery, in ids
	for _, r := range b.routes {
		for _, v := range r.Visits() {
			if v.Kind != "delivery" || v.Ended() {
				continue
			}
			d, packages, err := b.delivery(ctx, r, v)
			if err != nil {
				return err
			}
			all, from = append(all, d), append(from, len(ids))
			ids = append(ids, packages...)
		}
	}
	now := b.o.Now().UnixMilli()
	loads := b.o.Loads.Briefs(ids)
	for i := range loads {
		b.foresee(&loads[i], now)
	}
	for i := range all {
		end := len(ids)
		if i+1 < len(all) {
			end = from[i+1]
		}
		all[i] = Assess(all[i], loads[from[i]:end])
	}
	Sort(all)
	b.queue = ids
	b.publish(all, now)
	return nil
}

// foresee adds what is known of a package's course.
func (b *Board) foresee(l *Load, now int64) {
	o, ok := b.ahead[l.Package]
	switch {
	case !ok:
		l.NoOutlook = "not looked at yet"
	case o.load.NoOutlook != "":
		l.NoOutlook = o.load.NoOutlook
	case now > o.until:
		l.NoOutlook = "the last one is too old"
	default:
		l.Outlook, l.Budgets = o.load.Outlook, o.load.Budgets
	}
}

// publish shows a list, and wakes who watches where it says something else.
func (b *Board) publish(all []Delivery, now int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	changed := !slices.EqualFunc(all, b.list, same)
	b.list, b.made = all, now
	if !changed {
		return
	}
	for ch := range b.watchers {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// delivery gives a delivery before it is assessed, with its packages.
func (b *Board) delivery(ctx context.Context, r dispatch.Route, v dispatch.Visit) (Delivery, []string, error) {
	j, ok := b.jobs[v.Job]
	if !ok {
		var err error
		if j, err = b.o.Routes.Job(ctx, v.Job); err != nil {
			return Delivery{}, nil, err
		}
		b.jobs[v.Job] = j
	}
	packages, ok := b.packages[j.Shipment]
	if !ok {
		var err error
		if packages, err = b.o.Packages(ctx, j.Shipment); err != nil {
			return Delivery{}, nil, err
		}
		b.packages[j.Shipment] = packages
		for _, p := range packages {
			b.shipment[p] = j.Shipment
		}
	}
	d := Delivery{Route: r.ID, Stop: v.ID, Job: v.Job, Shipment: j.Shipment, Courier: r.Courier, HandOver: j.Service * 1000, Held: v.Held}
	if d.HandOver == 0 {
		d.HandOver = handOver
	}
	a, ok := b.o.Arrival(r.ID, v.ID)
	if !ok {
		a, ok = dispatch.Planned(v)
	}
	if ok {
		d.Arrival = &a
	}
	return d, packages, nil
}

// follow learns what has changed of plans and packages since it was asked last.
func (b *Board) follow(ctx context.Context) (err error) {
	plans := b.position < 0
	if plans {
		b.position = b.o.Events.Last()
		b.jobs, b.packages, b.shipment = map[string]dispatch.Job{}, map[string][]string{}, map[string]string{}
	}
	for last := b.o.Events.Last(); b.position < last; {
		events, err := b.o.Events.Read(ctx, b.position, page, touching...)
		if err != nil {
			return err
		}
		for _, e := range events {
			touched, err := b.touch(e)
			if err != nil {
				b.position = -1 // all anew: nothing may be missed
				return err
			}
			plans = plans || touched
			b.position = e.Position
		}
		if len(events) < page { // and none of these types up to last
			b.position = max(b.position, last)
		}
	}
	if plans {
		if b.routes, err = b.o.Routes.Open(ctx); err != nil {
			b.position = -1
			return err
		}
		b.forget()
	}
	return nil
}

// touching are the types of events that change plans or packages.
var touching = []string{
	fact.RouteWasPlanned, fact.RouteWasReported, fact.StopWasReported, fact.StopWasHeld,
	fact.JobWasPlanned, fact.JobWasCancelled, fact.PackageWasPacked, fact.PackageWasAssigned, fact.PackageWasClosed,
}

// touch forgets what an event changes; plans is whether it is about routes.
func (b *Board) touch(e event.Event) (plans bool, err error) {
	switch e.Type {
	case fact.RouteWasPlanned, fact.RouteWasReported, fact.StopWasReported, fact.StopWasHeld:
		return true, nil
	}
	v, err := fact.Decode(e.Type, e.Data)
	if err != nil {
		return false, err
	}
	switch d := v.(type) {
	case *fact.JobPlanned:
		delete(b.jobs, d.ID)
	case *fact.JobCancelled:
		delete(b.jobs, d.ID)
	case *fact.PackagePacked:
		b.moved(d.ID, d.Shipment)
	case *fact.PackageAssigned:
		b.moved(d.Package, d.Shipment)
	case *fact.PackageClosed:
		b.moved(d.ID, "")
	}
	return false, nil
}

func (b *Board) moved(pkg, shipment string) {
	delete(b.packages, b.shipment[pkg])
	delete(b.packages, shipment)
}

// forget drops what no open route needs.
func (b *Board) forget() {
	jobs, shipments := map[string]bool{}, map[string]bool{}
	for _, r := range b.routes {
		for _, s := range r.Stops {
			jobs[s.Job] = true
			shipments[b.jobs[s.Job].Shipment] = true
		}
	}
	for id := range b.jobs {
		if !jobs[id] {
			delete(b.jobs, id)
		}
	}
	for id, packages := range b.packages {
		if !shipments[id] {
			delete(b.packages, id)
			for _, p := range packages {
				delete(b.shipment, p)
				delete(b.ahead, p)
			}
		}
	}
}

// look makes outlooks anew that are old, the oldest first, for a part of each
// second.
func (b *Board) look(ctx context.Context) error {
	began := b.o.Now()
	for _, id := range b.old(began.UnixMilli()) {
		if b.o.Now().Sub(began) > reading || ctx.Err() != nil {
			return nil
		}
		l, until, err := b.o.Loads.Ahead(ctx, id)
		if err != nil {
			return err
		}
		b.work.Lock()
		b.ahead[id] = outlook{l, until, began.UnixMilli()}
		b.work.Unlock()
	}
	return nil
}

// old gives the packages of the list whose outlook is to be made anew.
func (b *Board) old(now int64) []string {
	b.work.Lock()
	defer b.work.Unlock()
	var ids []string
	for _, id := range b.queue {
		if o, ok := b.ahead[id]; !ok || now-o.made >= fresh {
			ids = append(ids, id)
		}
	}
	slices.SortStableFunc(ids, func(p, q string) int { return cmp.Compare(b.ahead[p].made, b.ahead[q].made) })
	return slices.Compact(ids)
}
