package progress

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync"

	"frostline/hub/event"
	"frostline/hub/fact"
)

// span is a stretch of time, from inclusive, until exclusive, Unix ms.
type span struct{ from, until int64 }

func (s span) empty() bool      { return s.from >= s.until }
func (s span) with(o span) span { return span{max(s.from, o.from), min(s.until, o.until)} }

// links tell which gateway was on which vehicle, and which vehicle was whose, at
// any time. What was said first of a gateway or courier holds from ever, since
// records are entered after the fact, but not where another had the vehicle
// before. It is safe for concurrent use.
type links struct {
	mu       sync.RWMutex
	couriers map[string][]link // vehicles of a courier
	gateways map[string][]link // vehicles of a gateway
}

// link: since then it belonged to a vehicle; "" to none.
type link struct {
	since   int64
	vehicle string
}

func newLinks() *links {
	return &links{couriers: map[string][]link{}, gateways: map[string][]link{}}
}

// linking are the types of events that change links.
var linking = []string{fact.CourierWasDefined, fact.GatewayDefined}

// take takes an event, in their order.
func (l *links) take(e event.Event) (changed bool, err error) {
	v, err := fact.Decode(e.Type, e.Data)
	if err != nil {
		return false, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch d := v.(type) {
	case *fact.CourierDefined:
		return linked(l.couriers, d.ID, d.Vehicle, e.At), nil
	case *fact.GatewayRecord:
		return linked(l.gateways, d.ID, d.Vehicle, e.At), nil
	}
	return false, nil
}

func linked(of map[string][]link, id, vehicle string, at int64) bool {
	list := of[id]
	switch n := len(list); {
	case n == 0:
		if !had(of, vehicle) {
			at = math.MinInt64
		}
	case list[n-1].vehicle == vehicle:
		return false
	}
	of[id] = append(list, link{at, vehicle})
	return true
}

// had reports whether any had a vehicle so far.
func had(of map[string][]link, vehicle string) bool {
	for _, list := range of {
		if slices.ContainsFunc(list, func(k link) bool { return k.vehicle == vehicle }) {
			return true
		}
	}
	return false
}

// sharing gives the couriers that had a vehicle of courier, it among them.
func (l *links) sharing(courier string) (all []string) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	all = append(all, courier)
	for _, k := range l.couriers[courier] {
		for id, list := range l.couriers {
			if k.vehicle != "" && slices.ContainsFunc(list, func(o link) bool { return o.vehicle == k.vehicle }) {
				all = append(all, id)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// during gives the stretches of s in which list names vehicles.
func during(list []link, s span, yield func(vehicle string, s span)) {
	for i, k := range list {
		until := int64(math.MaxInt64)
		if i+1 < len(list) {
			until = list[i+1].since
		}
		if part := s.with(span{k.since, until}); k.vehicle != "" && !part.empty() {
			yield(k.vehicle, part)
		}
	}
}

// watched is a gateway that tells where a courier is.
type watched struct {
	gateway string
	span
}

// gatewaysOf gives those that were on the vehicles of a courier during s.
func (l *links) gatewaysOf(courier string, s span) (all []watched) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	during(l.couriers[courier], s, func(vehicle string, s span) {
		for id, list := range l.gateways {
			during(list, s, func(v string, s span) {
				if v == vehicle {
					all = append(all, watched{id, s})
				}
			})
		}
	})
	slices.SortFunc(all, func(a, b watched) int {
		return cmp.Or(cmp.Compare(a.gateway, b.gateway), cmp.Compare(a.from, b.from))
	})
	return all
}

// couriersOf gives the couriers that a gateway told of at some time during s.
func (l *links) couriersOf(gateway string, s span) (all []string) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	during(l.gateways[gateway], s, func(vehicle string, s span) {
		for id, list := range l.couriers {
			during(list, s, func(v string, _ span) {
				if v == vehicle {
					all = append(all, id)
				}
			})
		}
	})
	slices.Sort(all)
	return slices.Compact(all)
}

// load reads all links there ever were.
func (l *links) load(ctx context.Context, events Events, upto int64) error {
	for after := int64(0); ; {
		list, err := events.Read(ctx, after, pageOfEvents, linking...)
		if err != nil {
			return err
		}
		for _, e := range list {
			if e.Position > upto {
				return nil
			}
			if _, err := l.take(e); err != nil {
				return err
			}
			after = e.Position
		}
		if len(list) < pageOfEvents {
			return nil
		}
	}
}
