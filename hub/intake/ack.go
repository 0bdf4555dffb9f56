package intake

import (
	"frostline/proto/chain"
	"frostline/proto/pb"
)

// Limits of one Ack. A chain with more ranges beyond its first hole tells the
// lowest: the others are told as the holes are filled.
const (
	maxAckRanges   = 1000
	maxAckRefusals = 256
)

// ack is what may be told of a chain.
func (in *Intake) ack(c *chainState) *pb.Ack {
	head := chain.Genesis(c.gateway, c.epoch)
	a := &pb.Ack{Epoch: c.epoch, Hub: in.instance, RestartReason: c.restart}
	rest := c.ranges
	if a.Committed = rest.watermark(); a.Committed > 0 {
		head = rest[0].after.head
		rest = rest[1:]
	}
	a.Head = head[:]
	for _, s := range rest[:min(len(rest), maxAckRanges)] {
		a.Beyond = append(a.Beyond, &pb.Range{First: s.first, Last: s.last})
	}
	credit, hold := in.pace.credit()
	a.Credit, a.RetryAfterMs = credit, uint32(hold.Milliseconds())
	a.ReturnSpreadMs = uint32(in.pace.spread().Milliseconds())
	return a
}

// echo answers a seal at once with what is committed at present, and with the
// hub's time. It does not wait for a commit, so that the round trip is short.
func (in *Intake) echo(it *item) {
	uncertainty, err := in.clock.Uncertainty()
	if err != nil {
		in.clockUnsure(err)
	}
	in.outbox.put(it.key(), func(d *due) {
		if err == nil {
			d.echo = &pb.TimeEcho{
				SentMs: it.seal.SentMs, ReceivedUtcMs: it.received,
				UncertaintyMs: uint64(max(uncertainty.Milliseconds(), 1)),
			}
		}
	})
}

func (in *Intake) clockUnsure(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.timeless {
		in.timeless = true
		in.log.Warn("gateways cannot set their clocks by this hub", "error", err)
	}
}

// greet tells every gateway that a hub has started and what it has, so that
// they send their state and what is missing. Their backlogs come spread out.
func (in *Intake) greet() {
	latest := map[string]uint32{}
	in.mu.Lock()
	for k := range in.chains {
		latest[k.gateway] = max(latest[k.gateway], k.epoch)
	}
	in.mu.Unlock()
	for gateway, epoch := range latest {
		in.outbox.put(chainKey{gateway, epoch}, func(d *due) { d.hold = in.pace.returning(len(latest)) })
	}
}
