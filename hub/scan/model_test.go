package scan

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"frostline/hub/intake/batch"
	"frostline/hub/store/storetest"
	"frostline/proto/pb"
	"frostline/proto/truetime"
)

// TestPromise6ScansInAnyOrder: whatever order blocks come in, however often and
// wherever the hub dies, what holds in the end is the same.
func TestPromise6ScansInAnyOrder(t *testing.T) {
	runs := 12
	if testing.Short() {
		runs = 4
	}
	for seed := range uint64(runs) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 4))
			story := tell(rng)
			plain := newWorld()
			k := plain.keeper(t, storetest.Open(t, storetest.SQLite(t)))
			for _, b := range story {
				k.Committed(plain.add(b))
			}
			plain.settle(t, k)
			want := plain.holds()
			if len(want) == 0 {
				t.Log("nothing holds")
			}

			w, db := newWorld(), storetest.Open(t, storetest.SQLite(t))
			dies := func() error {
				if rng.IntN(3) == 0 {
					return errDied
				}
				return nil
			}
			w.dies, w.forgets = dies, dies
			k = w.keeper(t, db)
			deaths := 0
			order := rng.Perm(len(story))
			for _, i := range order {
				b := w.add(story[i])
				unheard := rng.IntN(6) == 0
				if !unheard {
					k.Committed(b)
				}
				if !unheard && rng.IntN(2) == 0 {
					if err := k.work(context.Background()); err != nil && !errors.Is(err, errDied) {
						t.Fatal(err)
					}
				}
				if unheard || rng.IntN(8) == 0 {
					deaths++
					k = w.keeper(t, db)
					k.queue.missed() // as Run does
				}
			}
			w.dies, w.forgets = nil, nil
			w.settle(t, w.keeper(t, db))
			if got := w.holds(); !slices.Equal(got, want) {
				for i := range max(len(got), len(want)) {
					if i >= len(got) || i >= len(want) || got[i] != want[i] {
						t.Fatalf("after %d deaths and the order %v there hold %d statements, want %d, and from the one of index %d on others:\n%v\nwant\n%v",
							deaths, order, len(got), len(want), i, got[i:min(i+1, len(got))], want[i:min(i+1, len(want))])
					}
				}
			}
		})
	}
}

// add commits the events of another world's batch.
func (w *world) add(b *batch.Batch) *batch.Batch {
	var events []*pb.Event
	for _, e := range b.Events {
		events = append(events, e.Event)
	}
	return w.commit(b.Gateway, b.Epoch, b.Events[0].Boot, b.First, events...)
}

// tell makes up what two gateways did.
func tell(rng *rand.Rand) []*batch.Batch {
	w := newWorld()
	for g := range 2 {
		gateway := fmt.Sprint("van-", g)
		var done []*pb.Scan
		var when []*pb.Instant
		block := uint64(0)
		for boot := uint32(1); boot <= 3; boot++ {
			begin := start + int64(boot)*1e7
			tick := int64(0)
			for range rng.IntN(12) {
				block++
				tick += 1 + rng.Int64N(60_000)
				switch rng.IntN(4) {
				case 0:
					u := uint64(10 + rng.IntN(5000))
					w.commit(gateway, 1, boot, block, anchored(boot, tick, begin+tick+rng.Int64N(10), u, truetime.Source(1+rng.IntN(4))))
					continue
				case 1:
					if n := len(done); n > 0 {
						i := rng.IntN(n)
						m := &pb.Scan{Id: fmt.Sprintf("scan-%d-%04d", g, block), Corrects: done[i].Id, Since: when[i], Action: done[i].Action, Value: done[i].Value,
							To: done[i].To, Role: done[i].Role, NoPosition: done[i].NoPosition, Withdrawn: rng.IntN(3) == 0}
						if m.Action == attach {
							m.Target = fmt.Sprint("compartment/c", rng.IntN(3))
						}
						w.commit(gateway, 1, boot, block, scanned(tick, m))
						continue
					}
				}
				m := &pb.Scan{Id: fmt.Sprintf("scan-%d-%04d", g, block), Action: 1 + rng.Uint32N(3), Value: fmt.Sprint("BOX-", rng.IntN(3))}
				if m.Action == handOver {
					m.To, m.Role, m.NoPosition = "courier-7", "courier", "no fix"
				}
				e := scanned(tick, m)
				done, when = append(done, m), append(when, &pb.Instant{AtMs: tick, Boot: boot, Epoch: 1})
				w.commit(gateway, 1, boot, block, e)
				if rng.IntN(4) == 0 { // told again after a restart
					again := proto.CloneOf(m)
					again.Boot, again.Epoch = boot, 1
					w.commit(gateway, 1, boot+1, block+1000, &pb.Event{AtMs: 5, Kind: &pb.Event_Scan{Scan: again}})
				}
			}
		}
	}
	return w.batches
}
