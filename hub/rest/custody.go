package rest

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/custody"
	"frostline/hub/fact"
	"frostline/proto/thermal"
)

// HandedOverBody says that a party has a package, or all of a shipment, from an
// instant on.
type HandedOverBody struct {
	ID          string        `json:"id,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Of the scan: told twice it is one. Devices must give it."`
	Subject     RefBody       `json:"subject" doc:"A package or shipment."`
	From        string        `json:"from,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Id of the party that gave it; left out for the first custodian. Where somebody else had it, that is flagged."`
	To          string        `json:"to" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Id of the party that took it, or a patient's token."`
	Role        string        `json:"role" enum:"pharmacy,manufacturer,wholesaler,3pl,courier,patient,clinic" doc:"Of the one who took it."`
	At          int64         `json:"at" minimum:"946684800000" maximum:"7258118400000" doc:"When, Unix ms; it may be long ago."`
	Uncertainty int64         `json:"uncertainty,omitempty" nullable:"true" minimum:"0" maximum:"604800000" doc:"Of at, ms."`
	Seal        string        `json:"seal" enum:"intact,broken,absent,not_checked" doc:"As it was found."`
	Temperature *float64      `json:"temperature,omitempty" nullable:"true" minimum:"-273.15" maximum:"1000" doc:"What the scanner read, °C."`
	Position    *PositionBody `json:"position,omitempty" doc:"Where; or say in noPosition why not."`
	NoPosition  string        `json:"noPosition,omitempty" nullable:"true" maxLength:"500" doc:"Why there is no position, such as: no fix in the basement."`
	Made        int64         `json:"made,omitempty" nullable:"true" minimum:"946684800000" maximum:"7258118400000" doc:"When it was scanned or stated, Unix ms; left out, the hub's clock."`
	Corrects    string        `json:"corrects,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"The hand-over of the same subject whose place it takes."`
	Withdrawn   bool          `json:"withdrawn,omitempty" nullable:"true" doc:"Only takes away what it corrects."`
	Note        string        `json:"note,omitempty" nullable:"true" maxLength:"500" doc:"Nothing that tells of a patient."`
}

// HandoversBody are hand-overs that were sent together.
type HandoversBody struct {
	Statements []HandedOverBody `json:"statements" minItems:"1" maxItems:"1000" doc:"In any order."`
	Device     bool             `json:"device,omitempty" nullable:"true" doc:"As with attachments."`
}

func (b HandedOverBody) scan(ctx context.Context, i int, device bool) (custody.Scan, error) {
	at := "/statements/" + strconv.Itoa(i)
	if b.ID == "" && device {
		return custody.Scan{}, failAt(unacceptable, "body", at+"/id", "", "statements.%d.id: is missing; a device gives each scan an id of its own", i)
	}
	h := &fact.HandedOver{
		ID: idOr(ctx, b.ID), Subject: b.Subject.ref(), From: b.From, To: b.To, Role: b.Role, At: b.At, Uncertainty: b.Uncertainty,
		Seal: b.Seal, Position: (*fact.Position)(b.Position), NoPosition: b.NoPosition, Made: b.Made, Corrects: b.Corrects, Withdrawn: b.Withdrawn, Note: b.Note,
	}
	if b.Temperature != nil {
		h.Temperature = new(thermal.Temp)
		text := strconv.FormatFloat(*b.Temperature, 'f', -1, 64)
		if err := h.Temperature.UnmarshalJSON([]byte(text)); err != nil {
			return custody.Scan{}, failAt(unacceptable, "body", at+"/temperature", text, "statements.%d.temperature: %v", i, err)
		}
	}
	return custody.Scan{HandedOver: h}, nil
}

func registerHandoffs(api huma.API, c Custody) {
	op := inTag("custody")
	huma.Register(api, op(http.MethodPost, "/custody", "hand-over", Write, "Hand over packages or shipments, or correct a hand-over"),
		func(ctx context.Context, in *struct {
			Because
			Body HandoversBody
		}) (*struct{ Body OutcomesBody }, error) {
			scans := make([]custody.Scan, len(in.Body.Statements))
			for i, s := range in.Body.Statements {
				var err error
				if scans[i], err = s.scan(ctx, i, in.Body.Device); err != nil {
					return nil, err
				}
			}
			return take(ctx, c, in.Reason, scans, in.Body.Device)
		})
	huma.Register(api, op(http.MethodGet, "/custody/{id}", "get-handover", Read, "Give a hand-over as it was taken"),
		func(ctx context.Context, in *StatementPath) (*struct{ Body StatementBody }, error) {
			return statement(ctx, c, in.ID, false)
		})
	huma.Register(api, op(http.MethodPost, "/custody/{id}/withdraw", "withdraw-handover", Write, "Withdraw a hand-over: nothing takes its place"),
		func(ctx context.Context, in *struct {
			StatementPath
			BecauseOf
		}) (*struct{ Body OutcomesBody }, error) {
			s, err := statement(ctx, c, in.ID, false)
			if err != nil {
				return nil, err
			}
			h := *s.Body.HandedOver
			h.ID, h.Corrects, h.Withdrawn, h.Made, h.Note = freshID(ctx), in.ID, true, 0, ""
			return take(ctx, c, in.Reason, []custody.Scan{{HandedOver: &h}}, false)
		})
	huma.Register(api, op(http.MethodGet, "/packages/{id}/custody", "get-package-custody", Read, "Tell who had a package, one after the other"),
		func(ctx context.Context, in *PackagePath) (*struct{ Body custody.Chain }, error) {
			v, err := c.Chain(ctx, in.ID)
			return &struct{ Body custody.Chain }{v}, err
		})
}

// registerStories registers the trails of what the catalog does not have.
func registerStories(api huma.API, c Custody) {
	for kind, plural := range map[fact.Kind]string{fact.Order: "orders", fact.Shipment: "shipments", fact.Package: "packages"} {
		op := inTag(plural)
		huma.Register(api, op(http.MethodGet, "/"+plural+"/{id}/trail", "get-"+string(kind)+"-trail", Read, "Tell all that has happened, who did it, when and why, oldest first"),
			func(ctx context.Context, in *struct {
				ThingPath
				Paging
			}) (*listReply[TrailEvent], error) {
				return story(ctx, c, &in.Paging, fact.Ref{Kind: kind, ID: in.ID})
			})
	}
	huma.Register(api, inTag("units")(http.MethodGet, "/units/{id}/trail", "get-unit-trail", Read, "Tell all that has happened, who did it, when and why, oldest first"),
		func(ctx context.Context, in *struct {
			UnitPath
			Paging
		}) (*listReply[TrailEvent], error) {
			return story(ctx, c, &in.Paging, fact.Ref{Kind: fact.Unit, ID: in.ID})
		})
}

func story(ctx context.Context, c Custody, p *Paging, thing fact.Ref) (*listReply[TrailEvent], error) {
	after, err := number(p.after(ctx))
	if err != nil {
		return nil, err
	}
	events, err := c.Trail(ctx, thing, after, p.Limit+1)
	if err != nil {
		return nil, err
	}
	return paged(ctx, trailEvents(events), p.Limit, trailKey), nil
}
