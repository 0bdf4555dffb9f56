package rest

import (
	"context"
	"testing"

	"frostline/hub/custody"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/orders"
	"frostline/hub/orders/orderstest"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

func init() {
	parts = append(parts, func(w *world) func(*Config) {
		om, cm := orders.NewModel(), custody.NewModel()
		w.models = append(w.models, om.Models()...)
		w.models = append(w.models, cm.Models()...)
		return func(cfg *Config) {
			c, err := custody.New(custody.Options{Log: w.log, Store: w.db, Model: cm, Catalog: nothingEntered{}, Orders: om, Now: w.now, Logger: storetest.Logger(w.t)})
			if err != nil {
				w.t.Fatal(err)
			}
			o, err := orders.New(orders.Options{Log: w.log, Store: w.db, Model: om, Catalog: nothingEntered{}, Places: c, Now: w.now, Logger: storetest.Logger(w.t)})
			if err != nil {
				w.t.Fatal(err)
			}
			cfg.Orders, cfg.Custody = o, c
		}
	})
}

type nothingEntered struct{}

func (nothingEntered) Lookup(context.Context, store.Querier, fact.Ref) (fact.Record, bool, bool, error) {
	return nil, false, false, nil
}

// deskOf mounts orders and custody with a catalog in which there is something.
func deskOf(t *testing.T, db *store.DB) (*orderstest.Bench, *API) {
	b := orderstest.New(t, db)
	b.Stock()
	return b, newAPI(t, Config{Store: db, Orders: b.Orders, Custody: b.Custody, Now: b.Clock})
}

var _ event.Model = (*event.Table[struct{}])(nil)
