package config

import (
	"fmt"
	"os"
	"strings"
)

// Host is what the defaults depend on. Tests have their own.
type Host struct {
	Name func() (string, error)
	// Find finds the sensors on the host's own buses, and says in a sentence
	// each what it did.
	Find func(w1Root string) ([]Sensor, []string)
}

// ThisHost is the host we run on.
func ThisHost() Host { return Host{Name: os.Hostname, Find: find} }

// Load reads a file, fills in defaults and checks everything. assumed says in a
// sentence each what was not given and matters. An error about what is in the
// file is an *Error.
func Load(path string, h Host) (c Config, assumed []string, err error) {
	o, assumed, err := Read(path, h)
	return o.Config(), assumed, err
}

// Parse is Load for a text.
func Parse(text []byte, h Host) (c Config, assumed []string, err error) {
	o, assumed, err := parseOwn(text, h)
	return o.Config(), assumed, err
}

// Default is the configuration of a gateway that has no file: its host's name,
// and the sensors that are found. assumed says so.
func Default(h Host) (c Config, assumed []string, err error) { return Parse(nil, h) }

// fill finds out what is not given, and says which defaults matter.
func fill(c Config, sensorsGiven bool, h Host) (Own, []string) {
	var assumed []string
	host := ""
	if c.Gateway == "" {
		name, err := h.Name()
		if err != nil {
			assumed = append(assumed, fmt.Sprintf("the host's name is not known (%v)", err))
		}
		host = name
	}
	if !sensorsGiven {
		found, how := h.Find(c.WithDefaults(host).W1Root)
		c.Sensors = found
		assumed = append(assumed, how...)
	}
	full := c.WithDefaults(host)
	if c.Gateway == "" {
		assumed = append(assumed, fmt.Sprintf("gateway id %s, from the host's name %q", full.Gateway, host))
	}
	if c.Data == "" {
		assumed = append(assumed, "data in "+full.Data)
	}
	if len(full.Sensors) == 0 {
		assumed = append(assumed, "no sensors: nothing will be read")
	}
	return Own{config: c, host: host, found: !sensorsGiven}, assumed
}

// covered says whether the field, or one it lies in, is among the bad.
func covered(bad map[string]bool, field string) bool {
	for {
		if bad[field] || bad["file"] {
			return true
		}
		i := strings.LastIndexAny(field, ".[")
		if i < 0 {
			return false
		}
		field = field[:i]
	}
}

// line is the line of a field, or of the one it is missing from.
func (d *decoder) line(field string) int {
	for {
		if n, ok := d.lines[field]; ok {
			return n
		}
		i := strings.LastIndexAny(field, ".[")
		if i < 0 {
			return 0
		}
		field = field[:i]
	}
}
