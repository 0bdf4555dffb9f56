package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	flog "github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/tessera/client"

	"frostline/hub/evidence/witness"
	"frostline/hub/store"
)

// Checkpoint is a signed statement of the log's size and root that was kept.
type Checkpoint struct {
	Size     uint64
	Root     []byte
	At       int64 // hub's clock when it was kept, Unix ms
	Cosigned int   // by how many witnesses
	Quorum   bool  // as many as were asked for then
	Note     string
}

// askAgain is how long after a checkpoint lacked witnesses they are asked
// again for it.
const askAgain = 30 * time.Second

// checkpoint keeps a checkpoint of all that the log has, if there is none yet.
func (l *Ledger) checkpoint(ctx context.Context) error {
	last, _ := l.Latest()
	if l.next == 0 || l.next == last.Size && (!l.unstable || l.o.Now().UnixMilli()-last.At < askAgain.Milliseconds()) {
		return nil
	}
	c, err := l.published(ctx)
	if err != nil {
		return err
	}
	l.cosign(ctx, &c)
	if c.Size == last.Size && c.Cosigned <= last.Cosigned {
		c = last // no more than before: it stays, and so do the bundles made of it
	}
	c.At = l.o.Now().UnixMilli()
	quorum := int64(0)
	if c.Quorum {
		quorum = 1
	}
	if err := l.o.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM evidence_checkpoint WHERE size = $1`, int64(c.Size)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO evidence_checkpoint (size, root, at_ms, cosigned, quorum, note) VALUES ($1, $2, $3, $4, $5, $6)`,
			int64(c.Size), c.Root, c.At, c.Cosigned, quorum, c.Note)
		return err
	}); err != nil {
		return fmt.Errorf("keep checkpoint of %d entries: %w", c.Size, err)
	}
	if l.unstable = !c.Quorum; l.unstable && c.Size != last.Size {
		l.mu.Lock()
		l.status.Short++
		l.mu.Unlock()
	}
	l.notify(func() { l.latest = c })
	return nil
}

// published waits until Tessera has published a checkpoint of all entries.
func (l *Ledger) published(ctx context.Context) (c Checkpoint, err error) {
	deadline := time.Now().Add(publishWithin)
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		raw, err := l.files.ReadCheckpoint(ctx)
		if err == nil {
			cp, _, _, err := flog.ParseCheckpoint(raw, l.o.Origin, l.check)
			if err != nil {
				return c, &BrokenError{fmt.Sprintf("the evidence log's own checkpoint does not verify by its key: restore the evidence directory and key from one backup: %v", err)}
			}
			if cp.Size == l.next {
				return Checkpoint{Size: cp.Size, Root: cp.Hash, Note: string(raw)}, nil
			}
		}
		if time.Now().After(deadline) {
			l.unstick()
			return c, fmt.Errorf("checkpoint of %d entries was not published within %v", l.next, publishWithin)
		}
		select {
		case <-ctx.Done():
			return c, ctx.Err()
		case <-time.After(wait):
		}
	}
}

// cosign asks all witnesses at once.
func (l *Ledger) cosign(ctx context.Context, c *Checkpoint) {
	lines := make([]string, len(l.o.Witnesses))
	states := make([]witness.State, len(l.o.Witnesses))
	l.mu.Lock()
	before := l.status.Witnesses
	l.mu.Unlock()
	var asking sync.WaitGroup
	for i, w := range l.o.Witnesses {
		states[i].Name = w.Name()
		if i < len(before) {
			states[i] = before[i]
		}
		asking.Go(func() {
			line, err := w.Cosign(ctx, l.o.Client, []byte(c.Note), states[i].Size, c.Size, l.Consistency)
			states[i].Refused = errors.Is(err, witness.ErrRefused)
			if err != nil {
				states[i].Error = err.Error()
				return
			}
			lines[i], states[i].Size, states[i].Error = line, c.Size, ""
		})
	}
	asking.Wait()
	for i, line := range lines {
		if line != "" {
			c.Cosigned++
			c.Note += line
		}
		if was := i < len(before) && before[i].Error != ""; states[i].Error != "" && !was {
			l.log.Error("a witness did not cosign; the checkpoint is kept without it", "witness", states[i].Name, "refused", states[i].Refused, "error", states[i].Error)
		} else if was && states[i].Error == "" {
			l.log.Info("a witness cosigns again", "witness", states[i].Name)
		}
	}
	c.Quorum = c.Cosigned >= l.o.Quorum
	l.mu.Lock()
	l.status.Witnesses = states
	l.mu.Unlock()
}

// Consistency proves that a log of size entries begins with its first old.
func (l *Ledger) Consistency(ctx context.Context, old, size uint64) ([][]byte, error) {
	p, err := client.NewProofBuilder(ctx, size, l.files.ReadTile)
	if err != nil {
		return nil, err
	}
	return p.ConsistencyProof(ctx, old, size)
}

// Inclusion gives proofs that entries are in the log of a checkpoint's size.
func (l *Ledger) Inclusion(ctx context.Context, size uint64) (func(index uint64) ([][]byte, error), error) {
	p, err := client.NewProofBuilder(ctx, size, l.files.ReadTile)
	if err != nil {
		return nil, err
	}
	return func(index uint64) ([][]byte, error) { return p.InclusionProof(ctx, index) }, nil
}

const checkpointColumns = `SELECT size, root, at_ms, cosigned, quorum, note FROM evidence_checkpoint `

// At is the first checkpoint kept with at least size entries that has a quorum
// of witnesses, or, where none has yet, the first with size entries; ok is
// false where there is none.
func (l *Ledger) At(ctx context.Context, size uint64) (c Checkpoint, ok bool, err error) {
	if c, ok, err = l.one(ctx, `WHERE size >= $1 AND quorum = 1 ORDER BY size LIMIT 1`, int64(size)); ok || err != nil {
		return c, ok, err
	}
	return l.one(ctx, `WHERE size >= $1 ORDER BY size LIMIT 1`, int64(size))
}

// Checkpoints gives those that were kept, newest first, below a size; 0 is from
// the newest.
func (l *Ledger) Checkpoints(ctx context.Context, below uint64, limit int) (out []Checkpoint, err error) {
	if below == 0 || below > 1<<62 {
		below = 1 << 62
	}
	rows, err := l.o.Store.Query(ctx, checkpointColumns+`WHERE size < $1 ORDER BY size DESC LIMIT $2`, int64(below), limit)
	if err != nil {
		return nil, fmt.Errorf("list checkpoints of evidence log: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var c Checkpoint
		var quorum int64
		if err := rows.Scan(&c.Size, &c.Root, &c.At, &c.Cosigned, &quorum, &c.Note); err != nil {
			return nil, fmt.Errorf("list checkpoints of evidence log: %w", err)
		}
		c.Quorum = quorum == 1
		out = append(out, c)
	}
	return out, rows.Err()
}

func (l *Ledger) newest(ctx context.Context) (Checkpoint, bool, error) {
	return l.one(ctx, `ORDER BY size DESC LIMIT 1`)
}

func (l *Ledger) one(ctx context.Context, where string, args ...any) (c Checkpoint, ok bool, err error) {
	var quorum int64
	err = l.o.Store.QueryRow(ctx, checkpointColumns+where, args...).Scan(&c.Size, &c.Root, &c.At, &c.Cosigned, &quorum, &c.Note)
	if errors.Is(err, sql.ErrNoRows) {
		return c, false, nil
	}
	if err != nil {
		return c, false, fmt.Errorf("read checkpoint of evidence log: %w", err)
	}
	c.Quorum = quorum == 1
	return c, true, nil
}
