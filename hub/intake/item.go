package intake

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"frostline/proto/chain"
	"frostline/proto/pb"
	"frostline/proto/topic"
)

// item is one message on its way through a round: exactly one of the first
// four is set.
type item struct {
	parcel *parcel
	seal   *pb.Seal // its signature has been verified
	state  *pb.State
	reject *reject

	gateway  string
	lane     topic.Lane
	payload  []byte
	received int64     // hub's clock, Unix ms
	tries    int       // rounds it was in that failed
	delivery *delivery // set for what Deliver waits for
}

// key is the chain that the item is about; its epoch is 0 where none is known.
func (it *item) key() chainKey {
	k := chainKey{gateway: it.gateway}
	switch {
	case it.parcel != nil:
		k.epoch = it.parcel.epoch
	case it.seal != nil:
		k.epoch = it.seal.Epoch
	case it.state != nil:
		k.epoch = it.state.Epoch
	case it.reject.known:
		k.epoch = it.reject.epoch
	}
	return k
}

// readings is how many the item would commit.
func (it *item) readings() uint64 {
	if it.parcel == nil {
		return 0
	}
	return it.parcel.readings()
}

// reject is a message that goes to quarantine as it is.
type reject struct {
	refusal
	known bool // the gateway is one of ours, so that it gets an answer
}

// rejected turns an item into one for quarantine.
func (it *item) rejected(no *refusal, known bool) *item {
	return &item{
		reject: &reject{*no, known}, gateway: it.gateway, lane: it.lane, payload: it.payload,
		received: it.received, tries: it.tries, delivery: it.delivery,
	}
}

// Limits of the small messages.
const (
	maxSealBytes  = 4 << 10
	maxStateBytes = 256 << 10
	maxReason     = 400 // bytes of a reason
)

// openSeal reads a seal, apart from its signature.
func openSeal(payload []byte) (*pb.Seal, *refusal) {
	no := &refusal{}
	if len(payload) > maxSealBytes {
		return nil, no.because("seal of %d bytes: the limit is %d", len(payload), maxSealBytes)
	}
	var s pb.Seal
	if err := proto.Unmarshal(payload, &s); err != nil {
		return nil, no.because("seal is not protobuf: %v", err)
	}
	if no.epoch = s.Epoch; s.Epoch == 0 || s.Number > maxNumber || s.Readings > maxNumber {
		return nil, no.because("seal of epoch %d, block %d, %d readings: epochs count from 1, the limit is %d", s.Epoch, s.Number, s.Readings, uint64(maxNumber))
	}
	if _, err := chain.ParseHead(s.Head); err != nil {
		return nil, no.because("seal of block %d: %v", s.Number, err)
	}
	return &s, nil
}

// openState reads what of a State concerns the journal; nil where nothing does.
func openState(payload []byte) (*pb.State, *refusal) {
	no := &refusal{}
	if len(payload) > maxStateBytes {
		return nil, no.because("state of %d bytes: the limit is %d", len(payload), maxStateBytes)
	}
	var s pb.State
	if err := proto.Unmarshal(payload, &s); err != nil {
		return nil, no.because("state is not protobuf: %v", err)
	}
	j := s.Journal
	if j != nil && max(j.Last, j.Readings, j.PendingBlocks, j.PendingReadings) > maxNumber {
		return nil, no.because("state of epoch %d: journal numbers exceed %d", s.Epoch, uint64(maxNumber))
	}
	if !s.Online || s.Epoch == 0 {
		return nil, nil // a last will says nothing about the journal
	}
	return &s, nil
}

// digest names a payload in quarantine.
func digest(payload []byte) string {
	sum := sha256.Sum256(payload)
	return hex.EncodeToString(sum[:])
}

// clean makes a text from the wire fit for storing and showing.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '·'
		}
		return r
	}, strings.ToValidUTF8(s, "·"))
	if len(s) > maxReason {
		s = strings.ToValidUTF8(s[:maxReason], "") + "…"
	}
	return s
}

// kind names an event's kind in the store.
func kind(e *pb.Event) string {
	if e == nil {
		return "malformed"
	}
	switch k := e.Kind.(type) {
	case *pb.Event_EpochStart:
		return "epoch-start"
	case *pb.Event_Boot:
		return "boot"
	case *pb.Event_SeriesDeclared:
		return "series"
	case *pb.Event_Anchor:
		return "anchor"
	case *pb.Event_ClockStep:
		return "clock-step"
	case *pb.Event_Gap:
		return "gap"
	case *pb.Event_Fault:
		return "fault"
	case *pb.Event_ConfigApplied:
		return "config"
	case *pb.Event_Alarm:
		return "alarm"
	case *pb.Event_Scan:
		return "scan"
	case *pb.Event_Thinned:
		return "thinned"
	case *pb.Event_Calibration:
		return "calibration"
	case nil:
		return "unknown"
	default:
		return fmt.Sprintf("%T", k) // not reached: every kind of this version is above
	}
}
