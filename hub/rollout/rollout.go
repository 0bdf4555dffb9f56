package rollout

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
)

// States of a rollout.
const (
	Running = "running"
	Paused  = "paused"  // by a person: no further wave begins
	Stopped = "stopped" // by failures: besides, what has not begun is withdrawn
	Done    = "done"
	Aborted = "aborted"
)

// Phases of a gateway in a rollout.
const (
	Waiting   = "waiting"   // for its wave
	Asked     = "asked"     // it has not said anything to it
	Fetching  = "fetching"  // it has heeded it
	Trial     = "trial"     // it runs it, and nothing of that is acknowledged yet
	Confirmed = "confirmed" // it runs it
	Failed    = "failed"    // it refused or undid it
	Gone      = "gone"      // it is no longer enrolled
)

// Phases are all there are, in the order in which a gateway goes through them.
var Phases = []string{Waiting, Asked, Fetching, Trial, Confirmed, Failed, Gone}

// Rollout is a release on its way to gateways.
type Rollout struct {
	ID       int64
	Release  string
	Version  string
	State    string
	Waves    []string // as they were given
	Wave     int      // that goes on, from 1
	Failures int      // that stop it
	Quorum   int      // percent of a wave that has to be confirmed before the next begins
	Soak     time.Duration
	Actor    string
	Reason   string
	Started  int64  // UTC, Unix ms
	Changed  int64  // when State or Wave last did
	Why      string // it is in that state
	// Counts are gateways by wave, from the first, and phase.
	Counts []map[string]int

	forgiven int
	settled  int64
}

// Member is a gateway of a rollout.
type Member struct {
	Gateway string
	Wave    int
	Phase   string
	Reason  string // of a failure, or what holds it up
	Have    int64  // bytes fetched
	Size    int64  // bytes to fetch
	Told    int64  // when it last said something to it, UTC, Unix ms; 0: never

	number int64
}

// Plan is what a rollout is to be.
type Plan struct {
	Release  string   // id or version
	Waves    []string // see package
	Failures int      // that stop it, 1 to 1000
	Quorum   int      // percent, 1 to 100
	Soak     time.Duration
}

const maxSoak = 30 * 24 * time.Hour

func (p Plan) check() error {
	switch {
	case p.Failures < 1 || p.Failures > 1000:
		return fmt.Errorf("failures %d: %w: want 1 to 1000", p.Failures, ErrInvalid)
	case p.Quorum < 1 || p.Quorum > 100:
		return fmt.Errorf("quorum %d: %w: want 1 to 100 percent", p.Quorum, ErrInvalid)
	case p.Soak < 0 || p.Soak > maxSoak:
		return fmt.Errorf("soak %v: %w: want 0 to %v", p.Soak, ErrInvalid, maxSoak)
	}
	return nil
}

func stream(id int64) string { return fmt.Sprintf("rollout/%d", id) }

// Start begins a rollout, and asks the gateways of its first wave. The error wraps
// ErrUnknown, ErrInvalid or ErrBusy.
func (k *Keeper) Start(ctx context.Context, actor, reason string, p Plan) (Rollout, error) {
	if err := p.check(); err != nil {
		return Rollout{}, err
	}
	k.changing.Lock()
	defer k.changing.Unlock()
	rel, err := k.Release(ctx, p.Release)
	if err != nil {
		return Rollout{}, err
	}
	gateways := k.o.Enrolled()
	var r Rollout
	_, err = k.o.Events.Command(ctx, actor, func(ctx context.Context, c event.Change) error {
		if open, err := current(ctx, c); err != nil {
			return err
		} else if open != nil {
			return fmt.Errorf("rollout %d of %s is %s: %w: abort it first", open.ID, open.Version, open.State, ErrBusy)
		}
		if err := c.QueryRow(ctx, "SELECT COALESCE(MAX(id), 0) + 1 FROM rollout").Scan(&r.ID); err != nil {
			return err
		}
		waves, err := plan(gateways, p.Waves, fmt.Sprint(rel.ID, r.ID))
		if err != nil {
			return err
		}
		now := k.o.Now().UnixMilli()
		r = Rollout{ID: r.ID, Release: rel.ID, Version: rel.Version, State: Running, Waves: p.Waves, Wave: 1, Failures: p.Failures, Quorum: p.Quorum,
			Soak: p.Soak, Actor: actor, Reason: reason, Started: now, Changed: now, Why: "started"}
		text, err := json.Marshal(p.Waves)
		if err != nil {
			return err
		}
		if _, err := c.Tx().Exec(ctx, `INSERT INTO rollout (id, release, state, waves, wave, failures, forgiven, quorum, soak_ms, settled_ms, actor, reason, started_ms, changed_ms, why)
VALUES ($1, $2, $3, $4, 1, $5, 0, $6, $7, 0, $8, $9, $10, $11, $12)`,
			r.ID, r.Release, r.State, string(text), r.Failures, r.Quorum, r.Soak.Milliseconds(), actor, reason, now, now, r.Why); err != nil {
			return err
		}
		var sizes []int
		for i, wave := range waves {
			sizes = append(sizes, len(wave))
			for _, g := range wave {
				if _, err := c.Tx().Exec(ctx, `INSERT INTO rollout_gateway (rollout, gateway, wave, number, phase, reason, have, size, told_ms) VALUES ($1, $2, $3, 0, $4, '', 0, 0, 0)`,
					r.ID, g, i+1, Waiting); err != nil {
					return err
				}
			}
		}
		_, err = c.Append(ctx, event.New{Stream: stream(r.ID), Expect: -1, Type: fact.RolloutWasStarted, Reason: reason, Data: fact.RolloutStarted{
			Rollout: r.ID, Release: r.Release, Version: r.Version, Waves: r.Waves, Sizes: sizes, Failures: r.Failures, Quorum: r.Quorum, Soak: r.Soak.Milliseconds()}})
		return err
	})
	if err != nil {
		return Rollout{}, err
	}
	if err := k.advance(ctx); err != nil {
		return Rollout{}, fmt.Errorf("rollout %d is started, and its first wave not asked yet; it will be: %w", r.ID, err)
	}
	return k.Rollout(ctx, r.ID)
}

// Pause begins no further wave. The error wraps ErrUnknown or ErrState.
func (k *Keeper) Pause(ctx context.Context, actor, reason string, id int64) (Rollout, error) {
	return k.move(ctx, actor, reason, id, Paused, Running)
}

// Resume goes on with a rollout that was paused or stopped; failures so far are
// forgiven. The error wraps ErrUnknown or ErrState.
func (k *Keeper) Resume(ctx context.Context, actor, reason string, id int64) (Rollout, error) {
	return k.move(ctx, actor, reason, id, Running, Paused, Stopped)
}

// Abort ends a rollout: what has not begun is withdrawn, what is confirmed stays.
// The error wraps ErrUnknown or ErrState.
func (k *Keeper) Abort(ctx context.Context, actor, reason string, id int64) (Rollout, error) {
	return k.move(ctx, actor, reason, id, Aborted, Running, Paused, Stopped)
}

func (k *Keeper) move(ctx context.Context, actor, reason string, id int64, to string, from ...string) (Rollout, error) {
	k.changing.Lock()
	defer k.changing.Unlock()
	r, err := k.Rollout(ctx, id)
	if err != nil {
		return r, err
	}
	if !slices.Contains(from, r.State) {
		return r, fmt.Errorf("rollout %d is %s: to be %s is %w", id, r.State, to, ErrState)
	}
	if to == Running {
		r.forgiven = r.count(Failed)
	}
	why := to + " by " + actor
	if reason != "" {
		why += ": " + reason
	}
	if err := k.change(ctx, actor, reason, &r, to, r.Wave, why); err != nil {
		return r, err
	}
	if to == Aborted {
		err = k.withdraw(ctx, r)
	}
	if err == nil {
		err = k.advance(ctx)
	}
	if err != nil {
		return r, fmt.Errorf("rollout %d is %s, and not all gateways are told yet; they will be: %w", id, to, err)
	}
	return k.Rollout(ctx, id)
}

// change keeps another state or wave.
func (k *Keeper) change(ctx context.Context, actor, reason string, r *Rollout, state string, wave int, why string) error {
	now := k.o.Now().UnixMilli()
	if wave != r.Wave {
		r.settled = 0
	}
	_, err := k.o.Events.Command(ctx, actor, func(ctx context.Context, c event.Change) error {
		if _, err := c.Append(ctx, event.New{Stream: stream(r.ID), Expect: -1, Type: fact.RolloutHasChanged, Reason: reason,
			Data: fact.RolloutChanged{Rollout: r.ID, State: state, Wave: wave, Why: why}}); err != nil {
			return err
		}
		_, err := c.Tx().Exec(ctx, "UPDATE rollout SET state = $2, wave = $3, changed_ms = $4, why = $5, forgiven = $6, settled_ms = $7 WHERE id = $1",
			r.ID, state, wave, now, clip(why), r.forgiven, r.settled)
		return err
	})
	if err == nil {
		r.State, r.Wave, r.Changed, r.Why = state, wave, now, why
		k.o.Log.Info("rollout", "rollout", r.ID, "version", r.Version, "state", state, "wave", wave, "why", why)
	}
	return err
}

// count counts gateways in a phase, of all waves.
func (r *Rollout) count(phase string) (n int) {
	for _, c := range r.Counts {
		n += c[phase]
	}
	return n
}

const rolloutColumns = `r.id, r.release, COALESCE(p.version, ''), r.state, r.waves, r.wave, r.failures, r.forgiven, r.quorum, r.soak_ms, r.settled_ms, r.actor, r.reason, r.started_ms, r.changed_ms, r.why
FROM rollout r LEFT JOIN rollout_release p ON p.id = r.release`

func scanRollout(scan func(...any) error) (r Rollout, err error) {
	var waves string
	var soak int64
	if err = scan(&r.ID, &r.Release, &r.Version, &r.State, &waves, &r.Wave, &r.Failures, &r.forgiven, &r.Quorum, &soak, &r.settled, &r.Actor, &r.Reason, &r.Started, &r.Changed, &r.Why); err != nil {
		return r, err
	}
	r.Soak = time.Duration(soak) * time.Millisecond
	return r, json.Unmarshal([]byte(waves), &r.Waves)
}

// Rollout gives one, or the newest for 0. The error wraps ErrUnknown.
func (k *Keeper) Rollout(ctx context.Context, id int64) (Rollout, error) {
	return readRollout(ctx, k.o.Store, id)
}

func readRollout(ctx context.Context, q store.Querier, id int64) (Rollout, error) {
	r, err := scanRollout(q.QueryRow(ctx, "SELECT "+rolloutColumns+" WHERE r.id = $1 OR $2 = 0 ORDER BY r.id DESC LIMIT 1", id, id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return r, fmt.Errorf("rollout %d: %w", id, ErrUnknown)
	}
	if err != nil {
		return r, err
	}
	return r, r.tally(ctx, q)
}

func (r *Rollout) tally(ctx context.Context, q store.Querier) error {
	r.Counts = make([]map[string]int, len(r.Waves))
	for i := range r.Counts {
		r.Counts[i] = map[string]int{}
	}
	rows, err := q.Query(ctx, "SELECT wave, phase, COUNT(*) FROM rollout_gateway WHERE rollout = $1 GROUP BY wave, phase", r.ID)
	if err != nil {
		return err
	}
	for rows.Next() {
		var wave, n int
		var phase string
		if err := rows.Scan(&wave, &phase, &n); err != nil {
			return errors.Join(err, rows.Close())
		}
		r.Counts[wave-1][phase] = n
	}
	return errors.Join(rows.Err(), rows.Close())
}

// current is the rollout that has not ended; nil for none.
func current(ctx context.Context, q store.Querier) (*Rollout, error) {
	r, err := readRollout(ctx, q, 0)
	if errors.Is(err, ErrUnknown) || err == nil && (r.State == Done || r.State == Aborted) {
		return nil, nil
	}
	return &r, err
}

// Rollouts lists them, newest first, below an id; 0 for all.
func (k *Keeper) Rollouts(ctx context.Context, below int64, limit int) ([]Rollout, error) {
	if below == 0 {
		below = 1 << 53
	}
	rows, err := k.o.Store.Query(ctx, "SELECT "+rolloutColumns+" WHERE r.id < $1 ORDER BY r.id DESC LIMIT $2", below, limit)
	if err != nil {
		return nil, err
	}
	var all []Rollout
	for rows.Next() {
		r, err := scanRollout(rows.Scan)
		if err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		all = append(all, r)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	for i := range all {
		if err := all[i].tally(ctx, k.o.Store); err != nil {
			return nil, err
		}
	}
	return all, nil
}

const memberColumns = "gateway, wave, number, phase, reason, have, size, told_ms FROM rollout_gateway"

// Members lists the gateways of a rollout by name, after one; "" for all.
func (k *Keeper) Members(ctx context.Context, id int64, after string, limit int) ([]Member, error) {
	return members(ctx, k.o.Store, "SELECT "+memberColumns+" WHERE rollout = $1 AND gateway > $2 ORDER BY gateway LIMIT $3", id, after, limit)
}

func members(ctx context.Context, q store.Querier, query string, args ...any) ([]Member, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	var all []Member
	for rows.Next() {
		var m Member
		if err := rows.Scan(&m.Gateway, &m.Wave, &m.number, &m.Phase, &m.Reason, &m.Have, &m.Size, &m.Told); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		all = append(all, m)
	}
	return all, errors.Join(rows.Err(), rows.Close())
}
