// Package models lists the read models of all contexts, for the hub and for
// whoever rebuilds them where no hub runs.
package models

import (
	"slices"

	"frostline/hub/asset"
	"frostline/hub/catalog"
	"frostline/hub/custody"
	"frostline/hub/dispatch"
	"frostline/hub/event"
	"frostline/hub/evidence"
	"frostline/hub/excursion"
	"frostline/hub/hold"
	"frostline/hub/orders"
	"frostline/hub/trace/dscsa"
	"frostline/hub/trace/lookup"
	"frostline/hub/workflow"
)

// Models are those that contexts ask by themselves.
type Models struct {
	Assets   *asset.Model
	Catalog  *catalog.Model
	Orders   *orders.Model
	Custody  *custody.Model
	Cases    *excursion.Tables
	Dispatch *dispatch.Model
	Holds    *hold.Model
	Sagas    *workflow.Model
	DSCSA    *dscsa.Model
	Lookup   *lookup.Model
}

// New makes all of them. They belong to one log.
func New() Models {
	return Models{asset.NewModel(), catalog.NewModel(), orders.NewModel(), custody.NewModel(), excursion.NewTables(), dispatch.NewModel(), hold.NewModel(), workflow.NewModel(), dscsa.NewModel(), lookup.NewModel()}
}

// All lists every read model there is.
func (m Models) All() []event.Model {
	return slices.Concat(m.Assets.Models(), []event.Model{m.Catalog.Model()}, m.Orders.Models(), m.Custody.Models(), m.Cases.Models(), m.Dispatch.Models(), m.Holds.Models(), m.Sagas.Models(), m.DSCSA.Models(), m.Lookup.Models(), []event.Model{evidence.Links})
}
