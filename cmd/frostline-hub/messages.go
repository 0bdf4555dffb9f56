package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"frostline/hub/catalog"
	"frostline/hub/desired"
	messages "frostline/hub/dispatch/relay"
	"frostline/hub/fact"
	"frostline/hub/health"
	"frostline/proto/mandate"
)

// openMessages makes what brings messages to drivers.
func (h *hub) openMessages(m *catalog.Model, log *slog.Logger) (err error) {
	c := &h.contexts
	c.messages, err = messages.New(messages.Options{Dispatch: c.dispatch, Events: c.events, Log: log,
		Gateways: panels{c.desired, surroundings{catalog: c.catalog, records: m, store: h.store, access: h.access}, func(gateway string) bool { return h.access.Admitted(gateway) == nil }}})
	return err
}

// panels are the pages of gateways, which commands have show messages.
type panels struct {
	desired  *desired.Keeper
	around   surroundings
	enrolled func(gateway string) bool
}

func (p panels) Of(ctx context.Context, vehicle string) (ids []string, err error) {
	all, err := p.around.Gateways(ctx, fact.Ref{Kind: fact.Vehicle, ID: vehicle})
	for _, id := range all {
		if p.enrolled(id) {
			ids = append(ids, id)
		}
	}
	return ids, err
}

func (p panels) Ask(ctx context.Context, id, gateway string, m fact.CourierMessaged, life time.Duration) (messages.Asked, error) {
	c, err := p.desired.AskFor(ctx, "system/messages", "", id, gateway, mandate.Message, mandate.MessageArgument(m.ID, m.Route, m.Text), life)
	return asked(c), err
}

func (p panels) Asked(ctx context.Context, id, gateway string) (messages.Asked, bool, error) {
	c, err := p.desired.Asked(ctx, gateway, id)
	if errors.Is(err, desired.ErrUnknown) {
		return messages.Asked{}, false, nil
	}
	return asked(c), err == nil, err
}

func asked(c desired.Command) messages.Asked {
	return messages.Asked{Number: c.Number, Answered: c.Answered != 0, Done: c.Done, Detail: c.Detail}
}

func (h *hub) messagesPart(context.Context) (health.Report, error) {
	s := h.contexts.messages.Status()
	var p problems
	p.add(s.Failing != "", "messages for drivers are held up: %s", s.Failing)
	return health.Report{Problem: p.String(), Figures: []health.Figure{
		gauge("messages_waiting", "Messages for drivers that a gateway does not show yet.", s.Waiting),
		counter("messages_strange_total", "Receipts of gateways for messages that they were not asked to show.", s.Strange),
	}}, nil
}
