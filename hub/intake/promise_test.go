package intake

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"frostline/hub/intake/batch"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/pb"
	"frostline/proto/topic"
)

// brittle fails writes as it is told: before they are done, or after.
type brittle struct {
	*store.DB
	mu   sync.Mutex
	plan func(nth int) fault
	nth  int
}

type fault int

const (
	fine       fault = iota
	failed           // nothing was done
	failedDone       // it was done, and the caller is told that it failed
)

var errBrittle = fmt.Errorf("disk is on fire: %w", store.ErrUnknown)

func (b *brittle) Write(ctx context.Context, do func(context.Context, *store.Tx) error) error {
	b.mu.Lock()
	f := fine
	if b.plan != nil {
		f = b.plan(b.nth)
		b.nth++
	}
	b.mu.Unlock()
	switch f {
	case failed:
		roll := errors.New("roll back")
		err := b.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			if err := do(ctx, tx); err != nil {
				return err
			}
			return roll
		})
		if errors.Is(err, roll) {
			return errBrittle
		}
		return err
	case failedDone:
		if err := b.DB.Write(ctx, do); err != nil {
			return err
		}
		return errBrittle
	}
	return b.DB.Write(ctx, do)
}

// stored is what the store has committed of a device: nothing that an Ack
// names may be missing from it.
func stored(ctx context.Context, db *store.DB, d *device) (r ranges, err error) {
	err = db.Snapshot(ctx, func(ctx context.Context, tx *store.Tx) error {
		chains, err := load(ctx, tx, chainKey{d.gateway, d.epoch})
		if c := chains[chainKey{d.gateway, d.epoch}]; c != nil {
			r = c.ranges
		}
		return err
	})
	return r, err
}

// checkAck fails unless all that an Ack says is committed, is.
func checkAck(q *store.DB, d *device, a *pb.Ack) error {
	have, err := stored(context.Background(), q, d)
	if err != nil {
		return err
	}
	for _, said := range append([]*pb.Range{{First: 1, Last: a.Committed}}, a.Beyond...) {
		if said.Last < said.First {
			continue
		}
		if s, ok := have.holding(said.First); !ok || s.last < said.Last {
			return fmt.Errorf("acknowledged %d to %d, and the store has %v", said.First, said.Last, have)
		}
	}
	return nil
}

// whole fails unless the store holds exactly the device's blocks, once.
func whole(t testing.TB, w *site, d *device) {
	t.Helper()
	got := 0
	var next uint64 = 1
	err := parcels(t.Context(), w.db, 0, chainKey{d.gateway, d.epoch}, func(p storedParcel) error {
		if p.first != next {
			return fmt.Errorf("block %d follows block %d", p.first, next-1)
		}
		next = p.last + 1
		got += int(p.readings)
		if p.mark(p.last) != (mark{d.heads[p.last], d.counts[p.last]}) {
			return fmt.Errorf("block %d is not the device's", p.last)
		}
		return nil
	})
	if err != nil || next != d.last()+1 || got != int(d.counts[d.last()]) {
		t.Fatalf("stored %d readings in blocks up to %d, %v; want %d in %d", got, next-1, err, d.counts[d.last()], d.last())
	}
	l := w.line(d)
	if !l.AddsUp || l.Committed != d.counts[d.last()] || l.Produced != l.Committed {
		t.Fatalf("account %+v, want all %d readings committed", l, d.counts[d.last()])
	}
	told := map[uint64]int{}
	for _, b := range w.sink.all() {
		for n := b.First; n <= b.Last && b.Gateway == d.gateway && b.Epoch == d.epoch; n++ {
			if told[n]++; told[n] > 1 {
				t.Fatalf("sinks were told of block %d twice", n)
			}
		}
	}
}

// TestPromise2AcknowledgedMeansDurable: every write of a sequence once failed
// and once failed but done. No Ack names what the store does not hold, and in
// the end each block is there once.
func TestPromise2AcknowledgedMeansDurable(t *testing.T) {
	storetest.URLs(t, func(t *testing.T, url string) {
		db := storetest.Open(t, url)
		for _, kind := range []fault{failed, failedDone} {
			for at := range 6 {
				d := newDevice(fmt.Sprintf("van-%d-%d", kind, at), 1).many(60, 3)
				var unsafe error
				hook := func(gateway string, a *pb.Ack) {
					if gateway != d.gateway {
						return
					}
					if err := checkAck(db, d, a); err != nil && unsafe == nil {
						unsafe = err
					}
				}
				b := &brittle{DB: db, plan: func(nth int) fault {
					if nth == at || nth == at+1 {
						return kind
					}
					return fine
				}}
				w := newSite(t, db, setup{store: func(Store) Store { return b }, hook: hook}, d)
				w.send(d, topic.Live, d.parcel(1, 1))
				w.send(d, topic.Backlog, d.parcel(2, 20))
				w.send(d, topic.Live, d.parcel(60, 60))
				w.send(d, topic.Seal, mustMarshal(d.seal(40)))
				w.committed(d, 20)
				w.send(d, topic.Backlog, d.parcel(15, 40))
				w.committed(d, 40)
				w.send(d, topic.Backlog, d.parcel(41, 59))
				w.committed(d, 60)
				w.publish.mu.Lock()
				if unsafe != nil {
					t.Errorf("fault %d at write %d: %v", kind, at, unsafe)
				}
				w.publish.mu.Unlock()
				whole(t, w, d)
				eventually(t, "it has recovered", func() bool { return w.Status().Failing == "" })
				if s := w.Status(); s.Failures == 0 && at < 3 {
					t.Errorf("fault %d at write %d: status %+v, want failures", kind, at, s)
				}
				w.stop()
			}
		}
	})
}

// TestSinksAreToldOfCommitsReportedFailed: a commit that was done though it
// was reported failed still reaches history.
func TestSinksAreToldOfCommitsReportedFailed(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		d := newDevice("van-1", 1).many(10, 3)
		b := &brittle{DB: db, plan: func(nth int) fault {
			if nth == 0 {
				return failedDone
			}
			return fine
		}}
		w := newSite(t, db, setup{store: func(Store) Store { return b }}, d)
		w.send(d, topic.Backlog, d.parcel(1, 10))
		w.committed(d, 10)
		eventually(t, "the sink is told of all blocks", func() bool {
			n := 0
			for _, b := range w.sink.all() {
				n += b.Readings
			}
			return n == 30
		})
		whole(t, w, d)
	})
}

// limitChecks sets how many cases rapid tries.
func limitChecks(t *testing.T, n int) {
	f := flag.Lookup("rapid.checks")
	before := f.Value.String()
	flag.Set(f.Name, strconv.Itoa(n))
	t.Cleanup(func() { flag.Set(f.Name, before) })
}

// TestPromise3Once: parcels of a chain cut anyhow, shuffled and repeated, some
// of a fork among them, with seals, restarts and failing commits between. The
// hub ends with what a naive model of the first comer has: each block once.
func TestPromise3Once(t *testing.T) {
	storetest.URLs(t, func(t *testing.T, url string) {
		db := storetest.Open(t, url)
		n := 60
		if db.Dialect() == store.Postgres {
			n = 12
		}
		limitChecks(t, n)
		run := 0
		rapid.Check(t, func(rt *rapid.T) {
			run++
			d := newDevice(fmt.Sprintf("van-%d", run), 1).many(rapid.IntRange(1, 60).Draw(rt, "blocks"), 2)
			rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
			var cuts [][2]uint64
			for first := uint64(1); first <= d.last(); {
				last := min(first+uint64(rng.IntN(12)), d.last())
				cuts = append(cuts, [2]uint64{first, last})
				first = last + 1
			}
			for range len(cuts) {
				first := 1 + uint64(rng.IntN(int(d.last())))
				cuts = append(cuts, [2]uint64{first, min(first+uint64(rng.IntN(20)), d.last())})
			}
			rng.Shuffle(len(cuts), func(i, j int) { cuts[i], cuts[j] = cuts[j], cuts[i] })
			b := &brittle{DB: db}
			if rapid.Bool().Draw(rt, "faults") {
				faults := rand.New(rand.NewPCG(rng.Uint64(), 1)) // for the goroutine that commits
				b.plan = func(int) fault { return []fault{fine, fine, fine, failed, failedDone}[faults.IntN(5)] }
			}
			start := func() *site {
				return newSite(t, db, setup{store: func(Store) Store { return b }}, d)
			}
			w := start()
			for i, c := range cuts {
				lane := topic.Backlog
				if rng.IntN(3) == 0 {
					lane = topic.Live
				}
				w.send(d, lane, d.parcel(c[0], c[1]))
				switch rng.IntN(8) {
				case 0:
					w.send(d, topic.Seal, mustMarshal(d.seal(uint64(rng.IntN(int(d.last())+1)))))
				case 1:
					if i%5 == 0 {
						w.stop() // what waits is lost, and sent again below
						w = start()
					}
				}
			}
			for { // as a gateway would: send what is not acknowledged
				have, err := stored(t.Context(), db, d)
				if err != nil {
					rt.Fatal(err)
				}
				if have.watermark() == d.last() {
					break
				}
				for _, c := range cuts {
					w.send(d, topic.Backlog, d.parcel(c[0], c[1]))
				}
				w.until(d, "answers", func(*pb.Ack) bool { return true })
			}
			eventually(t, "all is answered", func() bool { s := w.Status(); return s.BacklogWaiting+s.LiveWaiting == 0 })
			w.stop()
			w = start()
			defer w.stop()
			whole(t, w, d)
			if s := w.Status(); s.Forks > 0 || s.Refused > 0 {
				rt.Fatalf("status %+v, want nothing refused", s)
			}
		})
	})
}

// TestPromise3RangesAgainstModel: what of a parcel is new, and the ranges after
// it, are those of a set of block numbers.
func TestPromise3RangesAgainstModel(t *testing.T) {
	d := newDevice("van-1", 1).many(80, 1)
	rapid.Check(t, func(t *rapid.T) {
		var have ranges
		known := map[uint64]bool{}
		for range rapid.IntRange(1, 40).Draw(t, "parcels") {
			first := rapid.Uint64Range(1, 80).Draw(t, "first")
			last := min(first+rapid.Uint64Range(0, 15).Draw(t, "length"), 80)
			p, err := open(d.gateway, d.parcel(first, last))
			if err != nil {
				t.Fatal(err)
			}
			inside := func(n uint64) (mark, error) {
				if !known[n] {
					t.Fatalf("asked for block %d, which is not committed", n)
				}
				return mark{d.heads[n], d.counts[n]}, nil
			}
			unknown, err := have.unknown(p, inside)
			if err != nil {
				t.Fatal(err)
			}
			var want []uint64
			for n := first; n <= last; n++ {
				if !known[n] {
					want = append(want, n)
				}
			}
			var got []uint64
			for _, u := range unknown {
				for n := u.first; n <= u.last; n++ {
					got = append(got, n)
				}
				pieces, err := p.cut(u.first, u.last)
				if err != nil {
					t.Fatal(err)
				}
				for _, piece := range pieces {
					if have, err = have.join(piece); err != nil {
						t.Fatal(err)
					}
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("unknown of %d to %d are %v, want %v", first, last, got, want)
			}
			for _, n := range want {
				known[n] = true
			}
			for i, s := range have {
				if s.before != (mark{d.heads[s.first-1], d.counts[s.first-1]}) || s.after != (mark{d.heads[s.last], d.counts[s.last]}) ||
					i > 0 && have[i-1].last+1 >= s.first {
					t.Fatalf("ranges %v", have)
				}
			}
			for n := uint64(1); n <= 80; n++ {
				if _, in := have.holding(n); in != known[n] {
					t.Fatalf("block %d held: %v, want %v", n, in, known[n])
				}
			}
		}
	})
}

func TestSeals(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		d := newDevice("van-1", 1).many(50, 2)
		w := newSite(t, db, setup{}, d)
		state := func(number uint64) (verified int64) {
			t.Helper()
			if err := db.QueryRow(t.Context(), `SELECT verified FROM intake_seal WHERE gateway = $1 AND number = $2`, "van-1", int64(number)).Scan(&verified); err != nil {
				return -1
			}
			return verified
		}
		w.send(d, topic.Seal, mustMarshal(d.seal(0)))
		a := w.until(d, "echoes", func(a *pb.Ack) bool { return a.Echo != nil })
		if e := a.Echo; e.SentMs != 123 || e.ReceivedUtcMs == 0 || e.AnsweredUtcMs < e.ReceivedUtcMs || e.UncertaintyMs == 0 {
			t.Errorf("echo %v", e)
		}
		for _, n := range []uint64{20, 30, 50} {
			w.send(d, topic.Seal, mustMarshal(d.seal(n)))
		}
		eventually(t, "three seals wait", func() bool { return w.line(d).SealsWaiting == 3 })
		if l := w.line(d); l.Produced != 100 || l.ProducedBy != "seal" || l.Pending != 100 || !l.AddsUp {
			t.Errorf("account %+v, want 100 pending by a seal", l)
		}
		w.send(d, topic.Backlog, d.parcel(1, 30))
		w.committed(d, 30)
		if state(20) != 1 || state(30) != 1 || state(50) != 0 {
			t.Errorf("seals are %d %d %d, want 20 and 30 verified", state(20), state(30), state(50))
		}
		w.send(d, topic.Seal, mustMarshal(d.seal(10))) // of a block within
		eventually(t, "it is verified", func() bool { return state(10) == 1 })

		bad := d.seal(25)
		bad.Signature[5] ^= 1
		w.send(d, topic.Seal, mustMarshal(bad))
		stranger := newDevice("van-2", 1)
		other := d.seal(26)
		stranger.gateway = "van-1"
		other.KeyId = []byte("whatever")
		w.send(d, topic.Seal, mustMarshal(other))
		w.send(d, topic.Seal, []byte("nonsense"))
		eventually(t, "bad seals are refused", func() bool { return w.Status().Refused == 3 })
		if l := w.line(d); l.Restart != "" {
			t.Errorf("a bad signature ended the epoch: %+v", l)
		}

		f := d.fork(40).many(10, 2)
		w.send(d, topic.Seal, mustMarshal(f.seal(50))) // against the one that waits
		w.until(d, "ends the epoch", func(a *pb.Ack) bool { return a.RestartReason != "" })
	})
}

// TestPromise5SealContradictsChain: a seal that turns out not to be about the
// block that came is shown, and the epoch ends.
func TestPromise5SealContradictsChain(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		for i, late := range []bool{false, true} {
			d := newDevice(fmt.Sprintf("van-%d", i), 1).many(20, 2)
			f := d.fork(5).many(15, 2)
			w := newSite(t, db, setup{}, d)
			if late {
				w.send(d, topic.Seal, mustMarshal(f.seal(10)))
				eventually(t, "it waits", func() bool { return w.Status().Seals == 1 })
				w.send(d, topic.Backlog, d.parcel(1, 20))
			} else {
				w.send(d, topic.Backlog, d.parcel(1, 20))
				w.committed(d, 20)
				w.send(d, topic.Seal, mustMarshal(f.seal(10)))
			}
			a := w.until(d, "ends the epoch", func(a *pb.Ack) bool { return a.RestartReason != "" })
			if a.Committed != 20 {
				t.Errorf("late %v: got %v, want all 20 committed", late, a)
			}
			list, err := w.Quarantine(t.Context(), d.gateway, 10)
			if err != nil || len(list) != 1 || list[0].Lane != "seal" {
				t.Errorf("late %v: quarantine %+v, %v; want the seal", late, list, err)
			}
			payload, err := w.QuarantinedPayload(t.Context(), list[0].ID)
			var s pb.Seal
			if err != nil || proto.Unmarshal(payload, &s) != nil || s.Number != 10 {
				t.Errorf("late %v: quarantined %x, %v; want the seal", late, payload, err)
			}
			if l := w.line(d); l.AddsUp || l.SealsWaiting != 0 {
				t.Errorf("late %v: account %+v", late, l)
			}
			w.stop()
		}
	})
}

// TestPromise1Accounted: what is lost, pending and committed adds up to what
// was produced, and stops adding up when something is wrong.
func TestPromise1Accounted(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		d := newDevice("van-1", 1).many(30, 3) // 11 to 20 will be lost
		d.keep(3, &pb.Event{Kind: &pb.Event_Gap{Gap: &pb.Gap{First: 11, Last: 15, Readings: 15, Reason: "segment damaged"}}},
			&pb.Event{Kind: &pb.Event_Gap{Gap: &pb.Gap{Readings: 7, Reason: "disk was full"}}})
		w := newSite(t, db, setup{}, d)
		say := func(s *pb.State) { w.send(d, topic.State, mustMarshal(s)) }
		expect := func(what string, want Line) {
			t.Helper()
			eventually(t, what, func() bool {
				l := w.line(d)
				return l.Produced == want.Produced && l.Committed == want.Committed && l.Pending == want.Pending && l.Gaps == want.Gaps &&
					l.Unnumbered == want.Unnumbered && l.AddsUp == want.AddsUp
			})
		}
		say(&pb.State{Online: true, Epoch: 1, Journal: &pb.Journal{Last: 31, Readings: 93, PendingReadings: 93, PendingBlocks: 31}})
		expect("the state is accounted", Line{Produced: 93, Pending: 93, AddsUp: true})
		w.send(d, topic.Backlog, d.parcel(1, 10))
		w.send(d, topic.Backlog, d.parcel(21, 30))
		expect("a hole is pending", Line{Produced: 93, Committed: 60, Pending: 33, AddsUp: true})
		w.send(d, topic.Live, d.parcel(31, 31))
		expect("part of it is declared", Line{Produced: 93, Committed: 63, Pending: 15, Gaps: 15, Unnumbered: 7, AddsUp: true})
		d.keep(3, &pb.Event{Kind: &pb.Event_Gap{Gap: &pb.Gap{First: 14, Last: 22, Readings: 99}}})
		w.send(d, topic.Live, d.parcel(32, 32))
		expect("all of it is declared", Line{Produced: 96, Committed: 66, Gaps: 30, Unnumbered: 7, AddsUp: true})
		say(&pb.State{Online: true, Epoch: 1, Journal: &pb.Journal{Last: 40, Readings: 120, PendingReadings: 3}})
		expect("a gateway that believes too much", Line{Produced: 120, Committed: 66, Pending: 24, Gaps: 30, Unnumbered: 7, AddsUp: false})
		next := newDevice("van-1", 2)
		next.keep(3, &pb.Event{Kind: &pb.Event_EpochStart{EpochStart: &pb.EpochStart{Epoch: 2, Reason: "journal lost", PreviousEpoch: 1, PreviousLast: 45, PreviousReadings: 135}}})
		w.send(next, topic.Live, next.parcel(1, 1))
		expect("the next epoch tells how far this one went", Line{Produced: 135, Committed: 66, Pending: 39, Gaps: 30, Unnumbered: 7, AddsUp: false})
		next.keep(3, &pb.Event{Kind: &pb.Event_Gap{Gap: &pb.Gap{Epoch: 1, First: 33, Last: 45, Readings: 39}}})
		w.send(next, topic.Live, next.parcel(2, 2))
		expect("the next epoch declares what is lost of this one", Line{Produced: 135, Committed: 66, Gaps: 69, Unnumbered: 7, AddsUp: true})
		if l := w.line(next); l.Committed != 6 || l.Gaps != 0 || !l.AddsUp {
			t.Errorf("account of the next epoch: %+v, want none of the loss", l)
		}
		if l := w.line(d); l.Ended != "journal lost" || l.ProducedBy != "next epoch" {
			t.Errorf("account %+v", l)
		}
		w.send(d, topic.Backlog, d.parcel(11, 20)) // a segment was recovered after all
		expect("what comes late counts", Line{Produced: 135, Committed: 96, Gaps: 39, Unnumbered: 7, AddsUp: true})
		w.stop()

		// The independent counts find what should not be.
		audit := func() Audit {
			t.Helper()
			in, err := New(t.Context(), Options{Store: db, Publisher: w.publish, Gateways: w.admit, Log: storetest.Logger(t)})
			if err != nil {
				t.Fatal(err)
			}
			found, err := in.AccountDeep(t.Context(), counted(96))
			if err != nil {
				t.Fatal(err)
			}
			return found[0]
		}
		if a := audit(); len(a.Problems) > 0 || a.Parcels != 96 || !a.Line.AddsUp {
			t.Fatalf("audit %+v", a)
		}
		for _, harm := range []string{
			`UPDATE intake_chain SET readings = readings - 1 WHERE epoch = 1`,
			`DELETE FROM intake_parcel WHERE first = 21 AND epoch = 1`,
		} {
			if _, err := execForTest(t, db, harm); err != nil {
				t.Fatal(err)
			}
			if a := audit(); len(a.Problems) == 0 {
				t.Errorf("after %s the audit found nothing: %+v", harm, a)
			}
		}
		in, err := New(t.Context(), Options{Store: db, Publisher: w.publish, Gateways: w.admit, Log: storetest.Logger(t)})
		if err != nil {
			t.Fatal(err)
		}
		if lines, err := in.Account(t.Context()); err != nil || lines[0].AddsUp || lines[0].Difference == 0 {
			t.Errorf("a chain that lost a reading adds up: %+v, %v", lines[0], err)
		}
	})
}

type counted uint64

func (c counted) Count(context.Context, string, uint32) (uint64, error) { return uint64(c), nil }

// TestPromise1EndOfAnEpoch: what of an epoch that is over the gateway still has
// is pending; what it no longer knows of is lost.
func TestPromise1EndOfAnEpoch(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		d := newDevice("van-1", 1).many(30, 3)
		w := newSite(t, db, setup{}, d)
		w.send(d, topic.Backlog, d.parcel(1, 10))
		w.send(d, topic.Seal, mustMarshal(d.seal(30)))
		w.committed(d, 10)
		next := newDevice("van-1", 2)
		next.keep(3, &pb.Event{Kind: &pb.Event_EpochStart{EpochStart: &pb.EpochStart{Epoch: 2, Reason: "its end is not known", PreviousEpoch: 1, PreviousLast: 25, PreviousReadings: 75}}})
		w.send(next, topic.Live, next.parcel(1, 1))
		w.committed(next, 1)
		if l := w.line(d); l.Produced != 90 || l.Committed != 30 || l.Pending != 45 || l.Gaps != 15 || !l.AddsUp {
			t.Errorf("account %+v, want 45 readings pending and 15 lost", l)
		}
		w.send(d, topic.Backlog, d.parcel(11, 20))
		w.committed(d, 20)
		next.keep(1, &pb.Event{Kind: &pb.Event_Gap{Gap: &pb.Gap{Epoch: 1, First: 21, Last: 25, Readings: 15, Reason: "damaged"}}})
		w.send(next, topic.Live, next.parcel(2, 2))
		w.committed(next, 2)
		if l := w.line(d); l.Produced != 90 || l.Committed != 60 || l.Pending != 0 || l.Gaps != 30 || !l.AddsUp {
			t.Errorf("account %+v, want 30 readings lost", l)
		}
	})
}

// TestPromise8LiveFirst: while the backlog cannot be taken, live parcels and
// seals are.
func TestPromise8LiveFirst(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	d, e := newDevice("van-1", 1).many(100, 3), newDevice("van-2", 1).many(100, 3)
	w := newSite(t, db, setup{}, d, e)
	w.sink.mu.Lock()
	w.sink.full = true // history holds as much as it can
	w.sink.mu.Unlock()
	for n := uint64(1); n < 90; n++ {
		w.send(e, topic.Backlog, e.parcel(n, n+9))
	}
	w.send(d, topic.Live, d.parcel(100, 100))
	w.until(d, "takes the live one", func(a *pb.Ack) bool { return len(a.Beyond) == 1 })
	if s := w.Status(); s.Blocks > 11 { // one may have been on its way before
		t.Errorf("status %+v, want the live block and little more", s)
	}
	w.sink.mu.Lock()
	w.sink.full = false
	w.sink.mu.Unlock()
	w.committed(e, 98)
}

func TestGatewaysShareTheQueue(t *testing.T) {
	q := newQueue(10_000, 6000)
	push := func(gateway string, n int) (taken int) {
		for range n {
			if q.push(&item{gateway: gateway, payload: make([]byte, 744)}) {
				taken++
			}
		}
		return taken
	}
	if n := push("a", 20); n != 6 {
		t.Errorf("one gateway took %d places, want its share of 6", n)
	}
	if n := push("b", 3) + push("c", 9); n != 4 {
		t.Errorf("the others took %d places, want the 4 left", n)
	}
	var order string
	for it := q.take(); it != nil; it = q.take() {
		order += it.gateway
	}
	if order != "abcababaaa" {
		t.Errorf("order %s, want turns", order)
	}
}

func TestReturnIsSpreadByHowManyArePresent(t *testing.T) {
	p, now := newPace(newQueue(64<<20, 16<<20), 64), time.Unix(0, 0)
	for n, want := range map[int]time.Duration{0: 0, 1: 0, 2: 10 * time.Millisecond, 500: 4990 * time.Millisecond, 20_000: time.Minute} {
		clear(p.present)
		for i := range n {
			p.heard(fmt.Sprint("gw-", i), now)
		}
		if got := p.spread(); got != want {
			t.Errorf("%d gateways: %v, want %v", n, got, want)
		}
	}
	p.heard("gw-1", now.Add(2*presentFor))
	if got := p.spread(); got != 0 {
		t.Errorf("after all but one have gone: %v, want none", got)
	}
}

func TestCreditIsShared(t *testing.T) {
	q := newQueue(64<<20, 16<<20)
	p := newPace(q, 64)
	p.random = func() float64 { return 0.5 }
	now := time.Unix(0, 0)
	if c, hold := p.credit(); c != 64 || hold != 0 {
		t.Errorf("idle: credit %d, hold %v; want 64 and none", c, hold)
	}
	for i := range 100 {
		for range 20 {
			p.saw(fmt.Sprintf("gateway-%d", i), 64<<10, now)
		}
	}
	if c, hold := p.credit(); c < 4 || c > 6 || hold != 0 {
		t.Errorf("100 gateways: credit %d, hold %v; want about 5 and none", c, hold)
	}
	for i := range 2000 {
		p.saw(fmt.Sprintf("gateway-%d", i), 64<<10, now)
	}
	if c, hold := p.credit(); c != 1 || hold <= 0 {
		t.Errorf("2000 gateways: credit %d, hold %v; want 1 and a wait", c, hold)
	}
	p.saw("gateway-1", 64<<10, now.Add(time.Minute))
	if c, _ := p.credit(); c != 64 {
		t.Errorf("once they are gone: credit %d, want 64", c)
	}
}

// TestHubStartGreets: gateways are told of a start, so that they send again.
func TestHubStartGreets(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		d := newDevice("van-1", 3).many(10, 1)
		w := newSite(t, db, setup{}, d)
		w.send(d, topic.Backlog, d.parcel(1, 10))
		first := w.committed(d, 10)
		w.stop()
		w = newSite(t, db, setup{}, d)
		if a := w.committed(d, 10); a.Hub == first.Hub || a.Hub == "" {
			t.Errorf("hub %q before and %q after a start, want another", first.Hub, a.Hub)
		}
	})
}

func TestReplayGivesWhatSinksGot(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		d := newDevice("van-1", 1).many(40, 4)
		d.keep(2, &pb.Event{AtMs: 9, Kind: &pb.Event_Anchor{Anchor: &pb.Anchor{Boot: 1, AtMs: 9, UtcMs: 99, UncertaintyMs: 1}}})
		w := newSite(t, db, setup{}, d)
		for n := uint64(1); n <= 41; n += 7 {
			w.send(d, topic.Backlog, d.parcel(n, min(n+9, 41))) // they overlap
		}
		w.committed(d, 41)
		var replayed []*batch.Batch
		if err := w.Replay(t.Context(), 0, func(b *batch.Batch) error { replayed = append(replayed, b); return nil }); err != nil {
			t.Fatal(err)
		}
		if got, want := fmt.Sprintf("%+v", plain(replayed)), fmt.Sprintf("%+v", plain(w.sink.all())); got != want {
			t.Errorf("replay gave\n%s\nsinks got\n%s", got, want)
		}
		anchors := 0
		if err := w.Anchors(t.Context(), "van-1", 1, func(block uint64, _ int, a *pb.Anchor) error {
			if anchors++; block != 41 || a.UtcMs != 99 {
				t.Errorf("anchor %v in block %d", a, block)
			}
			return nil
		}); err != nil || anchors != 1 {
			t.Errorf("%d anchors, %v; want 1", anchors, err)
		}
	})
}

// plain makes batches comparable.
func plain(all []*batch.Batch) (out []batch.Batch) {
	for _, b := range all {
		c := *b
		c.Events = slices.Clone(b.Events)
		for i := range c.Events {
			c.Events[i].Event = nil
		}
		out = append(out, c)
	}
	return out
}

// TestUnstorableIsIsolated: a message that the store refuses for what it
// contains goes to quarantine and takes none of its neighbours with it.
func TestUnstorableIsIsolated(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	d := newDevice("van-1", 1).many(10, 1)
	if _, err := execForTest(t, db, `CREATE TRIGGER harm BEFORE INSERT ON intake_parcel WHEN NEW.first = 5
		BEGIN SELECT RAISE(ABORT, 'no fives'); END`); err != nil {
		t.Fatal(err)
	}
	w := newSite(t, db, setup{}, d)
	for n := uint64(1); n <= 10; n++ {
		w.send(d, topic.Live, d.parcel(n, n))
	}
	if a := w.refused(d, 5); len(a.Refused) != 1 || a.Refused[0].Last != 5 || a.RestartReason != "" {
		t.Errorf("got %v, want block 5 refused alone", a)
	}
	w.until(d, "commits the others", func(a *pb.Ack) bool {
		return a.Committed == 4 && len(a.Beyond) == 1 && a.Beyond[0].First == 6 && a.Beyond[0].Last == 10
	})
	if s := w.Status(); s.Unstorable != 1 {
		t.Errorf("status %+v, want one unstorable", s)
	}
	if l := w.line(d); l.AddsUp || len(l.Problems) == 0 {
		t.Errorf("account %+v, want block 5 named", l)
	}
}
