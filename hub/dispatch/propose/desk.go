package propose

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"frostline/hub/dispatch"
	"frostline/hub/dispatch/plan"
	"frostline/hub/dispatch/risk"
	"frostline/hub/dispatch/road"
	"frostline/hub/fact"
)

// Routes is what a Desk needs of dispatch; *dispatch.Dispatch has it.
type Routes interface {
	Open(ctx context.Context) ([]dispatch.Route, error)
	Leg(ctx context.Context, id string) (dispatch.Route, error)
	Job(ctx context.Context, id string) (dispatch.Job, error)
	Courier(ctx context.Context, id string) (dispatch.Courier, error)
	Place(ctx context.Context, id string) (p dispatch.Place, found bool, err error)
}

// Options of New.
type Options struct {
	Routes Routes // required
	// Site gives where the gate of a site is, nil where nobody has told; required.
	Site func(ctx context.Context, id string) (*fact.Position, error)
	// Loads gives the packages of a shipment with their outlooks; required.
	Loads func(ctx context.Context, shipment string) ([]risk.Load, error)
	// Urgent names routes whose proposals are made first, most urgent first; nil:
	// none.
	Urgent func() []string
	// Where tells where the courier of a route was last; nil: nobody knows.
	Where  func(route string) (road.Fix, bool)
	Road   road.Router      // required
	Engine plan.Engine      // nil: plan.Search
	Now    func() time.Time // nil: time.Now
	Log    *slog.Logger     // required
}

// Times of a Desk.
const (
	fresh = 15 * time.Second // for which a proposal serves whoever asks, while the route is the same
	renew = time.Minute      // after which Run makes one anew
	rests = 4                // times as long as it worked does Run rest
	each  = 3 * time.Second  // between two rounds of Run, at least
	works = time.Second      // of a round, about
)

// Desk makes proposals and keeps the last one of each open route. It changes
// nothing. Its methods may be called from any goroutine.
type Desk struct {
	o    Options
	turn chan struct{} // one proposal is made at a time

	mu      sync.Mutex
	last    map[string]Proposal
	made    uint64
	failing string
}

// Status is a snapshot for health checks.
type Status struct {
	Routes    int    // that have a proposal
	Suggested int    // for which another order is suggested
	Made      uint64 // proposals
	Failing   string // why the last round of Run failed, "" where it did not
}

// Status tells how the desk is doing.
func (d *Desk) Status() Status {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := Status{Routes: len(d.last), Made: d.made, Failing: d.failing}
	for _, p := range d.last {
		if p.Advice == Change {
			s.Suggested++
		}
	}
	return s
}

// New makes a Desk. It starts nothing.
func New(o Options) (*Desk, error) {
	if o.Routes == nil || o.Site == nil || o.Loads == nil || o.Road == nil || o.Log == nil {
		return nil, errors.New("propose: Routes, Site, Loads, Road and Log are required")
	}
	if o.Urgent == nil {
		o.Urgent = func() []string { return nil }
	}
	if o.Where == nil {
		o.Where = func(string) (road.Fix, bool) { return road.Fix{}, false }
	}
	if o.Engine == nil {
		o.Engine = plan.Search{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Desk{o: o, turn: make(chan struct{}, 1), last: map[string]Proposal{}}, nil
}

// Proposal suggests an order for a route. One that is a few seconds old is
// given again while the route is the same. It takes up to some seconds for
// hundreds of stops, and waits for others that are being made. Its error wraps
// record.ErrNotFound for a route that there is not.
func (d *Desk) Proposal(ctx context.Context, id string) (Proposal, error) {
	return d.proposal(ctx, id, fresh)
}

func (d *Desk) proposal(ctx context.Context, id string, serves time.Duration) (Proposal, error) {
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return Proposal{}, ctx.Err()
	}
	route, err := d.o.Routes.Leg(ctx, id)
	if err != nil {
		return Proposal{}, err
	}
	now := d.o.Now()
	if p, ok := d.Latest(id, route.Revision); ok && now.Sub(time.UnixMilli(p.Made)) < serves {
		return p, nil
	}
	p, err := d.make(ctx, route, now)
	if err != nil {
		return Proposal{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last[id] = p
	d.made++
	return p, nil
}

// Latest gives the last proposal that was made for a revision of a route, if
// there is one.
func (d *Desk) Latest(route string, revision int64) (Proposal, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, ok := d.last[route]
	return p, ok && p.Revision == revision
}

// make makes one. What it finds is a function of what it reads and of now.
func (d *Desk) make(ctx context.Context, route dispatch.Route, now time.Time) (Proposal, error) {
	out := Proposal{Route: route.ID, Revision: route.Revision, Made: now.UnixMilli(), Advice: None, Order: []string{}}
	for _, v := range route.Visits() {
		if !v.Ended() {
			out.Order = append(out.Order, v.ID)
		}
	}
	s, err := d.gather(ctx, route, now.UTC().Truncate(time.Second))
	if err == nil {
		p, due := s.problem()
		pinned := make([]bool, len(s.stops))
		for i, o := range s.stops {
			pinned[i] = o.Pinned
		}
		bounded, stop := context.WithTimeout(ctx, within)
		defer stop()
		var q *plan.Proposal
		if err = p.Validate(); err != nil {
			err = cannot(err.Error()) // what is entered makes no sense together
		} else if q, err = d.search(bounded, p, pinned); err == nil {
			out.tell(s, p, due, q)
			return out, ctx.Err()
		}
	}
	if why := cannot(""); errors.As(err, &why) {
		out.Why, out.Notes = err.Error(), s.notes.all()
		return out, nil
	}
	return Proposal{}, err
}

// Run keeps proposals of open routes until ctx ends, those of urgent routes
// first, in a fifth of one core's time; it then returns nil.
func (d *Desk) Run(ctx context.Context) error {
	for {
		worked, err := d.round(ctx)
		d.say(ctx, err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(max(each, rests*worked)):
		}
	}
}

// say logs the first failure of a row, and that it is over.
func (d *Desk) say(ctx context.Context, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err != nil && ctx.Err() == nil:
		if d.failing == "" {
			d.o.Log.Warn("orders of stops are not suggested; trying again", "error", err)
		}
		d.failing = err.Error()
	case err == nil && d.failing != "":
		d.o.Log.Info("orders of stops are suggested again")
		d.failing = ""
	}
}

// round makes the proposals that are due, for about a second, and forgets those
// of routes that have ended.
func (d *Desk) round(ctx context.Context) (worked time.Duration, err error) {
	routes, err := d.o.Routes.Open(ctx)
	if err != nil {
		return 0, err
	}
	began := d.o.Now()
	for _, r := range d.due(routes, began) {
		if _, one := d.proposal(ctx, r.ID, renew); one != nil {
			err = cmp.Or(err, one)
		}
		if worked = d.o.Now().Sub(began); worked >= works || ctx.Err() != nil {
			break
		}
	}
	return worked, err
}

// due gives the routes whose proposals are to be made: those of urgent ones
// first, then the oldest.
func (d *Desk) due(routes []dispatch.Route, now time.Time) []dispatch.Route {
	urgent := map[string]int{}
	for i, id := range d.o.Urgent() {
		if _, ok := urgent[id]; !ok {
			urgent[id] = i + 1
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	open, made := map[string]bool{}, map[string]int64{}
	for _, r := range routes {
		open[r.ID] = true
		if p, ok := d.last[r.ID]; ok && p.Revision == r.Revision {
			made[r.ID] = p.Made
		}
	}
	for id := range d.last {
		if !open[id] {
			delete(d.last, id)
		}
	}
	out := slices.DeleteFunc(slices.Clone(routes), func(r dispatch.Route) bool { return now.UnixMilli()-made[r.ID] < renew.Milliseconds() })
	slices.SortStableFunc(out, func(a, b dispatch.Route) int {
		return cmp.Or(first(urgent[b.ID] > 0, urgent[a.ID] > 0), cmp.Compare(made[a.ID], made[b.ID]), cmp.Compare(urgent[a.ID], urgent[b.ID]), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// first puts what holds of b alone behind what holds of a alone.
func first(b, a bool) int {
	switch {
	case a && !b:
		return -1
	case b && !a:
		return 1
	}
	return 0
}
