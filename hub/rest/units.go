package rest

import (
	"context"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/fact"
	"frostline/hub/orders"
)

// Units is the part of Orders about units and stock.
type Units interface {
	Receive(ctx context.Context, actor, reason string, units []fact.UnitReceived, expected int64) ([]orders.Unit, error)
	Unit(ctx context.Context, id string) (orders.Unit, error)
	UnitsOf(ctx context.Context, product, lot, after string, limit int) ([]orders.Unit, error)
	Adjust(ctx context.Context, actor string, a fact.InventoryAdjusted) (orders.Adjustment, error)
	Stocks(ctx context.Context, product, after string, limit int) ([]orders.Stock, error)
}

// UnitPath names a unit.
type UnitPath struct {
	ID string `path:"id" minLength:"16" maxLength:"79" pattern:"^[0-9]{14}[.][!-~]+$" doc:"GTIN.SERIAL, with a stroke in the serial as %2F."`
}

// UnitBody is a serialised unit.
type UnitBody struct {
	Product string      `json:"product" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Id of the product."`
	GTIN    string      `json:"gtin" minLength:"14" maxLength:"14" pattern:"^[0-9]{14}$" doc:"With its check digit."`
	Serial  string      `json:"serial" minLength:"1" maxLength:"20" pattern:"^[!-~]+$" doc:"Serial number (AI 21)."`
	Lot     string      `json:"lot" minLength:"1" maxLength:"20" pattern:"^[!-~]+$" doc:"Batch or lot (AI 10)."`
	Expiry  string      `json:"expiry" minLength:"10" maxLength:"10" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$" doc:"Last day on which it may be used."`
	Spent   []SpentBody `json:"spent,omitempty" nullable:"true" maxItems:"50" doc:"What earlier custodians say was used of its stability budgets."`
}

// SpentBody is what was used of a stability budget.
type SpentBody struct {
	Budget string `json:"budget" minLength:"1" maxLength:"64" doc:"Name of the budget in the profile or product."`
	MS     int64  `json:"ms" minimum:"0" maximum:"316224000000" doc:"How long, ms."`
	Source string `json:"source" minLength:"1" maxLength:"500" doc:"Who says so, by which document."`
}

func (b UnitBody) fact() fact.UnitReceived {
	u := fact.UnitReceived{Product: b.Product, GTIN: b.GTIN, Serial: b.Serial, Lot: b.Lot, Expiry: b.Expiry}
	for _, s := range b.Spent {
		u.Spent = append(u.Spent, fact.Spent{Budget: s.Budget, Duration: s.MS, Source: s.Source})
	}
	return u
}

// UnitsBody are units that were received together.
type UnitsBody struct {
	Units []UnitBody `json:"units" minItems:"1" maxItems:"1000" doc:"All are taken, or none."`
}

// AdjustBody changes the stock of a product.
type AdjustBody struct {
	ID     string `json:"id,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Of the adjustment: told twice it is one. Left out, each request is one of its own, unless it has an idempotency key."`
	Site   string `json:"site" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Id of the site."`
	Lot    string `json:"lot,omitempty" nullable:"true" maxLength:"20" pattern:"^[!-~]+$" doc:"Batch or lot, where stock is kept by lot."`
	Change int64  `json:"change" minimum:"-1000000000" maximum:"1000000000" doc:"Units that came (positive) or went; not 0."`
	Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"Why. Nothing that tells of a patient."`
	Below  bool   `json:"below,omitempty" nullable:"true" doc:"Let the stock become negative."`
}

// DrugPath names a product.
type DrugPath struct {
	DrugID string `path:"drugId" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Id of the product."`
}

// UnitFilter chooses units.
type UnitFilter struct {
	Paging
	Product string `query:"product" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Of this product."`
	Lot     string `query:"lot" maxLength:"20" pattern:"^[!-~]+$" doc:"Of this lot of the product."`
}

func registerUnits(api huma.API, o Units) {
	op := inTag("units")
	huma.Register(api, op(http.MethodGet, "/units", "list-units", Read, "List units"),
		func(ctx context.Context, in *UnitFilter) (*listReply[orders.Unit], error) {
			after, err := in.after(ctx)
			if err != nil {
				return nil, err
			}
			if in.Lot != "" && in.Product == "" {
				return nil, failAt(unacceptable, "query", "/product", "", "product: a lot is one of a product; give it too")
			}
			list, err := o.UnitsOf(ctx, in.Product, in.Lot, after, in.Limit+1)
			if err != nil {
				return nil, err
			}
			return paged(ctx, list, in.Limit, func(u orders.Unit) string { return u.ID }), nil
		})
	huma.Register(api, status(op(http.MethodPost, "/units", "receive-units", Write, "Receive units"), http.StatusCreated),
		func(ctx context.Context, in *struct {
			Because
			Body UnitsBody
		}) (*struct{ Body []orders.Unit }, error) {
			list := make([]fact.UnitReceived, len(in.Body.Units))
			for i, u := range in.Body.Units {
				list[i] = u.fact()
			}
			v, err := o.Receive(ctx, Actor(ctx), in.Reason, list, 0)
			return &struct{ Body []orders.Unit }{v}, err
		})
	huma.Register(api, op(http.MethodPut, "/units/{id}", "put-unit", Write, "Receive a unit, or correct its lot, expiry or what was spent"),
		func(ctx context.Context, in *struct {
			UnitPath
			Precondition
			Because
			Body UnitBody
		}) (*put[orders.Unit], error) {
			expect, err := in.expect()
			if err != nil {
				return nil, err
			}
			u := in.Body.fact()
			if id := orders.UnitID(u.GTIN, u.Serial); id != in.ID {
				return nil, failAt(unacceptable, "body", "/serial", u.Serial, "serial: gtin and serial make %q, the path names %q", short(id), short(in.ID))
			}
			return putting("/units/"+url.PathEscape(in.ID), func() error { _, err := o.Unit(ctx, in.ID); return err }, func() (out orders.Unit, _ int64, _ error) {
				v, err := o.Receive(ctx, Actor(ctx), in.Reason, []fact.UnitReceived{u}, expect)
				if err != nil {
					return out, 0, err
				}
				return v[0], v[0].Revision, nil
			})
		})
	orCreated(api.OpenAPI().Paths["/units/{id}"].Put)
	huma.Register(api, op(http.MethodGet, "/units/{id}", "get-unit", Read, "Give a unit"),
		func(ctx context.Context, in *UnitPath) (*found[orders.Unit], error) {
			v, err := o.Unit(ctx, in.ID)
			return foundOf(v, v.Revision, err)
		})
	op = inTag("inventory")
	huma.Register(api, op(http.MethodPut, "/inventory/{drugId}/adjust", "adjust-inventory", Write, "Change the stock of a product at a site"),
		func(ctx context.Context, in *struct {
			DrugPath
			Body AdjustBody
		}) (*struct{ Body orders.Adjustment }, error) {
			b := in.Body
			v, err := o.Adjust(ctx, Actor(ctx), fact.InventoryAdjusted{ID: idOr(ctx, b.ID), Product: in.DrugID, Site: b.Site, Lot: b.Lot, Change: b.Change, Reason: b.Reason, Below: b.Below})
			return &struct{ Body orders.Adjustment }{v}, err
		})
	huma.Register(api, op(http.MethodGet, "/inventory/{drugId}", "get-inventory", Read, "Tell how much of a product there is, by site and lot"),
		func(ctx context.Context, in *struct {
			DrugPath
			Paging
		}) (*listReply[orders.Stock], error) {
			after, err := in.after(ctx)
			if err != nil {
				return nil, err
			}
			list, err := o.Stocks(ctx, in.DrugID, after, in.Limit+1)
			if err != nil {
				return nil, err
			}
			return paged(ctx, list, in.Limit, orders.StockKey), nil
		})
}
