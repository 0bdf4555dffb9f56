package scan

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"frostline/hub/store"
	"frostline/proto/truetime"
)

// States of a group of scans, by what the hub makes of it.
const (
	Undated   = "undated"   // no anchor dates it yet: nothing is stated
	Conflict  = "conflict"  // the gateway's clocks contradict one another: nothing is stated
	Ahead     = "ahead"     // it lies ahead of the hub's clock: nothing is stated yet
	Invalid   = "invalid"   // it makes no sense to the hub, see Problem: nothing is stated
	Withdrawn = "withdrawn" // it was a mistake, says another scan
	Stated    = "stated"    // custody was told; see the outcome
	fresh     = "new"
)

// States lists those that Counts counts groups by.
var States = []string{Undated, Conflict, Ahead, Invalid, Withdrawn, Stated}

// Limits of a line and of time.
const (
	maxLine   = 200
	allowance = int64(time.Minute / time.Millisecond)        // that a scan may lie ahead of the hub's clock
	vaguest   = int64(7 * 24 * time.Hour / time.Millisecond) // uncertainty that a fact may have
)

// reconcileAll has lines say what their scans come to. exact follows small
// shifts at once.
func (k *Keeper) reconcileAll(ctx context.Context, groups map[group]bool, exact bool) error {
	all := make([]group, 0, len(groups))
	for g := range groups {
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b group) int { return cmp.Or(cmp.Compare(a.gateway, b.gateway), cmp.Compare(a.root, b.root)) })
	for _, g := range all {
		if err := k.reconcile(ctx, g, exact); err != nil {
			return fmt.Errorf("scan %s of gateway %s: %w", g.root, g.gateway, err)
		}
	}
	return nil
}

// overdue reconciles the groups that are to be looked at again.
func (k *Keeper) overdue(ctx context.Context) error {
	for {
		due := map[group]bool{}
		if err := k.groups(ctx, due, `SELECT gateway, root FROM scan_group WHERE look_ms > 0 AND look_ms <= $1 ORDER BY look_ms, gateway, root LIMIT 200`, k.o.Now().UnixMilli()); err != nil {
			return err
		}
		if len(due) == 0 {
			return nil
		}
		if err := k.reconcileAll(ctx, due, true); err != nil {
			return err
		}
	}
}

// reconcile has the lines of a group say what its scans come to now.
func (k *Keeper) reconcile(ctx context.Context, g group, exact bool) error {
	scans, err := scanRows(k.o.Store.Query(ctx, scanColumns+`WHERE gateway = $1 AND root = $2`, g.gateway, g.root))
	if err != nil || len(scans) == 0 {
		return err
	}
	last := counting(scans)
	state, problem, at, made, err := k.date(ctx, g, &last.row)
	if err != nil {
		return err
	}
	now := k.o.Now().UnixMilli()
	look := int64(0)
	if state == Ahead {
		look = at.UTC - allowance
	}
	lines, err := k.lines(ctx, g)
	if err != nil {
		return err
	}
	var add []line
	for _, part := range []string{place, custody} {
		var want *Statement
		if state == Stated {
			if want, err = stated(last.m, part, at, made); err != nil {
				state, problem, want = Invalid, err.Error(), nil
			}
		}
		next, later, err := follow(g, part, lines[part], want, made, exact)
		switch {
		case err != nil:
			state, problem = Invalid, err.Error()
		case later:
			look = now + k.o.MinorWait.Milliseconds()
		case next != nil:
			add = append(add, *next)
		}
	}
	return k.o.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, l := range add {
			body, err := json.Marshal(l.statement)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `INSERT INTO scan_line (gateway, root, part, n, fact, body, state, problem) VALUES ($1, $2, $3, $4, $5, $6, 'due', '')`,
				g.gateway, g.root, l.part, int64(l.n), l.fact, string(body)); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `INSERT INTO scan_group (gateway, root, state, problem, look_ms) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (gateway, root) DO UPDATE SET state = excluded.state, problem = excluded.problem, look_ms = excluded.look_ms`,
			g.gateway, g.root, state, clip(problem), look)
		return err
	})
}

// counting is the scan of a group that counts: the last of the gateway's own order.
func counting(scans []stored) stored {
	return slices.MaxFunc(scans, func(a, b stored) int {
		return cmp.Or(cmp.Compare(a.when.epoch, b.when.epoch), cmp.Compare(a.when.boot, b.when.boot), cmp.Compare(a.when.at, b.when.at), cmp.Compare(a.id, b.id))
	})
}

// date says when it is so what a scan says, and when that was said.
func (k *Keeper) date(ctx context.Context, g group, r *row) (state, problem string, at truetime.Moment, made int64, err error) {
	if r.m.Withdrawn {
		state = Withdrawn
	}
	resolve := func(i instant) (m truetime.Moment, err error) {
		t, err := k.o.Times.Timeline(ctx, g.gateway, i.epoch, i.boot)
		if err != nil || state != "" && state != Withdrawn {
			return m, err
		}
		m, ok := t.Resolve(i.at)
		switch {
		case !ok:
			state, problem = Undated, fmt.Sprintf("no anchor dates boot %d of epoch %d yet", i.boot, i.epoch)
		case m.Conflict:
			state, problem = Conflict, fmt.Sprintf("the clock sources of boot %d of epoch %d contradict one another", i.boot, i.epoch)
		case m.Uncertainty > vaguest:
			state, problem = Undated, fmt.Sprintf("it is dated to within %d days only", m.Uncertainty/86_400_000)
		}
		return m, nil
	}
	if at, err = resolve(r.since); err != nil {
		return state, problem, at, 0, err
	}
	m, err := resolve(r.when)
	if err != nil {
		return state, problem, at, 0, err
	}
	if r.m.Withdrawn { // that needs no time
		return Withdrawn, "", at, m.UTC, nil
	}
	if limit := k.o.Now().UnixMilli() + allowance; state == "" && max(at.UTC, m.UTC) > limit {
		at.UTC = max(at.UTC, m.UTC)
		return Ahead, fmt.Sprintf("it lies %d s ahead of the hub's clock: one of the two clocks is wrong", (at.UTC-k.o.Now().UnixMilli())/1000), at, m.UTC, nil
	}
	if state == "" {
		state = Stated
	}
	return state, problem, at, m.UTC, nil
}

// line is a statement of a line.
type line struct {
	part, fact     string
	n              int
	statement      *Statement
	state, problem string
}

// follow gives the next statement of a line that is to say what is wanted, nil
// where nothing is; later where it says nearly that and can wait.
func follow(g group, part string, have []line, want *Statement, made int64, exact bool) (next *line, later bool, err error) {
	n, corrects := len(have), ""
	if n > 0 {
		last := have[n-1]
		corrects = last.fact
		switch {
		case last.statement.takesBack() && want == nil:
			return nil, false, nil
		case last.statement.takesBack():
		case want == nil:
			_, _, was := last.statement.times()
			want = last.statement.withdrawn(max(made, was))
		default:
			any, much := want.differs(last.statement)
			if !any || !much && !exact {
				return nil, any, nil
			}
		}
	}
	if want == nil {
		return nil, false, nil
	}
	if n >= maxLine {
		return nil, false, fmt.Errorf("it was corrected %d times and stays as it is: correct it at the hub", n)
	}
	l := &line{part: part, n: n, fact: factID(g, part, n)}
	if l.statement, err = want.named(l.fact, corrects); err != nil {
		return nil, false, err
	}
	return l, false, nil
}

// lines gives the lines of a group.
func (k *Keeper) lines(ctx context.Context, g group) (map[string][]line, error) {
	rows, err := k.o.Store.Query(ctx, `SELECT part, n, fact, body, state, problem FROM scan_line WHERE gateway = $1 AND root = $2 ORDER BY part, n`, g.gateway, g.root)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string][]line{}
	for rows.Next() {
		l, err := readLine(rows)
		if err != nil {
			return nil, err
		}
		if l.n != len(out[l.part]) {
			return nil, errors.New("its line of statements has a hole: restore the store from a backup")
		}
		out[l.part] = append(out[l.part], l)
	}
	return out, rows.Err()
}

// readLine reads a line, with columns before it.
func readLine(rows *sql.Rows, before ...any) (l line, err error) {
	var body string
	if err := rows.Scan(append(before, &l.part, &l.n, &l.fact, &body, &l.state, &l.problem)...); err != nil {
		return l, err
	}
	return l, json.Unmarshal([]byte(body), &l.statement)
}
