// Package compose tells gateways of the packages that they are or will be beside,
// and drivers of their next stop: it makes the hub's additions to desired states
// (package desired) from where packages are, what they are judged by, and the
// routes that are planned.
//
// # Which packages a gateway is told of
//
//	in        a package in a compartment or zone: the gateways whose sensors are
//	          there; where there are none, those of its vehicle or site
//	planned   a package of a shipment that an open route still picks up or
//	          delivers: the gateways of the vehicle, and those of the site where
//	          it is delivered
//
// A gateway knows the profiles of what is planned before it is loaded, and so
// watches rightly from the first scan on, without a network.
//
// # When
//
// Events that bear on it are waited for, then what all gateways are to know is
// worked out anew from what is true, so that nothing depends on their order. A
// gateway that has it already is sent nothing; else it gets one version for all
// that has changed, and no other for a while.
package compose

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"frostline/hub/desired"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/proto/thermal"
)

const (
	// Actor is in whose name additions are set.
	Actor = "hub/compose"

	look  = time.Second      // between looks for events
	quiet = 3 * time.Second  // without further events, before they are worked in
	most  = 15 * time.Second // that events wait for quiet
	each  = time.Minute      // between rounds where nothing has happened: time passes
	pause = 30 * time.Second // between two versions of one gateway
	retry = 15 * time.Minute // until a gateway is given again what it has undone
	page  = 1000             // events read at once
	ahead = 12 * time.Hour   // before its departure a route's first stop is the next one
)

// Config says what is left out.
type Config struct {
	// Off switches it off for all gateways. What was added before stays until it
	// is set anew.
	Off bool `yaml:"off"`
	// Except are the gateways whose desired state is left alone.
	Except []string `yaml:"except"`
}

// Events is what a Composer needs of the event log; *event.Log has it.
type Events interface {
	Last() int64
	Read(ctx context.Context, after int64, limit int, types ...string) ([]event.Event, error)
}

// Keeper sets additions; *desired.Keeper does.
type Keeper interface {
	Compose(ctx context.Context, actor, reason, gateway string, a desired.Addition, retry time.Duration) (desired.Composed, error)
}

// Package is a package that is watched.
type Package struct {
	ID       string
	In       fact.Ref          // compartment, zone or tote; zero where nobody knows
	Gateways []string          // whose sensors can vouch for it now
	Profiles []thermal.Profile // by which it is judged
}

// Route is a run that has not ended.
type Route struct {
	ID      string
	Vehicle string // "" for one without
	Started bool
	Depart  int64  // UTC, Unix ms
	Stops   []Stop // that are still to be made, in order
}

// Stop is a stop of a route.
type Stop struct {
	Shipment string
	Delivery bool     // else something is picked up or brought back
	Held     bool     // nothing is to be delivered there for now
	Place    fact.Ref // site or place
	ETA      int64    // as planned, UTC, Unix ms; 0: nobody said
}

// World is what is true now. Its answers need not be of one instant: what has
// changed meanwhile is an event, and another round.
type World interface {
	// Packages gives all that are open, in order of id.
	Packages(ctx context.Context) ([]Package, error)
	// Routes gives those that have not ended.
	Routes(ctx context.Context) ([]Route, error)
	// Shipment gives the ids of the open packages of a shipment.
	Shipment(ctx context.Context, id string) ([]string, error)
	// Carrier gives the vehicle of a compartment, or the site of a zone; zero
	// where nobody knows.
	Carrier(ctx context.Context, in fact.Ref) (fact.Ref, error)
	// Gateways gives those that are in a vehicle or at a site.
	Gateways(ctx context.Context, of fact.Ref) ([]string, error)
	// Name is what people call a site; "" where nobody said.
	Name(ctx context.Context, site fact.Ref) (string, error)
	// Enrolled are the gateways that can be told anything.
	Enrolled() []string
}

// Options of New. All but Now are required.
type Options struct {
	Config Config
	Events Events
	World  World
	Keeper Keeper
	Now    func() time.Time // time.Now when nil
	Log    *slog.Logger
}

// Status tells of the work.
type Status struct {
	Failing  string // why it is held up; "" when it is not
	Gateways int    // that are told something
	Packages int    // entries that they are told
	Left     int    // packages that had no place
	Unadded  int    // gateways to which nothing can be added, or that refused it
	Versions int64  // set since the start
}

// Composer makes additions. Its methods may be called from any goroutine.
type Composer struct {
	o Options

	// Owned by whoever runs rounds.
	position int64
	first    time.Time         // event that waits; zero for none
	last     time.Time         // event
	round    time.Time         // last one
	set      map[string]moment // by gateway
	said     map[string]string // trouble that was told, by gateway

	mu     sync.Mutex
	status Status
}

// moment is what a gateway was given last, and when.
type moment struct {
	at    time.Time
	later bool // it is to be given another, after pause
}

// New makes a Composer. It starts nothing.
func New(o Options) (*Composer, error) {
	if o.Events == nil || o.World == nil || o.Keeper == nil || o.Log == nil {
		return nil, errors.New("compose: events, world, keeper and log are all needed")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Composer{o: o, position: -1, set: map[string]moment{}, said: map[string]string{}}, nil
}

// Status tells how the work stands.
func (c *Composer) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status
}
