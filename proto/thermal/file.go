package thermal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gowebpki/jcs"
)

// MaxFile bounds a profile in a file, in bytes.
const MaxFile = 256 << 10

// ParseProfile reads a profile as people write it in JSON: durations may be
// texts such as "24h", "90m" or "30d" instead of milliseconds, and activation
// "83.144 kJ/mol" instead of J/mol. Version may be left out and is then 1, as
// may the timer of a limit (single), its severity (alarm), its name ("> 8 °C"),
// and an MKT rule's op (>) and anchor (last). Fields that it does not know and
// names used twice are refused. The profile is valid, and complete: what was
// left out is filled in.
func ParseProfile(b []byte) (Profile, error) {
	var p Profile
	if len(b) > MaxFile {
		return p, fmt.Errorf("profile: %d bytes: want at most %d", len(b), MaxFile)
	}
	if _, err := jcs.Transform(b); err != nil { // for names used twice
		return p, fmt.Errorf("profile: want one JSON object: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return p, fmt.Errorf("profile: want one JSON object: %w", err)
	}
	top, ok := tree.(map[string]any)
	if !ok {
		return p, errors.New("profile: want a JSON object with id, name, limits and longestGap")
	}
	if err := told(top); err != nil {
		return p, fmt.Errorf("profile: %w", err)
	}
	if err := plain(tree, ""); err != nil {
		return p, fmt.Errorf("profile: %w", err)
	}
	b, err := json.Marshal(tree)
	if err != nil {
		return p, fmt.Errorf("profile: %w", err)
	}
	d = json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return p, fmt.Errorf("profile: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return p, errors.New("profile: more than one JSON object")
	}
	p.complete()
	if err := p.Validate(); err != nil {
		return p, fmt.Errorf("profile %.80q: %w", p.ID, err)
	}
	return p, nil
}

// told fails where a temperature is left out that would be taken for 0 °C.
func told(top map[string]any) error {
	limits, _ := top["limits"].([]any)
	for i, l := range limits {
		if m, ok := l.(map[string]any); ok && m["at"] == nil {
			return fmt.Errorf("limits[%d] at: is missing: want degrees Celsius", i)
		}
	}
	if m, ok := top["mkt"].(map[string]any); ok && m["limit"] == nil {
		return errors.New("mkt limit: is missing: want degrees Celsius")
	}
	return nil
}

func (p *Profile) complete() {
	if p.Version == 0 {
		p.Version = 1
	}
	if p.Name == "" {
		p.Name = p.ID
	}
	for i := range p.Limits {
		l := &p.Limits[i]
		if l.Timer == "" {
			l.Timer = Single
		}
		if l.Severity == "" {
			l.Severity = Alarm
		}
		if l.Name == "" {
			l.Name = string(l.Op) + " " + l.At.String() + " °C"
		}
	}
	if p.MKT != nil {
		if p.MKT.Op == "" {
			p.MKT.Op = Above
		}
		if p.MKT.Anchor == "" {
			p.MKT.Anchor = AnchorLast
		}
	}
	if p.Activation == 0 && !p.Frozen {
		p.Activation = DefaultActivation
	}
}

// fields are the names that a profile has at any depth.
var fields = strings.Fields("id version name source low high limits mkt frozen activation budgets longestGap accuracy calibration" +
	" op at timer delay deadband severity limit window anchor above below allowed kind")

// plain refuses names that there are not, and turns durations and activations
// written as text into numbers, in place.
func plain(tree any, path string) error {
	switch t := tree.(type) {
	case []any:
		for i := range t {
			if err := plain(t[i], fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
	case map[string]any:
		for key, v := range t {
			at := strings.TrimPrefix(path+"."+key, ".")
			if !slices.Contains(fields, key) { // JSON of Go does not look at case
				return fmt.Errorf("%.80q: no field is called so", at)
			}
			s, ok := v.(string)
			if !ok {
				if err := plain(v, at); err != nil {
					return err
				}
				continue
			}
			var n int64
			var err error
			switch key {
			case "delay", "window", "allowed", "longestGap":
				n, err = ParseDuration(s)
			case "activation":
				n, err = parseActivation(s)
			default:
				continue
			}
			if err != nil {
				return fmt.Errorf("%s %w", at, err)
			}
			t[key] = json.Number(strconv.FormatInt(n, 10))
		}
	}
	return nil
}

// ParseDuration reads a duration such as "24h", "1h30m", "30d" or "1d12h" as
// milliseconds. It refuses what is negative or no whole number of them.
func ParseDuration(s string) (int64, error) {
	bad := fmt.Errorf("%.40q: want a duration such as 90s, 30m, 24h or 30d", s)
	days, rest := int64(0), strings.TrimSpace(s)
	if n, after, ok := strings.Cut(rest, "d"); ok {
		v, err := strconv.ParseUint(n, 10, 16)
		if err != nil {
			return 0, bad
		}
		days, rest = int64(v), after
	}
	if rest == "" && days > 0 {
		return days * day, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 || d%time.Millisecond != 0 {
		return 0, bad
	}
	return days*day + d.Milliseconds(), nil
}

func parseActivation(s string) (int64, error) {
	number, unit, _ := strings.Cut(strings.TrimSpace(s), " ")
	f, err := strconv.ParseFloat(number, 64)
	if unit = strings.TrimSpace(unit); unit == "kJ/mol" {
		f *= 1000
	} else if unit != "J/mol" {
		err = errors.New(unit)
	}
	if err != nil || !(f >= 0 && f <= 1e9) {
		return 0, fmt.Errorf("%.40q: want for example 83.144 kJ/mol", s)
	}
	return int64(f + 0.5), nil
}
