package uplink

import (
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"frostline/proto/chain"
	"frostline/proto/pb"
	"frostline/proto/topic"
	"frostline/proto/truetime"
)

// sealDue decides when a seal is sent: at the start of each connection, when it
// is asked for, every Timing.Seal, and again where none was answered.
type sealDue struct {
	asked bool
	sent  time.Time
	tries int    // since the last answer
	open  []seal // not answered, the latest last
}

// seal is one that was sent.
type seal struct {
	sent   int64 // boottime, ms
	epoch  uint32
	number uint64 // of the last block it signs
}

// sealTries is how often a seal is made again because none was answered, before
// it is left to the next turn.
const sealTries = 3

// due is when the next is to be sent.
func (d *sealDue) due(t Timing) time.Time {
	switch {
	case d.asked:
		return time.Time{}
	case len(d.open) > 0 && d.tries < sealTries:
		return d.sent.Add(t.SealAnswer)
	}
	return d.sent.Add(t.Seal)
}

// answered gives the seal of this connection that an echo is the first to
// answer.
func (d *sealDue) answered(sent int64) (seal, bool) {
	i := slices.IndexFunc(d.open, func(s seal) bool { return s.sent == sent })
	if i < 0 {
		return seal{}, false
	}
	s := d.open[i]
	d.open, d.tries = nil, 0
	return s, true
}

// sealFrame is a seal of the tip, if it is due.
func (s *session) sealFrame(now time.Time) (frame, bool) {
	d := &s.seal
	if now.Before(d.due(s.config.Timing)) || s.ledger.current == 0 {
		return frame{}, false
	}
	if d.asked || d.tries >= sealTries {
		d.tries = 0
	}
	d.asked, d.sent, d.tries = false, now, d.tries+1
	tip := s.config.Journal.Tip()
	m := &pb.Seal{Epoch: tip.Epoch, Number: tip.Last, Head: tip.Head[:], Readings: tip.Readings, Anchor: s.config.Anchor()}
	err := chain.Sign(s.config.Gateway, m, s.config.Signer)
	m.SentMs = s.config.Boottime()
	var payload []byte
	if err == nil {
		payload, err = proto.Marshal(m)
	}
	if err != nil {
		s.trouble("seal", fmt.Errorf("seal block %d of epoch %d: %w", tip.Last, tip.Epoch, err), func(*Status) {})
		return frame{}, false
	}
	d.open = append(d.open, seal{m.SentMs, tip.Epoch, tip.Last})
	d.open = d.open[max(len(d.open)-2*sealTries, 0):]
	s.count(func(st *Status) { st.Seals++ })
	return frame{lane: topic.Seal, payload: payload}, true
}

// Bounds of what still makes an anchor, ms.
const (
	maxRoundTrip   = 60_000
	maxUncertainty = 3_600_000 // of the hub's clock
	cutOff         = 2         // by which two differences of times cut to milliseconds may be apart
)

// hubTime makes an anchor of a seal's round trip, as NTP does: the hub's clock
// was read somewhere between sending and receiving, so that half the time not
// spent at the hub is uncertain. received is boottime, ms.
func hubTime(e *pb.TimeEcho, received int64) (truetime.Anchor, error) {
	held, round := e.AnsweredUtcMs-e.ReceivedUtcMs, received-e.SentMs
	if e.ReceivedUtcMs <= 0 || held < 0 || round < held-cutOff || round > maxRoundTrip || e.UncertaintyMs > maxUncertainty {
		return truetime.Anchor{}, fmt.Errorf("time echo: sent %d, received %d after it, held for %d, uncertainty %d ms: impossible or too slow", e.SentMs, round, held, e.UncertaintyMs)
	}
	away := max(round-held, 0)
	return truetime.Anchor{
		At:          received,
		UTC:         e.AnsweredUtcMs + away/2,
		Uncertainty: (away+1)/2 + int64(e.UncertaintyMs) + 1, // all four times are cut to milliseconds
		Source:      truetime.Hub,
	}, nil
}
