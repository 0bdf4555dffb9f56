package intake

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"frostline/hub/intake/batch"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/block"
	"frostline/proto/chain"
	"frostline/proto/pb"
	"frostline/proto/reading"
	"frostline/proto/topic"
)

// device is a gateway as the tests play it: it keeps all its blocks.
type device struct {
	gateway string
	epoch   uint32
	key     ed25519.PrivateKey
	raws    [][]byte
	heads   []chain.Head // heads[n] after block n; heads[0] is the genesis
	counts  []uint64
	boot    uint32
	tick    int64
	rng     *rand.Rand
}

func newDevice(gateway string, epoch uint32) *device {
	seed := sha256.Sum256([]byte(gateway))
	return &device{
		gateway: gateway, epoch: epoch, key: ed25519.NewKeyFromSeed(seed[:]), boot: 1, tick: 10_000,
		heads: []chain.Head{chain.Genesis(gateway, epoch)}, counts: []uint64{0},
		rng: rand.New(rand.NewPCG(uint64(epoch), uint64(len(gateway)))),
	}
}

// last is the number of the device's newest block.
func (d *device) last() uint64 { return uint64(len(d.raws)) }

// keep makes a block of series readings at one tick, and events.
func (d *device) keep(series int, events ...*pb.Event) {
	b := &block.Block{Number: d.last() + 1, Before: d.counts[d.last()], Boot: d.boot}
	d.tick += 1000
	for s := range series {
		r := reading.Reading{Series: uint32(s), Tick: d.tick, Value: int64(4000 + s*10 + d.rng.IntN(100))}
		if d.rng.IntN(20) == 0 {
			r.Quality, r.Value = reading.NoAnswer, 0
		}
		b.Readings = append(b.Readings, r)
	}
	for _, e := range events {
		raw, err := block.EncodeEvent(e)
		if err != nil {
			panic(err)
		}
		b.Events = append(b.Events, raw)
	}
	d.keepBlock(b)
}

func (d *device) keepBlock(b *block.Block) {
	raw, err := b.AppendTo(nil)
	if err != nil {
		panic(err)
	}
	d.raws = append(d.raws, raw)
	d.heads = append(d.heads, chain.Next(d.heads[len(d.heads)-1], raw))
	d.counts = append(d.counts, b.After())
}

// many keeps n blocks.
func (d *device) many(n, series int) *device {
	for range n {
		d.keep(series)
	}
	return d
}

// fork is a copy as it was after block n.
func (d *device) fork(n uint64) *device {
	f := *d
	f.raws, f.heads, f.counts = slices.Clip(d.raws[:n]), slices.Clip(d.heads[:n+1]), slices.Clip(d.counts[:n+1])
	f.tick += 500 // what it keeps from now on differs
	return &f
}

// parcel makes the payload of blocks first to last.
func (d *device) parcel(first, last uint64) []byte {
	return mustMarshal(d.message(first, last))
}

func (d *device) message(first, last uint64) *pb.Parcel {
	m := &pb.Parcel{Epoch: d.epoch, First: first, PrevHead: slices.Clone(d.heads[first-1][:])}
	if first == last {
		m.Body = &pb.Parcel_Block{Block: d.raws[first-1]}
		return m
	}
	bundle, err := block.Pack(d.raws[first-1 : last])
	if err != nil {
		panic(err)
	}
	m.Body = &pb.Parcel_Bundle{Bundle: bundle}
	return m
}

// seal signs for block n.
func (d *device) seal(n uint64) *pb.Seal {
	s := &pb.Seal{Epoch: d.epoch, Number: n, Head: d.heads[n][:], Readings: d.counts[n], SentMs: 123}
	if err := chain.Sign(d.gateway, s, d.key); err != nil {
		panic(err)
	}
	return s
}

func mustMarshal(m proto.Message) []byte {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		panic(err)
	}
	return b
}

// site is a hub's intake with what surrounds it.
type site struct {
	*Intake
	t       testing.TB
	db      *store.DB
	stop    func()
	acks    chan ackTo
	sink    *recorder
	admit   *admission
	publish *publisher
}

type ackTo struct {
	gateway string
	*pb.Ack
}

// admission admits the devices whose keys it has.
type admission struct {
	mu      sync.Mutex
	keys    map[string]ed25519.PublicKey
	revoked map[string]bool
}

func (a *admission) Admitted(gateway string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.revoked[gateway]:
		return errors.New("it is revoked")
	case a.keys[gateway] == nil:
		return errors.New("it is not enrolled")
	}
	return nil
}

func (a *admission) SealKey(gateway string, id []byte) (ed25519.PublicKey, error) {
	if err := a.Admitted(gateway); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if key := a.keys[gateway]; slices.Equal(chain.KeyID(key), id) {
		return key, nil
	}
	return nil, fmt.Errorf("it has no key %x", id)
}

func (a *admission) add(devices ...*device) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, d := range devices {
		a.keys[d.gateway] = d.key.Public().(ed25519.PublicKey)
	}
}

type publisher struct {
	acks chan ackTo
	mu   sync.Mutex
	fail error
	hook func(gateway string, a *pb.Ack)
}

func (p *publisher) Publish(gateway string, lane topic.Lane, payload []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return p.fail
	}
	var a pb.Ack
	if err := proto.Unmarshal(payload, &a); err != nil || lane != topic.Ack {
		panic(fmt.Sprintf("published %x on %s", payload, lane))
	}
	if p.hook != nil {
		p.hook(gateway, &a)
	}
	p.acks <- ackTo{gateway, &a}
	return nil
}

// recorder is a sink that keeps batches.
type recorder struct {
	mu      sync.Mutex
	batches []*batch.Batch
	full    bool
}

func (r *recorder) Committed(b *batch.Batch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.batches = append(r.batches, b)
}

func (r *recorder) Full() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.full
}

func (r *recorder) all() []*batch.Batch {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.batches)
}

type setup struct {
	store func(Store) Store
	tune  func(*Options)
	hook  func(gateway string, a *pb.Ack)
}

// newSite starts an intake over db that admits the devices.
func newSite(t testing.TB, db *store.DB, s setup, devices ...*device) *site {
	t.Helper()
	w := &site{
		t: t, db: db, sink: &recorder{}, acks: make(chan ackTo, 1<<16),
		admit: &admission{keys: map[string]ed25519.PublicKey{}, revoked: map[string]bool{}},
	}
	w.publish = &publisher{acks: w.acks, hook: s.hook}
	w.admit.add(devices...)
	o := Options{Store: db, Publisher: w.publish, Gateways: w.admit, Log: storetest.Logger(t), Clock: SystemClock{Assumed: time.Second}}
	if s.store != nil {
		o.Store = s.store(db)
	}
	if s.tune != nil {
		s.tune(&o)
	}
	in, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	w.Intake = in
	in.Follow(w.sink)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- in.Run(ctx) }()
	stopped := false
	w.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("intake: %v", err)
		}
	}
	t.Cleanup(w.stop)
	return w
}

func (w *site) send(d *device, lane topic.Lane, payload []byte) {
	w.Handle(Message{Gateway: d.gateway, Lane: lane, Payload: slices.Clone(payload), Received: time.Now()})
}

// until waits for an Ack to the device that fulfils a condition.
func (w *site) until(d *device, what string, ok func(*pb.Ack) bool) *pb.Ack {
	w.t.Helper()
	var last *pb.Ack
	deadline := time.After(20 * time.Second)
	for {
		select {
		case a := <-w.acks:
			if a.gateway != d.gateway || a.Epoch != d.epoch {
				continue
			}
			if last = a.Ack; ok(a.Ack) {
				return a.Ack
			}
		case <-deadline:
			w.t.Fatalf("no ack to %s that %s; the last was %v; status %+v", d.gateway, what, last, w.Status())
		}
	}
}

// committed waits until blocks 1..n of the device are acknowledged.
func (w *site) committed(d *device, n uint64) *pb.Ack {
	w.t.Helper()
	a := w.until(d, fmt.Sprintf("commits %d", n), func(a *pb.Ack) bool { return a.Committed >= n })
	if a.Committed == n && !slices.Equal(a.Head, d.heads[n][:]) {
		w.t.Fatalf("ack of %d has head %x, want %s", n, a.Head, d.heads[n])
	}
	return a
}

// refused waits for a refusal of the device's block n.
func (w *site) refused(d *device, n uint64) *pb.Ack {
	w.t.Helper()
	return w.until(d, fmt.Sprintf("refuses %d", n), func(a *pb.Ack) bool {
		return slices.ContainsFunc(a.Refused, func(r *pb.Refusal) bool { return r.First <= n && n <= r.Last })
	})
}

// line is the account of a device, empty while it has none.
func (w *site) line(d *device) Line {
	w.t.Helper()
	lines, err := w.Account(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, l := range lines {
		if l.Gateway == d.gateway && l.Epoch == d.epoch {
			return l
		}
	}
	return Line{}
}

// eventually waits for a condition that nothing announces.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never came about that %s", what)
		}
	}
}
