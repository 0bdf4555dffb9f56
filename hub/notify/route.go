package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"frostline/hub/event"
	"frostline/hub/fact"
)

// Channels.
const (
	Email = "email"
	Hook  = "webhook"
)

// route gives the deliveries of an event: none where it is told to nobody.
// lost is true where somebody should be told and no policy fits. It depends on
// the event and the configuration alone.
func (c *Config) route(e event.Event) (all []Delivery, lost bool, err error) {
	if e.Type == fact.NoticeWasGiven {
		return c.routeNotice(e)
	}
	if !strings.HasPrefix(e.Type, "excursion.") {
		return nil, false, nil
	}
	m, err := compose(e, c.Link)
	if err != nil {
		return nil, false, err
	}
	why := map[string]string{} // target to rule
	var order []string
	add := func(rule string, targets []string) {
		for _, t := range targets {
			if _, ok := why[t]; !ok {
				why[t] = rule
				order = append(order, t)
			}
		}
	}
	if told(e.Type, m) {
		p := c.policy(m.Severity, m.Kind)
		if p == nil {
			lost = true
		} else {
			level := min(max(m.Level, 1), len(p.Levels))
			add(fmt.Sprintf("policy %q, level %d", p.Name, level), p.Levels[level-1].Notify)
			if slices.Contains(m.Effects, "retracted") {
				add(fmt.Sprintf("policy %q, inform", p.Name), p.Inform)
			}
		}
	}
	for _, w := range c.Webhooks {
		if slices.Contains(w.Events, e.Type) {
			add("events of the webhook", []string{"webhook:" + w.Name})
		}
	}
	all, err = c.deliveries(e, m, order, why)
	return all, lost, err
}

// deliveries makes those of all targets, of two that are the same recipient one.
func (c *Config) deliveries(e event.Event, m message, targets []string, why map[string]string) (all []Delivery, err error) {
	at := time.UnixMilli(e.At)
	seen := map[string]bool{}
	for _, t := range targets {
		d, err := c.delivery(e, m, t, why[t], at)
		if err != nil {
			return nil, err
		}
		if !seen[d.ID] {
			seen[d.ID] = true
			all = append(all, d)
		}
	}
	return all, nil
}

// told reports whether an event is one that the policies speak of: the
// excursion is new, worse, reopened, gone, or was not acknowledged in time. One
// that only goes on is not told again.
func told(typ string, m message) bool {
	switch typ {
	case fact.ExcursionWasOpened, fact.ExcursionWasEscalated:
		return true
	case fact.ExcursionWasRevised:
		return slices.ContainsFunc(m.Effects, func(s string) bool { return slices.Contains(newsworthy, s) })
	}
	return false
}

// delivery makes that of one target.
func (c *Config) delivery(e event.Event, m message, target, why string, at time.Time) (Delivery, error) {
	kind, name, _ := strings.Cut(target, ":")
	if kind == "schedule" {
		for i := range c.Schedules {
			if c.Schedules[i].Name == name {
				why += fmt.Sprintf(", on call by %q", name)
				kind, name = "contact", c.Schedules[i].OnCall(at)
				break
			}
		}
	}
	d := Delivery{
		Position: e.Position, Event: e.ID, Type: e.Type, About: m.Case, Recipient: name, Why: why, Subject: m.Subject,
		Channel: Email, Body: m.Text, Thread: m.Case, Members: 1, of: m,
	}
	if kind == "webhook" {
		d.Channel = Hook
		body, err := c.cloudEvent(e, m)
		if err != nil {
			return d, err
		}
		d.Body = body
	} else {
		for _, k := range c.Contacts {
			if k.Name == name {
				d.Address = k.Email
			}
		}
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q", d.Event, d.Channel, d.Recipient))
	d.ID = "msg_" + hex.EncodeToString(sum[:16])
	return d, nil
}

// cloudEvent gives the body of a webhook: structured mode, JSON.
func (c *Config) cloudEvent(e event.Event, m message) (string, error) {
	ce := cloudevents.New(cloudevents.CloudEventsVersionV1)
	ce.SetID(e.ID)
	ce.SetSource(c.Source)
	ce.SetType("frostline." + e.Type)
	ce.SetSubject(m.Case)
	ce.SetTime(time.UnixMilli(e.At).UTC())
	ce.SetExtension("sequence", fmt.Sprintf("%020d", e.Position)) // CloudEvents' extension: later events have greater texts
	if err := ce.SetData(cloudevents.ApplicationJSON, m); err != nil {
		return "", fmt.Errorf("make cloud event of %s: %w", e.ID, err)
	}
	if err := ce.Validate(); err != nil {
		return "", fmt.Errorf("make cloud event of %s: %w", e.ID, err)
	}
	b, err := json.Marshal(ce)
	return string(b), err
}
