package uplink

import (
	"context"
	"errors"
	"fmt"
	"time"

	"frostline/edge/journal"
	"frostline/proto/topic"
)

// receive takes a message from the MQTT client's reader.
func (u *Uplink) receive(name string, payload []byte) {
	m := message{payload: payload, at: time.Now(), boottime: u.config.Boottime()}
	gateway, lane, err := topic.Parse(name)
	if err != nil || gateway != u.config.Gateway {
		u.count(func(s *Status) { s.Dropped++ })
		return
	}
	m.lane = lane
	u.inbox.put(m)
}

// hear works on what has come in.
func (s *session) hear() {
	queue, dropped := s.inbox.take()
	if dropped > 0 {
		s.trouble("inbox", fmt.Errorf("no room for %d messages of the hub", dropped), func(st *Status) { st.Dropped += dropped })
	}
	for _, m := range queue {
		switch m.lane {
		case topic.Ack:
			if err := s.acknowledged(m); err != nil {
				s.trouble("acknowledgement", err, func(st *Status) { st.BadAcks++ })
			}
		case topic.Command:
			s.runner.command(m.payload)
		case topic.Config:
			if f := s.config.OnConfig; f != nil {
				s.runner.add(func(context.Context) { f(m.payload) })
			}
		}
	}
}

// acknowledged takes an Ack.
func (s *session) acknowledged(m message) error {
	a, err := parseAnswer(m.payload)
	if err != nil {
		return err
	}
	if !s.useful {
		s.useful = true
		s.backoff.reset()
	}
	s.count(func(st *Status) { st.Acks++; st.LastAck = m.at })
	s.hub.credit, s.hub.spread = a.credit, a.spread
	if s.meet(a.hub, m.at) {
		if n := s.ledger.forgotten(a); n > 0 {
			s.trouble("hub", fmt.Errorf("since it started anew it lacks %d blocks of epoch %d that it had acknowledged: was an old copy of its store restored?", n, a.epoch),
				func(st *Status) { st.Forgotten += n })
		}
	}
	if a.hold > 0 { // none does not end one that was given before
		s.hub.hold = m.at.Add(a.hold)
	}
	p, err := s.ledger.answered(a, m.at)
	if errors.Is(err, errAhead) || a.epoch > s.ledger.current {
		s.settler.commit(a.commitment()) // the journal knows best; it may be an old copy
	}
	if err != nil {
		return err
	}
	if p.commit {
		s.settler.commit(s.ledger.account(a.epoch).commitment())
	}
	if p.refused > 0 {
		s.trouble("hub", fmt.Errorf("it refuses %d blocks of epoch %d, which are kept and not sent again: %s", p.refused, a.epoch, p.reason),
			func(st *Status) { st.Refused += p.refused; st.RefusedWhy = p.reason })
	}
	s.restart(a.epoch, a.restart, m.at)
	if e := a.echo; e != nil {
		sealed, ok := s.seal.answered(e.SentMs)
		if !ok {
			return nil
		}
		s.count(func(st *Status) { st.SealedEpoch, st.SealedBlock = sealed.epoch, sealed.number })
		anchor, err := hubTime(e, m.boottime)
		if err != nil {
			return fmt.Errorf("%w: %v", errAck, err)
		}
		if s.config.OnHubTime != nil {
			s.config.OnHubTime(anchor)
		}
	}
	return nil
}

// meet notices that the hub has started anew: what was on its way to the former
// instance is sent again, and the hub told who is here.
func (s *session) meet(instance string, now time.Time) (anew bool) {
	h := &s.hub
	if instance == h.instance || instance == h.before || instance == "" {
		return false // h.before: an Ack that was overtaken by the change
	}
	known := h.instance != ""
	h.before, h.instance, h.hold = h.instance, instance, time.Time{}
	if !known {
		return false
	}
	s.config.Log.Info("uplink: the hub has started anew", "hub", s.config.Address, "parcels", len(s.ledger.flying))
	s.ledger.recall(now)
	s.state.asked, s.seal.asked = true, true
	for _, a := range s.ledger.accounts {
		a.restart = "" // it may see that differently
	}
	return true
}

// restart has a new epoch begun where hub and journal cannot go on with the
// present one, or the hub knows a later one. Of an older epoch, it only ends
// the attempts.
func (s *session) restart(epoch uint32, reason string, now time.Time) {
	acc := s.ledger.account(epoch)
	if reason == "" || s.ledger.current == 0 {
		return
	}
	again := acc == nil || acc.restart == reason
	if acc != nil {
		acc.restart = reason
	}
	if epoch < s.ledger.current {
		if !again {
			s.trouble("hub", fmt.Errorf("it cannot go on with epoch %d, whose %d pending blocks are kept and not sent: %s", epoch, acc.pending(), reason), func(*Status) {})
		}
		return
	}
	if !s.hub.restarted.IsZero() && now.Sub(s.hub.restarted) < s.config.Timing.Epoch {
		return // the new one is not here yet, or they are wanted too fast
	}
	s.hub.restarted = now
	s.trouble("hub", fmt.Errorf("it cannot go on with epoch %d; a new one begins: %s", epoch, reason), func(st *Status) { st.Restarts++ })
	s.settler.startEpoch(reason)
}

// commitment is what the hub has committed, for the journal.
func (a *account) commitment() journal.Commit {
	c := journal.Commit{Epoch: a.epoch, Committed: a.committed, Head: a.head}
	for _, r := range a.beyond {
		c.Beyond = append(c.Beyond, journal.Range{First: r.first, Last: r.last})
	}
	return c
}

// commitment is what an answer says is committed.
func (a answer) commitment() journal.Commit {
	c := journal.Commit{Epoch: a.epoch, Committed: a.committed, Head: a.head}
	for _, r := range a.beyond {
		c.Beyond = append(c.Beyond, journal.Range{First: r.first, Last: r.last})
	}
	return c
}
