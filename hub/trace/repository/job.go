package repository

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
)

const jobColumns = "id, number, actor, created_ms, finished_ms, behaviour, success, captured, known, problems"

func scanJob(scan func(...any) error) (j Job, err error) {
	var success int64
	var problems string
	if err := scan(&j.ID, &j.Number, &j.By, &j.Created, &j.Finished, &j.Behaviour, &success, &j.Captured, &j.Known, &problems); err != nil {
		return j, err
	}
	j.Success = success != 0
	if err := json.Unmarshal([]byte(problems), &j.Problems); err != nil {
		return j, fmt.Errorf("problems of job %s: %w", j.ID, err)
	}
	return j, nil
}

// Job gives a job, also one that failed; ErrNotFound where there is none.
func (r *Repository) Job(ctx context.Context, id string) (Job, error) {
	j, err := scanJob(r.store.QueryRow(ctx, "SELECT "+jobColumns+" FROM epcis_capture WHERE id = $1", id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return j, fmt.Errorf("capture %q: %w", id, ErrNotFound)
	}
	if err != nil {
		return j, fmt.Errorf("read capture %q: %w", id, err)
	}
	return j, nil
}

// Jobs lists jobs, newest first: those with a number below before, or all for 0.
func (r *Repository) Jobs(ctx context.Context, before int64, limit int) (all []Job, err error) {
	if before <= 0 {
		before = 1 << 62
	}
	err = rowsOf(ctx, r.store, "SELECT "+jobColumns+" FROM epcis_capture WHERE number < $1 ORDER BY number DESC LIMIT $2", func(rows *sql.Rows) error {
		j, err := scanJob(rows.Scan)
		all = append(all, j)
		return err
	}, before, limit)
	if err != nil {
		return nil, fmt.Errorf("list captures: %w", err)
	}
	return all, nil
}

// Values lists what events have as a kind of field, in order, after a value.
func (r *Repository) Values(ctx context.Context, kind Kind, after string, limit int) (all []string, err error) {
	err = rowsOf(ctx, r.store, "SELECT value FROM epcis_value WHERE kind = $1 AND value > $2 ORDER BY value LIMIT $3", func(rows *sql.Rows) error {
		var v string
		err := rows.Scan(&v)
		all = append(all, v)
		return err
	}, int64(kind), after, limit)
	if err != nil {
		return nil, fmt.Errorf("list values: %w", err)
	}
	return all, nil
}

// Has says whether any event has a value.
func (r *Repository) Has(ctx context.Context, kind Kind, value string) (bool, error) {
	var id int64
	err := r.store.QueryRow(ctx, "SELECT id FROM epcis_value WHERE kind = $1 AND value = $2", int64(kind), indexed(value)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}
