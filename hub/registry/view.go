package registry

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"frostline/proto/reading"
)

// Gateway is what is known of a gateway that has spoken.
type Gateway struct {
	ID      string
	Name    string // what people call it; "" for none
	First   int64  // hub's clock when it was first heard of, Unix ms
	Heard   int64  // and last
	Online  bool   // it has sent its birth and no last will
	Changed int64  // when Online last changed

	// From its last birth; empty before the first.
	Epoch         uint32
	Boot          uint32
	BootID        string
	Version       string
	ConfigVersion string
	Boottime      int64 // ms, when it sent the birth
	BirthReceived int64 // hub's clock then; 0 where the birth was in an earlier run of the hub
	Journal       Journal

	Faults  []Fault  // newest first
	Alarms  []Alarm  // of its own guard: those that are not over first, then the newest
	Sensors []Sensor // by id
}

// Journal is what a gateway said of its journal at its birth.
type Journal struct {
	Last, Readings                 uint64
	PendingBlocks, PendingReadings uint64
	Bytes                          uint64
	Damaged                        uint64  // segments set aside
	MemoryBlocks                   uint64  // waiting for a full disk
	MaxBytes                       uint64  // that it may take on disk; 0 when not told
	FullPercent                    uint32  // of that, taken by what the hub has not acknowledged
	HoursLeft                      *uint32 // until it is full, if nothing is acknowledged; nil when not known
}

// Sensor is a device on a gateway's bus.
type Sensor struct {
	ID       string
	Name     string // what people call it; "" for none
	Model    string // driver
	Address  string // on its bus
	Channels []Channel
}

// Channel is one quantity of a sensor.
type Channel struct {
	Quantity reading.Quantity
	Interval time.Duration // between readings; 0 where it was not declared
	Current  bool          // the gateway's last birth still has it
}

// Gateways lists all gateways that have spoken, by id.
func (r *Registry) Gateways() []Gateway {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := make([]Gateway, 0, len(r.gateways))
	for _, g := range r.gateways {
		out = append(out, r.view(g))
	}
	slices.SortFunc(out, func(a, b Gateway) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// Gateway gives one gateway; ok is false where it has never spoken.
func (r *Registry) Gateway(id string) (g Gateway, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if g := r.gateways[id]; g != nil {
		return r.view(g), true
	}
	return Gateway{}, false
}

// view copies what is known. mu is held.
func (r *Registry) view(g *gateway) Gateway {
	v := Gateway{
		ID: g.id, Name: r.names[nameKey{g.id, ""}], First: g.first, Heard: g.heard, Online: g.online, Changed: g.changed,
		BirthReceived: g.received, Faults: slices.Clone(g.faults), Alarms: g.alarmsOf(), ConfigVersion: g.config,
	}
	current := map[sensorKey]bool{}
	if s := g.state; s != nil {
		v.Epoch, v.Boot, v.BootID, v.Version, v.Boottime = s.Epoch, s.Boot, clip(s.BootId), clip(s.Version), s.BoottimeMs
		if s.ConfigVersion != "" {
			v.ConfigVersion = clip(s.ConfigVersion)
		}
		if j := s.Journal; j != nil {
			v.Journal = Journal{j.Last, j.Readings, j.PendingBlocks, j.PendingReadings, j.Bytes, j.Damaged, j.MemoryBlocks, j.MaxBytes, j.FullPercent, j.HoursLeft}
		}
		for _, d := range s.Series {
			current[sensorKey{clip(d.Sensor), reading.Quantity(min(d.Quantity, 255))}] = true
		}
	}
	sensors := map[string]*Sensor{}
	known := map[sensorKey]bool{}
	for _, n := range slices.Backward(slices.Sorted(maps.Keys(g.epochs))) { // the newest has the details
		e := g.epochs[n]
		for _, id := range slices.Backward(slices.Sorted(maps.Keys(e.series))) {
			d := e.series[id]
			s := sensors[d.sensor]
			if s == nil {
				s = &Sensor{ID: d.sensor, Name: r.names[nameKey{g.id, d.sensor}], Model: d.model, Address: d.address}
				sensors[d.sensor] = s
			}
			if !known[d.sensorKey] {
				known[d.sensorKey] = true
				s.Channels = append(s.Channels, Channel{d.quantity, d.interval, g.state == nil || current[d.sensorKey]})
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(sensors)) {
		s := sensors[id]
		slices.SortFunc(s.Channels, func(a, b Channel) int { return cmp.Compare(a.Quantity, b.Quantity) })
		v.Sensors = append(v.Sensors, *s)
	}
	return v
}

// Identities gives the series ids under which a quantity of a sensor was
// measured, ascending by epoch and id, with the time between readings, 0 where
// it was not declared.
func (r *Registry) Identities(gateway, sensor string, q reading.Quantity, yield func(epoch, series uint32, interval time.Duration)) {
	type identity struct {
		epoch, series uint32
		interval      time.Duration
	}
	var found []identity
	r.mu.RLock()
	if g := r.gateways[gateway]; g != nil {
		want := sensorKey{sensor, q}
		for n, e := range g.epochs {
			if _, ok := e.byName[want]; !ok {
				continue
			}
			for id, d := range e.series {
				if d.sensorKey == want {
					found = append(found, identity{n, id, d.interval})
				}
			}
		}
	}
	r.mu.RUnlock()
	slices.SortFunc(found, func(a, b identity) int {
		return cmp.Or(cmp.Compare(a.epoch, b.epoch), cmp.Compare(a.series, b.series))
	})
	for _, i := range found {
		yield(i.epoch, i.series, i.interval)
	}
}

// Series is the meaning of a series id.
type Series struct {
	Sensor   string
	Quantity reading.Quantity
	Model    string
	Address  string
	Interval time.Duration // 0 where it was not declared
}

// Lookup gives the meaning of a series id; ok is false where neither the chain
// nor a State has told.
func (r *Registry) Lookup(gateway string, epoch, series uint32) (s Series, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if g := r.gateways[gateway]; g != nil && g.epochs[epoch] != nil {
		if d := g.epochs[epoch].series[series]; d != nil {
			return Series{d.sensor, d.quantity, d.model, d.address, d.interval}, true
		}
	}
	return Series{}, false
}

// Counts are what could not be taken as it was told, since the start.
type Counts struct {
	RefusedStates        uint64 // could not be read
	DisputedDeclarations uint64 // contradict an earlier one, or make no sense
}

// Counts gives them.
func (r *Registry) Counts() Counts {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return Counts{r.refused, r.disputed}
}

// Measured gives the sensor and quantity of a series id, as Lookup does.
func (r *Registry) Measured(gateway string, epoch, series uint32) (sensor string, q reading.Quantity, ok bool) {
	s, ok := r.Lookup(gateway, epoch, series)
	return s.Sensor, s.Quantity, ok
}
