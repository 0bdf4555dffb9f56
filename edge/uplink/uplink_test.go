package uplink

import (
	"testing"

	"frostline/proto/topic"
)

func TestBacklogAndLiveAreCommittedOnce(t *testing.T) {
	r := newRig(t, nil)
	r.keep(2000)
	r.start()
	r.until("it is connected", func() bool { return r.uplink.Status().Connected })
	for range 50 {
		r.keep(1)
		r.until("the block is committed", func() bool {
			r.hub.mu.Lock()
			defer r.hub.mu.Unlock()
			return r.hub.epoch(1).blocks[r.journal.Tip().Last] != nil
		})
	}
	r.drained()
	s := r.uplink.Status()
	if s.Live == 0 || s.Backlog == 0 || s.Refused != 0 || s.BadAcks != 0 {
		t.Errorf("status %+v", s)
	}
	bundled := 0
	for _, a := range r.hub.arrivals {
		if a.lane == topic.Backlog && a.blocks() > 1 {
			bundled++
		}
	}
	if bundled == 0 {
		t.Error("no backlog parcel held more than one block")
	}
	t.Logf("%d live, %d backlog parcels, %d resent, window %d, base %v, round trip %v, %d bytes up", s.Live, s.Backlog, s.Resent, s.Window, s.Base, s.RoundTrip, s.Up)
}
