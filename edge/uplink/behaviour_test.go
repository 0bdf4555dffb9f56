package uplink

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"frostline/proto/chain"
	"frostline/proto/pb"
	"frostline/proto/topic"
	"frostline/proto/truetime"
)

func TestCutPullsTheLinkAndRestoresIt(t *testing.T) {
	r := newRig(t, nil)
	r.keep(3)
	r.start()
	r.drained()
	r.uplink.Cut(true)
	r.until("it is cut", func() bool { s := r.uplink.Status(); return s.Cut && !s.Connected })
	accepted := r.proxy.accepted()
	r.keep(50)
	r.uplink.Reconnect() // has no say while the link is cut
	r.uplink.Seal()
	r.until("the will has been published", func() bool {
		r.hub.mu.Lock()
		defer r.hub.mu.Unlock()
		return !r.hub.states[len(r.hub.states)-1].Online
	})
	if s := r.uplink.Status(); s.Connected || r.proxy.accepted() != accepted {
		t.Errorf("connected %v, %d new connections while cut", s.Connected, r.proxy.accepted()-accepted)
	}
	r.uplink.Cut(false)
	r.drained()
	if s := r.uplink.Status(); s.Cut || !s.Connected {
		t.Errorf("status %+v", s)
	}
}

func TestCutBeforeRunMakesNoConnection(t *testing.T) {
	r := newRig(t, nil)
	r.uplink.Cut(true)
	r.start()
	r.stop()
	if n := r.proxy.accepted(); n != 0 {
		t.Errorf("%d connections", n)
	}
}

func TestStopSaysGoodbye(t *testing.T) {
	r := newRig(t, nil)
	r.keep(1)
	r.start()
	r.drained()
	r.stop()
	r.until("the state says offline", func() bool {
		r.hub.mu.Lock()
		defer r.hub.mu.Unlock()
		return len(r.hub.states) > 0 && !r.hub.states[len(r.hub.states)-1].Online
	})
	if s := r.uplink.Status(); s.Connected || s.Why != "stopped" {
		t.Errorf("status %+v", s)
	}
}

func TestFlappingLeavesNothingBehind(t *testing.T) {
	r := newRig(t, nil)
	r.keep(100)
	r.start()
	r.drained()
	r.uplink.Cut(true)
	r.until("it is cut", func() bool { return !r.uplink.Status().Connected })
	settle := func() int { // the least count seen: others' goroutines come and go
		least := runtime.NumGoroutine()
		for range 50 {
			time.Sleep(time.Millisecond)
			least = min(least, runtime.NumGoroutine())
		}
		return least
	}
	before := settle()
	r.uplink.Cut(false)
	r.drained()
	for i := range 100 {
		connects := r.uplink.Status().Connects
		r.keep(3)
		switch i % 4 {
		case 0:
			r.proxy.cut()
		case 1:
			r.uplink.Cut(true)
			r.uplink.Cut(false)
		case 2:
			r.uplink.Reconnect()
		case 3:
			r.proxy.set(func(p *proxy) { p.refuse = true })
			r.proxy.cut()
			n := r.proxy.accepted()
			r.until("it has been turned away", func() bool { return r.proxy.accepted() > n })
			r.proxy.set(func(p *proxy) { p.refuse = false })
		}
		r.until("it is connected anew", func() bool { s := r.uplink.Status(); return s.Connects > connects && s.Connected })
	}
	r.drained()
	r.uplink.Cut(true)
	r.until("it is cut", func() bool { return !r.uplink.Status().Connected })
	r.until("all goroutines have ended", func() bool { return runtime.NumGoroutine() <= before })
	if n := len(r.uplink.ledger.accounts[0].taken); n != 0 {
		t.Errorf("%d spans are still taken", n)
	}
	t.Logf("%d connections; %d goroutines before, %d after", r.uplink.Status().Connects, before, runtime.NumGoroutine())
}

func TestLiveOvertakesBacklogOnANarrowLink(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Timing = Timing{State: time.Hour, SealAnswer: time.Hour} })
	r.proxy.set(func(p *proxy) { p.rate, p.delay = 32_000, 15*time.Millisecond }) // 256 kbit/s
	r.keep(6000)
	r.start()
	r.until("the backlog is on its way", func() bool {
		r.hub.mu.Lock()
		defer r.hub.mu.Unlock()
		return len(r.hub.arrivals) > 20
	})
	backlog := func() (bytes int) {
		for _, a := range r.hub.arrivals {
			if a.lane == topic.Backlog {
				bytes += a.bytes
			}
		}
		return bytes
	}
	var worst int
	for range 20 {
		r.hub.mu.Lock()
		before := backlog()
		r.hub.mu.Unlock()
		r.keep(1)
		n := r.journal.Tip().Last
		var at int
		r.until("the fresh block has come", func() bool {
			r.hub.mu.Lock()
			defer r.hub.mu.Unlock()
			sum := 0
			for _, a := range r.hub.arrivals {
				if a.lane == topic.Backlog {
					sum += a.bytes
				}
				if a.lane == topic.Live && a.first == n {
					at = sum
					return true
				}
			}
			return false
		})
		worst = max(worst, at-before)
	}
	s := r.uplink.Status()
	t.Logf("before a fresh block came at most %d bytes of backlog; window %d, base %v, round trip %v", worst, s.Window, s.Base, s.RoundTrip)
	if s.Epochs[0].Pending == 0 {
		t.Error("the backlog was gone before the test was over: it has shown nothing")
	}
	// What the bandwidth carries in the base delay and the target, twice over,
	// and a parcel. A sender that fills the buffer puts 64 KiB before it.
	if limit := 12_000; worst > limit {
		t.Errorf("%d bytes of backlog came before a fresh block: want at most %d", worst, limit)
	}
	r.proxy.set(func(p *proxy) { p.rate = 0 })
	r.drained()
}

func TestSealsAreSignedAndTellTheTime(t *testing.T) {
	anchor := &pb.Anchor{Boot: 1, AtMs: 5, UtcMs: 1_700_000_000_000, UncertaintyMs: 3, Source: uint32(truetime.GNSS)}
	r := newRig(t, func(c *Config) { c.Anchor = func() *pb.Anchor { return anchor } })
	const offset = 1_750_000_000_000 // of the hub's clock from the gateway's boottime
	r.hub.set(func(h *testHub) {
		h.answerTime = func(s *pb.Seal) *pb.TimeEcho {
			now := boottime() + offset
			return &pb.TimeEcho{SentMs: s.SentMs, ReceivedUtcMs: now, AnsweredUtcMs: now, UncertaintyMs: 7}
		}
	})
	r.keep(4)
	r.start()
	check := func(a truetime.Anchor) {
		if d := (a.UTC - a.At - offset); d > a.Uncertainty || -d > a.Uncertainty || a.Uncertainty < 8 || a.Source != truetime.Hub {
			t.Errorf("anchor %+v is off by %d ms", a, d)
		}
	}
	check(<-r.anchors)
	r.uplink.Seal()
	check(<-r.anchors)
	r.until("a parcel", func() bool {
		r.hub.mu.Lock()
		defer r.hub.mu.Unlock()
		return len(r.hub.arrivals) > 0
	})
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	for _, s := range r.hub.seals {
		if err := chain.Verify(gateway, s, r.key.Public().(ed25519.PublicKey)); err != nil {
			t.Error(err)
		}
	}
	tip, last := r.journal.Tip(), r.hub.seals[len(r.hub.seals)-1]
	if last.Number != tip.Last || string(last.Head) != string(tip.Head[:]) || last.Readings != tip.Readings || !proto.Equal(last.Anchor, anchor) {
		t.Errorf("seal %v of tip %+v", last, tip)
	}
	if s := r.uplink.Status(); s.SealedEpoch != tip.Epoch || s.SealedBlock != tip.Last {
		t.Errorf("sealed to block %d of epoch %d, want %d of %d", s.SealedBlock, s.SealedEpoch, tip.Last, tip.Epoch)
	}
}

func TestUnansweredSealIsMadeAgain(t *testing.T) {
	r := newRig(t, nil) // its hub answers no seal
	r.start()
	r.until("three were sent", func() bool { return r.uplink.Status().Seals == sealTries })
	r.uplink.Seal()
	r.until("three more were sent", func() bool { return r.uplink.Status().Seals == 2*sealTries })
	if s := r.uplink.Status(); s.SealedEpoch != 0 {
		t.Errorf("sealed to block %d of epoch %d though the hub has answered none", s.SealedBlock, s.SealedEpoch)
	}
}

func TestStateIsRetainedAndFollowsChanges(t *testing.T) {
	var mu sync.Mutex
	birth := &pb.State{Boot: 3, BootId: "b", Version: "1"}
	r := newRig(t, func(c *Config) {
		c.Birth = func() *pb.State { mu.Lock(); defer mu.Unlock(); return birth }
	})
	r.start()
	last := func(ok func(*pb.State) bool) func() bool {
		return func() bool {
			r.hub.mu.Lock()
			defer r.hub.mu.Unlock()
			return len(r.hub.states) > 0 && ok(r.hub.states[len(r.hub.states)-1])
		}
	}
	r.until("the birth has come", last(func(s *pb.State) bool {
		return s.Online && s.Epoch == 1 && s.Boot == 3 && s.BoottimeMs > 0 && s.Journal != nil
	}))
	mu.Lock()
	birth = &pb.State{Boot: 3, BootId: "b", Version: "1", Series: []*pb.SeriesDeclared{{Id: 9, Sensor: "door"}}}
	mu.Unlock()
	r.uplink.Changed()
	r.until("the series has come", last(func(s *pb.State) bool { return len(s.Series) == 1 }))
	mu.Lock()
	birth = &pb.State{Boot: 3, BootId: "b", Version: "2"}
	mu.Unlock()
	r.until("a change that nobody told of has come", last(func(s *pb.State) bool { return s.Version == "2" }))
	r.hub.set(func(h *testHub) { h.mute = true })
	r.keep(500)
	r.until("what is pending has come", last(func(s *pb.State) bool { return s.Journal.PendingBlocks == 500 }))
	r.hub.set(func(h *testHub) { h.mute = false })
	r.drained()
	r.until("that it is gone has come", last(func(s *pb.State) bool { return s.Journal.PendingBlocks < 64 }))
}

func TestCommandsAndConfigurationAreHandedOn(t *testing.T) {
	documents := make(chan string, 10)
	r := newRig(t, func(c *Config) { c.OnConfig = func(d []byte) { documents <- string(d) } })
	bodies := make(chan string, 10)
	r.uplink.Handle("identify", func(_ context.Context, body []byte) error { bodies <- string(body); return nil })
	r.uplink.Handle("fail", func(context.Context, []byte) error { return errors.New("as asked") })
	r.start()
	r.until("it is connected", func() bool { return r.uplink.Status().Connected })
	for _, p := range []string{"explode\nnow", "", "identify\nfor 10 s", "fail"} {
		if err := r.hub.publish(topic.Command, []byte(p)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.hub.publish(topic.Config, []byte("document")); err != nil {
		t.Fatal(err)
	}
	if got := <-bodies; got != "for 10 s" {
		t.Errorf("body %q", got)
	}
	if got := <-documents; got != "document" {
		t.Errorf("document %q", got)
	}
	r.until("all are counted", func() bool { s := r.uplink.Status(); return s.Commands == 1 && s.BadCommands == 3 })
}

func TestUnreadableJournalIsReportedAndTriedAgain(t *testing.T) {
	r := newRig(t, nil)
	r.keep(20)
	r.journal.mu.Lock()
	r.journal.fail = errors.New("bad sector")
	r.journal.mu.Unlock()
	r.start()
	r.until("it is counted", func() bool { return r.uplink.Status().JournalErrs > 0 })
	r.journal.mu.Lock()
	r.journal.fail = nil
	r.journal.mu.Unlock()
	r.drained()
}

func TestBlocksThatCannotBePackedGoOneByOne(t *testing.T) {
	r := newRig(t, nil)
	r.keep(3)
	j := r.journal
	j.mu.Lock() // a count that does not chain, as after readings were lost
	e := j.epochs[0]
	for n := uint64(4); n <= 8+maxReturning; n++ {
		raw := binary.AppendUvarint([]byte{0x08}, n)
		raw = binary.AppendUvarint(append(raw, 0x10), 1000*n)
		e.blocks = append(e.blocks, raw)
		e.heads = append(e.heads, chain.Next(e.heads[n-1], raw))
	}
	j.mu.Unlock()
	r.start()
	r.drained()
	if s := r.uplink.Status(); s.Unpackable == 0 {
		t.Errorf("status %+v", s)
	}
}
