package dscsa

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/trace/dscsa/exception"
	"frostline/hub/trace/dscsa/vrs"
	"frostline/proto/gs1"
)

const maxScans = 5000

// Comparison is what was found where a document's product was scanned.
type Comparison struct {
	Document string         // id of the document that came in
	Scans    []string       // barcodes as they were scanned
	Ordered  map[string]int // units ordered, by GTIN; nil where nobody says
	Order    string         // the purchase order; "" for that of the document
	Others   []string       // other errors, in words
}

// Compare compares the units of a document with those that were scanned, and
// reports what does not agree: a new case. It gives no case, and found false,
// where all agrees. A barcode that is no serialised unit is refused.
func (d *Desk) Compare(ctx context.Context, by, reason string, c Comparison) (out Discrepancy, found bool, err error) {
	s, err := d.Statement(ctx, c.Document)
	if err != nil {
		return out, false, err
	}
	told, err := unitsOf(ctx, d.o.Store, c.Document)
	if err != nil {
		return out, false, err
	}
	if len(c.Scans) > maxScans {
		return out, false, record.Invalidf("scans: %d of them; at most %d", len(c.Scans), maxScans)
	}
	var data, scanned []exception.Unit
	for _, u := range told {
		data = append(data, exception.Unit(u))
	}
	for i, text := range c.Scans {
		u, err := d.scan(text)
		if err != nil {
			return out, false, record.Invalidf("scans.%d: %w", i, err)
		}
		scanned = append(scanned, u)
	}
	for i, o := range c.Others {
		if err := fact.CheckNote(fmt.Sprintf("others.%d", i), o); err != nil {
			return out, false, record.Invalid(err)
		}
	}
	x := exception.Compare(cmp.Or(s.Instance, s.ID), data, scanned, c.Ordered, uuid.NewString)
	if x.Count() == 0 && len(c.Others) == 0 {
		return out, false, nil
	}
	if c.Order == "" && len(s.Transactions) > 0 {
		c.Order = s.Transactions[0]
	}
	sender, err := d.sender()
	if err != nil {
		return out, false, err
	}
	r := exception.Report{
		Message: uuid.NewString(), Case: uuid.NewString(), Timestamp: d.o.Now().Unix(), Order: c.Order,
		Sender: sender, Exceptions: x, Others: c.Others,
	}
	text, err := r.Encode()
	if err != nil {
		return out, false, record.Refusedf("scans: %w; compare a part of the document at a time", err)
	}
	out, err = d.report(ctx, by, reason, r, text, false, c.Document)
	return out, err == nil, err
}

func (d *Desk) sender() (s exception.Sender, err error) {
	c := d.o.Config
	if c.Contact.Email == "" {
		return s, record.Refusedf("sender: the hub has no address that partners can answer to; set dscsa.contact.email in its configuration")
	}
	s.Email = c.Contact.Email
	if c.GLN != "" {
		s.GLN = &c.GLN
	}
	if c.Contact.Phone != "" {
		s.Phone = &c.Contact.Phone
	}
	return s, nil
}

// scan reads a barcode of a serialised unit.
func (d *Desk) scan(text string) (u exception.Unit, err error) {
	els, err := gs1.Parse(text)
	if err != nil {
		return u, err
	}
	u = exception.Unit{GTIN: els.GTIN(), Serial: els.Serial(), Lot: els.Lot()}
	if u.GTIN == "" || u.Serial == "" {
		return u, fmt.Errorf("no serialised unit: want GTIN and serial (01, 21)")
	}
	if x := els.Expiry(); len(x) == 6 {
		u.Expiry, err = vrs.Day(x, d.o.Now())
	}
	return u, err
}

// Report takes a partner's exception report. A message that is known has no
// effect.
func (d *Desk) Report(ctx context.Context, by, reason string, text []byte) (Discrepancy, error) {
	r, err := exception.ReadReport(text)
	if err != nil {
		return Discrepancy{}, record.Invalid(fmt.Errorf("report: %w", err))
	}
	return d.report(ctx, by, reason, r, text, true, "")
}

func (d *Desk) report(ctx context.Context, by, reason string, r exception.Report, text []byte, inbound bool, document string) (Discrepancy, error) {
	return d.message(ctx, by, reason, r.Case, r.Message, func(c Discrepancy, found bool) (string, any, error) {
		if found && c.Inbound != inbound {
			return "", nil, record.Refusedf("exception_case_uuid %q: is a case that the other side reported; answer it by a response", r.Case)
		}
		return fact.DiscrepancyWasReported, fact.DiscrepancyReported{
			ID: r.Case, Message: r.Message, Inbound: inbound, Document: document, Items: r.Exceptions.Count(), Resolved: r.Resolved, Report: text,
		}, nil
	})
}

// Resolve reports that a case of ours is resolved, and gives it with the report
// to be sent.
func (d *Desk) Resolve(ctx context.Context, by, reason, id string) (Discrepancy, error) {
	c, err := d.Discrepancy(ctx, id)
	if err != nil || c.Resolved {
		return c, err
	}
	if c.Inbound {
		return c, record.Refusedf("id %q: a partner reported the case, and says when it is resolved", id)
	}
	first, err := exception.ReadReport(c.Messages[0].Text)
	if err != nil {
		return c, err
	}
	r := exception.Report{Message: uuid.NewString(), Case: id, Timestamp: d.o.Now().Unix(), Order: first.Order, Sender: first.Sender, Resolved: true}
	text, err := r.Encode()
	if err != nil {
		return c, err
	}
	return d.report(ctx, by, reason, r, text, false, c.Document)
}

// Respond takes a response: a partner's to a case of ours, or ours to a
// partner's. A message that is known has no effect.
func (d *Desk) Respond(ctx context.Context, by, reason string, text []byte) (Discrepancy, error) {
	r, err := exception.ReadResponse(text)
	if err != nil {
		return Discrepancy{}, record.Invalid(fmt.Errorf("response: %w", err))
	}
	return d.message(ctx, by, reason, r.Case, r.Message, func(c Discrepancy, found bool) (string, any, error) {
		if !found {
			return "", nil, record.Invalidf("exception_case_uuid %q: there is no such case", r.Case)
		}
		got := fact.DiscrepancyResponded{ID: r.Case, Message: r.Message, Outbound: c.Inbound, Response: text}
		items := c.items()
		for i, it := range r.Items {
			if !slices.Contains(items, it.Item) {
				return "", nil, record.Invalidf("response_items.%d.exception_item_uuid %q: is no item of the case", i, it.Item)
			}
			if it.Answer == "Accept" {
				got.Accepted++
			} else {
				got.Rejected++
			}
		}
		return fact.DiscrepancyWasResponded, got, nil
	})
}

// items are the ids of what a case reports.
func (c Discrepancy) items() (out []string) {
	for _, m := range c.Messages {
		if m.Kind != "report" {
			continue
		}
		r, err := exception.ReadReport(m.Text)
		if err != nil { // it was checked when it came
			continue
		}
		x := r.Exceptions
		for _, i := range x.NoData {
			out = append(out, i.Item)
		}
		for _, i := range x.NoProduct {
			out = append(out, i.Item)
		}
		for _, i := range x.Misfits {
			out = append(out, i.Item)
		}
		for _, i := range append(slices.Clone(x.Overages), x.Underages...) {
			out = append(out, i.Item)
		}
		if x.Master != nil {
			for _, i := range x.Master.GLN {
				out = append(out, i.Item)
			}
			for _, i := range x.Master.GTIN {
				out = append(out, i.Item)
			}
		}
	}
	return out
}

const maxMessages = 200 // of a case

// message appends a message to a case, unless it is known.
func (d *Desk) message(ctx context.Context, by, reason, id, message string, decide func(c Discrepancy, found bool) (string, any, error)) (out Discrepancy, err error) {
	ref := fact.Ref{Kind: fact.Discrepancy, ID: id}
	err = d.command(ctx, by, reason, func(ctx context.Context, ch event.Change) error {
		c, found, err := d.o.Model.discrepancies.Get(ctx, ch, id)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(c.Messages, func(m ExceptionMessage) bool { return m.ID == message }) {
			out = c
			return nil
		}
		if len(c.Messages) >= maxMessages {
			return record.Refusedf("exception_case_uuid %q: has %d messages, the most there can be", id, len(c.Messages))
		}
		typ, data, err := decide(c, found)
		if err != nil {
			return err
		}
		if err := add(ctx, ch, ref, typ, reason, data); err != nil {
			return err
		}
		out, err = record.Get(ctx, ch, d.o.Model.discrepancies, ref)
		return err
	})
	return out, err
}

// Discrepancy gives a case.
func (d *Desk) Discrepancy(ctx context.Context, id string) (Discrepancy, error) {
	return record.Get(ctx, d.o.Store, d.o.Model.discrepancies, fact.Ref{Kind: fact.Discrepancy, ID: id})
}

// Discrepancies lists up to limit cases after an id: "open", "resolved" or all.
func (d *Desk) Discrepancies(ctx context.Context, state, after string, limit int) ([]Discrepancy, error) {
	if state == "" {
		return record.Docs(d.o.Model.discrepancies.List(ctx, d.o.Store, after, limit))
	}
	return record.Docs(d.o.Model.discrepancies.Find(ctx, d.o.Store, "state", state, after, limit))
}
