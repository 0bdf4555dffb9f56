package notify

import (
	"fmt"
	"slices"
	"strconv"

	"frostline/hub/fact"
	"frostline/proto/thermal"
)

// item is what is told of one excursion by e-mail, alone or among others of
// its group. It is stored as JSON.
type item struct {
	Case     string        `json:"case"`
	Headline string        `json:"headline"` // of a message about it alone, and
	Text     string        `json:"text"`     // its text
	Link     string        `json:"link"`
	Package  string        `json:"package"`
	Place    string        `json:"place,omitempty"`
	Severity string        `json:"severity"`
	Kind     string        `json:"kind"`
	What     string        `json:"what,omitempty"` // has happened: "REOPENED: "
	Todo     string        `json:"todo"`
	Short    string        `json:"short"` // "too warm"
	Full     string        `json:"full"`
	Profile  string        `json:"profile"`
	Cold     bool          `json:"cold,omitempty"`
	Peak     *thermal.Temp `json:"peak,omitempty"`
	Bad      string        `json:"bad"` // severity, peak and duration in words
	Since    string        `json:"since"`
	From     int64         `json:"from"`
	Units    int           `json:"units"`
	Lots     []string      `json:"lots,omitempty"`
}

// item gives what is told of an excursion that has facts.
func (m message) item() item {
	f := *m.Facts
	return item{
		Case: m.Case, Headline: m.Subject, Text: m.Text, Link: m.Link, Package: line(f.Package), Place: line(m.Place), Severity: string(f.Severity), Kind: f.Kind,
		What: m.what, Todo: m.todo, Short: short(f), Full: line(full(f)), Profile: f.Profile, Cold: cold(f), Peak: f.Peak, Bad: line(badness(f)), Since: since(f),
		From: f.From, Units: len(f.Units) + f.MoreUnits, Lots: lots(f, 20),
	}
}

// cause names what excursions of one group have in common, besides that they
// began about the same time. An excursion whose place nobody has told has its
// cause in common with others of its profile that lack it too.
func (i item) cause() string {
	side := "warm"
	if i.Cold {
		side = "cold"
	}
	return fmt.Sprintf("%q %q %q %q", i.Place, i.Profile, i.Kind, side)
}

// class is what is news to a person only once in a group: the first case of it
// is told at once, more of it with the next message.
func (m message) class() string {
	class := m.Type + " " + m.Severity + " " + strconv.Itoa(m.Level) + "." + strconv.Itoa(m.repeat)
	for _, e := range m.Effects {
		if slices.Contains(newsworthy, e) {
			class += " " + e
		}
	}
	return class
}

// newsworthy are effects of a revision that are told; one that only goes on is
// not.
var newsworthy = []string{"raised", "reopened", "reinstated", "retracted"}

func cold(f fact.ExcursionFacts) bool {
	return f.Kind == fact.BrokenLimit && len(f.Op) > 0 && f.Op[0] == '<'
}

// lots names the lots of the affected units, in order, at most so many.
func lots(f fact.ExcursionFacts, most int) []string {
	var names []string
	for _, u := range f.Units {
		if u.Lot != "" {
			names = append(names, line(u.Lot))
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	return names[:min(most, len(names))]
}
