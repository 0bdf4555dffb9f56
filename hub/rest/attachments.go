package rest

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/custody"
	"frostline/hub/custody/timeline"
	"frostline/hub/event"
	"frostline/hub/fact"
)

// Custody is what the operations on attachments and custody need;
// *custody.Custody has it.
type Custody interface {
	Take(ctx context.Context, actor, reason string, scans []custody.Scan, device bool) ([]custody.Outcome, error)
	Statement(ctx context.Context, id string) (custody.Scan, error)
	Whereabouts(ctx context.Context, subject fact.Ref, from, to int64) (custody.Whereabouts, error)
	Stays(ctx context.Context, thing fact.Ref, from, to int64) ([]timeline.Stay, error)
	Chain(ctx context.Context, pkg string) (custody.Chain, error)
	Trail(ctx context.Context, thing fact.Ref, after int64, limit int) ([]event.Event, error)
	Asides(ctx context.Context, state, after string, limit int) ([]custody.Aside, error)
	Retry(ctx context.Context, actor, reason, id string) (custody.Outcome, error)
	Drop(ctx context.Context, actor, reason, id string) error
	Counts() map[string]int64
}

func init() {
	means(custody.ErrNotFound, notFound)
	means(custody.ErrInvalid, unacceptable)
	means(custody.ErrReused, conflict)
	means(custody.ErrFull, refused)
}

// AttachedBody says where a thing is from an instant on.
type AttachedBody struct {
	ID          string     `json:"id,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Of the scan: told twice it is one. Devices must give it. Left out, each request is a statement of its own, unless it has an idempotency key."`
	Subject     RefBody    `json:"subject" doc:"A sensor, logger, tote, package or unit."`
	In          *PlaceBody `json:"in,omitempty" doc:"What it is in; left out, it is nowhere known from then on."`
	At          int64      `json:"at" minimum:"946684800000" maximum:"7258118400000" doc:"From when on, Unix ms; it may be long ago."`
	Uncertainty int64      `json:"uncertainty,omitempty" nullable:"true" minimum:"0" maximum:"604800000" doc:"Of at, ms."`
	Rank        int        `json:"rank,omitempty" nullable:"true" minimum:"0" maximum:"99" doc:"Of several sensors in one thing the lowest that has readings vouches."`
	Made        int64      `json:"made,omitempty" nullable:"true" minimum:"946684800000" maximum:"7258118400000" doc:"When it was scanned or stated, Unix ms; left out, the hub's clock."`
	Corrects    string     `json:"corrects,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"The statement about the same subject whose place it takes."`
	Withdrawn   bool       `json:"withdrawn,omitempty" nullable:"true" doc:"Only takes away what it corrects."`
	Note        string     `json:"note,omitempty" nullable:"true" maxLength:"500" doc:"Nothing that tells of a patient."`
}

// AttachmentsBody are statements that were sent together.
type AttachmentsBody struct {
	Statements []AttachedBody `json:"statements" minItems:"1" maxItems:"1000" doc:"In any order."`
	Device     bool           `json:"device,omitempty" nullable:"true" doc:"A device sends them, which cannot be asked again: each is taken, set aside or refused by itself, and what speaks of unknown things waits until these are known. Without it all are taken or none."`
}

// OutcomesBody tells what became of statements, in their order.
type OutcomesBody struct {
	Outcomes []custody.Outcome `json:"outcomes" doc:"States: taken, known (taken before), set_aside (waits), refused, dropped (by a person, before)."`
}

func (b AttachedBody) scan(ctx context.Context, i int, via string, device bool) (custody.Scan, error) {
	if b.ID == "" && device {
		return custody.Scan{}, failAt(unacceptable, "body", "/statements/"+strconv.Itoa(i)+"/id", "", "statements.%d.id: is missing; a device gives each scan an id of its own", i)
	}
	return custody.Scan{Attached: &fact.Attached{
		ID: idOr(ctx, b.ID), Subject: b.Subject.ref(), In: b.In.ref(), At: b.At, Uncertainty: b.Uncertainty, Rank: b.Rank,
		Via: via, Made: b.Made, Corrects: b.Corrects, Withdrawn: b.Withdrawn, Note: b.Note,
	}}, nil
}

// StatementPath names a statement.
type StatementPath struct {
	ID string `path:"id" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Id of the scan or statement."`
}

// StatementBody is a statement as it was taken: one of the two.
type StatementBody struct {
	Attached   *fact.Attached   `json:"attached,omitempty"`
	HandedOver *fact.HandedOver `json:"handedOver,omitempty"`
}

func registerCustody(api huma.API, c Custody) {
	wireTypes(api)
	op := inTag("attachments")
	huma.Register(api, op(http.MethodPost, "/attachments", "state-attachments", Write, "State where things are, or correct what was stated"),
		func(ctx context.Context, in *struct {
			Because
			Body AttachmentsBody
		}) (*struct{ Body OutcomesBody }, error) {
			via := "statement"
			if in.Body.Device {
				via = "scan"
			}
			scans := make([]custody.Scan, len(in.Body.Statements))
			for i, s := range in.Body.Statements {
				var err error
				if scans[i], err = s.scan(ctx, i, via, in.Body.Device); err != nil {
					return nil, err
				}
			}
			return take(ctx, c, in.Reason, scans, in.Body.Device)
		})
	huma.Register(api, op(http.MethodGet, "/attachments/{id}", "get-attachment", Read, "Give a statement as it was taken"),
		func(ctx context.Context, in *StatementPath) (*struct{ Body StatementBody }, error) {
			return statement(ctx, c, in.ID, true)
		})
	huma.Register(api, op(http.MethodPost, "/attachments/{id}/withdraw", "withdraw-attachment", Write, "Withdraw a statement: nothing takes its place"),
		func(ctx context.Context, in *struct {
			StatementPath
			BecauseOf
		}) (*struct{ Body OutcomesBody }, error) {
			s, err := statement(ctx, c, in.ID, true)
			if err != nil {
				return nil, err
			}
			a := *s.Body.Attached
			a.ID, a.Corrects, a.Withdrawn, a.Made, a.Via, a.Note = freshID(ctx), in.ID, true, 0, "statement", ""
			return take(ctx, c, in.Reason, []custody.Scan{{Attached: &a}}, false)
		})
	registerWhereabouts(api, c)
	registerScans(api, c)
	registerHandoffs(api, c)
	registerStories(api, c)
}

func take(ctx context.Context, c Custody, reason string, scans []custody.Scan, device bool) (*struct{ Body OutcomesBody }, error) {
	out, err := c.Take(ctx, Actor(ctx), reason, scans, device)
	return &struct{ Body OutcomesBody }{OutcomesBody{out}}, err
}

// statement gives a statement that is an attachment, or a hand-over.
func statement(ctx context.Context, c Custody, id string, attached bool) (*struct{ Body StatementBody }, error) {
	s, err := c.Statement(ctx, id)
	if err != nil {
		return nil, err
	}
	if (s.Attached != nil) != attached {
		return nil, fail(notFound, "id %q: is a statement of the other kind; look under /attachments or /custody", short(id))
	}
	return &struct{ Body StatementBody }{StatementBody(s)}, nil
}

func registerScans(api huma.API, c Custody) {
	op := inTag("scans")
	huma.Register(api, op(http.MethodGet, "/scans", "list-scans", Read, "List scans of devices that were set aside"),
		func(ctx context.Context, in *struct {
			Paging
			State string `query:"state" enum:"waiting,accepted,dropped" default:"waiting" doc:"In this state."`
		}) (*listReply[custody.Aside], error) {
			after, err := in.after(ctx)
			if err != nil {
				return nil, err
			}
			list, err := c.Asides(ctx, in.State, after, in.Limit+1)
			if err != nil {
				return nil, err
			}
			return paged(ctx, list, in.Limit, func(a custody.Aside) string { return a.ID }), nil
		})
	huma.Register(api, op(http.MethodGet, "/scans/counts", "count-scans", Read, "Count what became of statements since the hub started"),
		func(context.Context, *struct{}) (*struct{ Body map[string]int64 }, error) {
			return &struct{ Body map[string]int64 }{c.Counts()}, nil
		})
	huma.Register(api, op(http.MethodPost, "/scans/{id}/retry", "retry-scan", Write, "Try a scan that was set aside again"),
		func(ctx context.Context, in *struct {
			StatementPath
			Because
		}) (*struct{ Body custody.Outcome }, error) {
			out, err := c.Retry(ctx, Actor(ctx), in.Reason, in.ID)
			return &struct{ Body custody.Outcome }{out}, err
		})
	huma.Register(api, status(op(http.MethodDelete, "/scans/{id}", "drop-scan", Write, "Give up a scan that was set aside; it stays readable"), http.StatusNoContent),
		func(ctx context.Context, in *struct {
			StatementPath
			BecauseOf
		}) (*struct{}, error) {
			return nil, c.Drop(ctx, Actor(ctx), in.Reason, in.ID)
		})
}
