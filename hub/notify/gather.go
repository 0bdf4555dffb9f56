package notify

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"frostline/hub/store"
)

const (
	spanMost = 24 * time.Hour // between the beginnings of a group's excursions
	newsMost = 1000           // in one message
)

// news is one thing that somebody is to be told by e-mail.
type news struct {
	Delivery
	item item
}

// gather puts what is to be told by e-mail to the group of its excursion, and
// says how much of it was new.
func (n *Notifier) gather(ctx context.Context, tx *store.Tx, all []Delivery, now int64) (added int64, err error) {
	for _, d := range all {
		it, class := d.of.item(), d.of.class()
		text, err := json.Marshal(it)
		if err != nil {
			return 0, fmt.Errorf("gather news of %s: %w", d.Event, err)
		}
		var known int
		if err := tx.QueryRow(ctx, "SELECT COUNT(*) FROM notify_news WHERE id = $1", d.ID).Scan(&known); err != nil {
			return 0, fmt.Errorf("gather news of %s: %w", d.Event, err)
		}
		if known > 0 {
			continue // handled again
		}
		grp, err := n.group(ctx, tx, it)
		if err != nil {
			return 0, err
		}
		due, err := n.when(ctx, tx, grp, d.Recipient, class, now)
		if err != nil {
			return 0, err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO notify_news (id, grp, about, event, type, position, recipient, address, why, class, item, due_ms, told_ms, delivery)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, '')`,
			d.ID, grp, d.About, d.Event, d.Type, d.Position, d.Recipient, d.Address, d.Why, class, string(text), due); err != nil {
			return 0, fmt.Errorf("gather news of %s: %w", d.Event, err)
		}
		added++
	}
	return added, nil
}

// group finds the group of an excursion, or begins one. An excursion stays in
// the group in which it was first told.
func (n *Notifier) group(ctx context.Context, tx *store.Tx, it item) (id string, err error) {
	err = tx.QueryRow(ctx, "SELECT grp FROM notify_news WHERE about = $1 LIMIT 1", it.Case).Scan(&id)
	if err == nil || !errors.Is(err, sql.ErrNoRows) {
		return id, wrapGroup(it, err)
	}
	cause, window, span := it.cause(), n.config.Gather.Window.Milliseconds(), spanMost.Milliseconds()
	var from, to int64
	err = tx.QueryRow(ctx, `SELECT id, from_ms, to_ms FROM notify_group WHERE cause = $1 AND to_ms >= $2 AND from_ms <= $3 AND from_ms >= $4 AND to_ms <= $5
ORDER BY to_ms DESC, id LIMIT 1`, cause, it.From-window, it.From+window, it.From-span, it.From+span).Scan(&id, &from, &to)
	switch {
	case err == nil:
		_, err = tx.Exec(ctx, "UPDATE notify_group SET from_ms = $1, to_ms = $2 WHERE id = $3", min(from, it.From), max(to, it.From), id)
	case errors.Is(err, sql.ErrNoRows):
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %q", cause, it.Case))
		id = "grp_" + hex.EncodeToString(sum[:16])
		_, err = tx.Exec(ctx, "INSERT INTO notify_group (id, cause, from_ms, to_ms) VALUES ($1, $2, $3, $3)", id, cause, it.From)
	}
	return id, wrapGroup(it, err)
}

func wrapGroup(it item, err error) error {
	if err != nil {
		return fmt.Errorf("find the group of excursion %s: %w", it.Case, err)
	}
	return nil
}

// when gives how long news may wait for more: a little where the recipient was
// told nothing like it of the group, else until the next message is fit.
func (n *Notifier) when(ctx context.Context, tx *store.Tx, grp, recipient, class string, now int64) (int64, error) {
	var same, last int64
	err := tx.QueryRow(ctx, `SELECT COALESCE(SUM(CASE WHEN class = $1 THEN 1 ELSE 0 END), 0), COALESCE(MAX(told_ms), 0)
FROM notify_news WHERE grp = $2 AND recipient = $3 AND delivery <> ''`, class, grp, recipient).Scan(&same, &last)
	if err != nil {
		return 0, fmt.Errorf("find what was told of group %s: %w", grp, err)
	}
	due := now + n.config.Gather.First.Milliseconds()
	if same > 0 {
		due = max(due, last+n.config.Gather.Update.Milliseconds())
	}
	return due, nil
}

// tell makes deliveries of the news that are due, with all others of the same
// group for the same recipient: one transaction each.
func (n *Notifier) tell(ctx context.Context) error {
	for {
		type head struct{ grp, recipient string }
		var heads []head
		now := n.now().UnixMilli()
		rows, err := n.store.Query(ctx, "SELECT DISTINCT grp, recipient FROM notify_news WHERE delivery = '' AND due_ms <= $1 ORDER BY grp, recipient LIMIT 100", now)
		if err != nil {
			return fmt.Errorf("find news that are due: %w", err)
		}
		for rows.Next() {
			var h head
			if err := rows.Scan(&h.grp, &h.recipient); err != nil {
				return fmt.Errorf("find news that are due: %w", errors.Join(err, rows.Close()))
			}
			heads = append(heads, h)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return fmt.Errorf("find news that are due: %w", err)
		}
		if len(heads) == 0 {
			return nil
		}
		for _, h := range heads {
			added := false
			err := n.store.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
				added, err = n.tellGroup(ctx, tx, h.grp, h.recipient, now)
				return err
			})
			if err != nil {
				return fmt.Errorf("tell %s of group %s: %w", h.recipient, h.grp, err)
			}
			if added {
				n.counts.told.Add(1)
			}
		}
	}
}

// tellGroup makes the delivery of what one recipient is to be told of a group.
func (n *Notifier) tellGroup(ctx context.Context, tx *store.Tx, grp, recipient string, now int64) (added bool, err error) {
	all, err := untold(ctx, tx, grp, recipient)
	if err != nil || len(all) == 0 {
		return false, err
	}
	before, packages, err := soFar(ctx, tx, grp, recipient)
	if err != nil {
		return false, err
	}
	d := all[0].Delivery
	newest := map[string]int{} // excursion to index
	var items []item
	sum := sha256.New()
	for _, k := range all {
		packages[k.item.Package] = true
		fmt.Fprintf(sum, "%s\n", k.ID)
		if i, ok := newest[k.item.Case]; ok {
			items[i] = k.item
			continue
		}
		newest[k.item.Case] = len(items)
		items = append(items, k.item)
	}
	if len(all) > 1 {
		d.ID = "msg_" + hex.EncodeToString(sum.Sum(nil)[:16])
	}
	d.Channel, d.Thread, d.ReplyTo, d.Members = Email, grp, before, len(items)
	d.Subject, d.Body = digest(items, len(packages), before != "", n.config.Link)
	d.State, d.Created, d.Since, d.Due = Pending, now, now, now
	count, err := insert(ctx, tx, []Delivery{d})
	if err != nil {
		return false, err
	}
	for _, k := range all {
		if _, err := tx.Exec(ctx, "UPDATE notify_news SET delivery = $1, told_ms = $2 WHERE id = $3", d.ID, now, k.ID); err != nil {
			return false, fmt.Errorf("note that it is told: %w", err)
		}
	}
	return count > 0, nil
}

// untold gives what a recipient is to be told of a group, oldest first.
func untold(ctx context.Context, tx *store.Tx, grp, recipient string) (all []news, err error) {
	rows, err := tx.Query(ctx, `SELECT id, about, event, type, position, recipient, address, why, item FROM notify_news
WHERE grp = $1 AND recipient = $2 AND delivery = '' ORDER BY position, id LIMIT $3`, grp, recipient, newsMost)
	if err != nil {
		return nil, fmt.Errorf("read news: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var k news
		var text string
		if err := rows.Scan(&k.ID, &k.About, &k.Event, &k.Type, &k.Position, &k.Recipient, &k.Address, &k.Why, &text); err != nil {
			return nil, fmt.Errorf("read news: %w", err)
		}
		if err := json.Unmarshal([]byte(text), &k.item); err != nil {
			return nil, fmt.Errorf("read news %s: %w", k.ID, err)
		}
		all = append(all, k)
	}
	return all, rows.Err()
}

// soFar gives the first delivery to a recipient of a group, "" for none, and
// the packages told of so far.
func soFar(ctx context.Context, tx *store.Tx, grp, recipient string) (first string, packages map[string]bool, err error) {
	packages = map[string]bool{}
	rows, err := tx.Query(ctx, `SELECT delivery, item FROM notify_news WHERE grp = $1 AND recipient = $2 AND delivery <> '' ORDER BY told_ms, position, id`, grp, recipient)
	if err != nil {
		return "", nil, fmt.Errorf("read what was told: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, text string
		var it item
		if err := rows.Scan(&id, &text); err != nil {
			return "", nil, fmt.Errorf("read what was told: %w", err)
		}
		if err := json.Unmarshal([]byte(text), &it); err != nil {
			return "", nil, fmt.Errorf("read what was told by %s: %w", id, err)
		}
		if first == "" {
			first = id
		}
		packages[it.Package] = true
	}
	return first, packages, rows.Err()
}

// nextNews is when the next news are due, 0 when there are none.
func nextNews(ctx context.Context, q store.Querier) (at int64, err error) {
	var ms sql.NullInt64
	if err = q.QueryRow(ctx, "SELECT MIN(due_ms) FROM notify_news WHERE delivery = ''").Scan(&ms); err != nil {
		return 0, fmt.Errorf("find next news: %w", err)
	}
	return ms.Int64, nil
}
