package notify

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"frostline/hub/event"
	"frostline/hub/fact"
)

// message is what an event is told as. It is made of the event alone.
type message struct {
	Case     string               `json:"excursion"`
	Type     string               `json:"happening"` // of the event
	Level    int                  `json:"level,omitempty"`
	Effects  []string             `json:"effects,omitempty"`
	Subject  string               `json:"headline"`
	Text     string               `json:"text"`
	Link     string               `json:"link"`
	Package  string               `json:"package,omitempty"`
	Place    string               `json:"place,omitempty"`
	Severity string               `json:"severity,omitempty"`
	Kind     string               `json:"kind,omitempty"`
	Facts    *fact.ExcursionFacts `json:"facts,omitempty"`
	Data     json.RawMessage      `json:"event,omitempty"` // of one that has no facts

	what, todo string
	repeat     int // of the last level of escalation
}

// What a headline says has happened; nothing where the excursion is new.
const (
	whatReopened  = "REOPENED: "
	whatEscalated = "NOT ACKNOWLEDGED: "
	whatWorse     = "WORSE: "
	whatWithdrawn = "withdrawn by data: "
)

// CasePath is the path of an excursion's page, to which messages lead.
func CasePath(id string) string { return "/view/excursion/" + url.PathEscape(id) }

// compose gives the message of an event of an excursion.
func compose(e event.Event, link string) (message, error) {
	v, err := fact.Decode(e.Type, e.Data)
	if err != nil {
		return message{}, err
	}
	ref, err := fact.ParseRef(e.Stream)
	if err != nil {
		return message{}, err
	}
	m := message{Case: ref.ID, Type: e.Type, Link: link + CasePath(ref.ID)}
	var f *fact.ExcursionFacts
	what, todo := "", "Acknowledge the excursion, then find out what is the matter. Do not release the package."
	switch v := v.(type) {
	case *fact.ExcursionOpened:
		f, m.Place, m.Level = &v.Facts, v.Place, 1
	case *fact.ExcursionRevised:
		f, m.Place, m.Effects, m.Level = &v.New, v.Place, v.Effects, 1
		switch {
		case slices.Contains(v.Effects, "retracted"):
			what = whatWithdrawn
			todo = "By what has come in since, this excursion never was. Look at it and acknowledge, which closes it."
			if v.State != "retracted" {
				todo = "By what has come in since, this excursion never was, but a disposition was signed upon it. Review it anew."
			}
		case slices.Contains(v.Effects, "reopened"):
			what = whatReopened
			todo = "Data that came late have changed what was " + v.OldState + ". Acknowledge and review it anew: " + strings.Join(v.Changed, ", ") + " changed. Earlier signatures no longer match."
		case slices.Contains(v.Effects, "raised"):
			what = whatWorse
		}
	case *fact.ExcursionEscalated:
		f, m.Place, m.Level, m.repeat = &v.Facts, v.Place, v.Level, v.Repeat
		what = whatEscalated
	}
	if f == nil {
		_, step, _ := strings.Cut(e.Type, ".")
		m.Subject = fmt.Sprintf("excursion %s: %s", ref.ID, strings.ReplaceAll(step, "_", " "))
		m.Text = m.Subject + "\n\n" + m.Link + "\n"
		m.Data, err = taken(v)
		return m, err
	}
	m.Facts, m.Package, m.Severity, m.Kind = f, f.Package, string(f.Severity), f.Kind
	m.Subject = line(fmt.Sprintf("[%s] %spackage %s %s", f.Severity, what, f.Package, short(*f)))
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", m.Subject)
	fmt.Fprintf(&b, "What:       %s\n", line(full(*f)))
	where := "package " + f.Package
	if m.Place != "" {
		where += " in " + m.Place
	} else {
		where += ", nobody has told where"
	}
	fmt.Fprintf(&b, "Where:      %s\n", line(where))
	fmt.Fprintf(&b, "How bad:    %s\n", line(badness(*f)))
	fmt.Fprintf(&b, "Since:      %s\n", since(*f))
	fmt.Fprintf(&b, "Affected:   %s\n", line(affected(*f)))
	fmt.Fprintf(&b, "To do:      %s\n", line(todo))
	fmt.Fprintf(&b, "Look:       %s\n", m.Link)
	m.Text, m.what, m.todo = b.String(), what, todo
	return m, nil
}

// taken gives what is told of a person's step: nothing that is free text, since
// people write there what they must not.
func taken(v any) (json.RawMessage, error) {
	switch s := v.(type) {
	case *fact.ExcursionStep, *fact.ExcursionProposed:
		return json.Marshal(v)
	case *fact.ExcursionSigned:
		told := *s
		told.Signature.Comment = ""
		return json.Marshal(told)
	}
	return nil, nil
}

func short(f fact.ExcursionFacts) string {
	switch f.Kind {
	case fact.BrokenMKT:
		return "too warm on average"
	case fact.BrokenBudget:
		return "has spent its stability budget"
	case fact.Unmonitored:
		return "is not watched"
	}
	if cold(f) {
		return "too cold"
	}
	return "too warm"
}

func full(f fact.ExcursionFacts) string {
	rule := fmt.Sprintf("profile %s version %d", f.Profile, f.Version)
	switch f.Kind {
	case fact.BrokenMKT:
		if f.Bound == nil {
			return "mean kinetic temperature out of bounds, " + rule
		}
		return fmt.Sprintf("mean kinetic temperature %s %s °C, %s", f.Op, f.Bound, rule)
	case fact.BrokenBudget:
		return fmt.Sprintf("stability budget %s spent, %s", f.Limit, rule)
	case fact.Unmonitored:
		return fmt.Sprintf("no reading vouches for it (%s), %s", f.Why, rule)
	}
	return fmt.Sprintf("temperature %s %s °C (limit %s, %s)", f.Op, f.Bound, f.Limit, rule)
}

func badness(f fact.ExcursionFacts) string {
	d := time.Duration(f.Duration) * time.Millisecond
	switch {
	case f.Kind == fact.BrokenBudget:
		return fmt.Sprintf("%s: %s used of %s", f.Severity, time.Duration(f.Spent)*time.Millisecond, time.Duration(f.Allowed)*time.Millisecond)
	case f.Kind == fact.Unmonitored:
		return fmt.Sprintf("%s: temperature unknown for %s", f.Severity, d)
	case f.Peak != nil:
		return fmt.Sprintf("%s: up to %s °C, %s", f.Severity, f.Peak, d)
	}
	return string(f.Severity)
}

func since(f fact.ExcursionFacts) string {
	from := time.UnixMilli(f.From).UTC().Format("2006-01-02 15:04:05 MST")
	if f.Ended == "returned" {
		return from + " until " + time.UnixMilli(f.To).UTC().Format("2006-01-02 15:04:05 MST")
	}
	return from + ", not known to have ended"
}

func affected(f fact.ExcursionFacts) string {
	names := lots(f, fact.MaxAffected)
	if n := len(names); n > 10 {
		names = append(names[:10], fmt.Sprintf("and %d more", n-10))
	}
	return plural(len(f.Units)+f.MoreUnits, "unit") + lotsOf(names)
}

// line makes one line of a text, of bounded length: names come from outside.
func line(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if r := []rune(s); len(r) > 300 {
		s = string(r[:300]) + "…"
	}
	return s
}
