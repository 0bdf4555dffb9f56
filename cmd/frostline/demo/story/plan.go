// Package story tells the hub of a demonstration what people, scanners and
// pharmacy systems would: the company, its orders, packages and hand-overs, and
// what was done about excursions. It is a caller of the hub's own interface for
// programs and knows nothing that the hub should find out by itself.
package story

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

//go:embed company.yaml
var companyText []byte

//go:embed stories.yaml
var storiesText []byte

// company is what there is before any story.
type company struct {
	People []struct {
		ID     string   `yaml:"id"`
		Name   string   `yaml:"name"`
		Roles  []string `yaml:"roles"`
		Scopes []string `yaml:"scopes"`
	} `yaml:"people"`
	Partners []struct {
		ID     string   `yaml:"id"`
		Scopes []string `yaml:"scopes"`
	} `yaml:"partners"`
	Steps []step `yaml:"steps"`
}

// plot is what happened to one package.
type plot struct {
	Package string `yaml:"package"`
	Title   string `yaml:"title"`
	Tells   string `yaml:"tells"`
	Again   string `yaml:"again"`  // tells, where the demonstration goes on
	Expect  string `yaml:"expect"` // outcome of the verdict; "" for one that is under way
	Steps   []step `yaml:"steps"`
	Cases   []deed `yaml:"cases"`
}

// step is one call.
type step struct {
	Call string         `yaml:"call"` // method and path
	As   string         `yaml:"as"`   // person or partner; "" for whoever runs the demonstration
	Body map[string]any `yaml:"body"`
}

// deed is what people did about a case of one kind.
type deed struct {
	Kind  string `yaml:"kind"`
	Steps []struct {
		By   string         `yaml:"by"`
		Do   string         `yaml:"do"`
		Body map[string]any `yaml:"body"`
	} `yaml:"steps"`
}

func load() (c company, all []plot, err error) {
	var stories struct {
		Stories []plot `yaml:"stories"`
	}
	for name, part := range map[string]struct {
		text []byte
		into any
	}{"company.yaml": {companyText, &c}, "stories.yaml": {storiesText, &stories}} {
		if err := yaml.NewDecoder(bytes.NewReader(part.text), yaml.Strict()).Decode(part.into); err != nil {
			return c, nil, fmt.Errorf("read %s: %w", name, err)
		}
	}
	return c, stories.Stories, nil
}

// dated gives a body with every @3h10m as that long after begin, in Unix ms, and
// every @@3h10m as the same in the form that EPCIS has.
func dated(v any, begin time.Time) (any, error) {
	switch v := v.(type) {
	case string:
		after, ok := strings.CutPrefix(v, "@")
		if !ok {
			return v, nil
		}
		after, text := strings.CutPrefix(after, "@")
		d, err := time.ParseDuration(after)
		if err != nil {
			return nil, fmt.Errorf("time %q: want @ and a length of time, such as @3h10m", v)
		}
		at := begin.Add(d)
		if text {
			return at.UTC().Format("2006-01-02T15:04:05.000Z"), nil
		}
		return at.UnixMilli(), nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			y, err := dated(x, begin)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", k, err)
			}
			out[k] = y
		}
		return out, nil
	case []any:
		out := slices.Clone(v)
		for i, x := range v {
			y, err := dated(x, begin)
			if err != nil {
				return nil, fmt.Errorf("%d: %w", i, err)
			}
			out[i] = y
		}
		return out, nil
	}
	return v, nil
}
