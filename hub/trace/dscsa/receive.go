package dscsa

import (
	"context"
	"errors"
	"fmt"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/trace/dscsa/statement"
	"frostline/hub/trace/epcis"
	"frostline/hub/trace/repository"
)

// MaxDocument bounds a document, in bytes.
const MaxDocument = 16 << 20

// Receive takes a partner's document: captures its events, makes its units known,
// and keeps it. The same bytes again have no effect. media is its media type, or
// "" where its first byte tells. It fails where it is no document, or an event of
// it was captured before with other content; nothing is kept then.
func (d *Desk) Receive(ctx context.Context, actor, reason string, body []byte, media string) (TradeStatement, error) {
	if len(body) > MaxDocument {
		return TradeStatement{}, record.Invalidf("document: has %d bytes; at most %d are taken, send it in parts", len(body), MaxDocument)
	}
	sum := digest(body)
	ref := fact.Ref{Kind: fact.Statement, ID: "ti-" + sum[:32]}
	if old, found, err := d.o.Model.statements.Get(ctx, d.o.Store, ref.ID); err != nil || found {
		return old, err
	}
	doc, err := statement.Read(body, media)
	if err != nil {
		return TradeStatement{}, record.Invalid(fmt.Errorf("document: %w", err))
	}
	if own := d.o.Config.GLN; own != "" && doc.Fact.Sender == own {
		return TradeStatement{}, record.Refusedf("document: its sender is the company of this hub; what it sends is made here")
	}
	got := fact.StatementReceived{StatementDocument: doc.Fact}
	got.ID, got.SHA256, got.Bytes = ref.ID, sum, int64(len(body))
	if own := d.o.Config.GLN; own != "" && doc.Fact.Receiver != "" && doc.Fact.Receiver != own {
		got.Problems = append(got.Problems, fact.StatementProblem{Field: "header", About: doc.Fact.Receiver, Message: "the document is addressed to another company"})
	}
	if got.Capture, err = d.capture(ctx, actor, doc); err != nil {
		return TradeStatement{}, err
	}
	if err := d.learn(ctx, actor, reason, ref.ID, doc.Units, &got); err != nil {
		return TradeStatement{}, err
	}
	if media == "" {
		media = "application/xml"
		if body[0] == '{' {
			media = "application/ld+json"
		}
	}
	var out TradeStatement
	err = d.command(ctx, actor, reason, func(ctx context.Context, ch event.Change) error {
		var found bool
		if out, found, err = d.o.Model.statements.Get(ctx, ch, ref.ID); err != nil || found {
			return err
		}
		if err := keep(ctx, ch, ref.ID, kindReceived, Content{media, sum, body}, d.now()); err != nil {
			return err
		}
		if err := keepItems(ctx, ch, ref.ID, doc.Units); err != nil {
			return err
		}
		if err := add(ctx, ch, ref, fact.StatementWasReceived, reason, got); err != nil {
			return err
		}
		out, err = record.Get(ctx, ch, d.o.Model.statements, ref)
		return err
	})
	return out, err
}

// capture has the events of a document captured, and gives the job's id. Events
// that are known have no effect.
func (d *Desk) capture(ctx context.Context, actor string, doc *statement.Document) (string, error) {
	items := make([]repository.Item, len(doc.Events))
	for i, e := range doc.Events {
		r, err := repository.Index(e)
		if err != nil {
			return "", record.Invalidf("document: %s: %w", e.Pointer(), err)
		}
		items[i] = repository.Item{Record: r, Pointer: e.Pointer()}
	}
	job, err := d.o.Repository.Capture(ctx, repository.Capture{By: actor, Behaviour: repository.Rollback, Items: items, Masters: masters(doc.Master)})
	switch {
	case errors.Is(err, repository.ErrTooLarge):
		return "", record.Invalid(fmt.Errorf("document: %w", err))
	case err != nil:
		return "", fmt.Errorf("capture the events of a document: %w", err)
	case !job.Success && len(job.Problems) > 0:
		return "", record.Refusedf("document: %s: %s", job.Problems[0].Pointer, job.Problems[0].Detail)
	case !job.Success:
		return "", record.Refusedf("document: its events were not captured; job %s", job.ID)
	}
	return job.ID, nil
}

// masters are the master data of a document as the repository keeps them.
func masters(all []epcis.VocabularyElement) (out []repository.Element) {
	for _, m := range all {
		if m.ID == "" {
			continue
		}
		e := repository.Element{Type: m.Type, ID: epcis.Canonical(m.ID), Document: attributes(m.Attributes)}
		for _, c := range m.Children {
			e.Children = append(e.Children, epcis.Canonical(c))
		}
		out = append(out, e)
	}
	return out
}
