package compose

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"frostline/hub/desired"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/proto/thermal"
)

// world is what is true, and a keeper that takes what it is given.
type world struct {
	*Composer
	t        *testing.T
	now      time.Time
	events   []event.Event
	packages []Package
	routes   []Route
	shipment map[string][]string
	gateways map[string][]string // by vehicle or site
	enrolled []string
	failing  error
	refuses  map[string]string
	given    map[string]desired.Addition
	versions []string
}

func newWorld(t *testing.T, c Config) *world {
	w := &world{
		t: t, now: time.UnixMilli(1_790_000_000_000), given: map[string]desired.Addition{}, refuses: map[string]string{},
		enrolled: []string{"van-1", "dock-1", "room-1"},
		gateways: map[string][]string{"vehicle/VAN": {"van-1"}, "site/DEPOT": {"dock-1", "room-1"}},
		shipment: map[string][]string{},
	}
	var err error
	if w.Composer, err = New(Options{Config: c, Events: w, World: w, Keeper: w, Now: func() time.Time { return w.now }, Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) Last() int64 { return int64(len(w.events)) }

func (w *world) Read(_ context.Context, after int64, _ int, _ ...string) ([]event.Event, error) {
	return w.events[after:], w.failing
}
func (w *world) Packages(context.Context) ([]Package, error) { return w.packages, w.failing }
func (w *world) Routes(context.Context) ([]Route, error)     { return slices.Clone(w.routes), w.failing }
func (w *world) Shipment(_ context.Context, id string) ([]string, error) {
	return w.shipment[id], nil
}
func (w *world) Carrier(_ context.Context, in fact.Ref) (fact.Ref, error) {
	return map[fact.Kind]fact.Ref{fact.Compartment: {Kind: fact.Vehicle, ID: "VAN"}, fact.Zone: {Kind: fact.Site, ID: "DEPOT"}}[in.Kind], nil
}
func (w *world) Gateways(_ context.Context, of fact.Ref) ([]string, error) {
	return w.gateways[of.String()], nil
}
func (w *world) Name(context.Context, fact.Ref) (string, error) {
	return "Elm\tStreet " + strings.Repeat("x", 60), nil
}
func (w *world) Enrolled() []string { return w.enrolled }

func (w *world) Compose(_ context.Context, actor, _, gateway string, a desired.Addition, _ time.Duration) (desired.Composed, error) {
	if actor != Actor {
		w.t.Errorf("in the name of %s", actor)
	}
	if why := w.refuses[gateway]; why != "" {
		return desired.Composed{Why: why}, nil
	}
	if fmt.Sprint(text(w.given[gateway])) == fmt.Sprint(text(a)) {
		return desired.Composed{}, nil
	}
	w.given[gateway] = a
	w.versions = append(w.versions, gateway)
	return desired.Composed{Changed: true}, nil
}

// text tells of an addition: ids with profiles, and the stop.
func text(a desired.Addition) (all []string) {
	for _, p := range a.Packages {
		all = append(all, p.ID+"/"+p.Profile.ID)
	}
	if a.NextStop != nil {
		all = append(all, "to "+a.NextStop.Place)
	}
	return all
}

// happens makes an event.
func (w *world) happens(actor string) {
	w.events = append(w.events, event.Event{Position: w.Last() + 1, Type: fact.WasAttached, Actor: actor})
}

// after has steps each second for a while.
func (w *world) after(d time.Duration) {
	w.t.Helper()
	for range d / time.Second {
		w.now = w.now.Add(time.Second)
		if err := w.Step(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) has(gateway, want string) {
	w.t.Helper()
	if got := strings.Join(text(w.given[gateway]), " "); got != want {
		w.t.Errorf("%s is told %q, want %q", gateway, got, want)
	}
}

func kept(id string, in string, gateways []string, profiles ...string) Package {
	p := Package{ID: id, Gateways: gateways}
	if in != "" {
		p.In, _ = fact.ParseRef(in)
	}
	for _, name := range profiles {
		q, err := thermal.Named(name)
		if err != nil {
			panic(err)
		}
		p.Profiles = append(p.Profiles, q)
	}
	return p
}

func TestAGatewayIsToldOfWhatIsThereAndToCome(t *testing.T) {
	w := newWorld(t, Config{})
	home, clinic := fact.Ref{Kind: fact.Place, ID: "tok-1"}, fact.Ref{Kind: fact.Site, ID: "DEPOT"}
	w.packages = []Package{
		kept("A", "compartment/VAN-a", []string{"van-1"}, "freezer", "refrigerated"), // two products in one package
		kept("B", "compartment/VAN-b", nil, "freezer"),                               // no sensor there
		kept("C", "zone/ROOM", []string{"room-1"}, "freezer"),
		kept("D", "", nil, "freezer"),              // nobody knows where
		kept("E", "zone/ROOM", []string{"room-1"}), // no profile
	}
	w.shipment = map[string][]string{"SH-1": {"D", "A", "closed"}, "SH-2": {"C"}, "SH-3": {"E"}, "SH-9": {"C"}}
	w.routes = []Route{
		{ID: "R9", Vehicle: "VAN", Depart: w.now.Add(13 * time.Hour).UnixMilli(), Stops: []Stop{{Shipment: "SH-9", Place: clinic}}},
		{ID: "R2", Vehicle: "VAN", Depart: w.now.Add(time.Hour).UnixMilli(), Stops: []Stop{{Shipment: "SH-2", Place: clinic}}},
		{ID: "R1", Vehicle: "VAN", Started: true, Depart: w.now.Add(2 * time.Hour).UnixMilli(), Stops: []Stop{
			{Shipment: "SH-3", Delivery: true, Held: true, Place: home}, {Shipment: "SH-1", Delivery: true, Place: home, ETA: 7}}},
		{ID: "R0", Started: true, Stops: []Stop{{Shipment: "SH-1", Delivery: true, Place: clinic}}}, // a carrier's
	}
	w.after(time.Second)
	w.has("van-1", "A/freezer A/refrigerated B/freezer D/freezer C/freezer to SH-1")
	w.has("dock-1", "A/freezer A/refrigerated D/freezer")
	w.has("room-1", "C/freezer A/freezer A/refrigerated D/freezer")
	if s := w.given["van-1"].NextStop; s.Due != 7 {
		t.Errorf("next stop %+v", s)
	}
	// At a site it has a name, which is cut.
	w.routes = w.routes[1:2]
	w.happens("person/ann")
	w.after(time.Minute)
	if s := w.given["van-1"].NextStop; len([]rune(s.Place)) != 60 || !strings.HasPrefix(s.Place, "Elm Street x") || !strings.HasSuffix(s.Place, "…") {
		t.Errorf("next stop %+v", s)
	}
	// All is over.
	w.packages, w.routes = nil, nil
	w.after(2 * time.Minute)
	w.has("van-1", "")
	w.has("room-1", "")
}

func TestManyChangesAreFewVersions(t *testing.T) {
	w := newWorld(t, Config{})
	w.after(time.Second)
	for i := range 60 { // a van is loaded, a package a second
		w.packages = append(w.packages, kept(fmt.Sprintf("P%02d", i), "compartment/VAN-a", []string{"van-1"}, "freezer"))
		w.happens("device/van-1")
		w.after(time.Second)
	}
	w.after(2 * pause)
	if len(w.versions) > 4 || len(w.given["van-1"].Packages) != 60 {
		t.Errorf("%d versions, the last with %d packages", len(w.versions), len(w.given["van-1"].Packages))
	}
	// One alone is told within seconds.
	w.packages = w.packages[:10]
	w.happens("person/ann")
	w.after(quiet + time.Second)
	if n := len(w.given["van-1"].Packages); n != 10 {
		t.Errorf("%d packages", n)
	}
	if s := w.Status(); s.Packages != 10 || s.Gateways != 1 || s.Versions < 2 {
		t.Errorf("status %+v", s)
	}
}

func TestWhatIsSetIsNoReasonForAnother(t *testing.T) {
	w := newWorld(t, Config{Except: []string{"van-1"}})
	w.refuses["room-1"] = "the gateway refused it"
	w.packages = []Package{kept("A", "", []string{"van-1", "room-1", "dock-1", "elsewhere"}, "freezer")}
	w.after(time.Second)
	w.happens(Actor)
	w.after(each / 2)
	if got := fmt.Sprint(w.versions); got != "[dock-1]" {
		t.Errorf("versions of %s", got)
	}
	if s := w.Status(); s.Unadded != 1 || s.Gateways != 1 {
		t.Errorf("status %+v", s)
	}
	w.failing = errors.New("the disk is full")
	w.happens("person/ann")
	if err := w.Step(t.Context()); err == nil {
		t.Error("no error")
	}
	w.failing = nil
	w.packages = nil
	w.after(each)
	w.has("dock-1", "")
}
