package carrier

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
)

const (
	maxFile     = 256 << 10
	maxStatuses = 500
	// MaxCarriers is how many partners a hub can have.
	MaxCarriers = 100
)

// Load reads a mapping file and the secrets that it names.
func Load(path string) (*Mapping, error) {
	b, err := read(path)
	if err != nil {
		return nil, err
	}
	m, err := Parse(b)
	if err == nil {
		err = m.secrets()
	}
	if err != nil {
		return nil, fmt.Errorf("carriers: %s: %w", path, err)
	}
	return m, nil
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("carriers: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("%s has more than %d bytes", path, maxFile)
	}
	if err != nil {
		return nil, fmt.Errorf("carriers: %w", err)
	}
	return b, nil
}

// LoadAll reads the files of all partners: all of them, or none where something
// is wrong with any.
func LoadAll(paths []string) ([]*Mapping, error) {
	if len(paths) > MaxCarriers {
		return nil, fmt.Errorf("carriers: %d files; want at most %d", len(paths), MaxCarriers)
	}
	var all []*Mapping
	var errs []error
	from := map[string]string{}
	for _, p := range paths {
		m, err := Load(p)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if first, twice := from[m.Carrier]; twice {
			errs = append(errs, fmt.Errorf("carriers: %s: carrier %q: is in %s already", p, m.Carrier, first))
		}
		from[m.Carrier] = p
		all = append(all, m)
	}
	return all, errors.Join(errs...)
}

// Parse reads a mapping and checks it, without the secrets that it names. Its
// error lists everything that is wrong, each with field, value and remedy.
func Parse(b []byte) (*Mapping, error) {
	m := new(Mapping)
	if err := yaml.NewDecoder(bytes.NewReader(b), yaml.Strict()).Decode(m); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the file is empty; frostline carriers example prints one to begin with")
		}
		return nil, err
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	return m, nil
}

// Check reads a mapping file for a person, and the secrets that it names only
// where it is told to.
func Check(path string, secrets bool) (*Mapping, error) {
	if secrets {
		return Load(path)
	}
	b, err := read(path)
	if err != nil {
		return nil, err
	}
	m, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("carriers: %s: %w", path, err)
	}
	return m, nil
}

// Does says in words what a mapping provides for.
func (m *Mapping) Does() (all []string) {
	if m.Incoming != nil {
		all = append(all, fmt.Sprintf("sends %d statuses to /carriers/%s/webhook", len(m.Incoming.Statuses), m.Carrier))
	}
	if m.Booking != nil {
		cancel := "cancelled by telephone"
		if m.Booking.Cancel != nil {
			cancel = "cancelled by program"
		}
		all = append(all, "is booked, and "+cancel)
	}
	if m.Tasks != nil {
		all = append(all, fmt.Sprintf("is told of %s of %s tasks", strings.Join(m.Tasks.Triggers, ", "), m.Tasks.Of))
	}
	return all
}

// String says in words what a status comes to.
func (s Meaning) String() string {
	var all []string
	if s.Stop != "" {
		all = append(all, s.At+" "+s.Stop)
	}
	if s.Route != "" {
		all = append(all, "route "+s.Route)
	}
	if s.Shipment != "" {
		all = append(all, "shipment "+s.Shipment)
	}
	if s.Ignore {
		return "nothing"
	}
	return strings.Join(all, ", ")
}
