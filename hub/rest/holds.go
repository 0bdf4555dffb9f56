package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/fact"
	"frostline/hub/hold"
)

// Holds is what the operations on quality holds need; *hold.Holds has it.
type Holds interface {
	Place(ctx context.Context, actor, reason string, p fact.HoldPlaced) (hold.Hold, error)
	Lift(ctx context.Context, actor, reason string, l fact.HoldLifted) (hold.Hold, error)
	Hold(ctx context.Context, id string) (hold.Hold, error)
	List(ctx context.Context, f hold.Filter, after string, limit int) ([]hold.Hold, error)
}

// HoldPath names a hold.
type HoldPath struct {
	ID string `path:"id" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Id of the hold."`
}

// QuarantineBody is what is put into quarantine.
type QuarantineBody struct {
	ID        string     `json:"id,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Of the hold: placed twice it is one. Left out, each request is one of its own, unless it has an idempotency key."`
	Package   string     `json:"package,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"A package, with whatever is in it."`
	Units     []UnitName `json:"units,omitempty" nullable:"true" maxItems:"700" doc:"Units, as GTIN.SERIAL."`
	Excursion string     `json:"excursion,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"The excursion that is the reason."`
	Cause     string     `json:"cause" minLength:"1" maxLength:"500" doc:"Why. Nothing that tells of a patient."`
}

// LiftBody names what leaves quarantine.
type LiftBody struct {
	Units []UnitName `json:"units,omitempty" nullable:"true" maxItems:"700" doc:"Units of the hold; left out, all of it."`
}

// HoldFilter chooses holds.
type HoldFilter struct {
	Paging
	Package  string `query:"package" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"That hold this package."`
	Unit     string `query:"unit" maxLength:"80" pattern:"^[0-9]{14}\\.[!-.0-~]{1,64}$" doc:"That hold this unit by itself."`
	Standing bool   `query:"standing" doc:"Only those that were not lifted."`
}

func (f HoldFilter) filter() hold.Filter {
	switch {
	case f.Package != "":
		return hold.Filter{On: fact.Ref{Kind: fact.Package, ID: f.Package}}
	case f.Unit != "":
		return hold.Filter{On: fact.Ref{Kind: fact.Unit, ID: f.Unit}}
	}
	return hold.Filter{Standing: f.Standing}
}

// Quarantine is a quality hold.
type Quarantine struct{ hold.Hold }

func registerHolds(api huma.API, h Holds) {
	op := inTag("holds")
	give := func(v hold.Hold, err error) (*found[Quarantine], error) {
		return foundOf(Quarantine{v}, v.Revision, err)
	}
	huma.Register(api, op(http.MethodGet, "/holds", "list-holds", Read, "List quality holds: what is in quarantine, and was"),
		func(ctx context.Context, in *HoldFilter) (*listReply[Quarantine], error) {
			after, err := in.after(ctx)
			if err != nil {
				return nil, err
			}
			list, err := h.List(ctx, in.filter(), after, in.Limit+1)
			if err != nil {
				return nil, err
			}
			out := make([]Quarantine, len(list))
			for i, v := range list {
				out[i] = Quarantine{v}
			}
			return paged(ctx, out, in.Limit, func(v Quarantine) string { return v.ID }), nil
		})
	huma.Register(api, op(http.MethodGet, "/holds/{id}", "get-hold", Read, "Give a quality hold"),
		func(ctx context.Context, in *HoldPath) (*found[Quarantine], error) { return give(h.Hold(ctx, in.ID)) })
	huma.Register(api, op(http.MethodPost, "/holds", "place-hold", QA, "Put a package or units into quarantine"),
		func(ctx context.Context, in *struct {
			Because
			Body QuarantineBody
		}) (*found[Quarantine], error) {
			b := in.Body
			return give(h.Place(ctx, Actor(ctx), in.Reason, fact.HoldPlaced{ID: idOr(ctx, b.ID), Package: b.Package, Units: unitNames(b.Units), Excursion: b.Excursion, Cause: b.Cause}))
		})
	huma.Register(api, op(http.MethodPost, "/holds/{id}/lift", "lift-hold", QA, "Take units out of quarantine, or all that a hold has"),
		func(ctx context.Context, in *struct {
			HoldPath
			BecauseOf
			Body LiftBody
		}) (*found[Quarantine], error) {
			return give(h.Lift(ctx, Actor(ctx), in.Reason, fact.HoldLifted{ID: in.ID, Units: unitNames(in.Body.Units)}))
		})
}
