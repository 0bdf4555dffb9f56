package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"frostline/proto/simbus"
	"frostline/proto/thermal"
)

// Watch says how what lies beside some sensors is to be kept: the gateway itself
// alarms when it is not, or when it cannot tell.
type Watch struct {
	// ID names what is watched: a compartment, or a token of a package, which
	// says nothing of its contents or its patient. 1 to 64 of letters, digits,
	// '.', '_', ':' and '-', beginning with a letter or digit, unique. Required.
	ID string `yaml:"id"`

	// Label is what people read in the place of the id, at most 60 printable
	// characters: Box B, Walk-in 2. It must name no patient. Default: the id.
	Label string `yaml:"label"`

	// Profile is the storage profile: the name of a ready-made one, an absolute
	// path of a file, or the JSON of one. Required.
	Profile string `yaml:"profile"`

	// Sensors are the ids of the thermometers that vouch, each on its own.
	// Required.
	Sensors []string `yaml:"sensors"`

	// UnknownAfter is how long a sensor may give nothing usable before that is
	// an alarm, 0s to 24h. Default 0s, at once.
	UnknownAfter time.Duration `yaml:"unknown-after"`

	// When is always, or aboard: only while a package without a profile of its
	// own is in it by a scan at this gateway. Default always.
	When string `yaml:"when"`
}

// Indicator is a lamp or a buzzer on an output of the gateway.
type Indicator struct {
	// Line is the GPIO line: GPIO22, or a simulated one. Required, unique, and
	// no sensor's.
	Line string `yaml:"line"`

	// Kind is lamp or buzzer. Default lamp.
	Kind string `yaml:"kind"`

	// Active is the level of the line that switches it on, high or low.
	// Default high.
	Active string `yaml:"active"`
}

// When something is watched.
const (
	WatchAlways = "always"
	WatchAboard = "aboard"
)

// Limits of lists.
const (
	maxWatches    = 256
	maxIndicators = 8
	maxProfile    = 16 << 10 // bytes of a profile in the configuration itself
)

var watchID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$`)

// ReadProfile gives the storage profile, and reads its file where it is in one.
func (w Watch) ReadProfile() (thermal.Profile, error) {
	p, err := w.readProfile()
	if err != nil {
		return p, fmt.Errorf("watch %s: %w", w.ID, err)
	}
	return p, nil
}

func (w Watch) readProfile() (p thermal.Profile, err error) {
	switch {
	case strings.HasPrefix(strings.TrimSpace(w.Profile), "{"):
		return thermal.ParseProfile([]byte(w.Profile))
	case !filepath.IsAbs(w.Profile):
		return thermal.Named(w.Profile)
	}
	f, err := os.Open(w.Profile)
	if err != nil {
		return p, fmt.Errorf("profile: %w: create the file, or name a ready-made profile", err)
	}
	b, err := io.ReadAll(io.LimitReader(f, thermal.MaxFile+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return p, fmt.Errorf("profile: %w", err)
	}
	if p, err = thermal.ParseProfile(b); err != nil {
		return p, fmt.Errorf("%s: %w", w.Profile, err)
	}
	return p, nil
}

// watches checks what is watched. Files of profiles are not looked at.
func (v *validator) watches(c Config) {
	if len(c.Watches) > maxWatches {
		v.add("watches", strconv.Itoa(len(c.Watches)), fmt.Sprintf("one gateway watches at most %d: leave some out", maxWatches))
	}
	ids := map[string]int{}
	for i, w := range c.Watches {
		at := fmt.Sprintf("watches[%d].", i)
		if !watchID.MatchString(w.ID) {
			v.add(at+"id", w.ID, "want 1 to 64 letters, digits, '.', '_', ':' and '-', the first a letter or digit")
		} else if first, twice := ids[w.ID]; twice {
			v.add(at+"id", w.ID, fmt.Sprintf("watches[%d] has that id already: rename one", first))
		} else {
			ids[w.ID] = i
		}
		v.label(at+"label", w.Label)
		switch {
		case w.Profile == "":
			v.add(at+"profile", "", "it is missing: want a ready-made profile such as refrigerated, or the absolute path of a file")
		case len(w.Profile) > maxProfile:
			v.add(at+"profile", fmt.Sprint(len(w.Profile), " bytes"), fmt.Sprintf("want at most %d bytes: put it into a file", maxProfile))
		case !filepath.IsAbs(w.Profile):
			if _, err := w.readProfile(); err != nil {
				v.add(at+"profile", clip(w.Profile), err.Error())
			}
		}
		if len(w.Sensors) == 0 {
			v.add(at+"sensors", "", "it is missing: want a list of the ids of thermometers")
		}
		for k, id := range w.Sensors {
			field := fmt.Sprintf("%ssensors[%d]", at, k)
			s := slices.IndexFunc(c.Sensors, func(s Sensor) bool { return s.ID == id })
			switch {
			case s < 0:
				v.add(field, id, "no sensor has that id: want one of "+strings.Join(thermometers(c.Sensors), ", "))
			case !c.Sensors[s].Spec().Thermometer():
				v.add(field, id, "it measures no temperature: want one of "+strings.Join(thermometers(c.Sensors), ", "))
			case slices.Index(w.Sensors, id) < k:
				v.add(field, id, "it is there twice: give it once")
			}
		}
		if w.When != WatchAlways && w.When != WatchAboard {
			v.add(at+"when", w.When, "want always or aboard")
		}
		v.span(at+"unknown-after", w.UnknownAfter, 0, 24*time.Hour)
	}
}

func thermometers(all []Sensor) (ids []string) {
	for _, s := range all {
		if s.Spec().Thermometer() {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

func (v *validator) indicators(c Config) {
	if len(c.Indicators) > maxIndicators {
		v.add("indicators", strconv.Itoa(len(c.Indicators)), fmt.Sprintf("want at most %d", maxIndicators))
	}
	for i, x := range c.Indicators {
		at := fmt.Sprintf("indicators[%d].", i)
		if x.Line == "" {
			v.add(at+"line", "", "it is missing: want a GPIO line such as GPIO22")
		} else if simbus.IsSim(x.Line) {
			if _, err := simbus.ParseName(x.Line); err != nil {
				v.add(at+"line", x.Line, "want a GPIO line such as GPIO22, or sim:unix:PATH/gpio-22")
			}
		}
		if first := slices.IndexFunc(c.Indicators, func(o Indicator) bool { return o.Line == x.Line }); first < i {
			v.add(at+"line", x.Line, fmt.Sprintf("indicators[%d] is on that line: choose another", first))
		}
		if s := slices.IndexFunc(c.Sensors, func(s Sensor) bool { return s.Bus == x.Line }); s >= 0 {
			v.add(at+"line", x.Line, fmt.Sprintf("sensors[%d] is on that line: choose another", s))
		}
		if x.Kind != "lamp" && x.Kind != "buzzer" {
			v.add(at+"kind", x.Kind, "want lamp or buzzer")
		}
		if x.Active != "high" && x.Active != "low" {
			v.add(at+"active", x.Active, "want high or low")
		}
	}
}

// clip bounds a value in a message.
func clip(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}
