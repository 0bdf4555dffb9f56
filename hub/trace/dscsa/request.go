package dscsa

import (
	"context"
	"fmt"
	"slices"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/trace/dscsa/deadline"
	"frostline/proto/gs1"
)

const maxAbout = 100 // products, lots and serials of a request

// Reasons for which a trace may be asked (section 582(b)(1)(B)).
var Reasons = []string{"recall", "suspect", "illegitimate", "audit"}

// Ask enters a trace request. Its Due follows from its rule, "" being that of the
// configuration. A request whose id is known has no effect when it says the same.
func (d *Desk) Ask(ctx context.Context, actor, reason string, r fact.TraceRequested) (TraceRequest, error) {
	ref := fact.Ref{Kind: fact.TraceRequest, ID: r.ID}
	if err := ref.Check(); err != nil {
		return TraceRequest{}, record.Invalidf("id: %w", err)
	}
	if r.Rule == "" {
		r.Rule = d.o.Config.TraceRule
	}
	if r.Received == 0 {
		r.Received = d.now()
	}
	if err := d.checkRequest(r); err != nil {
		return TraceRequest{}, err
	}
	due, err := deadline.Due(r.Rule, time.UnixMilli(r.Received), d.zone)
	if err != nil {
		return TraceRequest{}, record.Invalidf("rule: %w", err)
	}
	r.Due = due.UnixMilli()
	var out TraceRequest
	err = d.command(ctx, actor, reason, func(ctx context.Context, ch event.Change) error {
		old, found, err := d.o.Model.requests.Get(ctx, ch, r.ID)
		if err != nil {
			return err
		}
		if found {
			if out = old; sameRequest(old.TraceRequested, r) {
				return nil
			}
			return fmt.Errorf("id %q: a trace request is %w", r.ID, record.ErrExists)
		}
		if err := add(ctx, ch, ref, fact.TraceWasRequested, reason, r); err != nil {
			return err
		}
		out, err = record.Get(ctx, ch, d.o.Model.requests, ref)
		return err
	})
	return out, err
}

func sameRequest(a, b fact.TraceRequested) bool {
	return a.Requester == b.Requester && a.Contact == b.Contact && a.Number == b.Number && a.Why == b.Why && a.Received == b.Received && a.Rule == b.Rule && slices.Equal(a.About, b.About)
}

func (d *Desk) checkRequest(r fact.TraceRequested) error {
	for _, f := range [][2]string{{"requester", r.Requester}, {"contact", r.Contact}, {"number", r.Number}} {
		if len(f[1]) > 200 {
			return record.Invalidf("%s: has %d bytes; at most 200", f[0], len(f[1]))
		}
		if err := fact.CheckNote(f[0], f[1]); err != nil {
			return record.Invalid(err)
		}
	}
	switch {
	case r.Requester == "":
		return record.Invalidf("requester: say which authority or partner asks")
	case !slices.Contains(Reasons, r.Why):
		return record.Invalidf("why %q: want one of %v", r.Why, Reasons)
	case len(r.About) == 0 || len(r.About) > maxAbout:
		return record.Invalidf("about: %d products; want 1 to %d", len(r.About), maxAbout)
	}
	if err := fact.CheckTime("received", r.Received); err != nil {
		return record.Invalid(err)
	}
	if ahead := r.Received - d.now(); ahead > (2 * time.Minute).Milliseconds() {
		return record.Invalidf("received %d: is %d s ahead of the hub's clock", r.Received, ahead/1000)
	}
	for i, a := range r.About {
		if err := checkAbout(fmt.Sprintf("about.%d", i), a); err != nil {
			return err
		}
	}
	return nil
}

func checkAbout(field string, a fact.TraceAbout) error {
	switch {
	case len(a.GTIN) != 14 || !gs1.ValidGTIN(a.GTIN):
		return record.Invalidf("%s.gtin %q: want 14 digits with the right check digit", field, a.GTIN)
	case len(a.Lot) > 20 || len(a.Serial) > 20:
		return record.Invalidf("%s: lot and serial have at most 20 characters", field)
	}
	return nil
}

// Answer makes the package that answers a request, keeps it, and closes the
// request. A request that was answered is answered by the same package.
func (d *Desk) Answer(ctx context.Context, actor, reason, id string) (TraceRequest, error) {
	ref := fact.Ref{Kind: fact.TraceRequest, ID: id}
	r, err := record.Get(ctx, d.o.Store, d.o.Model.requests, ref)
	if err != nil || r.Answer != nil {
		return r, err
	}
	at := d.now()
	zip, got, err := d.pack(ctx, r, at)
	if err != nil {
		return TraceRequest{}, err
	}
	got.Late = at >= r.Due
	err = d.command(ctx, actor, reason, func(ctx context.Context, ch event.Change) error {
		if r, err = record.Get(ctx, ch, d.o.Model.requests, ref); err != nil || r.Answer != nil {
			return err
		}
		if err := keep(ctx, ch, packageID(id), kindPackage, Content{"application/zip", got.SHA256, zip}, at); err != nil {
			return err
		}
		if err := add(ctx, ch, ref, fact.TraceWasAnswered, reason, got); err != nil {
			return err
		}
		r, err = record.Get(ctx, ch, d.o.Model.requests, ref)
		return err
	})
	return r, err
}

func packageID(request string) string { return "trace/" + request }

// Package gives the package that answered a request.
func (d *Desk) Package(ctx context.Context, id string) (Content, error) {
	r, err := d.Request(ctx, id)
	if err != nil {
		return Content{}, err
	}
	if r.Answer == nil {
		return Content{}, record.Refusedf("id %q: the request was not answered yet", id)
	}
	return d.Content(ctx, packageID(id))
}

// Request gives a trace request. Its State is "overdue" where it is open beyond
// its deadline.
func (d *Desk) Request(ctx context.Context, id string) (TraceRequest, error) {
	r, err := record.Get(ctx, d.o.Store, d.o.Model.requests, fact.Ref{Kind: fact.TraceRequest, ID: id})
	return r.at(d.now()), err
}

// at is the request as it stands at an instant.
func (r TraceRequest) at(now int64) TraceRequest {
	if r.State == "open" && now >= r.Due {
		r.State = "overdue"
	}
	return r
}

// Requests lists up to limit requests after an id: those that are "open"
// (overdue ones too) or "answered", or all.
func (d *Desk) Requests(ctx context.Context, state, after string, limit int) ([]TraceRequest, error) {
	var all []TraceRequest
	var err error
	if state == "" {
		all, err = record.Docs(d.o.Model.requests.List(ctx, d.o.Store, after, limit))
	} else {
		all, err = record.Docs(d.o.Model.requests.Find(ctx, d.o.Store, "state", state, after, limit))
	}
	now := d.now()
	for i := range all {
		all[i] = all[i].at(now)
	}
	return all, err
}
