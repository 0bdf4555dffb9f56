package intake_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"frostline/hub/history"
	"frostline/hub/intake"
	"frostline/hub/registry"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/block"
	"frostline/proto/chain"
	"frostline/proto/pb"
	"frostline/proto/reading"
	"frostline/proto/topic"
)

// hub is intake, registry and history as the command wires them.
type hub struct {
	*intake.Intake
	registry *registry.Registry
	history  *history.History
	stop     func()
}

func newHub(t *testing.T, db *store.DB, acks chan<- *pb.Ack) *hub {
	t.Helper()
	log := storetest.Logger(t)
	h := &hub{}
	var err error
	publish := listener(func(_ string, a *pb.Ack) {
		select {
		case acks <- a:
		default:
		}
	})
	if h.Intake, err = intake.New(t.Context(), intake.Options{Store: db, Publisher: publish, Gateways: everyone{}, Log: log}); err != nil {
		t.Fatal(err)
	}
	if h.registry, err = registry.New(t.Context(), db, h.Intake, log); err != nil {
		t.Fatal(err)
	}
	if h.history, err = history.New(t.Context(), history.Options{Store: db, Evidence: h.Intake, Series: h.registry, Log: log, HeadReadings: 4096}); err != nil {
		t.Fatal(err)
	}
	h.Follow(h.history, h.registry)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, run := range []func(context.Context) error{h.Intake.Run, h.registry.Run, h.history.Run} {
		wg.Go(func() { run(ctx) })
	}
	h.stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(h.stop)
	return h
}

// TestPromise3OnceThroughRestarts: live and backlog of several gateways,
// shuffled and repeated, through a hub that is stopped again and again while
// its head is merged. In the end history holds each reading once with its time,
// and all counts agree.
func TestPromise3OnceThroughRestarts(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		const gateways, blocks, series, start = 3, 400, 5, 1_700_000_000_000
		rng := rand.New(rand.NewPCG(7, 7))
		type sending struct {
			gateway string
			lane    topic.Lane
			payload []byte
		}
		var all []sending
		values := map[history.Key]map[int64]int64{} // by UTC
		for n := range gateways {
			id := fmt.Sprintf("van-%d", n)
			head, count := chain.Genesis(id, 1), uint64(0)
			heads, raws := []chain.Head{head}, [][]byte(nil)
			for i := range blocks {
				b := &block.Block{Number: uint64(i) + 1, Before: count, Boot: 1}
				tick := int64(i) * 61_000
				for s := range series {
					r := reading.Reading{Series: uint32(s), Tick: tick, Value: rng.Int64N(9000)}
					b.Readings = append(b.Readings, r)
					k := history.Key{Gateway: id, Sensor: fmt.Sprintf("s%d", s), Quantity: reading.Temperature}
					if values[k] == nil {
						values[k] = map[int64]int64{}
					}
					values[k][start+tick] = r.Value
				}
				var events []*pb.Event
				if i == 0 {
					events = append(events, &pb.Event{Kind: &pb.Event_EpochStart{EpochStart: &pb.EpochStart{Epoch: 1}}})
					for s := range series {
						events = append(events, &pb.Event{Kind: &pb.Event_SeriesDeclared{SeriesDeclared: &pb.SeriesDeclared{
							Id: uint32(s), Sensor: fmt.Sprintf("s%d", s), Quantity: uint32(reading.Temperature), IntervalMs: 61_000}}})
					}
				}
				if i%100 == 50 { // anchors that agree to the millisecond
					events = append(events, &pb.Event{Kind: &pb.Event_Anchor{Anchor: &pb.Anchor{Boot: 1, AtMs: tick, UtcMs: start + tick, UncertaintyMs: 1}}})
				}
				for _, e := range events {
					raw, err := block.EncodeEvent(e)
					if err != nil {
						t.Fatal(err)
					}
					b.Events = append(b.Events, raw)
				}
				raw, err := b.AppendTo(nil)
				if err != nil {
					t.Fatal(err)
				}
				head, count = chain.Next(head, raw), b.After()
				heads, raws = append(heads, head), append(raws, raw)
			}
			cut := func(first, last int, lane topic.Lane) {
				m := &pb.Parcel{Epoch: 1, First: uint64(first), PrevHead: heads[first-1][:], Body: &pb.Parcel_Block{Block: raws[first-1]}}
				if last > first {
					bundle, err := block.Pack(raws[first-1 : last])
					if err != nil {
						t.Fatal(err)
					}
					m.Body = &pb.Parcel_Bundle{Bundle: bundle}
				}
				payload, err := proto.Marshal(m)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, sending{id, lane, payload})
			}
			for first := 1; first <= blocks; {
				last := min(first+rng.IntN(30), blocks)
				cut(first, last, topic.Backlog)
				first = last + 1
			}
			for range 60 {
				first := 1 + rng.IntN(blocks)
				cut(first, min(first+rng.IntN(20), blocks), topic.Backlog)
				cut(first, first, topic.Live)
			}
		}
		acks := make(chan *pb.Ack, 1)
		h := newHub(t, db, acks)
		for round := 0; ; round++ {
			rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			for i, s := range all {
				h.Handle(intake.Message{Gateway: s.gateway, Lane: s.lane, Payload: slices.Clone(s.payload), Received: time.Now()})
				if i%100 == 0 && round < 2 {
					<-acks
					h.stop()
					h = newHub(t, db, acks)
				}
			}
			lines, err := h.Account(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(lines) == gateways && !slices.ContainsFunc(lines, func(l intake.Line) bool { return l.Watermark < blocks }) {
				break
			}
			<-acks
		}
		for range 2 {
			for k, want := range values {
				got := map[int64]int64{}
				if err := h.history.Readings(t.Context(), k, 0, 1<<45, func(r history.Reading) error {
					if _, twice := got[r.UTC]; twice || r.Conflict {
						return fmt.Errorf("reading %+v: twice %v", r, twice)
					}
					got[r.UTC] = r.Value
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				if len(got) != len(want) {
					t.Fatalf("%v has %d readings, want %d", k, len(got), len(want))
				}
				for utc, v := range want {
					if got[utc] != v {
						t.Fatalf("%v at %d is %d, want %d", k, utc, got[utc], v)
					}
				}
			}
			audits, err := h.AccountDeep(t.Context(), h.history)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range audits {
				if len(a.Problems) > 0 || !a.AddsUp || a.History != blocks*series || a.Parcels != blocks*series {
					t.Errorf("audit %+v", a)
				}
			}
			h.stop()
			h = newHub(t, db, acks) // and again from what is stored
		}
	})
}
