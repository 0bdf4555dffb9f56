package ledger

import (
	"context"
	"fmt"
	"strconv"
)

// gather collects the next entries, about a batch: keys first, because what
// follows is checked by them. Some may be in the log already.
func (l *Ledger) gather(ctx context.Context) ([]Entry, error) {
	entries, err := l.newKeys()
	if err != nil || len(entries) > 0 {
		return entries, err
	}
	if l.o.Events.Last() > l.cursor {
		events, err := l.o.Events.Read(ctx, l.cursor, batch)
		if err != nil {
			return nil, fmt.Errorf("read events for the evidence log: %w", err)
		}
		for _, e := range events {
			b, err := EventBytes(e)
			if err != nil {
				return nil, err
			}
			entries = append(entries, EventEntry(e.ID, e.Stream, e.Position, b))
		}
	}
	if len(entries) >= batch || l.o.Seals == nil {
		return entries, nil
	}
	seals, err := l.newSeals(ctx, batch-len(entries))
	return append(entries, seals...), err
}

// newKeys lists the keys that are not in the log.
func (l *Ledger) newKeys() (out []Entry, err error) {
	all := []KeyRecord{l.BundleRecord()}
	if l.o.Keys != nil {
		all = append(all, l.o.Keys()...)
	}
	for _, k := range all {
		if l.known[k.Name()] {
			continue
		}
		b, err := k.Bytes()
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", k.Name(), err)
		}
		if out = append(out, KeyEntry(k.Name(), b)); len(out) == batch {
			break
		}
	}
	return out, nil
}

// passed takes in that an entry is in the log.
func (l *Ledger) passed(e Entry) {
	switch e.Kind {
	case Event:
		l.cursor = max(l.cursor, e.Place)
	case Key:
		l.known[e.Name] = true
	}
}

// chainCursor is how far the verified seals of a chain were looked through.
type chainCursor struct {
	done    bool
	version int64  // that was looked through to its end
	at      uint64 // all verified seals up to this block are in the log, or were handed out
}

const sealPage = 1000

// newSeals lists verified seals that are not in the log, of the chains that
// have changed since they were looked through. A seal that waits for its block
// is verified later and out of order: the next look begins before it. The
// first look since the start is at all seals.
func (l *Ledger) newSeals(ctx context.Context, limit int) (out []Entry, err error) {
	type changed struct {
		gateway string
		epoch   uint32
		version int64
		waiting uint64
		c       *chainCursor
	}
	var due []changed
	l.o.Seals.Chains(func(gateway string, epoch uint32, version int64, waiting uint64) {
		name := chainName(gateway, epoch)
		c := l.chains[name]
		if c == nil {
			c = &chainCursor{}
			l.chains[name] = c
		}
		if !c.done || c.version != version {
			due = append(due, changed{gateway, epoch, version, waiting, c})
		}
	})
	for _, d := range due {
		c := d.c
		for end := false; !end; {
			var page []Entry
			err := l.o.Seals.Seals(ctx, d.gateway, d.epoch, c.at, sealPage, func(number uint64, body []byte) error {
				page = append(page, SealEntry(d.gateway, d.epoch, number, body))
				return nil
			})
			if err != nil {
				return nil, err
			}
			end = len(page) < sealPage
			logged, err := l.sealsLogged(ctx, page)
			if err != nil {
				return nil, err
			}
			for _, e := range page {
				if c.at = uint64(e.Place); logged[e.Place] {
					continue
				}
				if out = append(out, e); len(out) >= limit {
					return out, nil
				}
			}
		}
		if d.waiting > 0 {
			c.at = min(c.at, d.waiting-1)
		}
		c.version, c.done = d.version, true
	}
	return out, nil
}

func chainName(gateway string, epoch uint32) string {
	return gateway + "/" + strconv.FormatUint(uint64(epoch), 10)
}
