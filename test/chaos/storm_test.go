package chaos

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"frostline/hub/api"
)

// weather is how hard a storm blows.
type weather struct {
	kills  int // in a round, at least
	rounds int
	// A machine is up and down for a random time up to these.
	up, down time.Duration
	victims  []*machine
}

// storm kills the victims at random instants, and cuts and stalls the links,
// until enough were killed. When it returns everything runs again.
func (s *site) storm(w weather, round int) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	total := func() (n int) {
		for _, m := range w.victims {
			n += m.killed()
		}
		return n
	}
	goal := total() + w.kills
	var mu sync.Mutex
	var failures []error
	fail := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		failures = append(failures, err)
		cancel()
	}
	// pause waits for a random time, which is what a storm is about; it says
	// whether to go on.
	pause := func(c *chance, most time.Duration) bool {
		t := time.NewTimer(c.between(0, most))
		defer t.Stop()
		select {
		case <-ctx.Done():
			return false
		case <-t.C:
			return total() < goal
		}
	}
	var all sync.WaitGroup
	for _, m := range w.victims {
		c := s.fork(fmt.Sprint(m.name, round))
		all.Go(func() {
			for pause(c, w.up) {
				if err := m.kill(); err != nil {
					fail(err)
				}
				pause(c, w.down)
				if err := m.start(); err != nil {
					fail(err)
				}
			}
		})
	}
	for _, g := range s.gateways {
		c := s.fork(fmt.Sprint(g.id, " link ", round))
		all.Go(func() {
			for pause(c, w.up) {
				switch c.below(3) {
				case 0:
					g.link.Cut()
				case 1:
					g.link.CutAfter(int64(c.below(3000)))
				case 2:
					g.link.Stall()
				}
				pause(c, w.down)
				g.link.Restore()
			}
		})
	}
	all.Wait()
	for _, err := range failures {
		s.Error(err)
	}
	if got := total(); got < goal || len(failures) > 0 {
		s.Fatalf("round %d of the storm has ended with %d kills of %d", round, got, goal)
	}
	s.startAll()
}

// settle waits until the hub has what all gateways have kept by now, and its
// accounts add up.
func (s *site) settle() {
	s.Helper()
	s.await("the hub to answer", s.answers)
	for _, g := range s.gateways {
		s.catchUp(g)
	}
	_, err := s.account()
	s.must(err)
}

// catchUp waits until the hub has what a gateway has kept by now.
func (s *site) catchUp(g *gateway) {
	s.Helper()
	var epoch uint32
	var readings uint64
	s.await("gateway "+g.id+" to answer", func() (bool, error) {
		st, err := g.status(s.Context())
		epoch, readings = st.Journal.Epoch, st.Journal.Readings
		return err == nil && epoch > 0, err
	})
	s.must(g.reconnect(s.Context()))
	s.await(fmt.Sprintf("the hub to commit %d readings of %s, epoch %d", readings, g.id, epoch), func() (bool, error) {
		ctx, cancel := context.WithTimeout(s.Context(), 10*time.Second)
		defer cancel()
		as, err := api.NewClient(s.socket()).Accounts(ctx)
		for _, a := range as {
			if a.Gateway == g.id && a.Epoch == epoch {
				return a.Committed >= readings, fmt.Errorf("committed are %d", a.Committed)
			}
		}
		return false, err
	})
}

// blackout kills gateways and hub at one instant, and looks at what they have
// on disk: journals and evidence verify, what a gateway holds for acknowledged
// the hub has, and the hub has nothing that was not kept.
func (s *site) blackout() {
	s.Helper()
	var all sync.WaitGroup
	errs := make(chan error, len(s.machines()))
	for _, g := range s.gateways {
		all.Go(func() { errs <- g.kill() })
	}
	all.Go(func() { errs <- s.hub.kill() })
	all.Wait()
	close(errs)
	for err := range errs {
		s.must(err)
	}
	h := s.lookBack(copyOf(s.TB, s.hubData()))
	defer h.close(s.TB)
	for _, g := range s.gateways {
		k := readJournal(s.TB, g.journal(), g.id)
		h.hasAcknowledged(s.TB, k)
		h.holds(s.TB, k, false)
	}
	h.audit(s.TB)
}

// lookBack opens what a hub has left in a directory.
func (s *site) lookBack(dir string) *hub {
	s.Helper()
	return openHub(s.TB, dir, nobody{}, logTo(s.TB, s.dir, "looking-back"))
}

// finish stops everything in order, when the hub has all there is, and
// compares what the gateways kept with what the hub tells. It gives what the
// hub has left, to be looked at further.
func (s *site) finish() *hub {
	s.Helper()
	s.retire()
	as, err := s.account()
	s.must(err)
	for _, a := range as {
		if a.Pending != 0 || a.Produced != a.Committed+a.Gaps {
			s.Errorf("the account of %s, epoch %d is left with %+v", a.Gateway, a.Epoch, a)
		}
	}
	s.must(s.hub.stop())
	s.must(s.sensors.stop())
	h := s.lookBack(s.hubData())
	for _, g := range s.gateways {
		h.sameAs(s.TB, readJournal(s.TB, g.journal(), g.id))
	}
	return h
}

// retire stops the gateways in order, when the hub has all that they kept.
func (s *site) retire() {
	s.Helper()
	for _, g := range s.gateways {
		s.await("gateway "+g.id+" to stop with nothing pending", func() (bool, error) {
			if err := g.stop(); err != nil {
				s.Fatal(err)
			}
			k := readJournal(s.TB, g.journal(), g.id)
			ctx, cancel := context.WithTimeout(s.Context(), 10*time.Second)
			defer cancel()
			as, err := api.NewClient(s.socket()).Accounts(ctx)
			if err != nil {
				return false, err
			}
			for _, e := range k.epochs {
				there := false
				for _, a := range as {
					there = there || a.Gateway == g.id && a.Epoch == e.Epoch && a.Through >= e.Last
				}
				if !there {
					// A machine that is busy may not have let it finish.
					s.must(g.start())
					s.catchUp(g)
					return false, fmt.Errorf("blocks up to %d of epoch %d are not committed", e.Last, e.Epoch)
				}
			}
			return true, nil
		})
	}
}

// tell says what a storm has done.
func (s *site) tell(began time.Time) {
	text := ""
	total := 0
	for _, m := range s.machines() {
		text += fmt.Sprintf(", %s %d", m.name, m.killed())
		total += m.killed()
	}
	for _, g := range s.gateways {
		k := readJournal(s.TB, g.journal(), g.id)
		text += fmt.Sprintf("; %s kept %d readings", g.id, len(k.readings))
	}
	s.Logf("%d kills in %.0f s%s", total, time.Since(began).Seconds(), text)
}

// TestPromise1Accounted kills gateways, hub and sensors at random instants,
// while links are cut, cut in mid-packet and fall silent. It counts after each
// round, and compares reading by reading in the end.
func TestPromise1Accounted(t *testing.T) {
	t.Parallel()
	began := time.Now()
	l, w := layout{gateways: 2}, weather{kills: 14, rounds: 6, up: 2 * time.Second, down: 600 * time.Millisecond}
	if testing.Short() {
		l.gateways, w.kills, w.rounds = 1, 5, 1
	}
	s := build(t, seeded(t), l)
	w.victims = s.machines()
	s.startAll()
	s.settle()
	for round := range w.rounds {
		s.storm(w, round)
		s.settle()
		s.blackout()
		s.startAll()
	}
	s.settle()
	s.finish()
	s.tell(began)
}
