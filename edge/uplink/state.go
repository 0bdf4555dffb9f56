package uplink

import (
	"fmt"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"google.golang.org/protobuf/proto"

	"frostline/edge/journal"
	"frostline/proto/pb"
	"frostline/proto/topic"
)

// stateDue decides when the gateway's State is sent: at the start of each
// connection, when it is asked for, and when the journal's numbers have moved
// enough to be worth its size. The broker keeps it, so it is always whole.
type stateDue struct {
	asked   bool
	sent    time.Time
	checked time.Time   // when the numbers were last looked at
	numbers *pb.Journal // last sent
	birth   *pb.State   // last sent, but for what the uplink fills in
	token   mqtt.Token  // until the broker has confirmed it
}

// stateConfirm is how long the broker may take to confirm a State.
const stateConfirm = 30 * time.Second

// due is when to look again.
func (d *stateDue) due(t Timing) time.Time {
	if d.asked {
		return d.sent.Add(time.Second)
	}
	return d.checked.Add(t.State)
}

// confirmed looks whether the broker has confirmed the last State, and fails
// when it has not in time. Otherwise it says when to look again, or zero.
func (d *stateDue) confirmed(now time.Time) (again time.Time, err error) {
	if d.token == nil {
		return time.Time{}, nil
	}
	select {
	case <-d.token.Done():
		d.token = nil
		return time.Time{}, nil
	default:
	}
	if now.Sub(d.sent) > stateConfirm {
		return time.Time{}, fmt.Errorf("the broker has not confirmed the gateway's state for %v", stateConfirm)
	}
	return now.Add(100 * time.Millisecond), nil // no event tells
}

// stateFrame is the State, if it is due.
func (s *session) stateFrame(now time.Time) (frame, bool) {
	d, t := &s.state, s.config.Timing
	if d.token != nil || now.Before(d.due(t)) {
		return frame{}, false
	}
	d.checked = now
	numbers, birth := s.config.Journal.Numbers(), s.config.Birth()
	if !d.asked && proto.Equal(d.birth, birth) && !moved(d.numbers, numbers) && (now.Sub(d.sent) < t.StateRefresh || proto.Equal(d.numbers, numbers)) {
		return frame{}, false
	}
	st := s.birth(true)
	st.Journal = numbers
	payload, err := proto.Marshal(st)
	d.asked, d.sent, d.numbers, d.birth = false, now, numbers, proto.CloneOf(birth)
	if err != nil {
		s.trouble("state", fmt.Errorf("encode state: %w", err), func(*Status) {})
		return frame{}, false
	}
	s.count(func(st *Status) { st.States++ })
	return frame{lane: topic.State, qos: 1, retained: true, payload: payload}, true
}

// moved reports whether the journal's numbers are news. While all is
// acknowledged as it comes they are not: the hub knows them from the blocks.
func moved(old, now *pb.Journal) bool {
	if old == nil || old.Damaged != now.Damaged || old.MemoryBlocks != now.MemoryBlocks {
		return true
	}
	if journal.WarnLevel(int(old.FullPercent)) != journal.WarnLevel(int(now.FullPercent)) {
		return true // it is said at each crossing, with the hours left
	}
	less, more := min(old.PendingBlocks, now.PendingBlocks), max(old.PendingBlocks, now.PendingBlocks)
	return more-less > 64+less/4
}

// birth is the gateway's State but for the journal's numbers.
func (u *Uplink) birth(online bool) *pb.State {
	st := &pb.State{}
	if b := u.config.Birth(); b != nil {
		st = proto.CloneOf(b)
	}
	st.Online, st.Epoch, st.BoottimeMs = online, u.config.Journal.Tip().Epoch, u.config.Boottime()
	return st
}
