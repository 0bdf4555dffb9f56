package intake

import (
	"fmt"
	"time"
)

// Limits bound what intake holds and how long a round takes.
type Limits struct {
	Ranges              int // of one chain; more holes than that wait to be filled first
	WaitingSeals        int // of one chain
	Epochs              int // of one gateway
	Quarantine          int // messages of one gateway
	QuarantineStrangers int // of one that is not enrolled

	LiveBytes    int // waiting on the live lane, seals and states, of all gateways
	BacklogBytes int // waiting on the backlog lane, of all gateways
	GatewayBytes int // of these, of one gateway

	RoundReadings int // of backlog in one transaction, at most; one parcel always
	RoundItems    int // of live parcels, seals and states in one transaction

	Credit int // parcels that one gateway may have in flight, at most
}

// DefaultLimits suit one hub on a small machine: about 100 MB of messages
// waiting at worst, and backlog rounds of a few milliseconds.
func DefaultLimits() Limits {
	return Limits{
		Ranges: 4096, WaitingSeals: 4096, Epochs: 256, Quarantine: 1000, QuarantineStrangers: 16,
		LiveBytes: 32 << 20, BacklogBytes: 64 << 20, GatewayBytes: 16 << 20,
		RoundReadings: 20_000, RoundItems: 512, Credit: 64,
	}
}

func (l Limits) check() error {
	for _, f := range []struct {
		name       string
		value, min int
	}{
		{"Ranges", l.Ranges, 2}, {"WaitingSeals", l.WaitingSeals, 1}, {"Epochs", l.Epochs, 1},
		{"Quarantine", l.Quarantine, 1}, {"QuarantineStrangers", l.QuarantineStrangers, 1},
		{"LiveBytes", l.LiveBytes, 2 * MaxParcelBytes}, {"BacklogBytes", l.BacklogBytes, 2 * MaxParcelBytes},
		{"GatewayBytes", l.GatewayBytes, 2 * MaxParcelBytes}, {"RoundReadings", l.RoundReadings, 1},
		{"RoundItems", l.RoundItems, 1}, {"Credit", l.Credit, 1},
	} {
		if f.value < f.min {
			return fmt.Errorf("intake limit %s is %d: want at least %d", f.name, f.value, f.min)
		}
	}
	return nil
}

// Counts are what intake has done since its start. They only rise.
type Counts struct {
	Parcels    uint64 // committed
	Blocks     uint64
	Readings   uint64
	Bytes      uint64 // of committed parcels
	Seals      uint64 // kept
	Rounds     uint64 // transactions that were committed
	Acks       uint64 // published
	Duplicates uint64 // parcels all of whose blocks were known
	Trimmed    uint64 // parcels part of whose blocks were known

	Refused           uint64 // messages that went to quarantine
	Forks             uint64 // of these, in contradiction to the committed chain
	Strangers         uint64 // messages of gateways that are not enrolled or are revoked
	QuarantineEvicted uint64
	MalformedEvents   uint64 // in blocks that were committed all the same
	Deferred          uint64 // parcels not taken because a chain had too many holes
	SealsDropped      uint64 // because too many waited
	Shed              uint64 // messages dropped because the queue was full
	Failures          uint64 // rounds that failed and were tried again
	Unstorable        uint64 // messages given up because the store refuses them for what they contain
	AckFailures       uint64 // acks the broker did not take
}

// Status is a snapshot for health checks and pages.
type Status struct {
	Counts
	LiveWaiting    int // messages
	BacklogWaiting int
	// Failing is why the store does not take commits at present, and since
	// when; empty while it does. Nothing is acknowledged meanwhile.
	Failing      string
	FailingSince time.Time
}

func (c *Counts) add(d Counts) {
	c.Parcels += d.Parcels
	c.Blocks += d.Blocks
	c.Readings += d.Readings
	c.Bytes += d.Bytes
	c.Seals += d.Seals
	c.Rounds += d.Rounds
	c.Acks += d.Acks
	c.Duplicates += d.Duplicates
	c.Trimmed += d.Trimmed
	c.Refused += d.Refused
	c.Forks += d.Forks
	c.Strangers += d.Strangers
	c.QuarantineEvicted += d.QuarantineEvicted
	c.MalformedEvents += d.MalformedEvents
	c.Deferred += d.Deferred
	c.SealsDropped += d.SealsDropped
	c.Shed += d.Shed
	c.Failures += d.Failures
	c.Unstorable += d.Unstorable
	c.AckFailures += d.AckFailures
}
