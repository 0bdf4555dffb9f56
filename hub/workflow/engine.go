package workflow

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
)

// Actor is who does what sagas do by themselves.
const Actor = "system/workflow"

const (
	actor    = Actor
	consumer = "workflow" // name among the consumers of events
	executor = "hub"      // there is one hub, and another takes over from it under the same name
	// version of the sagas' code. A saga under way under another version is run
	// again from the event log, which skips what was done. Raise it whenever the
	// order of steps changes.
	version    = "1"
	atOnce     = 4               // steps that do something
	lookFirst  = 2 * time.Second // after the first look
	lookEach   = 15 * time.Second
	slow       = 2 * time.Second     // without a step, of a saga that could go on
	keep       = 30 * 24 * time.Hour // of what the engine knows of sagas that have ended
	stopWithin = 10 * time.Second
)

// Options of New.
type Options struct {
	Config Config
	// Database is where the engine keeps how far each saga is: sqlite:PATH of a
	// file of its own, or postgres://…, where it keeps to the schema dbos.
	Database string
	Events   Events        // required
	Store    store.Querier // required, to read from
	Model    *Model        // required, and among the log's models
	Cases    Cases         // required
	Holds    Holds         // required
	Orders   Orders        // required
	Dispatch Dispatch      // required
	Now      func() time.Time
	Log      *slog.Logger // required
}

// Engine runs sagas. It is safe for concurrent use.
type Engine struct {
	o       Options
	steps   []step
	turns   chan struct{} // a token for each step that may do something at once
	counts  struct{ started, steps, retries, parked, undone, notices atomic.Uint64 }
	failing atomic.Pointer[string]

	dbos dbos.Context // set by Run before anything uses it
}

// New makes an engine. It opens and starts nothing; Run does.
func New(o Options) (*Engine, error) {
	switch {
	case o.Events == nil || o.Store == nil || o.Model == nil:
		return nil, errors.New("sagas: events, store and model must be set")
	case o.Cases == nil || o.Holds == nil || o.Orders == nil || o.Dispatch == nil:
		return nil, errors.New("sagas: cases, holds, orders and dispatch must be set")
	case o.Database == "":
		return nil, errors.New("sagas: database is not set")
	case o.Log == nil:
		return nil, errors.New("sagas: logger is not set")
	}
	if err := o.Config.Validate(); err != nil {
		return nil, fmt.Errorf("sagas: %w", err)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	e := &Engine{o: o, turns: make(chan struct{}, atOnce)}
	e.steps = e.excursionSteps()
	return e, nil
}

// Run starts sagas as excursions are opened and carries them on until ctx ends;
// it then returns nil. Sagas that were under way when the hub ended, in whatever
// way, go on where they were.
func (e *Engine) Run(ctx context.Context) (err error) {
	db, err := openDatabase(ctx, e.o.Database)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	config := db.config
	config.AppName, config.ApplicationVersion, config.ExecutorID = "frostline", version, executor
	config.Logger = slog.New(quiet{e.o.Log.Handler()})
	// The engine ends by Shutdown, so that steps are not cut off one by one.
	d, err := dbos.NewContext(context.WithoutCancel(ctx), config)
	if err != nil {
		return fmt.Errorf("open the engine of sagas: %w", err)
	}
	if d.GetApplicationVersion() != version || d.GetExecutorID() != executor {
		return errors.New("sagas: DBOS__APPVERSION or DBOS__VMID is set in the environment; unset them: sagas under way would not be found again")
	}
	dbos.RegisterWorkflow(d, e.excursion, dbos.WithWorkflowName("excursion"))
	e.dbos = d
	if err := d.Launch(); err != nil {
		return fmt.Errorf("launch the engine of sagas: %w", err)
	}
	defer func() {
		if stopped := dbos.Shutdown(d, stopWithin); stopped != nil {
			e.o.Log.Warn("the engine of sagas did not end in time; what was not written down is done again at the next start", "error", stopped)
		}
	}()
	if err := e.reconcile(ctx); ctx.Err() == nil {
		e.note(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.watch(ctx)
	}()
	defer func() { <-done }()
	return e.o.Events.Consume(ctx, consumer, e.Handle)
}

// watch sees to it that each saga that is open in the log is run by the engine,
// and that what has ended long ago is forgotten there.
func (e *Engine) watch(ctx context.Context) {
	tick := time.NewTimer(lookFirst)
	defer tick.Stop()
	for next := 2 * lookFirst; ; next = min(2*next, lookEach) {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := e.reconcile(ctx)
		if ctx.Err() != nil {
			return
		}
		e.note(err)
		tick.Reset(next)
	}
}

// note keeps why sagas are held up, and says it once.
func (e *Engine) note(err error) {
	was := e.failing.Load()
	switch {
	case err == nil && was != nil:
		e.failing.Store(nil)
		e.o.Log.Info("sagas go on")
	case err != nil:
		text := err.Error()
		e.failing.Store(&text)
		if was == nil {
			e.o.Log.Error("sagas are held up; tried again until it works", "error", err)
		}
	}
}

func (e *Engine) reconcile(ctx context.Context) error {
	for after := ""; ; {
		page, err := e.o.Model.sagas.Find(ctx, e.o.Store, open, open, after, 500)
		if err != nil || len(page) == 0 {
			return errors.Join(err, e.forget())
		}
		ids := make([]string, len(page))
		for i, s := range page {
			ids[i] = s.ID
		}
		known, err := dbos.ListWorkflows(e.dbos, dbos.WithFilterWorkflowIDs(ids...), dbos.WithFilterLoadInput(false), dbos.WithFilterLoadOutput(false))
		if err != nil {
			return fmt.Errorf("ask the engine for its sagas: %w", err)
		}
		status := map[string]dbos.WorkflowStatus{}
		for _, k := range known {
			status[k.ID] = k
		}
		for _, s := range page {
			k, found := status[s.ID]
			if err := e.revive(s.Doc.SagaStarted, k, found); err != nil {
				return fmt.Errorf("saga %s: %w", s.ID, err)
			}
			if err := e.nudge(ctx, s.Doc); err != nil {
				return fmt.Errorf("saga %s: %w", s.ID, err)
			}
		}
		after = page[len(page)-1].ID
	}
}

// revive has the engine run a saga that the log says is open.
func (e *Engine) revive(s fact.SagaStarted, k dbos.WorkflowStatus, found bool) error {
	switch {
	case !found:
		return e.start(s)
	case k.Status == dbos.WorkflowStatusCancelled || k.Status == dbos.WorkflowStatusMaxRecoveryAttemptsExceeded:
		_, err := dbos.ResumeWorkflow[string](e.dbos, s.ID) // the hub ended meanwhile
		return err
	case k.ApplicationVersion != version, k.Status == dbos.WorkflowStatusError, k.Status == dbos.WorkflowStatusSuccess:
		// Look again: it may have ended since it was listed.
		now, found, err := e.o.Model.sagas.Get(e.dbos, e.o.Store, s.ID)
		if err != nil || !found || now.State == Ended {
			return err
		}
		e.o.Log.Warn("a saga is run again from the log", "saga", s.ID, "status", k.Status, "version", k.ApplicationVersion, "error", k.Error)
		if err := dbos.DeleteWorkflows(e.dbos, []string{s.ID}); err != nil {
			return err
		}
		return e.start(s)
	}
	return nil
}

// nudge wakes a saga once more that could go on and does not: on PostgreSQL the
// engine can miss what is sent just after it was launched.
func (e *Engine) nudge(ctx context.Context, s Saga) error {
	if e.now()-s.Changed.Changed < slow.Milliseconds() {
		return nil
	}
	switch s.State {
	case Parked:
		return nil
	case Waiting:
		if now, err := e.o.Cases.Standing(ctx, s.Excursion); err != nil || !now.Decided {
			return err
		}
	}
	return dbos.Send(e.dbos, s.ID, "", wakeTopic)
}

func (e *Engine) start(s fact.SagaStarted) error {
	_, err := dbos.RunWorkflow(e.dbos, e.excursion, s, dbos.WithWorkflowID(s.ID))
	return err
}

// forget deletes what the engine keeps of sagas that ended long ago: the log
// has it.
func (e *Engine) forget() error {
	old, err := dbos.ListWorkflows(e.dbos, dbos.WithFilterStatus(dbos.WorkflowStatusSuccess), dbos.WithFilterCompletedBefore(time.Now().Add(-keep)),
		dbos.WithFilterLimit(500), dbos.WithFilterLoadInput(false), dbos.WithFilterLoadOutput(false))
	if err != nil || len(old) == 0 {
		return err
	}
	ids := make([]string, len(old))
	for i, k := range old {
		ids[i] = k.ID
	}
	return dbos.DeleteWorkflows(e.dbos, ids)
}

// derive makes an id of a saga and what in it the id is for, so that whatever is
// done twice is done under one id.
func derive(saga string, of ...any) string {
	sum := sha256.Sum256(fmt.Appendf([]byte(saga+"\n"), "%q", of))
	return "saga-" + hex.EncodeToString(sum[:16])
}

// command appends events to a saga's stream in one transaction, each under an id
// of its own, so that what was appended before is not appended again.
func (e *Engine) command(ctx context.Context, saga, by, reason string, all ...event.New) error {
	_, err := e.o.Events.Command(ctx, by, func(ctx context.Context, ch event.Change) error {
		for _, n := range all {
			n.Stream, n.Expect, n.Reason = fact.Ref{Kind: fact.Saga, ID: saga}.String(), -1, reason
			if _, err := ch.Append(ctx, n); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// quiet lets only errors of the engine's own log through: its warnings are of
// waits that ran out, which is how sagas remind people.
type quiet struct{ slog.Handler }

func (q quiet) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelError && q.Handler.Enabled(ctx, l)
}
func (q quiet) WithAttrs(a []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(a)} }
func (q quiet) WithGroup(n string) slog.Handler      { return quiet{q.Handler.WithGroup(n)} }
