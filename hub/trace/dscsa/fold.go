package dscsa

import (
	"fmt"
	"slices"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
)

func foldStatement(e event.Event, rows *event.Rows[TradeStatement]) error {
	v, err := record.Data(e, fact.StatementWasReceived, fact.StatementWasSent, fact.StatementWasLearned)
	switch d := v.(type) {
	case *fact.StatementReceived:
		return record.Change(rows, d.ID, func(s *TradeStatement) {
			s.StatementDocument, s.Capture, s.Learned, s.Known, s.Aside = d.StatementDocument, d.Capture, d.Learned, d.Known, d.Aside
			s.Note(e)
			s.Keep = keepUntil(max(d.Transaction, s.Created))
		})
	case *fact.StatementLearned:
		return record.Change(rows, d.ID, func(s *TradeStatement) {
			s.Learned, s.Aside = s.Learned+d.Learned, d.Aside
			s.Note(e)
		})
	case *fact.StatementSent:
		return record.Change(rows, d.ID, func(s *TradeStatement) {
			s.StatementDocument, s.Sent, s.Shipment = d.StatementDocument, true, d.Shipment
			s.Note(e)
			s.Keep = keepUntil(max(d.Transaction, s.Created))
		})
	}
	return err
}

func statementKeys(_ string, s *TradeStatement) []event.Key {
	way, state := "received", "complete"
	if s.Sent {
		way = "sent"
	}
	if len(s.Problems) > 0 || len(s.Aside) > 0 {
		state = "incomplete"
	}
	keys := []event.Key{{Name: "way", Value: way}, {Name: "state", Value: state}}
	if s.Shipment != "" {
		keys = append(keys, event.Key{Name: "shipment", Value: s.Shipment})
	}
	for _, gtin := range s.unsold() {
		keys = append(keys, event.Key{Name: keyUnsold, Value: gtin})
	}
	if len(s.Aside) > 0 {
		keys = append(keys, event.Key{Name: keyUnits, Value: unitsAside})
	}
	return keys
}

// foldItem and foldParty keep what partners said last of products and parties.
// What an earlier document said and a later one leaves out stays.
func foldItem(e event.Event, rows *event.Rows[fact.TradeItem]) error {
	v, err := record.Data(e, fact.StatementWasReceived)
	d, ok := v.(*fact.StatementReceived)
	if !ok {
		return err
	}
	for _, it := range d.Items {
		err := record.Change(rows, it.GTIN, func(old *fact.TradeItem) {
			old.GTIN = it.GTIN
			for _, f := range [][2]*string{{&old.URN, &it.URN}, {&old.Name, &it.Name}, {&old.NDC, &it.NDC}, {&old.Manufacturer, &it.Manufacturer},
				{&old.DosageForm, &it.DosageForm}, {&old.Strength, &it.Strength}, {&old.Container, &it.Container}} {
				if *f[1] != "" {
					*f[0] = *f[1]
				}
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func foldParty(e event.Event, rows *event.Rows[fact.TradeParty]) error {
	v, err := record.Data(e, fact.StatementWasReceived)
	d, ok := v.(*fact.StatementReceived)
	if !ok {
		return err
	}
	for _, p := range d.Parties {
		err := record.Change(rows, p.GLN, func(old *fact.TradeParty) {
			urn := old.URN
			if p.Name != "" { // an address is taken whole, or two would be mixed
				*old = p
			}
			old.GLN = p.GLN
			if old.URN == "" {
				old.URN = urn
			}
			if old.URN == "" {
				old.URN = p.URN
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func foldRequest(e event.Event, rows *event.Rows[TraceRequest]) error {
	v, err := record.Data(e, fact.TraceWasRequested, fact.TraceWasAnswered, fact.TraceWasReminded)
	switch d := v.(type) {
	case *fact.TraceRequested:
		return record.Change(rows, d.ID, func(r *TraceRequest) { r.TraceRequested, r.State = *d, "open"; r.Note(e) })
	case *fact.TraceAnswered:
		return record.Change(rows, d.ID, func(r *TraceRequest) { r.Answer, r.Answered, r.State = d, e.At, "answered"; r.Note(e) })
	case *fact.TraceReminded:
		return record.Change(rows, d.ID, func(r *TraceRequest) { r.Stage = d.Stage })
	}
	return err
}

func requestKeys(_ string, r *TraceRequest) []event.Key {
	return []event.Key{{Name: "state", Value: r.State}}
}

func foldSuspicion(e event.Event, rows *event.Rows[Suspicion]) error {
	v, err := record.Data(e, fact.SuspectWasProposed, fact.SuspectWasOpened, fact.SuspectWasDismissed, fact.SuspectWasCleared, fact.SuspectIsIllegitimate,
		fact.SuspectWasDescribed, fact.SuspectWasNotified, fact.SuspectWasTerminated, fact.SuspectHasBeenReminded)
	change := func(id string, do func(*Suspicion)) error {
		return record.Change(rows, id, func(s *Suspicion) { s.ID = id; do(s); s.Note(e) })
	}
	switch d := v.(type) {
	case *fact.SuspectProposed:
		return change(d.ID, func(s *Suspicion) {
			s.State, s.Units, s.Package, s.Excursion, s.Cause = Proposed, d.Units, d.Package, d.Excursion, d.Cause
		})
	case *fact.SuspectOpened:
		return change(d.ID, func(s *Suspicion) { s.State, s.Units, s.Package, s.Cause = Suspected, d.Units, d.Package, d.Cause })
	case *fact.SuspectStep:
		state := map[string]string{fact.SuspectWasDismissed: Dismissed, fact.SuspectWasCleared: Cleared, fact.SuspectWasTerminated: Terminated}[e.Type]
		return change(d.ID, func(s *Suspicion) { s.State = state })
	case *fact.SuspectIllegitimate:
		return change(d.ID, func(s *Suspicion) {
			s.State, s.Determined, s.Due, s.Classification, s.Partners = Illegitimate, d.At, d.Due, d.Classification, d.Partners
		})
	case *fact.SuspectDescribed:
		return change(d.ID, func(s *Suspicion) {
			if s.Items == nil {
				s.Items = map[string]string{}
			}
			for k, v := range d.Items {
				s.Items[k] = v
			}
		})
	case *fact.SuspectNotified:
		return change(d.ID, func(s *Suspicion) {
			s.Told = append(s.Told, PartnerTold{d.To, d.At, d.How})
			if d.Incident != "" {
				s.Incident = d.Incident
			}
		})
	case *fact.SuspectReminded:
		return record.Change(rows, d.ID, func(s *Suspicion) { s.Stage = d.Stage })
	}
	return err
}

func suspicionKeys(_ string, s *Suspicion) []event.Key {
	keys := []event.Key{{Name: "state", Value: s.State}}
	if s.Excursion != "" {
		keys = append(keys, event.Key{Name: "excursion", Value: s.Excursion})
	}
	if s.State == Suspected || s.State == Illegitimate {
		for _, u := range s.Units {
			keys = append(keys, event.Key{Name: "unit", Value: u})
		}
	}
	return keys
}

func foldDiscrepancy(e event.Event, rows *event.Rows[Discrepancy]) error {
	v, err := record.Data(e, fact.DiscrepancyWasReported, fact.DiscrepancyWasResponded)
	known := func(c *Discrepancy, id string) bool {
		return slices.ContainsFunc(c.Messages, func(m ExceptionMessage) bool { return m.ID == id })
	}
	switch d := v.(type) {
	case *fact.DiscrepancyReported:
		return record.Change(rows, d.ID, func(c *Discrepancy) {
			if known(c, d.Message) {
				return
			}
			if len(c.Messages) == 0 {
				c.ID, c.Inbound, c.Document = d.ID, d.Inbound, d.Document
			}
			c.Items, c.Resolved = max(c.Items, d.Items), d.Resolved
			c.Messages = append(c.Messages, ExceptionMessage{ID: d.Message, Kind: "report", Inbound: d.Inbound, At: e.At, Text: d.Report})
			c.Note(e)
		})
	case *fact.DiscrepancyResponded:
		return record.Change(rows, d.ID, func(c *Discrepancy) {
			if known(c, d.Message) {
				return
			}
			c.Messages = append(c.Messages, ExceptionMessage{ID: d.Message, Kind: "response", Inbound: !d.Outbound, At: e.At, Accepted: d.Accepted, Rejected: d.Rejected, Text: d.Response})
			c.Note(e)
		})
	}
	return err
}

func discrepancyKeys(_ string, c *Discrepancy) []event.Key {
	state := "open"
	if c.Resolved {
		state = "resolved"
	}
	return []event.Key{{Name: "state", Value: state}}
}

// Verifications are listed newest first: their ids fall as events are appended.
func foldVerification(e event.Event, rows *event.Rows[VerificationRecord]) error {
	v, err := record.Data(e, fact.VerificationWasAnswered, fact.VerificationWasAsked)
	if v == nil {
		return err
	}
	a := VerificationRecord{At: e.At, By: e.Actor}
	switch d := v.(type) {
	case *fact.VerificationAnswered:
		a.Answered = d
	case *fact.VerificationAsked:
		a.Asked = d
	}
	rows.Put(fmt.Sprintf("%016x", ^uint64(0)>>1-uint64(e.Position)), &a)
	return nil
}
