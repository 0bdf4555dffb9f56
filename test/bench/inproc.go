package main

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"

	"frostline/hub/history"
	"frostline/hub/intake"
	"frostline/hub/registry"
	"frostline/hub/store"
	"frostline/proto/block"
	"frostline/proto/chain"
	"frostline/proto/pb"
	"frostline/proto/reading"
	"frostline/proto/topic"
)

// machine measures what results may be compared by.
func machine(_ context.Context, dir string, r *report) error {
	f, err := os.Create(filepath.Join(dir, "sync"))
	if err != nil {
		return err
	}
	defer f.Close()
	page := make([]byte, 4096)
	const writes = 200
	began := time.Now()
	for range writes {
		if _, err := f.Write(page); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
	}
	r.add("baseline: synced write of 4 KiB", ms(time.Since(began))/writes, "ms", "", "")
	data := make([]byte, 64<<20)
	began = time.Now()
	sha256.Sum256(data)
	r.add("baseline: SHA-256", 64/time.Since(began).Seconds(), "MiB/s", "", fmt.Sprintf("%d cores", runtime.NumCPU()))
	return nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// gateway makes blocks as a gateway with that many 1 Hz thermometers does:
// MCP9808 steps of 62.5 m°C, noise of 30 m°C, a wandering level.
type gateway struct {
	id     string
	rng    *rand.Rand
	levels []float64
	next   block.Block
	head   chain.Head
}

func newGateway(id string, series int) *gateway {
	g := &gateway{id: id, rng: rand.New(rand.NewPCG(1, uint64(len(id)))), head: chain.Genesis(id, 1)}
	g.next = block.Block{Number: 1, Boot: 1}
	for range series {
		g.levels = append(g.levels, 4500+800*g.rng.NormFloat64())
	}
	return g
}

func (g *gateway) block() ([]byte, error) {
	b := &g.next
	b.Readings = b.Readings[:0]
	for s := range g.levels {
		g.levels[s] += 5 * g.rng.NormFloat64()
		steps := int64((g.levels[s] + 30*g.rng.NormFloat64()) / 62.5)
		b.Readings = append(b.Readings, reading.Reading{Series: uint32(s), Tick: int64(b.Number) * 1000, Value: steps * 125 / 2})
	}
	raw, err := b.AppendTo(nil)
	b.Before, b.Number = b.After(), b.Number+1
	return raw, err
}

// parcel packs the next n blocks as the backlog lane does.
func (g *gateway) parcel(n int) ([]byte, error) {
	p := &pb.Parcel{Epoch: 1, First: g.next.Number, PrevHead: append([]byte(nil), g.head[:]...)}
	var raws [][]byte
	for range n {
		raw, err := g.block()
		if err != nil {
			return nil, err
		}
		g.head = chain.Next(g.head, raw)
		raws = append(raws, raw)
	}
	bundle, err := block.Pack(raws)
	if err != nil {
		return nil, err
	}
	p.Body = &pb.Parcel_Bundle{Bundle: bundle}
	return proto.Marshal(p)
}

// codec measures packing alone.
func codec(_ context.Context, _ string, r *report) error {
	g := newGateway("bench-codec", 20)
	var raws [][]byte
	bytes := 0
	for range 512 {
		raw, err := g.block()
		if err != nil {
			return err
		}
		raws, bytes = append(raws, raw), bytes+len(raw)
	}
	const readings = 512 * 20
	r.add("one block of 20 readings", float64(bytes)/readings, "B/reading", "", "canonical bytes, before parcel and MQTT")
	var bundle []byte
	var err error
	pack := rate(readings, func() { bundle, err = block.Pack(raws) })
	if err != nil {
		return err
	}
	r.add("bundle of 512 such blocks", float64(len(bundle))/readings, "B/reading", "", "")
	r.add("packing", pack, "readings/s", "", "one core")
	unpack := rate(readings, func() { err = block.Unpack(bundle, func(*block.Block, []byte) error { return nil }) })
	r.add("unpacking and encoding again", unpack, "readings/s", "", "one core")
	return err
}

// rate repeats do for half a second and gives items a second.
func rate(items int, do func()) float64 {
	began, n := time.Now(), 0
	for time.Since(began) < 500*time.Millisecond {
		do()
		n++
	}
	return float64(n*items) / time.Since(began).Seconds()
}

// everyone admits all gateways; none of them seals here.
type everyone struct{}

func (everyone) Admitted(string) error { return nil }
func (everyone) SealKey(string, []byte) (ed25519.PublicKey, error) {
	return nil, errors.New("no seals in this measurement")
}

// acks counts acknowledged blocks and hands credit back.
type acks struct {
	committed atomic.Uint64
	changed   chan struct{}
}

func (a *acks) Publish(_ string, lane topic.Lane, payload []byte) error {
	var m pb.Ack
	if err := proto.Unmarshal(payload, &m); err != nil || lane != topic.Ack {
		return err
	}
	a.committed.Store(max(a.committed.Load(), m.Committed))
	select {
	case a.changed <- struct{}{}:
	default:
	}
	return nil
}

// intakeRate feeds packed parcels to the real intake, history and registry over
// SQLite on disk, as many in flight as the hub's credit allows, and stops the
// clock at the last acknowledgement.
func intakeRate(ctx context.Context, dir string, r *report) error {
	const blocks, perParcel, series = 153_600, 512, 20
	g := newGateway("bench-intake", series)
	var parcels [][]byte
	for range blocks / perParcel {
		p, err := g.parcel(perParcel)
		if err != nil {
			return err
		}
		parcels = append(parcels, p)
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(dir, "intake.db"), log)
	if err != nil {
		return err
	}
	defer db.Close()
	a := &acks{changed: make(chan struct{}, 1)}
	in, err := intake.New(ctx, intake.Options{Store: db, Publisher: a, Gateways: everyone{}, Log: log})
	if err != nil {
		return err
	}
	reg, err := registry.New(ctx, db, in, log)
	if err != nil {
		return err
	}
	hist, err := history.New(ctx, history.Options{Store: db, Evidence: in, Series: reg, Log: log})
	if err != nil {
		return err
	}
	in.Follow(hist, reg)
	run, stop := context.WithCancel(ctx)
	done := make(chan error, 3)
	for _, part := range []func(context.Context) error{in.Run, hist.Run, reg.Run} {
		go func() { done <- part(run) }()
	}
	cpu := cpuTime()
	began := time.Now()
	credit := uint64(intake.DefaultLimits().Credit)
	for i, p := range parcels { // each parcel is perParcel blocks
		for uint64(i) >= a.committed.Load()/perParcel+credit {
			<-a.changed
		}
		in.Handle(intake.Message{Gateway: g.id, Lane: topic.Backlog, Payload: p, Received: time.Now()})
	}
	for a.committed.Load() < blocks {
		select {
		case <-a.changed:
		case <-ctx.Done():
			stop()
			return ctx.Err()
		}
	}
	took, used := time.Since(began), cpuTime()-cpu
	stop()
	for range 3 {
		if err := <-done; err != nil {
			return err
		}
	}
	const readings = blocks * series
	r.add("intake, synced commits", readings/took.Seconds(), "readings/s", ">= 500000", fmt.Sprintf("%d readings, SQLite, history and registry behind it", readings))
	r.add("intake, per core", readings/used.Seconds(), "readings/s/core", "", "by CPU time of the process")
	info, err := os.Stat(filepath.Join(dir, "intake.db"))
	if err != nil {
		return err
	}
	r.add("hub store", float64(info.Size())/readings, "B/reading", "", "parcels as they came, and what was merged by then")
	return nil
}

func cpuTime() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
