package catalog

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"frostline/hub/event"
	"frostline/hub/fact"
)

// RecordChange is what somebody did to a record.
type RecordChange struct {
	Version  int64         `json:"version"`
	Position int64         `json:"position"` // in the event log
	EventID  string        `json:"eventId"`
	At       int64         `json:"at"` // hub's clock, UTC, Unix ms
	Actor    string        `json:"actor"`
	Reason   string        `json:"reason,omitempty"`
	What     string        `json:"what"` // entered, changed, retired, reinstated
	Fields   []FieldChange `json:"fields"`
}

// FieldChange is a field that changed, with its JSON before and after; nil where it
// was not there.
type FieldChange struct {
	Field string          `json:"field"` // names joined by points; lists are told whole
	Old   json.RawMessage `json:"old,omitempty"`
	New   json.RawMessage `json:"new,omitempty"`
}

// Trail gives up to limit changes of a record after a version, oldest first:
// everything that was ever done to it.
func (c *Catalog) Trail(ctx context.Context, ref fact.Ref, after int64, limit int) ([]RecordChange, error) {
	if _, err := c.Get(ctx, ref); err != nil {
		return nil, err
	}
	var (
		all     []RecordChange
		data    json.RawMessage
		retired bool
	)
	for version := int64(0); len(all) < limit; {
		events, err := c.o.Log.Stream(ctx, ref.String(), version, 1000)
		if err != nil {
			return nil, fmt.Errorf("trail of %s: %w", ref, err)
		}
		for _, e := range events {
			version = e.Version
			change, ok, err := changeOf(e, ref.Kind, data, retired)
			if err != nil {
				return nil, fmt.Errorf("trail of %s: event %s: %w", ref, e.ID, err)
			}
			if !ok {
				continue
			}
			if retired = change.What == "retired"; !retired {
				data = e.Data
			}
			if e.Version > after && len(all) < limit {
				all = append(all, change)
			}
		}
		if len(events) < 1000 {
			break
		}
	}
	return all, nil
}

// changeOf tells an event of a record's stream; ok is false for those that
// other contexts put there.
func changeOf(e event.Event, k fact.Kind, before json.RawMessage, retired bool) (c RecordChange, ok bool, err error) {
	c = RecordChange{Version: e.Version, Position: e.Position, EventID: e.ID, At: e.At, Actor: e.Actor, Reason: e.Reason, Fields: []FieldChange{}}
	switch {
	case e.Type == fact.RecordRetired:
		c.What = "retired"
		return c, true, nil
	case e.Type != fact.DefinedBy(k):
		return c, false, nil
	case before == nil:
		c.What = "entered"
	case retired:
		c.What = "reinstated"
	default:
		c.What = "changed"
	}
	c.Fields, err = differences(before, e.Data)
	return c, true, err
}

// differences lists the fields in which two JSON objects differ, by name. What
// was not there is like an empty object.
func differences(old, new json.RawMessage) ([]FieldChange, error) {
	x, err := flatten(old)
	if err != nil {
		return nil, err
	}
	y, err := flatten(new)
	if err != nil {
		return nil, err
	}
	out := []FieldChange{}
	for field, was := range x {
		if is, ok := y[field]; !ok || !bytes.Equal(was, is) {
			out = append(out, FieldChange{field, was, y[field]})
		}
	}
	for field, is := range y {
		if _, ok := x[field]; !ok {
			out = append(out, FieldChange{field, nil, is})
		}
	}
	slices.SortFunc(out, func(a, b FieldChange) int { return bytes.Compare([]byte(a.Field), []byte(b.Field)) })
	return out, nil
}

// flatten gives the fields of an object and of the objects in it. Data of
// events is canonical, so equal values have equal bytes.
func flatten(data json.RawMessage) (map[string]json.RawMessage, error) {
	out := map[string]json.RawMessage{}
	if data == nil {
		return out, nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, err
	}
	for name, value := range fields {
		if len(value) == 0 || value[0] != '{' {
			out[name] = value
			continue
		}
		inner, err := flatten(value)
		if err != nil {
			return nil, err
		}
		for field, v := range inner {
			out[name+"."+field] = v
		}
	}
	return out, nil
}
