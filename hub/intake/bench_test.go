package intake_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"frostline/hub/history"
	"frostline/hub/intake"
	"frostline/hub/intake/batch"
	"frostline/hub/registry"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/block"
	"frostline/proto/chain"
	"frostline/proto/pb"
	"frostline/proto/reading"
	"frostline/proto/topic"
)

// gateway makes the parcels of a gateway with so many probes at 1 Hz: steps of
// 62.5 m°C with a little noise on a slow wave, as DS18B20s give.
type gateway struct {
	id     string
	series int
	number uint64
	count  uint64
	head   chain.Head
	level  []float64
	rng    *rand.Rand
}

func newGateway(id string, series int) *gateway {
	g := &gateway{id: id, series: series, head: chain.Genesis(id, 1), rng: rand.New(rand.NewPCG(1, uint64(len(id))))}
	for range series {
		g.level = append(g.level, 4000+300*g.rng.NormFloat64())
	}
	return g
}

func (g *gateway) parcel(blocks int) []byte {
	m := &pb.Parcel{Epoch: 1, First: g.number + 1, PrevHead: slices.Clone(g.head[:])}
	var raws [][]byte
	for range blocks {
		b := &block.Block{Number: g.number + 1, Before: g.count, Boot: 1}
		for s := range g.series {
			g.level[s] += 4 * g.rng.NormFloat64()
			steps := int64((g.level[s] + 30*g.rng.NormFloat64()) / 62.5)
			b.Readings = append(b.Readings, reading.Reading{Series: uint32(s), Tick: 1_000_000 + int64(g.number)*1000, Value: steps * 125 / 2})
		}
		raw, err := b.AppendTo(nil)
		if err != nil {
			panic(err)
		}
		raws = append(raws, raw)
		g.number, g.count, g.head = b.Number, b.After(), chain.Next(g.head, raw)
	}
	if blocks == 1 {
		m.Body = &pb.Parcel_Block{Block: raws[0]}
	} else {
		bundle, err := block.Pack(raws)
		if err != nil {
			panic(err)
		}
		m.Body = &pb.Parcel_Bundle{Bundle: bundle}
	}
	out, err := proto.Marshal(m)
	if err != nil {
		panic(err)
	}
	return out
}

type everyone struct{}

func (everyone) Admitted(string) error { return nil }
func (everyone) SealKey(string, []byte) (ed25519.PublicKey, error) {
	return nil, errors.New("no seals here")
}

// listener hears Acks.
type listener func(gateway string, a *pb.Ack)

func (l listener) Publish(gateway string, _ topic.Lane, payload []byte) error {
	var a pb.Ack
	if err := proto.Unmarshal(payload, &a); err != nil {
		return err
	}
	l(gateway, &a)
	return nil
}

// startHub runs intake with history and registry over a store.
func startHub(b testing.TB, url string, l listener) *intake.Intake {
	b.Helper()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	db, err := store.Open(context.Background(), url, log)
	if err != nil {
		b.Fatal(err)
	}
	in, err := intake.New(b.Context(), intake.Options{Store: db, Publisher: l, Gateways: everyone{}, Log: log})
	if err != nil {
		b.Fatal(err)
	}
	reg, err := registry.New(b.Context(), db, in, log)
	if err != nil {
		b.Fatal(err)
	}
	h, err := history.New(b.Context(), history.Options{Store: db, Evidence: in, Series: reg, Log: log})
	if err != nil {
		b.Fatal(err)
	}
	in.Follow(h, reg, &intake.Feed{})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, run := range []func(context.Context) error{in.Run, h.Run, reg.Run} {
		wg.Go(func() { run(ctx) })
	}
	b.Cleanup(func() {
		cancel()
		wg.Wait()
		db.Close()
	})
	return in
}

// drain sends parcels as fast as they are committed, so many in flight as
// window says, and returns when all are.
func drain(b testing.TB, in *intake.Intake, parcels [][]byte, gateways []string, lane topic.Lane, window int, want uint64) {
	for i, p := range parcels {
		for sent := i; sent-int(in.Status().Parcels) > window; {
			runtime.Gosched()
			time.Sleep(50 * time.Microsecond)
		}
		in.Handle(intake.Message{Gateway: gateways[i], Lane: lane, Payload: p, Received: time.Now()})
	}
	for in.Status().Readings < want {
		time.Sleep(100 * time.Microsecond)
	}
}

// BenchmarkIntake commits bundles of 512 blocks of 20 readings from eight
// gateways, and single live blocks from five hundred, each parcel acknowledged
// after its commit is synced, with history and registry behind it.
func BenchmarkIntake(b *testing.B) {
	dialects := map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres}
	for _, dialect := range []string{"sqlite", "postgres"} {
		for _, c := range []struct {
			name             string
			gateways, blocks int
			parcels          int
			lane             topic.Lane
		}{{"bundles", 8, 512, 400, topic.Backlog}, {"live", 500, 1, 20_000, topic.Live}} {
			b.Run(dialect+"/"+c.name, func(b *testing.B) {
				var rate, cpu float64
				for b.Loop() {
					b.StopTimer()
					var parcels [][]byte
					var from []string
					gateways := make([]*gateway, c.gateways)
					for i := range gateways {
						gateways[i] = newGateway(fmt.Sprintf("gateway-%d", i), 20)
					}
					bytes := 0
					for i := range c.parcels {
						g := gateways[i%len(gateways)]
						parcels, from = append(parcels, g.parcel(c.blocks)), append(from, g.id)
						bytes += len(parcels[i])
					}
					want := uint64(c.parcels * c.blocks * 20)
					in := startHub(b, dialects[dialect](b), func(string, *pb.Ack) {})
					runtime.GC()
					used := cpuTime()
					b.StartTimer()
					start := time.Now()
					drain(b, in, parcels, from, c.lane, 500, want)
					took := time.Since(start)
					b.StopTimer()
					rate = float64(want) / took.Seconds()
					cpu = float64((cpuTime() - used).Nanoseconds()) / float64(want)
					s := in.Status()
					b.ReportMetric(float64(s.Rounds)/took.Seconds(), "commits/s")
					b.ReportMetric(float64(bytes)/float64(want), "bytes/reading")
					b.StartTimer()
				}
				b.ReportMetric(rate, "readings/s")
				b.ReportMetric(cpu, "cpu-ns/reading")
			})
		}
	}
}

// BenchmarkLiveWhileDraining is how long a live block takes from the queue to
// its Ack, at five hundred a second, idle and while a backlog of seven million
// readings drains as fast as it can.
func BenchmarkLiveWhileDraining(b *testing.B) {
	for _, draining := range []bool{false, true} {
		b.Run(fmt.Sprintf("draining=%v", draining), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				g, live := newGateway("backlog", 20), newGateway("live", 20)
				var mu sync.Mutex
				sent := map[uint64]time.Time{}
				var took []time.Duration
				in := startHub(b, storetest.SQLite(b), func(gateway string, a *pb.Ack) {
					if gateway != "live" {
						return
					}
					now := time.Now()
					mu.Lock()
					defer mu.Unlock()
					for n, at := range sent {
						if n <= a.Committed {
							took = append(took, now.Sub(at))
							delete(sent, n)
						}
					}
				})
				parcels := make([][]byte, 700)
				for i := range parcels {
					parcels[i] = g.parcel(512)
				}
				runtime.GC()
				b.StartTimer()
				drained := make(chan struct{})
				var wg sync.WaitGroup
				if draining {
					wg.Go(func() {
						defer close(drained)
						from := slices.Repeat([]string{"backlog"}, len(parcels))
						drain(b, in, parcels, from, topic.Backlog, 64, uint64(len(parcels)*512*20))
					})
				} else {
					time.AfterFunc(2*time.Second, func() { close(drained) })
				}
				tick := time.NewTicker(2 * time.Millisecond)
				for running := true; running; {
					select {
					case <-drained:
						running = false
						continue
					case <-tick.C:
					}
					p := live.parcel(1)
					mu.Lock()
					sent[live.number] = time.Now()
					mu.Unlock()
					in.Handle(intake.Message{Gateway: "live", Lane: topic.Live, Payload: p, Received: time.Now()})
				}
				tick.Stop()
				wg.Wait()
				b.StopTimer()
				mu.Lock()
				slices.Sort(took)
				if len(took) > 0 {
					b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
					b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
					b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "max-ms")
				}
				b.ReportMetric(float64(in.Status().Readings), "readings-meanwhile")
				mu.Unlock()
				b.StartTimer()
			}
		})
	}
}

// BenchmarkReplay replays a hub's parcels into history.
func BenchmarkReplay(b *testing.B) {
	url := storetest.SQLite(b)
	g := newGateway("gateway-1", 20)
	in := startHub(b, url, func(string, *pb.Ack) {})
	var parcels [][]byte
	var from []string
	for range 100 {
		parcels, from = append(parcels, g.parcel(512)), append(from, g.id)
	}
	drain(b, in, parcels, from, topic.Backlog, 50, 100*512*20)
	n := 0
	for b.Loop() {
		n = 0
		if err := in.Replay(b.Context(), 0, func(c *batch.Batch) error { n += c.Readings; return nil }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/reading")
}
