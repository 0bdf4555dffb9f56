package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"frostline/hub/event"
	"frostline/hub/store"
)

func init() { readModels = testModels }

// testModels counts orders, by their first letter.
func testModels() []event.Model {
	type tally struct {
		N int `json:"n"`
	}
	count := func(e event.Event, rows *event.Rows[tally]) error {
		var order struct{ ID string }
		if err := json.Unmarshal(e.Data, &order); err != nil || order.ID == "" {
			return err
		}
		t, err := rows.Get(order.ID[:1])
		if err != nil {
			return err
		}
		if t == nil {
			t = &tally{}
		}
		t.N++
		rows.Put(order.ID[:1], t)
		return nil
	}
	return []event.Model{
		event.NewTable("orders", event.Schema[tally]{Fold: count}),
		event.NewTable("letters", event.Schema[tally]{Fold: count}),
	}
}

// someEvents appends to the hub's store, and to one that no hub has.
func someEvents(db *store.DB, offline string) (_ *event.Log, err error) {
	other, err := store.Open(context.Background(), "sqlite:"+offline, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, other.Close()) }()
	var last *event.Log
	for _, db := range []*store.DB{other, db} {
		last, err = event.Open(context.Background(), event.Options{Store: db, Models: testModels(), Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			return nil, err
		}
		_, err = last.Command(context.Background(), "person/test", func(ctx context.Context, c event.Change) error {
			for i := range 1200 {
				id := fmt.Sprintf("%c-%d", 'A'+i%3, i)
				if _, err := c.Append(ctx, event.New{Stream: "order/" + id, Type: "orders.order_placed", Data: map[string]string{"id": id}}); err != nil {
					return err
				}
			}
			// As if a consumer had failed.
			if _, err := c.Tx().Exec(ctx, "INSERT INTO event_parked (consumer, position, attempts, reason, parked_ms, again) VALUES ('notify', 7, 10, 'mail server refuses the address', 0, 0)"); err != nil {
				return err
			}
			if _, err := c.Tx().Exec(ctx, "INSERT INTO event_cursor (consumer, position, saved_ms) VALUES ('notify', 7, 0)"); err != nil {
				return err
			}
			// As if somebody had meddled with the store.
			if db == other {
				_, err := c.Tx().Exec(ctx, "UPDATE event_document SET body = $1 WHERE model = 1 AND id = $2", `{"n":7}`, "A")
				return err
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return last, nil
}
