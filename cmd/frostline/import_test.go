package main

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"frostline/hub/access"
	"frostline/hub/api"
	"frostline/hub/catalog"
	"frostline/hub/dispatch"
	"frostline/hub/event"
	"frostline/hub/orders"
	"frostline/hub/people"
	"frostline/hub/rest"
	"frostline/hub/store"
)

// TestImport runs each script of testdata/import against a hub with a real
// catalog behind its socket.
func TestImport(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/import", Setup: func(e *testscript.Env) error {
		dir := filepath.Join(e.WorkDir, "hub")
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		records, close, err := openRecords(dir)
		if err != nil {
			return err
		}
		e.Defer(close)
		crl := filepath.Join(dir, "crl.pem")
		if err := os.WriteFile(crl, nil, 0o600); err != nil {
			return err
		}
		log := slog.New(slog.DiscardHandler)
		ca, err := access.OpenCA(dir, time.Now, log)
		if err != nil {
			return err
		}
		h := &hub{ca: ca, codes: map[string]bool{}}
		socket := filepath.Join(dir, "frostline.sock")
		s, err := api.New(api.Config{
			Socket: socket, Fleet: h, History: h, Feed: h, Access: h, Authority: ca, CRL: crl, Enrol: "hub.example:8884",
			Web: "http://127.0.0.1:8080/", Log: log, Rest: records,
		})
		if err != nil {
			return err
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		select {
		case <-s.Ready():
		case err := <-done:
			cancel()
			return err
		}
		e.Defer(func() { cancel(); <-done })
		e.Setenv("FROSTLINE_SOCKET", socket)
		return nil
	}})
}

// nobody has no tokens: who comes over the socket needs none.
type nobody struct{}

func (nobody) Caller(context.Context, string) (people.Caller, bool, error) {
	return people.Caller{}, false, nil
}

// openRecords gives a catalog in a directory, by its REST interface.
func openRecords(dir string) (http.Handler, func(), error) {
	ctx, log := context.Background(), slog.New(slog.DiscardHandler)
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(dir, "hub.db"), log)
	if err != nil {
		return nil, nil, err
	}
	model, orders, routes := catalog.NewModel(), orders.NewModel(), dispatch.NewModel()
	events, err := event.Open(ctx, event.Options{Store: db, Models: slices.Concat([]event.Model{model.Model()}, orders.Models(), routes.Models()), Log: log})
	if err != nil {
		return nil, nil, err
	}
	c, err := catalog.New(catalog.Options{Log: events, Store: db, Model: model, Logger: log})
	if err != nil {
		return nil, nil, err
	}
	d, err := dispatch.New(dispatch.Options{Log: events, Store: db, Model: routes, Catalog: model, Shipments: orders, Logger: log})
	if err != nil {
		return nil, nil, err
	}
	a, err := rest.New(ctx, rest.Config{Store: db, Tokens: nobody{}, Log: log, Catalog: c, Dispatch: d})
	if err != nil {
		return nil, nil, err
	}
	return a.Trusted(api.Actor), func() { db.Close() }, nil
}
