package config

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"frostline/edge/sensor"
	"frostline/proto/topic"
)

// maxSensors bounds what one gateway reads.
const maxSensors = 512

var sensorID = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// Validate tells all that is wrong with a configuration that has its defaults.
// It looks at nothing but c: buses and files need not exist.
func (c Config) Validate() []Problem {
	v := &validator{}
	if topic.CheckGateway(c.Gateway) != nil {
		v.add("gateway", c.Gateway, "want 3 to 40 characters of a-z, 0-9 and '-'")
	}
	v.directory("data", c.Data)
	v.directory("w1-root", c.W1Root)
	if a := c.Hub.Address; a != "" && !hostPort(a) {
		v.add("hub.address", a, "want host:port, such as hub.example:8883")
	}
	if e := c.Hub.Enrol; e != "" {
		if u, err := url.Parse(e); err != nil || u.Scheme != "https" || u.Host == "" {
			v.add("hub.enrol", e, "want a URL with https, such as https://hub.example:8884")
		}
	}
	v.panel(c)
	j := c.Journal
	v.size("journal.max-size", j.MaxSize, 1<<20, 1<<40)
	v.size("journal.segment-size", j.SegmentSize, 64<<10, 64<<20)
	v.size("journal.memory", j.Memory, 64<<10, 1<<30)
	if j.SegmentSize <= 64<<20 && j.SegmentSize > j.MaxSize/4 {
		v.add("journal.segment-size", j.SegmentSize.String(), "want at most a quarter of max-size, which is "+j.MaxSize.String())
	}
	v.span("journal.group-wait", j.GroupWait, 0, 10*time.Second)
	v.span("journal.keep-acknowledged", j.KeepAcknowledged, 0, 365*24*time.Hour)
	v.update(c.Update)
	if len(c.Sensors) > maxSensors {
		v.add("sensors", strconv.Itoa(len(c.Sensors)), fmt.Sprintf("one gateway reads at most %d sensors: spread them", maxSensors))
	}
	v.sensors(c.Sensors)
	v.watches(c)
	v.packages(c)
	v.indicators(c)
	return v.problems
}

type validator struct{ problems []Problem }

func (v *validator) add(field, value, remedy string) {
	v.problems = append(v.problems, Problem{Field: field, Value: value, Remedy: remedy})
}

func (v *validator) directory(field, value string) {
	if !filepath.IsAbs(value) || strings.ContainsRune(value, 0) {
		v.add(field, value, "want an absolute path, such as /var/lib/frostline-edge")
	}
}

func (v *validator) size(field string, value, low, high Size) {
	if value < low || value > high {
		v.add(field, value.String(), fmt.Sprintf("want %v to %v", low, high))
	}
}

func (v *validator) span(field string, value, low, high time.Duration) {
	if value < low || value > high || value%time.Millisecond != 0 {
		v.add(field, value.String(), fmt.Sprintf("want %v to %v in whole milliseconds", low, high))
	}
}

func (v *validator) sensors(all []Sensor) {
	ids, places, lines := map[string]int{}, map[string]int{}, map[string]int{}
	for i, s := range all {
		at := fmt.Sprintf("sensors[%d].", i)
		if !sensorID.MatchString(s.ID) {
			v.add(at+"id", s.ID, "want 1 to 63 characters of a-z, 0-9, '.', '_' and '-', the first a letter or digit")
		} else if first, twice := ids[s.ID]; twice {
			v.add(at+"id", s.ID, fmt.Sprintf("sensors[%d] has that id already: rename one", first))
		} else {
			ids[s.ID] = i
		}
		problems := sensor.Check(s.Spec())
		for _, p := range problems {
			v.add(at+p.Field, p.Value, p.Remedy)
		}
		if len(problems) == 0 {
			v.calibration(at, s)
		}
		v.span(at+"interval", s.Interval, 100*time.Millisecond, 24*time.Hour)
		if len(problems) > 0 {
			continue // without a driver nobody knows how long it takes
		}
		if s.Driver == "modbus" { // whose units share a line, and so its settings
			if first, shared := lines[s.Bus]; !shared {
				lines[s.Bus] = i
			} else if o, f := s.Options, all[first].Options; o.Baud != f.Baud || o.Parity != f.Parity {
				v.add(at+"options.baud", fmt.Sprintf("%d %s", o.Baud, o.Parity), fmt.Sprintf("sensors[%d] is on the same line and has %d %s: give both the same baud and parity", first, f.Baud, f.Parity))
			}
		}
		place := s.Spec().Place()
		if first, twice := places[place]; twice {
			v.add(at+"address", s.Address, fmt.Sprintf("sensors[%d] is the same sensor: remove one", first))
		} else {
			places[place] = i
		}
		v.timing(at, s)
	}
}

// timing checks interval and timeout against the time a sensor takes.
func (v *validator) timing(at string, s Sensor) {
	const least = 10 * time.Millisecond
	lead := s.Spec().Lead()
	switch {
	case s.Interval < 100*time.Millisecond || s.Interval > 24*time.Hour:
	case s.Interval < lead+least:
		v.add(at+"interval", s.Interval.String(), fmt.Sprintf("this sensor takes %v to measure: want at least %v", lead, (lead+least).Round(100*time.Millisecond)+100*time.Millisecond))
	default:
		v.span(at+"timeout", s.Timeout, least, s.Interval-lead)
	}
}

// hostPort says whether s is a host and a port between 1 and 65535.
func hostPort(s string) bool {
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" || strings.ContainsAny(host, " /") {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}
