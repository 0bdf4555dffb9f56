package uplink

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"frostline/proto/chain"
	"frostline/proto/pb"
	"frostline/proto/topic"
)

// Limits on what an Ack may say.
const (
	maxAckBytes = 256 << 10
	maxRanges   = 4096 // beyond, and refused
	maxCredit   = 256  // parcels; more is taken for as many
	maxReason   = 200  // bytes of a reason; more is cut
	maxHold     = 10 * time.Minute
)

// answer is a decoded Ack whose form is sound.
type answer struct {
	epoch     uint32
	committed uint64
	head      chain.Head
	beyond    []span
	refused   []refusal
	credit    int
	hold      time.Duration // send no backlog for so long
	spread    time.Duration // over which to return when the hub has ended the connection
	hub       string
	echo      *pb.TimeEcho // nil if it answers no seal
	restart   string
}

type refusal struct {
	span
	reason string
}

// errAck is wrapped by the reasons to ignore an Ack.
var errAck = errors.New("acknowledgement is not sound")

// errAhead is wrapped where an Ack names blocks that were never kept, as far as
// is known.
var errAhead = fmt.Errorf("%w: it is ahead of the journal", errAck)

func parseAnswer(payload []byte) (answer, error) {
	var m pb.Ack
	if len(payload) > maxAckBytes {
		return answer{}, fmt.Errorf("%w: %d bytes, at most %d allowed", errAck, len(payload), maxAckBytes)
	}
	if err := proto.Unmarshal(payload, &m); err != nil {
		return answer{}, fmt.Errorf("%w: %v", errAck, err)
	}
	if len(m.Beyond) > maxRanges || len(m.Refused) > maxRanges {
		return answer{}, fmt.Errorf("%w: %d ranges beyond and %d refused, at most %d allowed", errAck, len(m.Beyond), len(m.Refused), maxRanges)
	}
	a := answer{
		epoch: m.Epoch, committed: m.Committed, hub: cut(m.Hub), echo: m.Echo, restart: cut(m.RestartReason),
		credit: int(min(m.Credit, maxCredit)),
		hold:   min(time.Duration(m.RetryAfterMs)*time.Millisecond, maxHold),
		spread: min(time.Duration(m.ReturnSpreadMs)*time.Millisecond, maxHold),
	}
	if m.Committed > 0 {
		head, err := chain.ParseHead(m.Head)
		if err != nil {
			return answer{}, fmt.Errorf("%w: %v", errAck, err)
		}
		a.head = head
	}
	for _, r := range m.Beyond {
		if r.First <= m.Committed || r.First > r.Last {
			return answer{}, fmt.Errorf("%w: range %d to %d beyond %d", errAck, r.First, r.Last, m.Committed)
		}
		a.beyond = append(a.beyond, span{r.First, r.Last})
	}
	for _, r := range m.Refused {
		if r.First == 0 || r.First > r.Last {
			return answer{}, fmt.Errorf("%w: refused range %d to %d", errAck, r.First, r.Last)
		}
		a.refused = append(a.refused, refusal{span{r.First, r.Last}, cut(r.Reason)})
	}
	return a, nil
}

// cut bounds a text that came over the wire.
func cut(s string) string { return s[:min(len(s), maxReason)] }

// progress is what an answer changed.
type progress struct {
	landed  int    // parcels
	lost    int    // parcels given up because later ones overtook them
	refused uint64 // blocks newly refused
	reason  string // of the last of them
	commit  bool   // the journal has something to hear
	woke    bool   // the hub had been silent
}

// answered takes the hub's word. It fails where the answer speaks of blocks
// that were never kept, and then changes nothing.
func (l *ledger) answered(a answer, at time.Time) (p progress, err error) {
	acc := l.account(a.epoch)
	if acc == nil {
		l.heard, p.woke = at, l.wake()
		return p, nil // an epoch that has nothing left here
	}
	top := a.committed
	for _, r := range a.beyond {
		top = max(top, r.last)
	}
	for _, r := range a.refused {
		top = max(top, r.last)
	}
	if top > acc.last {
		return p, fmt.Errorf("%w: it names block %d of epoch %d, which ends at %d", errAhead, top, a.epoch, acc.last)
	}
	l.heard, p.woke = at, l.wake()
	p.commit = a.committed > acc.committed
	acc.commit(a.committed, a.head)
	for _, r := range a.beyond {
		r.first = max(r.first, acc.committed+1)
		if r.first > r.last {
			continue
		}
		before := acc.beyond.within(r)
		acc.beyond.add(r)
		p.commit = p.commit || acc.beyond.within(r) > before
		acc.settle(r)
	}
	for _, r := range a.refused {
		p.refuse(acc, r)
	}
	l.landed(acc, at, &p)
	p.lost = l.overtaken(at)
	return p, nil
}

// forgotten counts the blocks that the hub had acknowledged and that a does not
// name any more.
func (l *ledger) forgotten(a answer) uint64 {
	acc := l.account(a.epoch)
	if acc == nil || a.committed >= acc.committed {
		return 0
	}
	var has spans
	for _, r := range a.beyond {
		has.add(r)
	}
	return acc.committed - a.committed - has.within(span{a.committed + 1, acc.committed})
}

// refuse marks what of r is not committed.
func (p *progress) refuse(acc *account, r refusal) {
	for n := max(r.first, acc.committed+1); n <= r.last; {
		if last, in := acc.beyond.end(n); in {
			n = last + 1
			continue
		}
		x := span{n, r.last}
		if next, in := acc.beyond.next(n); in {
			x.last = min(x.last, next-1)
		}
		if fresh := x.blocks() - acc.refused.within(x); fresh > 0 {
			acc.refused.add(x)
			acc.forget(x)
			p.refused += fresh
			p.reason = r.reason
		}
		n = x.last + 1
	}
}

// landed takes parcels out of flight whose blocks all are settled, and learns
// from their delay.
func (l *ledger) landed(acc *account, at time.Time, pr *progress) {
	inFlight := l.backlog.bytes
	for i := 0; i < len(l.flying); {
		p := l.flying[i]
		if p.epoch != acc.epoch || !acc.settled(p.span) {
			i++
			continue
		}
		l.land(p)
		pr.landed++
		lane := l.lane(p.lane)
		if p.sent.After(lane.newest) {
			lane.newest = p.sent
		}
		if p.tries > 0 {
			continue // it is not known which sending was answered
		}
		delay := at.Sub(p.sent)
		lane.sample(delay)
		if p.lane == topic.Backlog {
			l.pace.acked(p.bytes, inFlight, delay, p.alone, at)
		}
	}
}

// wake ends a silence.
func (l *ledger) wake() bool {
	was := l.silent
	l.silent, l.timeouts = false, 0
	return was
}
