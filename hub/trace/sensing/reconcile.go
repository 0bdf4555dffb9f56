package sensing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"frostline/hub/store"
	"frostline/hub/trace/epcis"
	"frostline/hub/trace/repository"
)

// stated is a statement that holds.
type stated struct {
	topic, digest, event, document string
	n                              int64
}

// reconcile states what is wanted of a subject and not stated, and declares to
// be wrong what is stated and not wanted.
func (k *Keeper) reconcile(ctx context.Context, subject string, wanted []statement, now int64) error {
	old, last, err := k.stated(ctx, subject)
	if err != nil {
		return err
	}
	var push []string // events to be captured
	var rows [][]any  // new statements
	var wrong [][]any // those that hold no more
	declare := func(s stated, by ...string) error {
		doc, err := declared(s.document, now, by)
		push, wrong = append(push, doc), append(wrong, []any{now, subject, s.topic, s.n})
		return err
	}
	for i := range wanted {
		s := &wanted[i]
		digest, err := s.digest()
		if err != nil {
			return err
		}
		was, holds := old[s.topic]
		delete(old, s.topic)
		if holds && was.digest == digest {
			continue
		}
		w, err := k.render(ctx, s)
		if err != nil {
			return err
		}
		n := last[s.topic] + 1
		if w.ID, err = k.fresh(ctx, w.ID, subject, s.topic, n, rows); err != nil {
			return err
		}
		doc, err := json.Marshal(w)
		if err != nil {
			return err
		}
		push = append(push, string(doc))
		rows = append(rows, []any{subject, s.topic, n, digest, w.ID, string(doc), now, int64(0)})
		if holds {
			if err := declare(was, w.ID); err != nil {
				return err
			}
		}
	}
	for _, s := range sorted(old) {
		if err := declare(s); err != nil {
			return err
		}
	}
	if len(push) == 0 {
		return nil
	}
	err = k.o.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, r := range rows {
			if _, err := tx.Exec(ctx, "INSERT INTO sensing_statement (subject, topic, n, digest, event, document, stated_ms, declared_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)", r...); err != nil {
				return err
			}
		}
		for _, w := range wrong {
			if _, err := tx.Exec(ctx, "UPDATE sensing_statement SET declared_ms = $1 WHERE subject = $2 AND topic = $3 AND n = $4", w...); err != nil {
				return err
			}
		}
		var seq int64
		if err := tx.QueryRow(ctx, "SELECT COALESCE(MAX(seq), 0) FROM sensing_outbox").Scan(&seq); err != nil {
			return err
		}
		for _, doc := range push {
			seq++
			if _, err := tx.Exec(ctx, "INSERT INTO sensing_outbox (seq, document, problem) VALUES ($1, $2, '')", seq, doc); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("state what follows of %s: %w", subject, err)
	}
	return nil
}

// stated gives the statements of a subject that hold, by topic, and the last
// number of each topic.
func (k *Keeper) stated(ctx context.Context, subject string) (map[string]stated, map[string]int64, error) {
	holding, last := map[string]stated{}, map[string]int64{}
	rows, err := k.o.Store.Query(ctx, "SELECT topic, n, digest, event, declared_ms, CASE WHEN declared_ms = 0 THEN document ELSE '' END FROM sensing_statement WHERE subject = $1 ORDER BY topic, n", subject)
	if err != nil {
		return nil, nil, fmt.Errorf("read what was stated: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var s stated
		var wrong int64
		if err := rows.Scan(&s.topic, &s.n, &s.digest, &s.event, &wrong, &s.document); err != nil {
			return nil, nil, err
		}
		last[s.topic] = s.n
		if wrong == 0 {
			holding[s.topic] = s
		}
	}
	return holding, last, rows.Err()
}

// fresh gives the id of a new event: its hash, or where that is taken, by the
// same content that was declared wrong or by another topic, a UUID of its own.
func (k *Keeper) fresh(ctx context.Context, hash, subject, topic string, n int64, rows [][]any) (string, error) {
	var taken int64
	if err := k.o.Store.QueryRow(ctx, "SELECT COUNT(*) FROM sensing_statement WHERE event = $1", hash).Scan(&taken); err != nil {
		return "", err
	}
	for _, r := range rows {
		if r[4] == hash {
			taken++
		}
	}
	if taken == 0 {
		return hash, nil
	}
	return uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "%s %s %s %d", hash, subject, topic, n)).URN(), nil
}

// declared is an event with the declaration that it is wrong.
func declared(document string, now int64, by []string) (string, error) {
	var w wire
	if err := json.Unmarshal([]byte(document), &w); err != nil {
		return "", fmt.Errorf("read what was stated: %w", err)
	}
	w.Error = &declaration{Time: stamp(now), Reason: "incorrect_data", Corrective: by}
	b, err := json.Marshal(w)
	return string(b), err
}

// Bounds of one capture.
const (
	captureAtOnce = 100
	captureBytes  = 1 << 20
)

// actor is who captures.
const actor = "system/sensing"

// flush captures what is in the outbox.
func (k *Keeper) flush(ctx context.Context) error {
	for {
		seqs, items, err := k.outbox(ctx)
		if err != nil || len(seqs) == 0 {
			return err
		}
		job, err := k.o.Repository.Capture(ctx, repository.Capture{By: actor, Behaviour: repository.Proceed, Items: items})
		if err != nil {
			return fmt.Errorf("capture what the hub states: %w", err)
		}
		refused := map[int]string{}
		for _, p := range job.Problems {
			for i := range items {
				if items[i].Pointer == p.Pointer {
					refused[i] = p.Title + ": " + p.Detail
				}
			}
		}
		err = k.o.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			for i, seq := range seqs {
				if why, ok := refused[i]; ok {
					if _, err := tx.Exec(ctx, "UPDATE sensing_outbox SET problem = $1 WHERE seq = $2", why, seq); err != nil {
						return err
					}
					continue
				}
				if _, err := tx.Exec(ctx, "DELETE FROM sensing_outbox WHERE seq = $1", seq); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("note what was captured: %w", err)
		}
		for i, why := range refused {
			k.o.Log.Error("an EPCIS event that the hub stated cannot be captured; it is kept in sensing_outbox", "seq", seqs[i], "problem", why)
		}
	}
}

// outbox reads the next events to be captured.
func (k *Keeper) outbox(ctx context.Context) (seqs []int64, items []repository.Item, err error) {
	rows, err := k.o.Store.Query(ctx, "SELECT seq, document FROM sensing_outbox WHERE problem = '' ORDER BY seq LIMIT $1", int64(captureAtOnce))
	if err != nil {
		return nil, nil, fmt.Errorf("read what is to be captured: %w", err)
	}
	defer rows.Close()
	size := 0
	for rows.Next() {
		var seq int64
		var doc string
		if err := rows.Scan(&seq, &doc); err != nil {
			return nil, nil, err
		}
		if size += len(doc); size > captureBytes && len(seqs) > 0 {
			break
		}
		it := repository.Item{Pointer: fmt.Sprintf("/%d", len(seqs))}
		e, err := epcis.ParseEvent([]byte(doc))
		if err == nil {
			it.Record, err = repository.Index(e)
		}
		if err != nil {
			it.Problems = []repository.Problem{{Type: repository.Invalid, Title: "event is not valid", Detail: err.Error(), Pointer: it.Pointer}}
		}
		seqs, items = append(seqs, seq), append(items, it)
	}
	return seqs, items, errors.Join(rows.Err(), rows.Close())
}
