package evidence

import (
	"slices"

	"frostline/hub/event"
	"frostline/hub/fact"
)

// Linked is what a thing was ever said to be in or of, whatever was corrected
// later: enough to find all that bears on a shipment, and no more than that.
type Linked struct {
	To []fact.Ref `json:"to"` // in the order in which it was said
}

// Links is the read model by which a bundle's contents are found. Its
// documents are named by Ref.String; Find by the kind of what is sought, with
// the Ref it was in or of.
var Links = event.NewTable("evidence.links", event.Schema[Linked]{Fold: foldLink, Keys: linkKeys})

func linkKeys(id string, l *Linked) []event.Key {
	r, err := fact.ParseRef(id)
	if err != nil {
		return nil
	}
	var keys []event.Key
	for _, to := range l.To {
		keys = append(keys, event.Key{Name: string(r.Kind), Value: to.String()})
	}
	return keys
}

// link is what an event says of what is in or of what.
func link(e event.Event) (from, to fact.Ref, err error) {
	switch e.Type {
	case fact.WasAttached, fact.PackageWasPacked, fact.CalibrationDefined, fact.ExcursionWasOpened:
	default:
		return from, to, nil
	}
	data, err := fact.Decode(e.Type, e.Data)
	if err != nil {
		return from, to, err
	}
	switch d := data.(type) {
	case *fact.Attached:
		if d.In != nil {
			return d.Subject, *d.In, nil
		}
	case *fact.PackagePacked:
		if d.Shipment != "" {
			return fact.Ref{Kind: fact.Package, ID: d.ID}, fact.Ref{Kind: fact.Shipment, ID: d.Shipment}, nil
		}
	case *fact.CalibrationRecord:
		return fact.Ref{Kind: fact.Calibration, ID: d.ID}, fact.Ref{Kind: fact.Sensor, ID: d.Sensor}, nil
	case *fact.ExcursionOpened:
		return fact.Ref{Kind: fact.Excursion, ID: d.ID}, fact.Ref{Kind: fact.Package, ID: d.Facts.Package}, nil
	}
	return from, to, nil
}

func foldLink(e event.Event, rows *event.Rows[Linked]) error {
	from, to, err := link(e)
	if err != nil || from.IsZero() {
		return err
	}
	l, err := rows.Get(from.String())
	if err != nil {
		return err
	}
	if l == nil {
		l = &Linked{}
	}
	if slices.Contains(l.To, to) {
		return nil
	}
	l.To = append(l.To, to)
	rows.Put(from.String(), l)
	return nil
}
