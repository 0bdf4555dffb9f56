package fact

import "fmt"

// Attached says where a subject is from At on, until the next statement about
// the same subject. A subject is in one place at a time:
//
//	sensor   in a logger, tote, compartment or zone
//	logger   in a package or tote
//	tote     in a compartment or zone
//	package  in a tote, compartment or zone
//	unit     in a package
//
// So a reading finds its packages by the time it was taken: from the sensor to
// the thing it is in, and from there to the packages that are in it or carry
// it. A nil In says that the subject is nowhere known from At on.
type Attached struct {
	ID          string `json:"id"` // of the scan or event: the same one told twice is one
	Subject     Ref    `json:"subject"`
	In          *Ref   `json:"in,omitempty"`
	At          int64  `json:"at"`
	Uncertainty int64  `json:"uncertainty,omitempty"` // of At, ms
	// Rank orders several sensors in one thing, or several loggers in one
	// package: the lowest that has readings vouches; equal ones go by id.
	Rank      int    `json:"rank,omitempty"`
	Via       string `json:"via"` // "scan", "event" or "statement"
	Made      int64  `json:"made"`
	Corrects  string `json:"corrects,omitempty"` // ID of the statement that this one replaces
	Withdrawn bool   `json:"withdrawn,omitempty"`
	Note      string `json:"note,omitempty"`
}

// Homes is what each kind of subject can be in.
var Homes = map[Kind][]Kind{
	Sensor:  {Logger, Tote, Compartment, Zone},
	Logger:  {Package, Tote},
	Tote:    {Compartment, Zone},
	Package: {Tote, Compartment, Zone},
	Unit:    {Package},
}

// Check fails where the statement makes no sense by itself.
func (a Attached) Check() error {
	if !plainID.MatchString(a.ID) {
		return fmt.Errorf("id %q: want %s", a.ID, plainID)
	}
	homes, ok := Homes[a.Subject.Kind]
	if !ok {
		return fmt.Errorf("subject %s: only a sensor, logger, tote, package or unit is attached to something", a.Subject)
	}
	if err := a.Subject.Check(); err != nil {
		return fmt.Errorf("subject: %w", err)
	}
	if a.In != nil {
		if err := a.In.Check(); err != nil {
			return fmt.Errorf("in: %w", err)
		}
		found := false
		for _, k := range homes {
			found = found || k == a.In.Kind
		}
		if !found {
			return fmt.Errorf("in %s: a %s can be in %v", a.In, a.Subject.Kind, homes)
		}
	}
	if a.Corrects == a.ID {
		return fmt.Errorf("corrects %q: a statement cannot correct itself", a.Corrects)
	}
	if a.Withdrawn && a.Corrects == "" {
		return fmt.Errorf("withdrawn: say in corrects which statement is withdrawn")
	}
	if a.Corrects != "" && !plainID.MatchString(a.Corrects) {
		return fmt.Errorf("corrects %q: want %s", a.Corrects, plainID)
	}
	if err := CheckNote("note", a.Note); err != nil {
		return err
	}
	if a.Rank < 0 || a.Rank > 99 {
		return fmt.Errorf("rank %d: want 0 to 99", a.Rank)
	}
	switch a.Via {
	case "scan", "event", "statement":
	default:
		return fmt.Errorf("via %q: want scan, event or statement", a.Via)
	}
	return checkTimes(a.At, a.Uncertainty, a.Made)
}

// Earliest and latest times that a fact may tell of: 2000 and 2200.
const (
	Earliest = 946_684_800_000
	Latest   = 7_258_118_400_000
)

// CheckTime fails for a time that cannot be meant.
func CheckTime(name string, ms int64) error {
	if ms < Earliest || ms > Latest {
		return fmt.Errorf("%s %d: want Unix milliseconds between the years 2000 and 2200", name, ms)
	}
	return nil
}

func checkTimes(at, uncertainty, made int64) error {
	if err := CheckTime("at", at); err != nil {
		return err
	}
	if err := CheckTime("made", made); err != nil {
		return err
	}
	const day = 86_400_000
	if uncertainty < 0 || uncertainty > 7*day {
		return fmt.Errorf("uncertainty %d: want milliseconds, from 0 to a week", uncertainty)
	}
	return nil
}
