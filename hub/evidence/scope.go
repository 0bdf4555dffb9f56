package evidence

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"

	"frostline/hub/event"
	"frostline/hub/evidence/bundle"
	"frostline/hub/fact"
)

// ErrNotFound is wrapped where there is no such shipment.
var ErrNotFound = errors.New("no such shipment")

// Limits of one bundle.
const (
	maxStreams = 20_000
	maxEvents  = 500_000
)

// scope is what bears on a shipment.
type scope struct {
	shipment string
	position int64           // of the last event about the shipment itself
	at       int64           // when that was recorded, Unix ms
	packages map[string]bool // of the shipment: true; others that a unit was in: false
	streams  []bundle.Head
	events   []event.Event // by position
}

// scout collects a scope.
type scout struct {
	x     *Exporter
	ctx   context.Context
	core  map[fact.Ref]bool // about the shipment itself
	seen  map[fact.Ref]bool
	queue []fact.Ref
	read  map[fact.Ref][]event.Event
	s     *scope
	total int
}

// scope finds what bears on a shipment: its own streams, and those of all that
// its packages and units were ever in or of.
func (x *Exporter) scope(ctx context.Context, shipment string) (*scope, error) {
	self := fact.Ref{Kind: fact.Shipment, ID: shipment}
	if err := self.Check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	c := &scout{x: x, ctx: ctx, core: map[fact.Ref]bool{}, seen: map[fact.Ref]bool{}, read: map[fact.Ref][]event.Event{},
		s: &scope{shipment: shipment, packages: map[string]bool{}}}
	c.add(self, true)
	packages, err := c.linked(fact.Package, self)
	if err != nil {
		return nil, err
	}
	for _, p := range packages {
		c.s.packages[p.ID] = true
		c.add(p, true)
	}
	for len(c.queue) > 0 {
		next := c.queue[0]
		c.queue = c.queue[1:]
		if err := c.visit(next); err != nil {
			return nil, err
		}
	}
	return c.finish()
}

// add notes a thing whose stream is wanted.
func (c *scout) add(r fact.Ref, core bool) {
	c.core[r] = c.core[r] || core
	if !c.seen[r] {
		c.seen[r] = true
		c.queue = append(c.queue, r)
	}
}

// linked gives the things of a kind that were ever in or of another.
func (c *scout) linked(kind fact.Kind, to fact.Ref) (out []fact.Ref, err error) {
	for after := ""; ; {
		page, err := Links.Find(c.ctx, c.x.o.Store, string(kind), to.String(), after, 500)
		if err != nil {
			return nil, fmt.Errorf("find each %s of %s: %w", kind, to, err)
		}
		for _, e := range page {
			r, err := fact.ParseRef(e.ID)
			if err != nil {
				return nil, err
			}
			out, after = append(out, r), e.ID
		}
		if len(page) < 500 {
			return out, nil
		}
		if len(out) > maxStreams {
			return nil, fmt.Errorf("%s has more than %d things: too many for a bundle", to, maxStreams)
		}
	}
}

// visit reads a stream and adds what it leads to.
func (c *scout) visit(r fact.Ref) error {
	if len(c.seen) > maxStreams {
		return fmt.Errorf("more than %d streams bear on the shipment: too many for a bundle", maxStreams)
	}
	for after := int64(0); ; {
		page, err := c.x.o.Events.Stream(c.ctx, r.String(), after, 1000)
		if err != nil {
			return fmt.Errorf("read stream %s: %w", r, err)
		}
		for _, e := range page {
			c.read[r] = append(c.read[r], e)
			after = e.Version
			if err := c.follow(r, e); err != nil {
				return fmt.Errorf("event %s of %s: %w", e.ID, r, err)
			}
		}
		if c.total += len(page); c.total > maxEvents {
			return fmt.Errorf("more than %d events bear on the shipment: too many for a bundle", maxEvents)
		}
		if len(page) < 1000 {
			break
		}
	}
	for _, kind := range leads[r.Kind] {
		found, err := c.linked(kind, r)
		if err != nil {
			return err
		}
		for _, f := range found {
			c.add(f, c.core[r] && (kind == fact.Excursion || kind == fact.Unit))
		}
	}
	return nil
}

// leads is what is looked for in or of a thing of a kind.
var leads = map[fact.Kind][]fact.Kind{
	fact.Package:     {fact.Unit, fact.Logger, fact.Sensor, fact.Excursion},
	fact.Tote:        {fact.Logger, fact.Sensor},
	fact.Compartment: {fact.Sensor},
	fact.Zone:        {fact.Sensor},
	fact.Logger:      {fact.Sensor},
	fact.Sensor:      {fact.Calibration},
}

// follow adds what one event leads to.
func (c *scout) follow(r fact.Ref, e event.Event) error {
	if !slices.Contains(fact.Types(), e.Type) {
		return nil
	}
	data, err := fact.Decode(e.Type, e.Data)
	if err != nil {
		return err
	}
	add := func(kind fact.Kind, id string) {
		if id != "" {
			c.add(fact.Ref{Kind: kind, ID: id}, false)
		}
	}
	switch d := data.(type) {
	case *fact.Attached:
		if d.In == nil || d.Subject.Kind == fact.Sensor || d.Subject.Kind == fact.Logger {
			break // where a sensor was besides is of no concern
		}
		if c.add(*d.In, false); d.In.Kind == fact.Package && !c.s.packages[d.In.ID] {
			c.s.packages[d.In.ID] = false
		}
	case *fact.HandedOver:
		if d.Role != "patient" {
			add(fact.Party, d.From)
			add(fact.Party, d.To)
		}
	case *fact.ShipmentPlanned:
		if d.Order != "" {
			c.add(fact.Ref{Kind: fact.Order, ID: d.Order}, true)
		}
		add(fact.Site, d.From)
		add(fact.Site, d.To)
	case *fact.PackagePacked:
		add(fact.Profile, d.Profile)
	case *fact.UnitReceived:
		add(fact.Product, d.Product)
	case *fact.ProductRecord:
		add(fact.Profile, d.Profile)
	case *fact.ZoneRecord:
		add(fact.Site, d.Site)
	case *fact.CompartmentRecord:
		add(fact.Vehicle, d.Vehicle)
	}
	return nil
}

// finish cuts all streams at the last event about the shipment itself.
func (c *scout) finish() (*scope, error) {
	s := c.s
	for r := range c.core {
		if c.core[r] {
			for _, e := range c.read[r] {
				if e.Position > s.position {
					s.position, s.at = e.Position, e.At
				}
			}
		}
	}
	if s.position == 0 || len(c.read[fact.Ref{Kind: fact.Shipment, ID: s.shipment}]) == 0 && len(s.packages) == 0 {
		return nil, fmt.Errorf("%w: shipment %q is not known", ErrNotFound, s.shipment)
	}
	for r, events := range c.read {
		n := int64(0)
		for _, e := range events {
			if e.Position <= s.position {
				s.events = append(s.events, e)
				n = e.Version
			}
		}
		if n > 0 {
			s.streams = append(s.streams, bundle.Head{Stream: r.String(), Events: n})
		}
	}
	sort.Slice(s.events, func(i, j int) bool { return s.events[i].Position < s.events[j].Position })
	sort.Slice(s.streams, func(i, j int) bool { return s.streams[i].Stream < s.streams[j].Stream })
	return s, nil
}
