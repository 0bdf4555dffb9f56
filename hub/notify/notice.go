package notify

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"frostline/hub/event"
	"frostline/hub/fact"
)

// Told says who is told of what sagas do. Patients and prescribers are told by
// webhook alone, of a program that knows whom a token stands for.
type Told struct {
	Audience string   `yaml:"audience"` // qa, dispatch, patient, prescriber
	Notify   []string `yaml:"notify"`   // contact:NAME, schedule:NAME or webhook:NAME
}

func (t Told) validate(names map[string]bool) error {
	if !slices.Contains(fact.Audiences, t.Audience) {
		return fmt.Errorf("audience %q: want one of %v", t.Audience, fact.Audiences)
	}
	if len(t.Notify) == 0 {
		return fmt.Errorf("notify: want at least one of contact:NAME, schedule:NAME and webhook:NAME")
	}
	if err := checkTargets(t.Notify, names); err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	for _, n := range t.Notify {
		if outside(t.Audience) && !strings.HasPrefix(n, "webhook:") {
			return fmt.Errorf("notify: %q: a %s is known by a token only: name a webhook:NAME", n, t.Audience)
		}
	}
	return nil
}

func outside(audience string) bool { return audience == "patient" || audience == "prescriber" }

// audience gives whom a notice is for. Where nothing is configured for quality
// and dispatch, they are those who are told of alarms first.
func (c *Config) audience(of string) (targets []string, why string) {
	for _, t := range c.Sagas {
		if t.Audience == of {
			targets = append(targets, t.Notify...)
		}
	}
	if p := c.policy("alarm", fact.BrokenLimit); len(targets) == 0 && !outside(of) && p != nil {
		return p.Levels[0].Notify, fmt.Sprintf("policy %q, level 1", p.Name)
	}
	return targets, "notices for " + of
}

// words are what a notice says, and what is to be done.
var words = map[string]struct{ what, todo string }{
	"held":        {"in quarantine after an excursion", "Quality: decide about it. Dispatch: it is not delivered before quality has."},
	"reminder":    {"still in quarantine: nobody has decided about it", "Look into the excursion, and sign a disposition."},
	"released":    {"released", "It may be delivered."},
	"replaced":    {"rejected, and replaced", "Dispatch: bring back what is on the way, and put the new job into a route."},
	"settled":     {"rejected; nothing was there to be replaced", "Bring back what is on the way."},
	"parked":      {"a step failed, and a person has to decide", "Look at what failed; then retry, skip, or compensate."},
	"compensated": {"a person has ended what was begun by itself", "Look whether the patient still needs a delivery."},
}

var outsideWords = map[string]string{
	"released": "The delivery goes on, later than planned: it was checked.",
	"replaced": "The delivery does not come as planned. Another one is prepared.",
}

// noticeOf gives the message of a notice.
func noticeOf(e event.Event, n *fact.Notice, link string) (m message, err error) {
	m = message{Case: n.Excursion, Type: e.Type, Package: n.Package, Link: link + CasePath(n.Excursion)}
	told := *n
	if !outside(n.Audience) {
		told.Patient = "" // whom it is for is nothing that staff have to be mailed
	}
	if m.Data, err = json.Marshal(told); err != nil {
		return m, err
	}
	if outside(n.Audience) {
		m.Link = ""
		m.Subject = outsideWords[n.What]
		m.Text = m.Subject
		return m, nil
	}
	w, ok := words[n.What]
	if !ok {
		w.what = strings.ReplaceAll(n.What, "_", " ")
	}
	m.Subject = line(fmt.Sprintf("package %s: %s", n.Package, w.what))
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", m.Subject)
	for _, f := range []struct{ name, value string }{
		{"Shipment:", n.Shipment}, {"Order:", n.Order}, {"New order:", n.Replacement}, {"Saga:", n.Saga}, {"To do:", w.todo}, {"Look:", m.Link},
	} {
		if f.value != "" {
			fmt.Fprintf(&b, "%-11s %s\n", f.name, line(f.value))
		}
	}
	m.Text = b.String()
	return m, nil
}

// routeNotice is route for a notice.
func (c *Config) routeNotice(e event.Event) (all []Delivery, lost bool, err error) {
	v, err := fact.Decode(e.Type, e.Data)
	if err != nil {
		return nil, false, err
	}
	n, ok := v.(*fact.Notice)
	if !ok {
		return nil, false, fmt.Errorf("event of type %s: is a %T", e.Type, v)
	}
	m, err := noticeOf(e, n, c.Link)
	if err != nil {
		return nil, false, err
	}
	targets, why := c.audience(n.Audience)
	whys := map[string]string{}
	for _, t := range targets {
		whys[t] = why
	}
	all, err = c.deliveries(e, m, targets, whys)
	return all, len(targets) == 0 && !outside(n.Audience), err
}
