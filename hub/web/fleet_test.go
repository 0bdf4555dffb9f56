package web

import (
	"context"
	"log/slog"
	"maps"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"frostline/hub/people"
	"frostline/hub/policy"
	"frostline/hub/view"
	"frostline/proto/reading"
)

// company is a fleet in memory: it answers Fleet, History and Feed with values
// that follow from the time alone, so that a page and its expectation agree.
// Its clock runs at the real pace from a fixed moment.
type company struct {
	base       int64
	dispatch   Dispatch
	trace      Trace
	lookup     Lookup
	sagas      Sagas
	holds      Holds
	operations *Operations
	access     Access // nil: pages without forms
	started    time.Time

	mu       sync.Mutex
	jumped   int64
	gateways []view.Gateway
	models   map[view.Series]model
	watchers map[int]func(view.Batch)
	next     int
	broken   error
	gate     func(view.Series) // passed by each Readings, if set
}

// model is how one series of the company behaves.
type model struct {
	value   func(ms int64) int64
	quality func(ms int64) reading.Quality // nil: OK
	holes   [][2]int64                     // UTC, no readings in them
	until   int64                          // silent from then on; 0 never
	undated uint64
}

var base = time.Date(2026, 9, 14, 14, 5, 0, 0, time.UTC).UnixMilli()

func newCompany() *company {
	c := &company{base: base, started: time.Now(), models: map[view.Series]model{}, watchers: map[int]func(view.Batch){}}
	wave := func(mean, amplitude int64, period time.Duration) func(int64) int64 {
		return func(ms int64) int64 {
			a := 2 * math.Pi * float64(ms) / float64(period.Milliseconds())
			return mean + int64(float64(amplitude)*(math.Sin(a)+0.06*math.Sin(a*37))) + ms/1000%7*3
		}
	}
	min := int64(60_000)
	c.gateway("site-1", func(g *view.Gateway) {
		g.Kept, g.Committed = 86_400, 86_400
		g.Journal = view.Journal{HoursLeft: new(uint32(720)), FullPercent: 1}
	})
	c.sensor("site-1", "zone-a-air", "sht4x", "0x44", time.Second, map[reading.Quantity]model{
		reading.Temperature: {value: wave(4400, 380, 12*time.Minute), holes: [][2]int64{{base - 22*min, base - 17*min}}, undated: 312},
		reading.Humidity:    {value: wave(61_000, 4_000, 12*time.Minute), holes: [][2]int64{{base - 22*min, base - 17*min}}},
	})
	c.sensor("site-1", "zone-a-product", "ds18b20", "28-0000072431a1", 10*time.Second, map[reading.Quantity]model{
		reading.Temperature: {value: wave(4600, 120, 25*time.Minute)},
	})
	c.sensor("site-1", "freezer", "mcp9808", "0x18", 10*time.Second, map[reading.Quantity]model{
		reading.Temperature: {value: wave(-18_400, 700, 18*time.Minute), quality: func(ms int64) reading.Quality {
			if ms > base-6*min {
				return reading.NoAnswer
			}
			return reading.OK
		}},
	})
	c.sensor("site-1", "zone-b-air", "sht4x", "0x45", time.Second, map[reading.Quantity]model{
		reading.Temperature: {value: wave(5100, 500, 15*time.Minute), until: base - 9*min},
		reading.Humidity:    {value: wave(58_000, 3_000, 15*time.Minute), until: base - 9*min},
	})
	c.sensor("site-1", "dock-door", "contact", "gpio-17", time.Second, map[reading.Quantity]model{
		reading.Door: {value: func(ms int64) int64 {
			if m := (ms - base) / 1000; m > -900 && m < -820 {
				return 1
			}
			return 0
		}},
	})
	c.gateway("van-14", func(g *view.Gateway) {
		g.Kept, g.Committed, g.PendingBlocks, g.PendingReadings = 576_000, 163_700, 6_871, 412_300
		g.Journal = view.Journal{HoursLeft: new(uint32(18)), FullPercent: 71}
		g.Faults = []view.Fault{{At: base - 4*min, Part: "uplink", Detail: "no network for 8 h 2 min; readings were kept"}}
	})
	c.sensor("van-14", "position", "nmea", "/dev/ttyUSB0", time.Second, map[reading.Quantity]model{
		reading.Latitude: {value: func(ms int64) int64 {
			return 399_611_755 + (ms-base)*7/10 + 20_000*int64(math.Sin(float64(ms)/90_000)*10)
		}},
		reading.Longitude:      {value: func(ms int64) int64 { return -829_987_942 + (ms-base)*12/10 }},
		reading.Speed:          {value: wave(17_000, 6_000, 4*time.Minute)},
		reading.SatellitesUsed: {value: func(ms int64) int64 { return 9 + ms/40_000%3 }},
	})
	c.sensor("van-14", "box-1", "tmp117", "0x48", time.Second, map[reading.Quantity]model{
		reading.Temperature: {value: wave(5200, 250, 20*time.Minute), holes: [][2]int64{{base - 20*min, base - 3*min}}},
	})
	c.gateway("van-15", func(g *view.Gateway) {
		g.Connected, g.Heard, g.LastCommit = false, base-48*min, base-48*min
		g.Kept, g.Committed, g.PendingBlocks, g.PendingReadings = 52_100, 51_900, 3, 200
		g.Journal = view.Journal{HoursLeft: new(uint32(3)), FullPercent: 94}
	})
	c.sensor("van-15", "box-1", "tmp117", "0x48", time.Second, map[reading.Quantity]model{
		reading.Temperature: {value: wave(4900, 250, 20*time.Minute), until: base - 48*min},
	})
	return c
}

func (c *company) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.UnixMilli(c.base + c.jumped).Add(time.Since(c.started))
}

// jump moves the hub's clock on.
func (c *company) jump(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.jumped += d.Milliseconds()
}

// silence ends all readings of a sensor from now on.
func (c *company) silence(gateway, sensor string) {
	now := c.now().UnixMilli()
	c.mu.Lock()
	defer c.mu.Unlock()
	for s, m := range c.models {
		if s.Gateway == gateway && s.Sensor == sensor {
			m.until = now
			c.models[s] = m
		}
	}
}

func (c *company) gateway(id string, change func(*view.Gateway)) {
	g := view.Gateway{
		ID: id, Enrolled: base - 90*86_400_000, Connected: true, Heard: base, Version: "1.0.0", Epoch: 1, Boot: 3, LastCommit: base,
		Clock: view.Clock{Dated: true, Uncertainty: 12, Source: "hub"},
	}
	change(&g)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gateways = append(c.gateways, g)
}

func (c *company) sensor(gateway, name, driver, address string, interval time.Duration, models map[reading.Quantity]model) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := view.Sensor{Name: name, Model: driver, Address: address}
	for q, m := range models {
		s.Channels = append(s.Channels, view.Channel{Quantity: q, Interval: interval, Current: true})
		c.models[view.Series{Gateway: gateway, Sensor: name, Quantity: q}] = m
	}
	slices.SortFunc(s.Channels, func(a, b view.Channel) int { return int(a.Quantity) - int(b.Quantity) })
	i := slices.IndexFunc(c.gateways, func(g view.Gateway) bool { return g.ID == gateway })
	c.gateways[i].Sensors = append(c.gateways[i].Sensors, s)
}

func (c *company) reading(m model, ms int64) view.Reading {
	r := view.Reading{Epoch: 1, Boot: 3, Tick: ms - base + 400_000_000, Dated: true, UTC: ms, Uncertainty: 12, Received: ms + 20}
	if m.quality != nil {
		r.Quality = m.quality(ms)
	}
	if r.Quality.HasValue() {
		r.Value = m.value(ms)
	}
	return r
}

func (m model) has(ms int64) bool {
	if m.until != 0 && ms >= m.until {
		return false
	}
	return !slices.ContainsFunc(m.holes, func(h [2]int64) bool { return ms > h[0] && ms < h[1] })
}

func (c *company) Gateways(context.Context) ([]view.Gateway, error) {
	now := c.now().UnixMilli()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken != nil {
		return nil, c.broken
	}
	out := slices.Clone(c.gateways)
	for i, g := range out {
		if g.Connected {
			out[i].Heard, out[i].LastCommit = now/1000*1000, now/1000*1000
		}
		out[i].Sensors = slices.Clone(g.Sensors)
		for j, s := range out[i].Sensors {
			out[i].Sensors[j].Channels = slices.Clone(s.Channels)
			for k, ch := range s.Channels {
				m := c.models[view.Series{Gateway: g.ID, Sensor: s.Name, Quantity: ch.Quantity}]
				step := ch.Interval.Milliseconds()
				for at := now / step * step; at > now-3_600_000*2; at -= step {
					if m.has(at) {
						r := c.reading(m, at)
						out[i].Sensors[j].Channels[k].Latest = &r
						break
					}
				}
			}
		}
	}
	return out, nil
}

func (c *company) Accounts(context.Context) ([]view.Account, error) {
	now := c.now().UnixMilli()
	return []view.Account{
		{Gateway: "site-1", Epoch: 1, Produced: 86_400, Committed: 86_400, Through: 1_440, Last: 1_440, AddsUp: true, AsOf: now},
		{Gateway: "van-14", Epoch: 1, Produced: 576_000, Committed: 163_700, Pending: 412_300, Through: 2_700, Last: 9_600, Holes: 1, AddsUp: true, AsOf: now, Note: "catching up"},
		{Gateway: "van-15", Epoch: 1, Produced: 52_100, Committed: 51_780, Pending: 200, Gaps: 20, Through: 860, Last: 866, Quarantined: 1, AsOf: now - 48*60_000, Note: "100 readings of blocks 861 to 862 are neither here nor declared lost"},
	}, nil
}

func (c *company) interval(s view.Series) int64 {
	for _, g := range c.gateways {
		if sensor, ok := g.Sensor(s.Sensor); ok && g.ID == s.Gateway {
			ch, _ := sensor.Channel(s.Quantity)
			return ch.Interval.Milliseconds()
		}
	}
	return 1000
}

func (c *company) Readings(_ context.Context, s view.Series, from, to int64, visit func(view.Reading) error) error {
	now := c.now().UnixMilli()
	c.mu.Lock()
	m, ok := c.models[s]
	step := c.interval(s)
	err, gate := c.broken, c.gate
	c.mu.Unlock()
	if gate != nil {
		gate(s)
	}
	if !ok || err != nil {
		return err
	}
	for at := (from + step - 1) / step * step; at < min(to, now); at += step {
		if m.has(at) {
			if err := visit(c.reading(m, at)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *company) Undated(_ context.Context, s view.Series) (uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.models[s].undated, nil
}

func (c *company) Watch(fn func(view.Batch)) (stop func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := c.next
	c.next++
	c.watchers[id] = fn
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.watchers, id)
	}
}

// commit tells the watchers of readings of one series.
func (c *company) commit(s view.Series, rs ...view.Reading) {
	b := view.Batch{Gateway: s.Gateway, Received: c.now().UnixMilli()}
	for _, r := range rs {
		b.Readings = append(b.Readings, view.Taken{Sensor: s.Sensor, Quantity: s.Quantity, Reading: r})
	}
	c.mu.Lock()
	fns := slices.Collect(maps.Values(c.watchers))
	c.mu.Unlock()
	for _, fn := range fns {
		fn(b)
	}
}

// serve runs a server over the company until stop or the test's end.
func (c *company) serve(t testing.TB, addr string) (s *Server, stop func()) {
	t.Helper()
	s, err := New(Config{Addr: addr, vouched: &everybody, Access: sealing{}, Fleet: c, History: c, Feed: c, Stories: stories(), Dispatch: c.dispatch, Operations: c.operations, Trace: c.trace, Lookup: c.lookup, Sagas: c.sagas, Holds: c.holds, Now: c.now, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	select {
	case <-s.Ready():
	case err := <-done:
		t.Fatal(err)
	}
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	return s, stop
}

// everybody has every role. The pages' own tests are by them; who may see what
// is tested apart.
var everybody = people.Person{ID: "everybody", Name: "Every Body", Roles: policy.Roles}

// sealing has the key that forms are marked with, and nobody signs in by it.
type sealing struct{ Access }

func (sealing) Key(context.Context, string) ([]byte, error) { return make([]byte, 32), nil }
