package excursion

import (
	"slices"

	"frostline/hub/event"
	"frostline/hub/fact"
)

// Case is one excursion with what data say and what people have done.
type Case struct {
	ID     string              `json:"id"`
	State  State               `json:"state"`
	Facts  fact.ExcursionFacts `json:"facts"`
	Digest string              `json:"digest"` // SHA-256 of the facts
	Place  string              `json:"place"`  // of the package at Facts.From, "" when nobody has told
	Opened int64               `json:"openedAt"`
	// Changed is when the last event of the case was recorded, hub's clock.
	Changed int64 `json:"changedAt"`
	Version int64 `json:"version"` // of its stream, for If-Match

	// Level of escalation that has been told, from 1, and how often the last one
	// was told again. AwaitsSince is when it was told; 0 once acknowledged.
	Level       int   `json:"level"`
	Repeat      int   `json:"repeat"`
	AwaitsSince int64 `json:"awaitsSince,omitempty"`

	Assessment *fact.Assessment   `json:"assessment,omitempty"` // in force
	Proposal   []fact.Disposition `json:"proposal,omitempty"`   // in force, one for each affected unit
	Signatures []fact.Signature   `json:"signatures,omitempty"`
	Outcome    string             `json:"outcome,omitempty"` // once closed: disposed, retracted
	Reopenings int                `json:"reopenings"`
	Comments   int                `json:"comments"`
	Documents  []Document         `json:"documents,omitempty"` // that the hub keeps, in order; none twice
	Refusals   int                `json:"refusals"`            // of signatures
	// Judged is the newest revision of the verdict that changed the facts of
	// this case: an older one, told again after a crash, has no effect.
	Judged int `json:"judged"`
	// Done are the ids of the last steps, so that a step repeated by its caller
	// is done once.
	Done []string `json:"done,omitempty"`
}

const maxDone = 32

// fold applies an event of the case's stream; rows gives nil before the first.
func fold(e event.Event, rows *event.Rows[Case]) error {
	if !slices.Contains(types, e.Type) {
		return nil
	}
	v, err := fact.Decode(e.Type, e.Data)
	if err != nil {
		return err
	}
	if o, ok := v.(*fact.ExcursionOpened); ok {
		rows.Put(o.ID, &Case{
			ID: o.ID, State: State(o.State), Facts: o.Facts, Digest: o.Digest, Place: o.Place, Judged: o.Facts.Revision,
			Opened: e.At, Changed: e.At, Version: e.Version, Level: 1, AwaitsSince: e.At,
		})
		return nil
	}
	ref, err := fact.ParseRef(e.Stream)
	if err != nil {
		return err
	}
	c, err := rows.Get(ref.ID)
	if err != nil || c == nil {
		return err
	}
	c.apply(e, v)
	rows.Put(ref.ID, c)
	return nil
}

func (c *Case) apply(e event.Event, v any) {
	c.Changed, c.Version = e.At, e.Version
	switch v := v.(type) {
	case *fact.ExcursionRevised:
		c.revised(e, v)
		return
	case *fact.ExcursionEscalated:
		c.Level, c.Repeat, c.AwaitsSince = v.Level, v.Repeat, e.At
		return
	case *fact.SignatureRefused:
		c.Refusals++
		return
	case *fact.ExcursionStep:
		c.State = State(v.State)
		switch e.Type {
		case fact.ExcursionWasAcknowledged:
			c.AwaitsSince = 0
		case fact.ExcursionIsInvestigated:
			c.Proposal = nil
		}
		c.Outcome = v.Outcome
	case *fact.ExcursionAssessed:
		c.Assessment = &v.New
	case *fact.ExcursionProposed:
		c.State, c.Proposal = State(v.State), v.Dispositions
	case *fact.ExcursionSigned:
		c.State = State(v.State)
		c.Signatures = append(c.Signatures, v.Signature)
	case *fact.ExcursionCommented:
		c.Comments++
		c.keep(e, v.Attachments)
	}
	c.Done = append(c.Done, e.ID)
	c.Done = c.Done[max(0, len(c.Done)-maxDone):]
}

func (c *Case) revised(e event.Event, v *fact.ExcursionRevised) {
	was := c.State
	c.Facts, c.Digest, c.State, c.Place = v.New, v.NewDigest, State(v.State), v.Place
	c.Judged = max(c.Judged, v.New.Revision)
	if c.State == Reopened && was != Reopened {
		c.Reopenings++
		c.Outcome = ""
	}
	if slices.Contains(v.Effects, withdrawn) || slices.Contains(v.Effects, reopened) {
		c.Proposal, c.Assessment = nil, nil
	}
	switch {
	case !c.State.awaits():
		c.AwaitsSince = 0
	case !was.awaits() || slices.Contains(v.Effects, raised):
		c.Level, c.Repeat, c.AwaitsSince = 1, 0, e.At
	}
}

// types are all types of events in a case's stream.
var types = []string{
	fact.ExcursionWasOpened, fact.ExcursionWasRevised, fact.ExcursionWasEscalated, fact.ExcursionWasAcknowledged,
	fact.ExcursionIsInvestigated, fact.ExcursionWasAssessed, fact.ExcursionWasProposed, fact.ExcursionWasSigned, fact.ExcursionWasApproved,
	fact.ExcursionWasClosed, fact.ExcursionWasCommented, fact.SignatureWasRefused,
}

// Keys by which cases are found.
const (
	keyState, keyPackage, keyLot, keySeverity, keyAwaits = "state", "package", "lot", "severity", "awaits"
)

func keys(_ string, c *Case) []event.Key {
	all := []event.Key{
		{Name: keyState, Value: string(c.State)}, {Name: keyPackage, Value: c.Facts.Package}, {Name: keySeverity, Value: string(c.Facts.Severity)},
	}
	if c.AwaitsSince > 0 {
		all = append(all, event.Key{Name: keyAwaits, Value: "acknowledgement"})
	}
	lots := map[string]bool{}
	for _, u := range c.Facts.Units {
		if u.Lot != "" && !lots[u.Lot] {
			lots[u.Lot] = true
			all = append(all, event.Key{Name: keyLot, Value: u.Lot})
		}
	}
	return all
}
