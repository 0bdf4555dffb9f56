package custody

import (
	"slices"
	"time"

	"frostline/hub/custody/timeline"
	"frostline/hub/event"
	"frostline/hub/fact"
)

// place is either the head of a subject, under its name, or one month of it,
// under its name and month. A tote is scanned for years: with a document for
// each month a scan costs the same in the tenth year.
type place struct {
	Subject fact.Ref `json:"subject"`

	// Of the head:
	Months  []string       `json:"months,omitempty"`  // that have documents, in order
	Last    *fact.Attached `json:"last,omitempty"`    // of the statements that hold
	Waiting bool           `json:"waiting,omitempty"` // there are corrections of what is not known

	// Of a month:
	Month      string          `json:"month,omitempty"`
	Statements []fact.Attached `json:"statements,omitempty"` // whose At is in the month, as they came
	Been       []fact.Ref      `json:"been,omitempty"`       // things that the subject was in during the month, until Last
}

func month(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01") }

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
	doc, err := f.month(month(a.At))
	if err != nil {
		return err
	}
	doc.Statements = append(doc.Statements, a)
	last := f.head.Last
	switch {
	case a.Corrects != "" || f.head.Waiting || last != nil && !after(a, *last):
		err = f.resolve()
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

func after(a, b fact.Attached) bool {
	return timeline.Compare(timeline.Heading(b), timeline.Heading(a)) < 0
}

// folding changes the documents of one subject.
type folding struct {
	rows *event.Rows[place]
	name string
	head *place
}

// month gives the document of a month, which is stored again whatever becomes
// of it.
func (f *folding) month(m string) (*place, error) {
	id := f.name + " " + m
	doc, err := f.rows.Get(id)
	if err != nil {
		return nil, err
	}
	if doc == nil {
		doc = &place{Subject: f.head.Subject, Month: m}
		at, _ := slices.BinarySearch(f.head.Months, m)
		f.head.Months = slices.Insert(f.head.Months, at, m)
	}
	f.rows.Put(id, doc)
	return doc, nil
}

// mark notes that the subject was in a thing in the months of [from, to].
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
		}
	}
	return nil
}

// resolve works out the whole subject, as a late or correcting statement needs.
func (f *folding) resolve() error {
	var t timeline.Timeline
	for _, m := range f.head.Months {
		doc, err := f.month(m)
		if err != nil {
			return err
		}
		doc.Been = nil
		for _, a := range doc.Statements {
			t.Add(a)
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
	keyOf  = "of"  // months of a subject
	keyID  = "id"  // statement
	keyIn  = "in"  // thing and month
	keyNow = "now" // thing, of heads
)

func placeKeys(id string, p *place) []event.Key {
	if p.Month == "" {
		if p.Last == nil || p.Last.In == nil {
			return nil
		}
		return []event.Key{{Name: keyNow, Value: p.Last.In.String()}}
	}
	keys := []event.Key{{Name: keyOf, Value: p.Subject.String()}}
	for _, a := range p.Statements {
		keys = append(keys, event.Key{Name: keyID, Value: a.ID})
	}
	for _, thing := range p.Been {
		keys = append(keys, event.Key{Name: keyIn, Value: thing.String() + " " + p.Month})
	}
	return keys
}
