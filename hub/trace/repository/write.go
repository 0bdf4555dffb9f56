package repository

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
)

const (
	stream       = "epcis/captured"
	actor        = "system/epcis"
	factEvents   = 250 // named by one domain event: it is logged as it is up to 60,000 bytes
	toldProblems = 100
	writeWithin  = 30 * time.Second // with the wait for others who write
)

// write captures a group in one transaction. It belongs to who has the turn.
func (r *Repository) write(group []*waiter) {
	// Nobody's patience decides over the others.
	ctx, cancel := context.WithTimeout(context.Background(), writeWithin)
	defer cancel()
	var t *transaction
	_, err := r.events.Command(ctx, actor, func(ctx context.Context, c event.Change) error {
		t = &transaction{r: r, tx: c.Tx(), known: map[string][]stored{}}
		return t.run(ctx, c, group)
	})
	if err != nil {
		r.values.dropped()
	} else {
		r.values.committed()
		r.advance(t.seq)
	}
	for _, w := range group {
		if err != nil {
			w.job, w.err = Job{}, fmt.Errorf("capture events: %w", err)
		}
		close(w.done)
	}
}

// advance notes the last event and wakes those who wait for events.
func (r *Repository) advance(seq int64) {
	if seq <= r.last.Load() {
		return
	}
	r.last.Store(seq)
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.watchers {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// stored is what identifies an event that is there.
type stored struct{ hash, declares string }

// transaction is what one commit does.
type transaction struct {
	r        *Repository
	tx       *store.Tx
	seq      int64 // of the last event
	recorded int64 // record time of this commit
	number   int64 // of the last job
	known    map[string][]stored
}

func (t *transaction) run(ctx context.Context, c event.Change, group []*waiter) error {
	if err := t.begin(ctx, group); err != nil {
		return err
	}
	var captured []fact.Captured
	var fresh []*Record // of all jobs
	var jobs []string   // of each of them
	for _, w := range group {
		new := t.decide(w)
		if len(new) == 0 {
			continue
		}
		of := fact.Captured{ID: w.job.ID, By: w.capture.By}
		for _, rec := range new {
			t.seq++
			e := fact.CapturedEvent{Seq: t.seq, ID: rec.ID, Digest: rec.digest(), Declares: rec.Declares != ""}
			if !strings.Contains(rec.ID, rec.Hash) {
				e.Hash = rec.Hash
			}
			of.Events = append(of.Events, e)
			fresh, jobs = append(fresh, rec), append(jobs, w.job.ID)
		}
		captured = append(captured, of)
	}
	if err := t.store(ctx, fresh, jobs); err != nil {
		return err
	}
	jobsDone := jobRows.Into(t.tx)
	for _, w := range group {
		if err := t.masters(ctx, w); err != nil {
			return err
		}
		if err := t.finish(ctx, w, jobsDone); err != nil {
			return err
		}
	}
	if err := jobsDone.Flush(ctx); err != nil {
		return fmt.Errorf("store jobs: %w", err)
	}
	var news []event.New
	for _, f := range facts(captured) {
		news = append(news, event.New{Stream: stream, Expect: -1, Type: fact.EventsWereCaptured, Data: f})
	}
	if len(news) == 0 {
		return nil
	}
	_, err := c.AppendAll(ctx, news)
	return err
}

// facts cuts what was captured into domain events of bounded size.
func facts(all []fact.Captured) (out []fact.EventsCaptured) {
	room := 0
	for _, c := range all {
		for len(c.Events) > 0 {
			if room == 0 {
				out, room = append(out, fact.EventsCaptured{}), factEvents
			}
			n := min(room, len(c.Events))
			f := &out[len(out)-1]
			f.Captures = append(f.Captures, fact.Captured{ID: c.ID, By: c.By, Events: c.Events[:n]})
			c.Events, room = c.Events[n:], room-n
		}
	}
	return out
}

var eventByKey = &lookup{one: "SELECT id, hash, declares FROM epcis_event WHERE id_key = $1 ", width: 1, arrays: []string{"bigint"}}

// begin reads where things stand and what is known of the ids.
func (t *transaction) begin(ctx context.Context, group []*waiter) error {
	t.recorded = t.r.now().UnixMilli()
	last := int64(0)
	err := t.tx.QueryRow(ctx, "SELECT seq, recorded_ms FROM epcis_event ORDER BY seq DESC LIMIT 1").Scan(&t.seq, &last)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("read last event: %w", err)
	}
	t.recorded = max(t.recorded, last)
	if err := t.tx.QueryRow(ctx, "SELECT COALESCE(MAX(number), 0) FROM epcis_capture").Scan(&t.number); err != nil {
		return fmt.Errorf("read last job: %w", err)
	}
	var keys []any
	for _, w := range group {
		for _, it := range w.capture.Items {
			if it.Record != nil {
				keys = append(keys, idKey(it.Record.ID))
			}
		}
	}
	found := map[string]map[stored]bool{}
	err = eventByKey.each(ctx, t.tx, keys, func(rows *sql.Rows) error {
		var id string
		var s stored
		if err := rows.Scan(&id, &s.hash, &s.declares); err != nil {
			return err
		}
		if found[id] == nil {
			found[id] = map[stored]bool{}
		}
		found[id][s] = true
		return nil
	})
	if err != nil {
		return fmt.Errorf("look up ids of events: %w", err)
	}
	for id, all := range found {
		t.known[id] = slices.Collect(maps.Keys(all))
	}
	return nil
}

// decide gives the events of a job that are new, and notes in the job what
// becomes of the others.
func (t *transaction) decide(w *waiter) (fresh []*Record) {
	var problems []Problem
	known := int64(0)
	before := map[string][]stored{} // what this job has changed
	for _, it := range w.capture.Items {
		problems = append(problems, it.Problems...)
		if it.Record == nil {
			continue
		}
		r := it.Record
		all := t.known[r.ID]
		switch {
		case len(all) > 0 && all[0].hash != r.Hash:
			problems = append(problems, Problem{Type: Exists, Title: "event id is taken by another event", Pointer: it.Pointer, EventID: r.ID,
				Detail: fmt.Sprintf("eventID %q: an event with this id was captured with other content (hash %s, this one has %s); correct it by an error declaration and a new event with an id of its own", r.ID, all[0].hash, r.Hash)})
		case slices.ContainsFunc(all, func(s stored) bool { return s.declares == r.Declares }):
			known++
		default:
			if _, ok := before[r.ID]; !ok {
				before[r.ID] = all
			}
			t.known[r.ID] = append(all[:len(all):len(all)], stored{r.Hash, r.Declares})
			fresh = append(fresh, r)
		}
	}
	if len(problems) > 0 && w.capture.Behaviour == Rollback {
		maps.Copy(t.known, before)
		fresh, known = nil, 0
	}
	w.job.Success, w.job.Captured, w.job.Known = len(problems) == 0, int64(len(fresh)), known
	if n := len(problems); n > toldProblems {
		problems = append(problems[:toldProblems-1:toldProblems-1], Problem{Type: Invalid, Title: "more problems", Detail: fmt.Sprintf("%d more problems are not listed", n-toldProblems+1)})
	}
	w.job.Problems = problems
	return fresh
}

// store writes events and their indexes.
func (t *transaction) store(ctx context.Context, fresh []*Record, jobs []string) error {
	if len(fresh) == 0 {
		return nil
	}
	var texts []text
	for _, r := range fresh {
		for i := range r.Terms {
			r.Terms[i].Value = indexed(r.Terms[i].Value)
			texts = append(texts, text{r.Terms[i].Kind, r.Terms[i].Value})
		}
		for i := range r.Numbers {
			r.Numbers[i].Field = indexed(r.Numbers[i].Field)
			texts = append(texts, text{Measured, r.Numbers[i].Field})
		}
	}
	if err := t.r.values.resolve(ctx, t.tx, texts); err != nil {
		return err
	}
	events := eventRows.Into(t.tx)
	var terms []termRow
	var numbers []numberRow
	seq := t.seq - int64(len(fresh))
	for i, r := range fresh {
		seq++
		if err := events.Add(ctx, seq, r.ID, idKey(r.ID), r.Hash, r.Declares, r.Time, t.recorded, jobs[i], string(r.Document)); err != nil {
			return err
		}
		for _, x := range r.Terms {
			id, _ := t.r.values.get(text{x.Kind, x.Value})
			terms = append(terms, termRow{id, r.Time, seq, int64(x.Role)})
		}
		for _, x := range r.Numbers {
			id, _ := t.r.values.get(text{Measured, x.Field})
			numbers = append(numbers, numberRow{id, seq, x.Value})
			terms = append(terms, termRow{id, r.Time, seq, int64(None)})
		}
	}
	if err := events.Flush(ctx); err != nil {
		return err
	}
	return t.index(ctx, terms, numbers)
}

// termRow and numberRow are rows of the indexes of events.
type termRow struct{ value, time, seq, role int64 }

type numberRow struct {
	field, seq int64
	number     float64
}

// index writes rows of the indexes, each once, in the order of the tables: their
// neighbours are cheap. No two events have a row in common.
func (t *transaction) index(ctx context.Context, terms []termRow, numbers []numberRow) error {
	slices.SortFunc(terms, func(a, b termRow) int {
		return cmp.Or(cmp.Compare(a.value, b.value), cmp.Compare(a.time, b.time), cmp.Compare(a.seq, b.seq), cmp.Compare(a.role, b.role))
	})
	rows := termRows.Into(t.tx)
	for _, x := range slices.Compact(terms) {
		if err := rows.Add(ctx, x.value, x.time, x.seq, x.role); err != nil {
			return err
		}
	}
	if err := rows.Flush(ctx); err != nil {
		return err
	}
	slices.SortFunc(numbers, func(a, b numberRow) int {
		return cmp.Or(cmp.Compare(a.field, b.field), cmp.Compare(a.seq, b.seq), cmp.Compare(a.number, b.number))
	})
	rows = numberRows.Into(t.tx)
	for _, x := range slices.Compact(numbers) {
		if err := rows.Add(ctx, x.field, x.seq, x.number); err != nil {
			return err
		}
	}
	return rows.Flush(ctx)
}

// finish writes the row of a job.
func (t *transaction) finish(ctx context.Context, w *waiter, rows *store.Rows) error {
	t.number++
	w.job.Number, w.job.Finished = t.number, t.r.now().UnixMilli()
	problems, err := json.Marshal(w.job.Problems)
	if err != nil {
		return err
	}
	j := &w.job
	if err := rows.Add(ctx, j.ID, j.Number, j.By, j.Created, j.Finished, string(j.Behaviour), truth(j.Success), j.Captured, j.Known, string(problems)); err != nil {
		return fmt.Errorf("store job: %w", err)
	}
	return nil
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
