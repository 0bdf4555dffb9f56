package dossier

import (
	"cmp"
	"fmt"
	"slices"
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
		s.What = "revised by data: " + strings.Join(factWords(d.Changed), ", ")
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

// factNames are the words of facts whose fields are named otherwise.
var factNames = map[string]string{
	"spentMs": "budget used", "allowedMs": "budget", "durationMs": "how long it lasted", "areaKelvinHours": "time and temperature beyond", "peak": "the worst", "peakAt": "when it was worst",
	"from": "its begin", "to": "its end", "ended": "how it ended", "alarm": "when a rule was broken", "source": "what vouched", "moreUnits": "units",
}

// factWords names fields of the facts of an excursion as people do, each once.
func factWords(fields []string) (out []string) {
	for _, field := range fields {
		if word := cmp.Or(factNames[field], field); !slices.Contains(out, word) {
			out = append(out, word)
		}
	}
	return out
}
