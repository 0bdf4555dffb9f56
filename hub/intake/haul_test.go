package intake

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/journalfile"
	"frostline/proto/pb"
	"frostline/proto/topic"
)

// file exports blocks of devices that are one gateway's epochs.
func file(t testing.TB, key ed25519.PrivateKey, from uint64, epochs ...*device) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := journalfile.NewWriter(&out, epochs[0].gateway, "test", key)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range epochs {
		if from > 1 {
			err = errors.Join(err, w.Absent(d.epoch, 1, from-1, "acknowledged by the hub"))
		}
		for n := from; n <= d.last(); n++ {
			err = errors.Join(err, w.Block(d.epoch, d.heads[n-1], d.raws[n-1]))
		}
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func (w *site) takeIn(file []byte) Haul {
	w.t.Helper()
	h, err := w.TakeIn(w.t.Context(), bytes.NewReader(file), func(Haul) {})
	if err != nil {
		w.t.Fatalf("take in: %v, %+v", err, h)
	}
	return h
}

func TestJournalFileIsTakenInOnce(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		one, two := newDevice("van-1", 1).many(700, 4), newDevice("van-1", 2)
		two.keep(1, &pb.Event{AtMs: 1, Kind: &pb.Event_EpochStart{EpochStart: &pb.EpochStart{
			Epoch: 2, Reason: "a test", PreviousEpoch: 1, PreviousLast: 700, PreviousReadings: one.counts[700]}}})
		two.many(300, 4)
		w := newSite(t, db, setup{}, one)
		b := file(t, one.key, 1, one, two)
		h := w.takeIn(b)
		all := one.counts[700] + two.counts[301]
		if h.Blocks != 1001 || h.Readings != all || h.New != all || h.Refused+h.Waiting+h.Absent != 0 || !h.Whole || h.Bytes != uint64(len(b)) {
			t.Fatalf("%+v; want 1001 blocks and %d readings, all new", h, all)
		}
		whole(t, w, one)
		whole(t, w, two)
		before := []Line{w.line(one), w.line(two)}
		if h := w.takeIn(b); h.New != 0 || h.Readings != all || h.Refused != 0 {
			t.Errorf("again: %+v; want nothing new", h)
		}
		whole(t, w, one)
		for i, l := range []Line{w.line(one), w.line(two)} {
			if !l.AddsUp || l.Pending != 0 || l.Sealed != []uint64{700, 301}[i] {
				t.Errorf("account %+v, want it to add up and be sealed", l)
			}
			if fmt.Sprint(l) != fmt.Sprint(before[i]) {
				t.Errorf("the second import changed the account: %+v, was %+v", l, before[i])
			}
		}
		// The gateway is back: it sends a seal and is told what it may forget.
		w.send(two, topic.Seal, mustMarshal(two.seal(301)))
		w.committed(two, 301)
		w.send(one, topic.Backlog, one.parcel(1, 5))
		w.committed(one, 700)
	})
}

// TestFileAndNetworkInAnyOrder mixes parcels, seals and imports under a seed:
// the account at the end is always the same.
func TestFileAndNetworkInAnyOrder(t *testing.T) {
	d := newDevice("van-1", 1).many(600, 3)
	file1, file2 := file(t, d.key, 1, d.fork(400)), file(t, d.key, 201, d)
	for seed := range uint64(8) {
		rng := rand.New(rand.NewPCG(seed, 7))
		storetest.Run(t, func(t *testing.T, db *store.DB) {
			faults := rand.New(rand.NewPCG(seed, 8))
			w := newSite(t, db, setup{store: func(s Store) Store {
				return &brittle{DB: db, plan: func(int) fault { return fault(max(faults.IntN(12)-9, 0)) }}
			}}, d)
			steps := []func(){
				func() { w.takeIn(file1) }, func() { w.takeIn(file2) }, func() { w.takeIn(file2) },
				func() { w.send(d, topic.Seal, mustMarshal(d.seal(600))) },
			}
			for at := uint64(1); at <= 600; {
				last := min(at+rng.Uint64N(90), 600)
				p := d.parcel(at, last)
				if rng.IntN(3) > 0 {
					steps = append(steps, func() { w.send(d, topic.Backlog, p) })
				}
				if at > 20 {
					p := d.parcel(at-20, last)
					steps = append(steps, func() { w.send(d, topic.Live, p) })
				}
				at = last + 1
			}
			rng.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
			for _, s := range steps {
				s()
			}
			eventually(t, "all is committed", func() bool { return w.line(d).Watermark == 600 && w.line(d).Sealed == 600 })
			whole(t, w, d)
			l := w.line(d)
			if !l.AddsUp || l.Produced != 1800 || l.Committed != 1800 || l.Pending+l.Gaps != 0 || l.Holes != 0 || l.Restart != "" {
				t.Errorf("seed %d: account %+v", seed, l)
			}
		})
	}
}

func TestFileThatWasCutShortIsGoneOnWith(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		d := newDevice("van-1", 1).many(600, 2)
		w := newSite(t, db, setup{}, d)
		b := file(t, d.key, 1, d)
		h, err := w.TakeIn(t.Context(), bytes.NewReader(b[:len(b)/2]), func(Haul) {})
		var f *journalfile.Fault
		if !errors.As(err, &f) || h.New != 512 || h.Whole {
			t.Fatalf("%+v, %v; want a fault after the first seal", h, err)
		}
		if h := w.takeIn(b); h.New != 1200-512 || !h.Whole {
			t.Errorf("%+v, want the rest", h)
		}
		whole(t, w, d)
		// A source that fails, and one whose reader gives up.
		broken := errors.New("unplugged")
		if _, err := w.TakeIn(t.Context(), iotest.ErrReader(broken), func(Haul) {}); !errors.Is(err, broken) {
			t.Errorf("got %v, want %v", err, broken)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := w.TakeIn(ctx, bytes.NewReader(b), func(Haul) { cancel() }); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want it to be cancelled", err)
		}
	})
}

func TestFilesThatAreNotBelieved(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		d := newDevice("van-1", 1).many(300, 2)
		forger := newDevice("forger", 1)
		w := newSite(t, db, setup{}, d, forger)
		for name, b := range map[string][]byte{
			"forged":   file(t, forger.key, 1, d),
			"stranger": file(t, d.key, 1, newDevice("van-9", 1).many(3, 1)),
		} {
			if h, err := w.TakeIn(t.Context(), bytes.NewReader(b), func(Haul) {}); !errors.Is(err, ErrForeignKey) || h.New != 0 {
				t.Errorf("%s: %+v, %v; want it refused", name, h, err)
			}
		}
		lines := strings.SplitAfter(string(file(t, d.key, 1, d)), "\n")
		lines[40] = strings.Replace(lines[40], `"number":39`, `"number":38`, 1)
		var f *journalfile.Fault
		h, err := w.TakeIn(t.Context(), strings.NewReader(strings.Join(lines, "")), func(Haul) {})
		if !errors.As(err, &f) || f.Number != 39 || h.New != 0 {
			t.Errorf("edited: %+v, %v; want block 39 to be named, and nothing before its seal taken in", h, err)
		}
		if l := w.line(d); l.Blocks != 0 || l.Restart != "" {
			t.Errorf("account %+v, want nothing", l)
		}
		// The gateway's own word against what is committed: as by network.
		w.takeIn(file(t, d.key, 1, d))
		other := d.fork(290).many(5, 2)
		h = w.takeIn(file(t, d.key, 1, other))
		if h.Refused == 0 || len(h.Reasons) == 0 || w.line(d).Restart == "" {
			t.Errorf("a second chain: %+v, %+v; want it refused and the epoch ended", h, w.line(d))
		}
		if l := w.line(d); l.Committed != 600 {
			t.Errorf("account %+v, want what was committed to stay", l)
		}
	})
}

func TestHaulCountsWhatIsNowhere(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		d := newDevice("van-1", 1).many(100, 2)
		w := newSite(t, db, setup{}, d)
		w.send(d, topic.Backlog, d.parcel(1, 30))
		w.committed(d, 30)
		if h := w.takeIn(file(t, d.key, 51, d)); h.Absent != 20 || h.New != 100 {
			t.Errorf("%+v, want 20 blocks that are nowhere", h)
		}
		if l := w.line(d); !l.AddsUp || l.Pending != 40 {
			t.Errorf("account %+v, want 40 pending", l)
		}
		w.stop()
		if _, err := w.TakeIn(t.Context(), bytes.NewReader(file(t, d.key, 1, d)), func(Haul) {}); !errors.Is(err, ErrStopped) {
			t.Errorf("got %v, want ErrStopped", err)
		}
	})
}
