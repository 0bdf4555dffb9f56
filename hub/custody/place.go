package custody

import (
	"encoding/json"
	"slices"
	"time"

	"frostline/hub/custody/timeline"
	"frostline/hub/event"
	"frostline/hub/fact"
)

// place is one of three documents about a subject: its head, under its name; a
// month, under its name and YYYY-MM; or a day, under its name and YYYY-MM-DD. A
// tote is scanned for years: so a scan costs the same in the tenth.
type place struct {
	Subject fact.Ref `json:"subject"`

	// Of the head:
	Months  []string       `json:"months,omitempty"`  // that have documents, in order
	Last    *fact.Attached `json:"last,omitempty"`    // of the statements that hold
	Waiting bool           `json:"waiting,omitempty"` // there are corrections of what is not known

	// Of a month:
	Month string     `json:"month,omitempty"`
	Days  []string   `json:"days,omitempty"` // that have documents, as they came
	Been  []fact.Ref `json:"been,omitempty"` // all things, and perhaps more, that it was in during the month, until Last

	// Of a day:
	Day        string          `json:"day,omitempty"`
	Statements []fact.Attached `json:"statements,omitempty"` // whose At is on the day, as they came
}

func month(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01") }
func dayOf(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.DateOnly) }

// months lists the months that [from, to] meets, both included.
func months(from, to int64) []string {
	first := time.UnixMilli(from).UTC()
	var all []string
	for t := time.Date(first.Year(), first.Month(), 1, 0, 0, 0, 0, time.UTC); t.UnixMilli() <= to; t = t.AddDate(0, 1, 0) {
		all = append(all, t.Format("2006-01"))
	}
	return all
}

func foldPlace(e event.Event, rows *event.Rows[place]) error {
	if e.Type != fact.WasAttached {
		return nil
	}
	v, err := fact.Decode(e.Type, e.Data)
	if err != nil {
		return err
	}
	a := *v.(*fact.Attached)
	f := folding{rows: rows, name: a.Subject.String()}
	if f.head, err = rows.Get(f.name); err != nil {
		return err
	}
	if f.head == nil {
		f.head = &place{Subject: a.Subject}
	}
	if err := f.keep(a); err != nil {
		return err
	}
	last := f.head.Last
	switch {
	case a.Corrects != "" || f.head.Waiting:
		err = f.resolve()
	case last != nil && !after(a, *last):
		err = f.mark(a.In, a.At, last.At) // at most until then
	default:
		if last != nil {
			err = f.mark(last.In, last.At, a.At)
		}
		if err == nil {
			err = f.mark(a.In, a.At, a.At)
		}
		f.head.Last = &a
	}
	rows.Put(f.name, f.head)
	return err
}

// placeIDs names the documents that foldPlace asks for, but for corrections.
func placeIDs(e event.Event) []string {
	if e.Type != fact.WasAttached {
		return nil
	}
	var a struct {
		Subject fact.Ref `json:"subject"`
		At      int64    `json:"at"`
	}
	if err := json.Unmarshal(e.Data, &a); err != nil {
		return nil // foldPlace says so
	}
	name := a.Subject.String()
	return []string{name, name + " " + month(a.At), name + " " + dayOf(a.At)}
}

func after(a, b fact.Attached) bool {
	return timeline.Compare(timeline.Heading(b), timeline.Heading(a)) < 0
}

// folding changes the documents of one subject. The head is stored at the end.
type folding struct {
	rows *event.Rows[place]
	name string
	head *place
}

// keep adds a statement to its day.
func (f *folding) keep(a fact.Attached) error {
	name := dayOf(a.At)
	doc, err := f.rows.Get(f.name + " " + name)
	if err != nil {
		return err
	}
	if doc == nil {
		doc = &place{Subject: f.head.Subject, Day: name}
		m, err := f.month(month(a.At))
		if err != nil {
			return err
		}
		m.Days = append(m.Days, name)
		f.rows.Put(f.name+" "+m.Month, m)
	}
	doc.Statements = append(doc.Statements, a)
	f.rows.Put(f.name+" "+name, doc)
	return nil
}

// month gives the document of a month, a new one where there is none.
func (f *folding) month(m string) (*place, error) {
	doc, err := f.rows.Get(f.name + " " + m)
	if err != nil || doc != nil {
		return doc, err
	}
	at, _ := slices.BinarySearch(f.head.Months, m)
	f.head.Months = slices.Insert(f.head.Months, at, m)
	doc = &place{Subject: f.head.Subject, Month: m}
	f.rows.Put(f.name+" "+m, doc)
	return doc, nil
}

// mark notes that the subject may have been in a thing in the months of
// [from, to]. Whoever finds it there looks at the timeline for when it was.
func (f *folding) mark(in *fact.Ref, from, to int64) error {
	if in == nil {
		return nil
	}
	for _, m := range months(from, to) {
		doc, err := f.month(m)
		if err != nil {
			return err
		}
		if !slices.Contains(doc.Been, *in) {
			doc.Been = append(doc.Been, *in)
			f.rows.Put(f.name+" "+m, doc)
		}
	}
	return nil
}

// resolve works out the whole subject, as a correction needs.
func (f *folding) resolve() error {
	var t timeline.Timeline
	for _, m := range slices.Clone(f.head.Months) {
		doc, err := f.month(m)
		if err != nil {
			return err
		}
		for _, d := range doc.Days {
			day, err := f.rows.Get(f.name + " " + d)
			if err != nil {
				return err
			}
			for _, a := range day.Statements {
				t.Add(a)
			}
		}
	}
	f.head.Last = nil
	intervals := t.Intervals()
	if n := len(intervals); n > 0 {
		last, _ := t.Knows(intervals[n-1].Statement)
		f.head.Last = &last
	}
	f.head.Waiting = t.Waiting() > 0
	for _, v := range intervals {
		if err := f.mark(v.In, v.From, min(v.To, f.head.Last.At)); err != nil {
			return err
		}
	}
	return nil
}

// Names of keys of a place.
const (
	keyOf  = "of"  // days of a subject
	keyID  = "id"  // statement
	keyIn  = "in"  // thing and month
	keyNow = "now" // thing, of heads
)

func placeKeys(_ string, p *place) []event.Key {
	var keys []event.Key
	switch {
	case p.Day != "":
		keys = append(keys, event.Key{Name: keyOf, Value: p.Subject.String()})
		for _, a := range p.Statements {
			keys = append(keys, event.Key{Name: keyID, Value: a.ID})
		}
	case p.Month != "":
		for _, thing := range p.Been {
			keys = append(keys, event.Key{Name: keyIn, Value: thing.String() + " " + p.Month})
		}
	case p.Last != nil && p.Last.In != nil:
		keys = append(keys, event.Key{Name: keyNow, Value: p.Last.In.String()})
	}
	return keys
}
