package agent

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"frostline/edge/guard"
	"frostline/edge/sampler"
	"frostline/edge/scan"
	"frostline/proto/reading"
	"frostline/proto/thermal"
)

// Package is a package whose storage profile the gateway was told. It is watched
// by it while it is aboard, by the sensors of what it is in; one with several
// profiles is there for each.
type Package struct {
	ID      string // as its code names it: label, SSCC
	Profile thermal.Profile
}

// maxOwn bounds the packages aboard that are watched by profiles of their own.
const maxOwn = 256

// watching gives what is to be watched while some packages are aboard: the
// watches of before, but for those that are for packages where there are none,
// and each package that has a profile of its own. over is how many packages with
// profiles of their own are too many.
func watching(watches []guard.Watch, packages []Package, aboard []scan.Aboard) (out []guard.Watch, over int) {
	plain := map[string]bool{} // watches by which packages are watched
	var own []guard.Watch
	names := map[string]bool{}
	for _, w := range watches {
		names[w.Name] = true
	}
	for _, a := range aboard {
		w := beside(watches, a.Target)
		if w == nil {
			continue
		}
		known := false
		for _, p := range packages {
			if p.ID != a.Subject.Value {
				continue
			}
			known = true
			if same(p.Profile, w.Profile) {
				plain[w.Name] = true
				continue
			}
			if len(own) >= maxOwn {
				over++
				plain[w.Name] = true
				continue
			}
			name := p.ID
			if names[name] {
				name = "package/" + p.ID
			}
			if names[name] {
				name += "/" + p.Profile.ID
			}
			names[name] = true
			own = append(own, guard.Watch{Name: name, Profile: p.Profile, Sensors: w.Sensors, UnknownAfter: w.UnknownAfter})
		}
		if !known {
			plain[w.Name] = true
		}
	}
	for _, w := range watches {
		if !w.WhenAboard || plain[w.Name] {
			out = append(out, w)
		}
	}
	return append(out, own...), over
}

// beside is the watch whose sensors vouch for what a package is in, by KIND/ID.
func beside(watches []guard.Watch, target string) *guard.Watch {
	kind, id, _ := strings.Cut(target, "/")
	if kind != "compartment" && kind != "zone" {
		return nil
	}
	i := slices.IndexFunc(watches, func(w guard.Watch) bool { return w.Name == id })
	if i < 0 {
		return nil
	}
	return &watches[i]
}

func same(a, b thermal.Profile) bool {
	x, err1 := a.Digest()
	y, err2 := b.Digest()
	return err1 == nil && err2 == nil && x == y
}

// effective is what a stage watches now. It says when not all packages can be
// watched by their own profiles.
func (a *agent) effective(s *stage) []guard.Watch {
	var aboard []scan.Aboard
	if a.scanner != nil {
		aboard = a.scanner.Aboard()
	}
	r := s.rules.Load()
	out, over := watching(r.watches, r.packages, aboard)
	if over > 0 {
		a.trouble("guard", fmt.Errorf("%d packages aboard have storage profiles of their own that are not watched, beyond %d: their compartments' are", over, maxOwn))
	}
	return out
}

// rewatch has the guard watch what is aboard now.
func (a *agent) rewatch() {
	if a.guard == nil { // it is not made yet, and begins with what is aboard
		return
	}
	if err := a.watch(a.stage()); err != nil {
		a.trouble("guard", fmt.Errorf("what is aboard is not watched: %w", err))
	}
}

// watch has the guard watch what is aboard now, by a stage's sensors.
func (a *agent) watch(s *stage) error {
	a.watching.Lock()
	defer a.watching.Unlock()
	watches := a.effective(s)
	err := a.guard.Set(watches, s.thermometers())
	if err == nil {
		a.watched.Store(&watches)
	}
	return err
}

// isWatched tells whether the guard watches a package that is aboard.
func (a *agent) isWatched(p scan.Aboard) bool {
	w := beside(a.stage().rules.Load().watches, p.Target)
	if w == nil {
		return false
	}
	now := *a.watched.Load()
	return slices.ContainsFunc(now, func(x guard.Watch) bool {
		own := "package/" + p.Subject.Value
		return x.Name == w.Name || x.Name == p.Subject.Value || x.Name == own || strings.HasPrefix(x.Name, own+"/")
	})
}

// around measures what is around a scan.
type around struct{ *agent }

// Temperature implements scan.Surroundings: of the sensors that vouch, in the
// order of the configuration, the first that has answered well just now.
func (a around) Temperature(target string) *scan.Measured {
	s := a.stage()
	w := beside(s.rules.Load().watches, target)
	if w == nil {
		return nil
	}
	latest := s.sampler.Latest()
	for _, id := range w.Sensors {
		for _, x := range latest {
			if x.Sensor == id && x.Quantity == reading.Temperature && a.present(s, x) {
				return &scan.Measured{Value: thermal.Temp(x.Last.Value), Sensor: id, Boottime: x.Last.Tick}
			}
		}
	}
	return nil
}

// Position implements scan.Surroundings.
func (a around) Position() (*scan.Fix, string) {
	s := a.stage()
	why := "no receiver"
	latest := s.sampler.Latest()
	for _, x := range latest {
		if x.Quantity != reading.Latitude {
			continue
		}
		why = "no fix"
		of := func(q reading.Quantity) (int64, bool) {
			i := slices.IndexFunc(latest, func(y sampler.State) bool { return y.Sensor == x.Sensor && y.Quantity == q })
			if i < 0 || latest[i].Last.Tick != x.Last.Tick || !a.present(s, latest[i]) {
				return 0, false
			}
			return latest[i].Last.Value, true
		}
		lat, ok1 := of(reading.Latitude)
		lon, ok2 := of(reading.Longitude)
		off, ok3 := of(reading.PositionError)
		if ok1 && ok2 && ok3 && off > 0 {
			return &scan.Fix{Latitude: lat, Longitude: lon, Accuracy: off, Sensor: x.Sensor, Boottime: x.Last.Tick}, ""
		}
	}
	return nil, why
}

// present says that a sensor's last reading is good and of now.
func (a around) present(s *stage, x sampler.State) bool {
	if !x.Taken || x.Last.Quality != reading.OK {
		return false
	}
	i := slices.IndexFunc(s.sensors, func(c Sensor) bool { return c.ID == x.Sensor })
	if i < 0 {
		return false
	}
	age := time.Duration(a.clock.Now()-x.Last.Tick) * time.Millisecond
	return age <= 2*s.sensors[i].Interval+s.sensors[i].Timeout
}
