package dispatch

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
)

// Item is one thing of a file: one of the four is set.
type Item struct {
	Line    int // of the file, or the number of the record; from 1
	Place   *Place
	Courier *fact.CourierDefined
	Job     *fact.JobPlanned
	Route   *fact.RoutePlanned
}

// MaxItems is how many things a file can have: they are entered in one
// transaction, for which all others wait.
const MaxItems = 5000

// Imported tells what an import did, or would do.
type Imported struct {
	Kind      string     `json:"kind" doc:"places, couriers, jobs or routes."`
	DryRun    bool       `json:"dryRun" doc:"Nothing was to be done."`
	Done      bool       `json:"done" doc:"It is done, wholly; otherwise nothing was."`
	Rows      int        `json:"rows" doc:"Things in the file."`
	Created   int        `json:"created"`
	Changed   int        `json:"changed"`
	Unchanged int        `json:"unchanged" doc:"Those that said the same already."`
	Problems  []Misentry `json:"problems" doc:"What is wrong with the file: nothing of it was done."`
	More      int        `json:"more,omitempty" doc:"Problems beyond those listed."`
}

// Misentry is one thing that is wrong with a file.
type Misentry struct {
	Line int    `json:"line,omitempty" doc:"Of the file, from 1; of JSON and YAML the number of the record."`
	ID   string `json:"id,omitempty"`
	What string `json:"problem" doc:"Field, value and remedy."`
}

const maxProblems = 1000

// Add adds a problem.
func (r *Imported) Add(p Misentry) {
	if len(r.Problems) >= maxProblems {
		r.More++
		return
	}
	r.Problems = append(r.Problems, p)
}

// errUndone takes an import back.
var errUndone = errors.New("import is taken back")

// Import enters all things of a file, or none where something is wrong with any,
// which the report tells. Those that are as they were are left alone. With
// dryRun nothing is done at all.
func (d *Dispatch) Import(ctx context.Context, actor, reason, kind string, items []Item, dryRun bool) (Imported, error) {
	if len(items) > MaxItems {
		return Imported{}, record.Invalidf("file: %d records; want at most %d, cut it into several", len(items), MaxItems)
	}
	var out Imported
	err := d.command(ctx, actor, reason, func(ctx context.Context, ch event.Change) error {
		out = Imported{Kind: kind, DryRun: dryRun, Rows: len(items), Problems: []Misentry{}}
		lines := map[string]int{}
		for _, it := range items {
			id := it.id()
			if first, again := lines[id]; again {
				out.Add(Misentry{it.Line, id, fmt.Sprintf("id: is on line %d too; keep one of the two", first)})
				continue
			}
			lines[id] = it.Line
			was, err := d.enter(ctx, ch, reason, it)
			switch {
			case errors.Is(err, record.ErrInvalid) || errors.Is(err, record.ErrRefused) || errors.Is(err, record.ErrNotFound) || errors.Is(err, record.ErrExists):
				out.Add(Misentry{it.Line, id, err.Error()})
			case err != nil:
				return err
			case was == created:
				out.Created++
			case was == changed:
				out.Changed++
			default:
				out.Unchanged++
			}
		}
		if dryRun || len(out.Problems) > 0 {
			return errUndone
		}
		return nil
	})
	if errors.Is(err, errUndone) {
		return out, nil
	}
	out.Done = err == nil
	return out, err
}

func (it Item) id() string {
	switch {
	case it.Place != nil:
		return it.Place.ID
	case it.Courier != nil:
		return it.Courier.ID
	case it.Job != nil:
		return it.Job.ID
	}
	return it.Route.ID
}

type entered int

const (
	unchanged entered = iota
	created
	changed
)

// enter enters one thing within a command.
func (d *Dispatch) enter(ctx context.Context, ch event.Change, reason string, it Item) (entered, error) {
	switch {
	case it.Place != nil:
		_, found, err := place(ctx, ch, it.Place.ID)
		if err != nil {
			return 0, err
		}
		same, err := d.setPlace(ctx, ch, reason, *it.Place)
		return outcome(found, same), err
	case it.Courier != nil:
		old, found, err := d.o.Model.couriers.Get(ctx, ch, it.Courier.ID)
		if err == nil {
			_, err = d.define(ctx, ch, reason, *it.Courier, record.Any)
		}
		return outcome(found, old.CourierDefined == *it.Courier), err
	case it.Job != nil:
		old, found, err := d.o.Model.jobs.Get(ctx, ch, it.Job.ID)
		if err == nil {
			_, err = d.plan(ctx, ch, reason, *it.Job, record.Any)
		}
		return outcome(found, reflect.DeepEqual(old.JobPlanned, *it.Job)), err
	}
	old, found, err := d.o.Model.routes.Get(ctx, ch, it.Route.ID)
	if err == nil {
		_, err = d.route(ctx, ch, reason, *it.Route, record.Any)
	}
	return outcome(found, reflect.DeepEqual(old.RoutePlanned, *it.Route)), err
}

func outcome(found, same bool) entered {
	switch {
	case !found:
		return created
	case same:
		return unchanged
	}
	return changed
}
