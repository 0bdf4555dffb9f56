package agent

import (
	"path/filepath"

	"frostline/edge/message"
	"frostline/edge/panel"
)

// openMessages opens what dispatch told whoever drives.
func (a *agent) openMessages() {
	a.messages = message.Open(filepath.Join(a.c.Data, "messages"), func() int64 {
		if m, ok := a.keeper.UTC(a.clock.Now()); ok {
			return m.UTC
		}
		return 0
	})
	if err := a.messages.Trouble(); err != nil {
		a.trouble("messages", err)
	}
}

// Confirm implements panel.Messenger. The hub hears of it with the next State,
// which is sent at once where there is a link.
func (a *agent) Confirm(id string) error {
	err := a.messages.Confirm(id)
	if err == nil {
		a.link.changed()
	}
	return err
}

// told is what dispatch told, for people.
func (a *agent) told() (all []panel.Message) {
	if a.messages == nil {
		return nil
	}
	for _, m := range a.messages.List() {
		p := panel.Message{ID: m.ID, Text: m.Text, Confirmed: m.Confirmed}
		if m.Shown > 0 {
			p.ShownMs = &m.Shown
		}
		if m.ConfirmedAt > 0 {
			p.ConfirmedMs = &m.ConfirmedAt
		}
		all = append(all, p)
	}
	return all
}
