package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// Own is what a gateway's own file gives, before defaults: the ground on which a
// desired state of the hub is laid; see [Own.Over]. The zero value is of no use:
// Read makes one.
type Own struct {
	config Config // the file's, and the sensors that were found
	host   string // the host's name, for the default id
	given  map[string]bool
	found  bool // the sensors are not the file's
}

// Read reads a file without filling in defaults, and checks everything. An empty
// path is a gateway without a file. assumed says in a sentence each what was not
// given and matters. An error about what is in the file is an *Error.
func Read(path string, h Host) (o Own, assumed []string, err error) {
	var text []byte
	if path != "" {
		f, err := os.Open(path)
		if err != nil {
			return o, nil, fmt.Errorf("configuration: %w: create it, or start without one", err)
		}
		defer f.Close()
		if text, err = io.ReadAll(io.LimitReader(f, maxFile+1)); err != nil {
			return o, nil, fmt.Errorf("configuration: %w", err)
		}
	}
	o, assumed, err = parseOwn(text, h)
	if e, ok := errors.AsType[*Error](err); ok {
		e.File = path
	}
	return o, assumed, err
}

// parseOwn is Read for a text.
func parseOwn(text []byte, h Host) (o Own, assumed []string, err error) {
	c, d := decode(text)
	_, given := d.lines["sensors"]
	o, assumed = fill(c, given || len(d.problems) > 0, h)
	o.given = map[string]bool{}
	for path := range d.lines {
		o.given[path] = true
	}
	if err := d.judge(o.Config()); err != nil {
		return o, nil, err
	}
	return o, assumed, nil
}

// judge adds to what is wrong with a text what is wrong with what it says, and
// gives all of it, or nil.
func (d *decoder) judge(c Config) error {
	// A field that could not be read is not judged again by its default.
	bad := map[string]bool{}
	for _, p := range d.problems {
		bad[p.Field] = true
	}
	for _, p := range c.Validate() {
		if covered(bad, p.Field) {
			continue
		}
		p.Line = d.line(p.Field)
		d.problems = append(d.problems, p)
	}
	if len(d.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(d.problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return &Error{Problems: d.problems}
}

// Config is the gateway's configuration by its own file, with defaults.
func (o Own) Config() Config { return o.config.WithDefaults(o.host) }

// WithData is o with another data directory.
func (o Own) WithData(dir string) Own {
	o.config.Data = dir
	return o
}
