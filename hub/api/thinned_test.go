package api

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"

	"frostline/hub/view"
	"frostline/proto/reading"
)

type thinner func(gateway string, visit func(view.Thinned) error) error

func (f thinner) Thinned(_ context.Context, gateway string, visit func(view.Thinned) error) error {
	return f(gateway, visit)
}

func TestThinnedIsListed(t *testing.T) {
	b := &backend{}
	socket := filepath.Join(short(t), "hub", "frostline.sock")
	s, err := New(Config{Socket: socket, Fleet: b, History: b, Feed: b, Access: b, Authority: b, Log: slog.New(slog.DiscardHandler),
		Thinned: thinner(func(gateway string, visit func(view.Thinned) error) error {
			if gateway != "van-1" {
				return errors.New("damaged")
			}
			return visit(view.Thinned{Sensor: "box", Quantity: reading.Temperature, Epoch: 1, First: 7, Last: 9, From: 1_789_482_122_100, To: 1_789_482_124_100, Count: 3, Min: 4000, Mean: 4125, Max: 4250})
		})})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	<-s.Ready()
	c := NewClient(socket)
	list, err := c.Thinned(t.Context(), "van-1")
	if err != nil || len(list) != 1 || list[0].Mean != "4.125" || list[0].Unit != "°C" || list[0].Count != 3 || list[0].From == "" {
		t.Errorf("got %+v, %v", list, err)
	}
	var p *Problem
	if _, err := c.Thinned(t.Context(), "van-2"); !errors.As(err, &p) {
		t.Errorf("got %v, want a problem", err)
	}
}
