package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/client"
)

// recover makes the table what the log says, and finds out from where to go
// on. It runs at the start, and after an append whose outcome is not known.
func (l *Ledger) recover(ctx context.Context) error {
	var rows, next int64
	if err := l.o.Store.QueryRow(ctx, `SELECT count(*), coalesce(max(idx) + 1, 0) FROM evidence_entry`).Scan(&rows, &next); err != nil {
		return fmt.Errorf("read entries of evidence log: %w", err)
	}
	if rows != next {
		return &BrokenError{fmt.Sprintf("the store has %d entries of the evidence log up to number %d: some were removed; restore the store from a backup, with the evidence directory of the same time or later", rows, next-1)}
	}
	size, err := l.size(ctx)
	if err != nil {
		return fmt.Errorf("read size of evidence log: %w", err)
	}
	if size < uint64(rows) {
		return &BrokenError{fmt.Sprintf("the evidence log has %d entries and the store knows %d: the evidence directory is older than the store; restore it from a backup as new as the store's: going on would sign a second history", size, rows)}
	}
	if err := l.checkKept(ctx, size); err != nil {
		return err
	}
	l.next, l.chains, l.known = uint64(rows), map[string]*chainCursor{}, map[string]bool{}
	if l.next < size {
		l.log.Info("the evidence log has entries that the store does not know of; they are added", "entries", size-l.next)
	}
	for l.next < size {
		if err := l.recoverBundle(ctx, size); err != nil {
			return err
		}
	}
	if err := l.each(ctx, Key, func(name string) { l.known[name] = true }); err != nil {
		return err
	}
	if err := l.place(ctx); err != nil {
		return err
	}
	l.notify(func() { l.status.Entries, l.status.Position = l.next, l.cursor })
	return nil
}

// recoverBundle adds the rows of what is left of one bundle of the log.
func (l *Ledger) recoverBundle(ctx context.Context, size uint64) error {
	bundle, err := client.GetEntryBundle(ctx, l.files.ReadEntryBundle, l.next/256, size)
	if err != nil {
		return fmt.Errorf("read entries %d… of evidence log: %w", l.next, err)
	}
	skip := l.next % 256
	if uint64(len(bundle.Entries)) <= skip {
		return &BrokenError{fmt.Sprintf("the evidence log's bundle with entry %d ends before it: restore the evidence directory from a backup", l.next)}
	}
	data := bundle.Entries[skip:min(uint64(len(bundle.Entries)), skip+size-l.next)]
	entries := make([]Entry, len(data))
	for i, d := range data {
		if entries[i], err = parse(d); err != nil {
			return &BrokenError{fmt.Sprintf("entry %d of the evidence log: %v: it was written by a newer version, or is damaged", l.next+uint64(i), err)}
		}
	}
	if err := l.save(ctx, l.next, entries); err != nil {
		return err
	}
	l.next += uint64(len(entries))
	return nil
}

// checkKept fails when the log no longer has what was signed of it.
func (l *Ledger) checkKept(ctx context.Context, size uint64) error {
	c, ok := l.Latest()
	if !ok {
		return nil
	}
	if size < c.Size {
		return &BrokenError{fmt.Sprintf("the evidence log has %d entries and a checkpoint of %d was signed: restore the evidence directory from a newer backup", size, c.Size)}
	}
	root, err := l.root(ctx, c.Size)
	if err != nil {
		return fmt.Errorf("work out root of the first %d entries: %w", c.Size, err)
	}
	if !bytes.Equal(root, c.Root) {
		return &BrokenError{fmt.Sprintf("the first %d entries of the evidence log are not those that were signed: its files were changed; restore the evidence directory from a backup", c.Size)}
	}
	return nil
}

// root computes the root of the first size entries from the log's tiles.
func (l *Ledger) root(ctx context.Context, size uint64) ([]byte, error) {
	if size == 0 {
		return rfc6962.DefaultHasher.EmptyRoot(), nil
	}
	nodes, err := client.FetchRangeNodes(ctx, size, l.files.ReadTile)
	if err != nil {
		return nil, err
	}
	r, err := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewRange(0, size, nodes)
	if err != nil {
		return nil, err
	}
	return r.GetRootHash(nil)
}

// each calls yield for the names of all entries of a kind.
func (l *Ledger) each(ctx context.Context, kind Kind, yield func(name string)) error {
	rows, err := l.o.Store.Query(ctx, `SELECT name FROM evidence_entry WHERE kind = $1`, string(kind))
	if err != nil {
		return fmt.Errorf("read entries of evidence log: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		yield(name)
	}
	return errors.Join(rows.Err(), rows.Close())
}

// place finds the last event that log and store agree on. They disagree after
// the store was restored from a backup that is older than the log: the events
// that it has lost stay in the log, and those that took their place follow.
func (l *Ledger) place(ctx context.Context) error {
	var last int64
	if err := l.o.Store.QueryRow(ctx, `SELECT coalesce(max(place), 0) FROM evidence_entry WHERE kind = $1`, string(Event)).Scan(&last); err != nil {
		return fmt.Errorf("read entries of evidence log: %w", err)
	}
	at := min(last, l.o.Events.Last())
	for ; at > 0; at-- {
		found, err := l.o.Events.Read(ctx, at-1, 1)
		if err != nil {
			return fmt.Errorf("read event %d: %w", at, err)
		}
		if len(found) == 1 {
			if _, ok, err := l.Locate(ctx, Event, EventName(found[0].ID, found[0].Position)); err != nil {
				return err
			} else if ok {
				break
			}
		}
	}
	l.cursor = at
	if at < last && l.status.Diverged == 0 {
		l.notify(func() { l.status.Diverged = last - at })
		l.log.Error("the evidence log has events that the store has not: the store was restored from an older backup; they stay in the log, and what happens from now on follows them",
			"agree_up_to", at, "log_has_up_to", last)
	}
	return nil
}
