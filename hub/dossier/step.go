package dossier

import (
	"fmt"
	"strings"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/view"
)

// stepOf puts an event of a case into words.
func stepOf(e event.Event) Step {
	s := Step{At: e.At, Actor: e.Actor, Why: e.Reason, What: strings.ReplaceAll(strings.TrimPrefix(e.Type, "excursion."), "_", " ")}
	v, err := fact.Decode(e.Type, e.Data)
	if err != nil {
		return s
	}
	switch d := v.(type) {
	case *fact.ExcursionOpened:
		s.Why = d.Cause.Kind + ": " + d.Cause.Detail
	case *fact.ExcursionRevised:
		s.What = "revised by data: " + strings.Join(d.Changed, ", ")
		if len(d.Effects) > 0 {
			s.What += " (" + strings.Join(d.Effects, ", ") + ")"
		}
		s.Why = d.Cause.Kind + ": " + d.Cause.Detail
	case *fact.ExcursionEscalated:
		s.What = fmt.Sprintf("escalated to level %d", d.Level)
		s.Why = "nobody acknowledged it in time"
	case *fact.ExcursionAssessed:
		s.What = fmt.Sprintf("assessed %s to %s: %s", view.Moment(d.New.From), view.Moment(d.New.To), Word(d.New.Outcome))
	case *fact.ExcursionProposed:
		s.What = fmt.Sprintf("proposed dispositions of %d", len(d.Dispositions))
	case *fact.ExcursionSigned:
		s.What += ": " + d.Signature.Meaning
		if d.Signature.Comment != "" {
			s.Why = d.Signature.Comment
		}
	case *fact.ExcursionCommented:
		s.What, s.Why, s.Documents = "commented", d.Text, d.Attachments
	case *fact.SignatureRefused:
		s.What, s.Why = "signature refused", d.Why
	}
	return s
}
