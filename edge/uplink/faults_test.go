package uplink

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"frostline/proto/pb"
	"frostline/proto/topic"
)

// seed is that of a random test, printed so that it can be run again.
func seed(t *testing.T) uint64 {
	s := rand.Uint64()
	if env := os.Getenv("UPLINK_SEED"); env != "" {
		var err error
		if s, err = strconv.ParseUint(env, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("UPLINK_SEED=%d", s)
	return s
}

func TestLyingBrokerLosesNothingAndDoublesNothing(t *testing.T) {
	for _, lie := range []struct{ drop, double, disorder float64 }{
		{0.3, 0, 0}, {0, 0.5, 0}, {0, 0, 0.5}, {0.3, 0.3, 0.3},
	} {
		t.Run(fmt.Sprintf("drop %v double %v disorder %v", lie.drop, lie.double, lie.disorder), func(t *testing.T) {
			r := newRig(t, nil)
			r.hub.lie(seed(t), lie.drop, lie.double, lie.disorder)
			r.keep(3000)
			r.start()
			for i := range 300 {
				r.keep(1)
				if i%10 == 0 {
					last := r.journal.Tip().Last
					r.until("the uplink has seen it", func() bool {
						s := r.uplink.Status()
						return len(s.Epochs) > 0 && s.Epochs[0].Last >= last
					})
				}
			}
			r.drained()
			s := r.uplink.Status()
			t.Logf("%d live, %d backlog parcels, %d resent", s.Live, s.Backlog, s.Resent)
			if lie.drop > 0 && s.Resent == 0 {
				t.Error("nothing was sent again")
			}
		})
	}
}

func TestLostAcknowledgementsAreAskedForAgain(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Timing.SealAnswer = time.Hour }) // or the answer to a seal tells all
	r.hub.set(func(h *testHub) { h.mute = true })
	r.keep(10)
	r.start()
	r.until("the hub has all and has said nothing", func() bool { return r.hub.has(r.journal) })
	r.until("the uplink finds the hub silent", func() bool { return r.uplink.Status().Silent })
	if n := r.journal.committed(1); n != 0 {
		t.Fatalf("journal took %d blocks for committed", n)
	}
	r.hub.set(func(h *testHub) { h.mute = false })
	r.drained()
	if s := r.uplink.Status(); s.Silent || s.Resent == 0 {
		t.Errorf("status %+v", s)
	}
}

func TestCutInMidPacketLosesNothing(t *testing.T) {
	s := seed(t)
	rng := rand.New(rand.NewPCG(s, 0))
	r := newRig(t, nil)
	r.keep(2000)
	r.start()
	for range 40 {
		before := r.uplink.Status().Connects
		r.until("it is connected", func() bool { return r.uplink.Status().Connected })
		r.proxy.cutAfter(1 + rng.IntN(600))
		r.until("the link was cut", func() bool {
			r.keep(1)
			time.Sleep(100 * time.Microsecond) // pace of keeping, not a wait for something
			return r.uplink.Status().Connects > before+1 || !r.uplink.Status().Connected
		})
	}
	r.proxy.set(func(p *proxy) { p.cutAt = 0 })
	r.drained()
	t.Logf("%d blocks, %d connections, %d resent", r.journal.Tip().Last, r.uplink.Status().Connects, r.uplink.Status().Resent)
}

func TestSilentDeathIsNoticed(t *testing.T) {
	r := newRig(t, nil)
	r.keep(5)
	r.start()
	r.drained()
	r.proxy.stall()
	r.keep(5)
	r.until("the dead link is given up", func() bool { return !r.uplink.Status().Connected })
	if s := r.uplink.Status(); s.LastError == "" {
		t.Errorf("no reason is given: %+v", s)
	} else {
		t.Log(s.LastError)
	}
	r.proxy.resume()
	r.drained()
}

func TestSilentDeathIsNoticedWhileIdle(t *testing.T) {
	r := newRig(t, nil)
	r.keep(1)
	r.start()
	r.drained()
	r.proxy.stall()
	r.until("the dead link is given up", func() bool { return !r.uplink.Status().Connected })
	t.Log(r.uplink.Status().LastError)
	r.proxy.resume()
	r.until("it is back", func() bool { return r.uplink.Status().Connected })
}

func TestCreditIsKept(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Timing.MinResend, c.Timing.MaxResend = time.Minute, time.Minute })
	r.hub.set(func(h *testHub) { h.credit = 3 })
	r.start()
	r.until("the credit is known", func() bool { return r.uplink.Status().Credit == 3 })
	r.hub.set(func(h *testHub) { h.mute = true; h.arrivals = nil })
	for range 10 {
		r.keep(1)
	}
	r.until("the credit is used up", func() bool { return r.uplink.Status().InFlight == 3 })
	r.keep(500)
	r.until("the uplink has seen them", func() bool { return r.uplink.Status().Epochs[0].Last == 510 })
	r.until("the hub has three", func() bool {
		r.hub.mu.Lock()
		defer r.hub.mu.Unlock()
		return len(r.hub.arrivals) == 3
	})
	if s := r.uplink.Status(); s.InFlight != 3 || s.Live+s.Backlog != 3 {
		t.Errorf("%d in flight, %d live, %d backlog parcels sent: want 3 in all", s.InFlight, s.Live, s.Backlog)
	}
	r.hub.set(func(h *testHub) { h.mute = false; h.acknowledge(1, nil) })
	r.drained()
}

func TestRetryAfterHoldsTheBacklogButNotLive(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Timing.MinResend = time.Minute })
	r.hub.set(func(h *testHub) { h.retryAfter = 3_600_000 })
	r.hub.set(func(h *testHub) { h.credit = 0 })
	r.start()
	r.until("the hub has spoken", func() bool { return r.uplink.Status().Acks > 0 })
	r.keep(200) // more than the live lane takes at once
	r.until("a fresh block is committed", func() bool {
		r.hub.mu.Lock()
		defer r.hub.mu.Unlock()
		return r.hub.commits > 0
	})
	r.hub.mu.Lock()
	for _, a := range r.hub.arrivals {
		if a.lane == topic.Backlog {
			t.Errorf("backlog parcel %v was sent though the hub wants none", a.span)
		}
	}
	r.hub.mu.Unlock()
	if s := r.uplink.Status(); time.Until(s.HoldUntil) < maxHold/2 || time.Until(s.HoldUntil) > maxHold {
		t.Errorf("held until %v from now", time.Until(s.HoldUntil))
	}
	r.hub.set(func(h *testHub) { h.retryAfter, h.credit = 0, 64; h.acknowledge(1, nil) })
	r.until("the hub has spoken again", func() bool { return r.uplink.Status().Credit == 64 })
	if s := r.uplink.Status(); s.Backlog != 0 || s.HoldUntil.IsZero() {
		t.Error("an acknowledgement without a wish to wait ended the earlier wish")
	}
	r.hub.set(func(h *testHub) { h.instance = "hub-2"; h.acknowledge(1, nil) }) // a new hub has its own
	r.drained()
}

func TestRetryAfterDelaysConnectingAgain(t *testing.T) {
	r := newRig(t, nil)
	r.hub.set(func(h *testHub) { h.retryAfter = 3_600_000 })
	r.start()
	r.until("the hub has spoken", func() bool { return r.uplink.Status().Acks > 0 })
	r.proxy.cut()
	r.until("it waits", func() bool { return time.Until(r.uplink.Status().Retry) > maxHold/2 })
	r.uplink.Reconnect() // a person may be quicker
	r.until("it is connected", func() bool { return r.uplink.Status().Connected })
}

func TestRefusedBlocksAreKeptAndNotSentAgain(t *testing.T) {
	r := newRig(t, nil)
	r.hub.set(func(h *testHub) {
		h.refuse = func(_ uint32, n uint64) string {
			if n == 7 || n >= 20 && n < 25 {
				return "signature does not verify"
			}
			return ""
		}
	})
	r.keep(40)
	r.start()
	r.until("the rest is committed", func() bool {
		r.hub.mu.Lock()
		defer r.hub.mu.Unlock()
		return r.hub.commits == 34
	})
	r.until("it is reported", func() bool {
		s := r.uplink.Status()
		return s.Refused == 6 && s.Epochs[0].Refused == 6 && s.Epochs[0].Pending == 6
	})
	if s := r.uplink.Status(); s.RefusedWhy != "signature does not verify" {
		t.Errorf("reason %q", s.RefusedWhy)
	}
	if n := r.journal.committed(1); n != 6 {
		t.Errorf("journal took blocks 1 to %d for committed, want 6", n)
	}
	r.uplink.Reconnect()
	r.until("it is connected anew", func() bool { s := r.uplink.Status(); return s.Connected && s.Connects == 2 })
	r.hub.set(func(h *testHub) { h.arrivals = nil })
	r.keep(1)
	r.until("the new one is committed", func() bool {
		r.hub.mu.Lock()
		defer r.hub.mu.Unlock()
		return r.hub.commits == 35
	})
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	for _, a := range r.hub.arrivals {
		if a.first < 41 {
			t.Errorf("refused blocks came again: %+v", a)
		}
	}
}

func TestHubThatCannotGoOnGetsANewEpoch(t *testing.T) {
	r := newRig(t, nil)
	r.keep(5)
	r.hub.set(func(h *testHub) {
		h.restart = func(epoch uint32) string {
			if epoch == 1 {
				return "block 3 differs from the one committed"
			}
			return ""
		}
		h.refuse = func(epoch uint32, n uint64) string {
			if epoch == 1 && n > 2 {
				return "fork"
			}
			return ""
		}
	})
	r.start()
	r.until("the journal has a new epoch", func() bool { return r.journal.Tip().Epoch == 2 })
	r.keep(3)
	r.until("it is committed", func() bool { return r.journal.committed(2) == 3 })
	if why := r.journal.epochs[1].reason; why != "block 3 differs from the one committed" {
		t.Errorf("reason %q", why)
	}
	r.keep(10)
	r.until("it is committed", func() bool { return r.journal.committed(2) == 13 })
	if s := r.uplink.Status(); s.Restarts != 1 || len(r.journal.epochs) != 2 {
		t.Errorf("%d restarts, %d epochs", s.Restarts, len(r.journal.epochs))
	}
	r.until("the state names the epoch", func() bool {
		r.hub.mu.Lock()
		defer r.hub.mu.Unlock()
		return r.hub.states[len(r.hub.states)-1].Epoch == 2
	})
}

func TestOlderEpochsAreSentToo(t *testing.T) {
	r := newRig(t, nil)
	r.keep(700)
	r.journal.begin("disk was replaced")
	r.keep(900)
	r.start()
	r.drained()
}

func TestLostBlocksDoNotHoldUpTheOthers(t *testing.T) {
	r := newRig(t, nil)
	r.keep(100)
	r.journal.lose(20, 30)
	r.journal.lose(99, 100)
	r.start()
	r.until("the rest is committed", func() bool { return r.hub.has(r.journal) })
}

func TestHubThatStartsAnewIsToldAgain(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Timing.MinResend, c.Timing.MaxResend = time.Minute, time.Minute })
	r.start()
	r.until("the hub has spoken", func() bool { return r.uplink.Status().Hub == "hub-1" })
	r.hub.lie(1, 1, 0, 0) // the hub is away: all is lost
	r.keep(4)
	r.until("they are sent", func() bool { return r.uplink.Status().InFlight == 4 })
	var states int
	r.hub.set(func(h *testHub) { h.rng, h.instance, states = nil, "hub-2", len(h.states) })
	r.keep(1) // its acknowledgement tells of the new instance
	r.drained()
	r.until("the state is sent anew", func() bool {
		r.hub.mu.Lock()
		defer r.hub.mu.Unlock()
		return len(r.hub.states) > states
	})
}

func TestHubThatForgetsIsReported(t *testing.T) {
	r := newRig(t, nil)
	r.keep(10)
	r.start()
	r.drained()
	r.until("the uplink knows", func() bool { return r.uplink.Status().Epochs[0].Committed == 10 })
	head := r.journal.epochs[0].heads[4]
	publishAck(r, &pb.Ack{Epoch: 1, Committed: 4, Head: head[:], Beyond: []*pb.Range{{First: 6, Last: 7}}, Hub: "restored", Credit: 4})
	r.until("it is counted", func() bool { return r.uplink.Status().Forgotten == 4 })
}

func TestAcknowledgementOfNothingKeptIsIgnored(t *testing.T) {
	r := newRig(t, nil)
	r.start()
	r.until("the hub has spoken", func() bool { return r.uplink.Status().Acks > 0 })
	for i, a := range []*pb.Ack{
		{Epoch: 1, Committed: 1, Head: make([]byte, 31), Credit: 8},
		{Epoch: 1, Beyond: []*pb.Range{{First: 5, Last: 4}}, Credit: 8},
		{Epoch: 1, Refused: []*pb.Refusal{{First: 0, Last: 4}}, Credit: 8},
	} {
		publishAck(r, a)
		r.until("it is counted", func() bool { return r.uplink.Status().BadAcks == uint64(i+1) })
	}
	r.keep(3)
	r.drained()
}

// TestHubWithAnotherChainGetsANewEpoch is the gateway whose journal was
// replaced by an old copy of itself.
func TestHubWithAnotherChainGetsANewEpoch(t *testing.T) {
	for name, a := range map[string]*pb.Ack{
		"other head":  {Epoch: 1, Committed: 4, Head: make([]byte, 32), Credit: 8},
		"more blocks": {Epoch: 1, Committed: 1000, Head: make([]byte, 32), Credit: 8},
		"later epoch": {Epoch: 9, Committed: 1, Head: make([]byte, 32), Credit: 8},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			r.keep(3)
			r.start()
			r.drained()
			r.hub.set(func(h *testHub) { h.mute = true })
			r.keep(1)
			r.until("it is sent", func() bool { return r.uplink.Status().InFlight > 0 })
			publishAck(r, a)
			publishAck(r, a) // asking again begins no further one
			r.until("a new epoch has begun", func() bool { return r.journal.Tip().Epoch == 2 })
			if n := r.journal.committed(1); n != 3 {
				t.Errorf("journal took %d blocks for committed", n)
			}
			r.hub.set(func(h *testHub) { h.mute = false })
			r.keep(3)
			r.until("the new epoch is committed", func() bool { return r.journal.committed(2) == 3 })
			if s := r.uplink.Status(); s.Restarts != 1 || s.JournalErrs == 0 {
				t.Errorf("%d restarts, %d errors of the journal", s.Restarts, s.JournalErrs)
			}
		})
	}
}
