package carrier

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"frostline/hub/fact"
)

const (
	// MaxMessage is how many bytes a message can have.
	MaxMessage = 256 << 10
	maxEvents  = 1000
)

// Notice is one event of a message, as it is understood here.
type Notice struct {
	ID        string         `json:"id"`        // the same each time that it is told
	Reference string         `json:"reference"` // see Incoming.Reference
	Code      string         `json:"code"`
	Means     Meaning        `json:"means"`
	At        int64          `json:"at"`            // UTC, Unix ms
	ETA       int64          `json:"eta,omitempty"` // likewise
	Position  *fact.Position `json:"position,omitempty"`
}

// Read understands a message. The error says of all events what cannot be
// understood of them, with place, value and remedy; the others are given all
// the same.
func (m *Mapping) Read(body []byte) ([]Notice, error) {
	if m.Incoming == nil {
		return nil, errors.New("incoming: the mapping does not say what they send")
	}
	if len(body) > MaxMessage {
		return nil, fmt.Errorf("message of %d bytes: want at most %d", len(body), MaxMessage)
	}
	root, err := parse(body)
	if err != nil {
		return nil, err
	}
	events := []any{root}
	if p := m.Incoming.Events; p != "" {
		v, ok := at(root, p)
		list, isList := v.([]any)
		if !ok || !isList {
			return nil, fmt.Errorf("events %s: there is no list; look whether this is another kind of message", p)
		}
		events = list
	}
	if len(events) == 0 || len(events) > maxEvents {
		return nil, fmt.Errorf("events: %d of them; want 1 to %d", len(events), maxEvents)
	}
	var all []Notice
	var errs []error
	for i, e := range events {
		n, err := m.notice(e)
		if err != nil {
			errs = append(errs, fmt.Errorf("event %d: %w", i, err))
			continue
		}
		all = append(all, n)
	}
	return all, errors.Join(errs...)
}

// parse reads JSON strictly, numbers as they are written.
func parse(body []byte) (any, error) {
	if !jsontext.Value(body).IsValid() { // also where a name is there twice
		return nil, errors.New("message: is not JSON in UTF-8 with each name once")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var root any
	if err := d.Decode(&root); err != nil {
		return nil, fmt.Errorf("message: %w", err)
	}
	return root, nil
}

// at follows a JSON pointer.
func at(v any, pointer string) (any, bool) {
	for name := range jsontext.Pointer(pointer).Tokens() {
		switch in := v.(type) {
		case map[string]any:
			next, ok := in[name]
			if !ok {
				return nil, false
			}
			v = next
		case []any:
			i, err := strconv.ParseUint(name, 10, 31)
			if err != nil || i >= uint64(len(in)) {
				return nil, false
			}
			v = in[i]
		default:
			return nil, false
		}
	}
	return v, v != nil
}

// text gives what a pointer leads to as a text; "" for nothing.
func text(e any, pointer string) string {
	if pointer == "" {
		return ""
	}
	switch v, _ := at(e, pointer); v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// notice understands one event.
func (m *Mapping) notice(e any) (Notice, error) {
	in, p := m.Incoming, m.Incoming.Fields
	n := Notice{Reference: text(e, p.Shipment), Code: text(e, p.Status)}
	if n.Code == "" {
		return n, fmt.Errorf("status %s: is missing", p.Status)
	}
	code := n.Code
	means, known := in.Statuses[code]
	if sub := text(e, p.SubStatus); sub != "" {
		if more, ok := in.Statuses[code+"."+sub]; ok {
			means, known, n.Code = more, true, code+"."+sub
		}
	}
	if !known {
		return n, fmt.Errorf("status %s %q: is not in the mapping; add it to statuses, then have the message tried again", p.Status, short(n.Code))
	}
	if n.Means = means; means.Ignore {
		return n, nil
	}
	if n.Reference == "" || len(n.Reference) > 200 {
		return n, fmt.Errorf("shipment %s: is missing or too long", p.Shipment)
	}
	v, ok := at(e, p.Time)
	if !ok {
		return n, fmt.Errorf("time %s: is missing", p.Time)
	}
	var err error
	if n.At, err = m.instant(v); err != nil {
		return n, fmt.Errorf("time %s: %w", p.Time, err)
	}
	if v, ok := at(e, p.ETA); ok && p.ETA != "" && v != "" {
		if n.ETA, err = m.instant(v); err != nil {
			return n, fmt.Errorf("eta %s: %w", p.ETA, err)
		}
	}
	if n.Position, err = m.position(e); err != nil {
		return n, err
	}
	id := text(e, p.ID)
	if id == "" {
		id = fmt.Sprintf("%q %q %d %d", n.Reference, n.Code, n.At, n.ETA)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q", m.Carrier, id))
	n.ID = hex.EncodeToString(sum[:16])
	return n, nil
}

// position reads where it was; nil where the event does not tell, or tells where
// a delivery ended.
func (m *Mapping) position(e any) (*fact.Position, error) {
	p := m.Incoming.Fields
	if p.Latitude == "" {
		return nil, nil
	}
	lat, lng := text(e, p.Latitude), text(e, p.Longitude)
	if lat == "" || lng == "" {
		return nil, nil
	}
	number := func(field, s string, scale, most float64) (int64, error) {
		x, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsNaN(x) || math.Abs(x) > most {
			return 0, fmt.Errorf("%s: is no number up to %v", field, most)
		}
		return int64(math.Round(x * scale)), nil
	}
	var out fact.Position
	var err error
	if out.Latitude, err = number("latitude "+p.Latitude, lat, 1e7, 90); err != nil {
		return nil, err
	}
	if out.Longitude, err = number("longitude "+p.Longitude, lng, 1e7, 180); err != nil {
		return nil, err
	}
	if out.Latitude == 0 && out.Longitude == 0 {
		return nil, nil // what devices say that have no fix
	}
	out.Accuracy = int64(p.AssumedAccuracy) * 1000
	if s := text(e, p.Accuracy); s != "" {
		if out.Accuracy, err = number("accuracy "+p.Accuracy, s, 1000, 1e6); err != nil {
			return nil, err
		}
	} else if p.AssumedAccuracy == 0 {
		return nil, nil // no fix whose accuracy nobody knows
	}
	return &out, out.Check()
}
