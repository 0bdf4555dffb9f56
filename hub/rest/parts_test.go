package rest

import (
	"frostline/hub/catalog"
	"frostline/hub/store/storetest"
)

func init() {
	parts = append(parts, func(w *world) func(*Config) {
		m := catalog.NewModel()
		w.models = append(w.models, m.Model())
		return func(cfg *Config) {
			c, err := catalog.New(catalog.Options{Log: w.log, Store: w.db, Model: m, Logger: storetest.Logger(w.t)})
			if err != nil {
				w.t.Fatal(err)
			}
			cfg.Catalog = c
		}
	})
}
