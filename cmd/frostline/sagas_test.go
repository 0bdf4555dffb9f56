package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"frostline/hub/access"
	"frostline/hub/api"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/rest"
	"frostline/hub/store"
	"frostline/hub/workflow"
	"frostline/proto/thermal"
)

// TestSagas runs each script of testdata/sagas against a hub whose engine of
// sagas is the real one, behind its real socket. Excursion x1 has a package whose
// delivery is under way, and x2 one that is in no shipment.
func TestSagas(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/sagas", Setup: openSagas, Cmds: map[string]func(*testscript.TestScript, bool, []string){
		// saga ID STATE [STEP]: waits until it has come so far.
		"saga": func(ts *testscript.TestScript, _ bool, args []string) {
			e := ts.Value("sagas").(*workflow.Engine)
			wake, stop := ts.Value("log").(*event.Log).Watch()
			defer stop()
			late := time.After(30 * time.Second)
			for {
				s, err := e.Saga(context.Background(), args[0])
				if err == nil && string(s.State) == args[1] && (len(args) < 3 || s.Step == args[2]) {
					return
				}
				select {
				case <-wake:
				case <-late:
					ts.Fatalf("saga %s is %s at %q, %v; want %v", args[0], s.State, s.Step, err, args[1:])
				}
			}
		},
	}})
}

func openSagas(e *testscript.Env) error {
	ctx, log := context.Background(), slog.New(slog.DiscardHandler)
	dir := filepath.Join(e.WorkDir, "hub")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(dir, "hub.db"), log)
	if err != nil {
		return err
	}
	e.Defer(func() { db.Close() })
	model := workflow.NewModel()
	events, err := event.Open(ctx, event.Options{Store: db, Models: model.Models(), Log: log})
	if err != nil {
		return err
	}
	engine, err := workflow.New(workflow.Options{
		Config: workflow.Config{Stop: workflow.StopAsk, Tries: 1}, Database: "sqlite:" + filepath.Join(dir, "workflow.db"), Events: events, Store: db, Model: model, Log: log,
		Cases: undecided{}, Holds: freely{}, Orders: oneShipment{}, Dispatch: oneStop{},
	})
	if err != nil {
		return err
	}
	a, err := rest.New(ctx, rest.Config{Store: db, Tokens: nobody{}, Log: log, Sagas: engine})
	if err != nil {
		return err
	}
	ca, err := access.OpenCA(dir, time.Now, log)
	if err != nil {
		return err
	}
	crl := filepath.Join(dir, "crl.pem")
	if err := os.WriteFile(crl, nil, 0o600); err != nil {
		return err
	}
	h, socket := &hub{ca: ca, codes: map[string]bool{}}, filepath.Join(dir, "frostline.sock")
	s, err := api.New(api.Config{Socket: socket, Fleet: h, History: h, Feed: h, Access: h, Authority: ca, CRL: crl, Enrol: "hub.example:8884",
		Web: "http://127.0.0.1:8080/", Log: log, Rest: a.Trusted(api.Actor)})
	if err != nil {
		return err
	}
	running, cancel := context.WithCancel(ctx)
	done := make(chan error, 2)
	go func() { done <- s.Run(running) }()
	go func() { done <- engine.Run(running) }()
	e.Defer(func() {
		cancel()
		if err := errors.Join(<-done, <-done); err != nil {
			e.T().Fatal(err)
		}
	})
	select {
	case <-s.Ready():
	case err := <-done:
		done <- nil // for whoever waits for both
		return err
	}
	e.Setenv("FROSTLINE_SOCKET", socket)
	e.Values["sagas"], e.Values["log"] = engine, events
	_, err = events.Command(ctx, "system/test", func(ctx context.Context, ch event.Change) error {
		for _, x := range []string{"x1", "x2"} {
			f := fact.ExcursionFacts{Package: "PKG-" + x, Kind: fact.BrokenLimit, Limit: "warm", Severity: thermal.Alarm, From: 1, To: 2, Verdict: "v", Revision: 1}
			if _, err := ch.Append(ctx, event.New{Stream: "excursion/" + x, Expect: -1, Type: fact.ExcursionWasOpened, Data: fact.ExcursionOpened{ID: x, State: "opened", Facts: f}}); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// What sagas work with, as far as the scripts go: quality does not decide, and
// what is asked for is done.
type (
	undecided   struct{}
	freely      struct{}
	oneShipment struct{ workflow.Orders }
	oneStop     struct{ workflow.Dispatch }
)

func (undecided) Standing(context.Context, string) (workflow.Standing, error) {
	return workflow.Standing{}, nil
}

func (freely) Place(context.Context, string, string, fact.HoldPlaced) error { return nil }
func (freely) Lift(context.Context, string, string, fact.HoldLifted) error  { return nil }
func (freely) Held(context.Context, string) (bool, error)                   { return false, nil }

func (oneShipment) Shipment(_ context.Context, pkg string) (string, string, error) {
	if pkg == "PKG-x1" {
		return "SH-1", "O-1", nil
	}
	return "", "", nil
}

func (oneStop) Job(context.Context, string) (*fact.JobPlanned, []fact.SagaStop, error) {
	return &fact.JobPlanned{ID: "J-1", Shipment: "SH-1"}, []fact.SagaStop{{Route: "R-1", Stop: "s1"}}, nil
}
func (oneStop) Hold(context.Context, string, string, fact.StopHeld) error           { return nil }
func (oneStop) Message(context.Context, string, string, fact.CourierMessaged) error { return nil }
