package panel

import (
	"net/http"
	"slices"
)

// Messenger keeps that whoever drives has seen a message of dispatch.
type Messenger interface {
	// Confirm keeps it, once; after nil it is on disk, and the hub will hear of it.
	Confirm(id string) error
}

// Messages has the page take confirmations. It is for before Handler and Serve.
func (p *Page) Messages(m Messenger) { p.messages = m }

// Of messages that are shown at once; what waits longest comes first.
const (
	maxTold = 3
	maxRead = 2
)

// messageView is a message on the driver's page.
type messageView struct {
	ID      string
	Text    string
	At      string // of day; empty where nobody knows
	CanSay  bool
	Another string // how many more wait
}

// told are the messages that wait for a confirmation, the oldest first, and read
// what was confirmed last.
func (p *Page) told(l *locale, s Snapshot) (told []messageView, read []string) {
	more := uint64(0)
	for _, m := range s.Messages {
		switch {
		case m.Confirmed:
		case len(told) == maxTold:
			more++
		default:
			v := messageView{ID: m.ID, Text: plain(m.Text), CanSay: p.messages != nil}
			if m.ShownMs != nil {
				v.At = p.set.clock(*m.ShownMs)
			}
			told = append(told, v)
		}
	}
	if more > 0 {
		told[maxTold-1].Another = l.say("message.more", l.count(more, "message"))
	}
	for _, m := range slices.Backward(s.Messages) {
		if m.Confirmed && len(read) < maxRead {
			at := ""
			if m.ConfirmedMs != nil {
				at = " " + p.set.clock(*m.ConfirmedMs)
			}
			read = append(read, l.say("message.read", at, plain(m.Text)))
		}
	}
	return told, read
}

// confirm takes that a message was seen.
func (p *Page) confirm(w http.ResponseWriter, r *http.Request) {
	if !p.form(w, r) {
		return
	}
	err := p.messages.Confirm(r.PathValue("id"))
	p.stale()
	if err != nil {
		http.Error(w, plain(err.Error()), http.StatusUnprocessableEntity)
		return
	}
	back(w, r)
}
