package evidence_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"frostline/hub/correlate/join"
	"frostline/hub/event"
	"frostline/hub/evidence"
	"frostline/hub/evidence/ledger"
	"frostline/hub/evidence/verify"
	"frostline/hub/evidence/witness"
	"frostline/hub/fact"
	"frostline/hub/history"
	"frostline/hub/intake"
	"frostline/hub/registry"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/block"
	"frostline/proto/chain"
	"frostline/proto/pb"
	"frostline/proto/reading"
	"frostline/proto/thermal"
	"frostline/proto/topic"
)

// start is when the test's first boot began, UTC.
const start int64 = 1_780_000_000_000

// gateway is one as the tests play it.
type gateway struct {
	id    string
	epoch uint32
	key   ed25519.PrivateKey
	raws  [][]byte
	heads []chain.Head
	count uint64
	boot  uint32
	tick  int64
	began int64    // UTC at boottime 0 of the boot
	more  [][]byte // events of the next block, as they are to stand in it
}

func newGateway(id string) *gateway {
	seed := sha256.Sum256([]byte(id))
	return &gateway{id: id, epoch: 1, key: ed25519.NewKeyFromSeed(seed[:]), boot: 1, began: start, heads: []chain.Head{chain.Genesis(id, 1)}}
}

// keep makes a block at the next tick, 10 s later.
func (g *gateway) keep(values []int64, events ...*pb.Event) {
	g.tick += 10_000
	b := &block.Block{Number: uint64(len(g.raws)) + 1, Before: g.count, Boot: g.boot}
	for i, v := range values {
		b.Readings = append(b.Readings, reading.Reading{Series: uint32(i), Tick: g.tick, Value: v})
	}
	for _, e := range events {
		raw, err := block.EncodeEvent(e)
		if err != nil {
			panic(err)
		}
		b.Events = append(b.Events, raw)
	}
	b.Events, g.more = append(b.Events, g.more...), nil
	g.keepBlock(b)
}

func (g *gateway) keepBlock(b *block.Block) {
	raw, err := b.AppendTo(nil)
	if err != nil {
		panic(err)
	}
	g.raws = append(g.raws, raw)
	g.heads = append(g.heads, chain.Next(g.heads[len(g.heads)-1], raw))
	g.count = b.After()
}

func (g *gateway) anchor() *pb.Event {
	return &pb.Event{AtMs: g.tick, Kind: &pb.Event_Anchor{Anchor: &pb.Anchor{Boot: g.boot, AtMs: g.tick, UtcMs: g.began + g.tick, UncertaintyMs: 20, Source: 2}}}
}

// anchorOf is an anchor of some source, off by what that source lies, ms.
func (g *gateway) anchorOf(rng *rand.Rand, lie [5]int64) *pb.Event {
	e := g.anchor()
	a := e.GetAnchor()
	a.Source = 1 + rng.Uint32N(4)
	a.UtcMs += lie[a.Source]
	return e
}

func declare(id uint32, sensor string, q reading.Quantity) *pb.Event {
	return &pb.Event{Kind: &pb.Event_SeriesDeclared{SeriesDeclared: &pb.SeriesDeclared{Id: id, Sensor: sensor, Quantity: uint32(q), IntervalMs: 10_000}}}
}

// hub is the parts of a hub that evidence is made of.
type hub struct {
	t       testing.TB
	db      *store.DB
	dir     string
	intake  *intake.Intake
	history *history.History
	events  *event.Log
	ledger  *ledger.Ledger
	export  *evidence.Exporter
	acks    chan *pb.Ack
	keys    map[string]ed25519.PublicKey
	docs    map[string][]byte // what is attached, by SHA-256
	stops   []func()
}

func (h *hub) Publish(_ string, lane topic.Lane, payload []byte) error {
	var a pb.Ack
	if lane == topic.Ack && proto.Unmarshal(payload, &a) == nil {
		select {
		case h.acks <- &a:
		default:
		}
	}
	return nil
}

func (h *hub) Admitted(id string) error {
	if h.keys[id] == nil {
		return errors.New("not enrolled")
	}
	return nil
}

func (h *hub) SealKey(id string, _ []byte) (ed25519.PublicKey, error) {
	return h.keys[id], h.Admitted(id)
}

func (h *hub) records() (out []ledger.KeyRecord) {
	for id, k := range h.keys {
		out = append(out, ledger.KeyRecord{Use: "seal", Gateway: id, ID: hex.EncodeToString(chain.KeyID(k)), Public: base64.StdEncoding.EncodeToString(k), From: start})
	}
	slices.SortFunc(out, func(a, b ledger.KeyRecord) int { return strings.Compare(a.Gateway, b.Gateway) })
	return out
}

// run runs a part until the hub stops.
func (h *hub) run(name string, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	h.stops = append(h.stops, sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			h.t.Errorf("%s: %v", name, err)
		}
	}))
}

func (h *hub) stop() {
	for _, stop := range slices.Backward(h.stops) {
		stop()
	}
}

func newHub(t testing.TB, db *store.DB, peers []witness.Peer, gateways ...*gateway) *hub {
	t.Helper()
	return newHubAt(t, db, t.TempDir(), peers, gateways...)
}

// openLedger opens a hub's ledger and does not run it.
func openLedger(t testing.TB, db *store.DB, dir string, peers []witness.Peer) *ledger.Ledger {
	t.Helper()
	log := storetest.Logger(t)
	events, err := event.Open(t.Context(), event.Options{Store: db, Models: []event.Model{evidence.Links}, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(t.Context(), ledger.Options{Dir: filepath.Join(dir, "evidence"), Origin: "frostline/test", Store: db, Events: events, Witnesses: peers, Quorum: len(peers), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func newHubAt(t testing.TB, db *store.DB, dir string, peers []witness.Peer, gateways ...*gateway) *hub {
	t.Helper()
	h := &hub{t: t, db: db, dir: dir, acks: make(chan *pb.Ack, 10_000), keys: map[string]ed25519.PublicKey{}, docs: map[string][]byte{}}
	for _, g := range gateways {
		h.keys[g.id] = g.key.Public().(ed25519.PublicKey)
	}
	var err error
	must := func() {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	log := storetest.Logger(t)
	h.intake, err = intake.New(t.Context(), intake.Options{Store: db, Publisher: h, Gateways: h, Log: log, Clock: intake.SystemClock{Assumed: time.Second}})
	must()
	reg, err2 := registry.New(t.Context(), db, h.intake, log)
	err = err2
	must()
	h.history, err = history.New(t.Context(), history.Options{Store: db, Evidence: h.intake, Series: reg, Log: log})
	must()
	h.intake.Follow(h.history, reg)
	h.events, err = event.Open(t.Context(), event.Options{Store: db, Models: []event.Model{evidence.Links}, Log: log})
	must()
	h.ledger, err = ledger.Open(t.Context(), ledger.Options{
		Dir: filepath.Join(h.dir, "evidence"), Origin: "frostline/test", Store: db, Events: h.events, Seals: h.intake, Keys: h.records,
		Witnesses: peers, Quorum: len(peers), Interval: 400 * time.Millisecond, Log: log,
	})
	must()
	h.export, err = evidence.New(evidence.Options{Store: db, Events: h.events, Intake: h.intake, Ledger: h.ledger, Keys: h.records, Documents: h, Spool: filepath.Join(h.dir, "spool"), Log: log})
	must()
	h.run("intake", h.intake.Run)
	h.run("registry", reg.Run)
	h.run("ledger", h.ledger.Run)
	t.Cleanup(h.stop)
	return h
}

// send sends blocks first..last and a seal for the last, and waits until they
// are committed.
func (h *hub) send(g *gateway, first, last int) {
	h.t.Helper()
	m := &pb.Parcel{Epoch: g.epoch, First: uint64(first), PrevHead: g.heads[first-1][:]}
	bundle, err := block.Pack(g.raws[first-1 : last])
	if err != nil {
		h.t.Fatal(err)
	}
	m.Body = &pb.Parcel_Bundle{Bundle: bundle}
	h.handle(g, topic.Live, m)
	deadline := time.After(20 * time.Second)
	for {
		select {
		case a := <-h.acks:
			if a.Epoch == g.epoch && a.Committed >= uint64(last) {
				return
			}
		case <-deadline:
			h.t.Fatalf("blocks %d to %d were not committed", first, last)
		}
	}
}

// put sends blocks and waits until they are committed, also beyond a hole.
func (h *hub) put(g *gateway, first, last int) {
	h.t.Helper()
	for at := first; at <= last; at++ { // one by one: bundles of one are blocks
		m := &pb.Parcel{Epoch: g.epoch, First: uint64(at), PrevHead: g.heads[at-1][:], Body: &pb.Parcel_Block{Block: g.raws[at-1]}}
		h.handle(g, topic.Live, m)
	}
	h.eventually("blocks are committed", func() bool {
		found := false
		h.intake.Extent(g.id, g.epoch, func(a, b uint64) { found = found || a <= uint64(first) && b >= uint64(last) })
		return found
	})
}

func (h *hub) handle(g *gateway, lane topic.Lane, m proto.Message) {
	b, err := proto.Marshal(m)
	if err != nil {
		h.t.Fatal(err)
	}
	h.intake.Handle(intake.Message{Gateway: g.id, Lane: lane, Payload: b, Received: time.Now()})
}

func (h *hub) seal(g *gateway, n int) {
	h.t.Helper()
	s := &pb.Seal{Epoch: g.epoch, Number: uint64(n), Head: g.heads[n][:]}
	b, err := block.Decode(g.raws[n-1])
	if err != nil {
		h.t.Fatal(err)
	}
	s.Readings = b.After()
	if err := chain.Sign(g.id, s, g.key); err != nil {
		h.t.Fatal(err)
	}
	h.handle(g, topic.Seal, s)
	h.eventually("a seal is kept", func() bool {
		found := false
		if err := h.intake.Seals(h.t.Context(), g.id, g.epoch, uint64(n)-1, 1, func(number uint64, _ []byte) error { found = number == uint64(n); return nil }); err != nil {
			h.t.Fatal(err)
		}
		return found
	})
}

func (h *hub) eventually(what string, ok func() bool) {
	h.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			h.t.Fatalf("it never came about that %s; ledger %+v", what, h.ledger.Status())
		}
	}
}

// tell appends facts.
func (h *hub) tell(news ...event.New) {
	h.t.Helper()
	if _, err := h.events.Command(h.t.Context(), "person/ann", func(ctx context.Context, ch event.Change) error {
		for _, n := range news {
			n.Expect = -1
			if _, err := ch.Append(ctx, n); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		h.t.Fatal(err)
	}
}

func ref(kind fact.Kind, id string) fact.Ref { return fact.Ref{Kind: kind, ID: id} }

func attached(id string, subject, in fact.Ref, at int64) event.New {
	return event.New{Stream: subject.String(), Type: fact.WasAttached, Data: fact.Attached{ID: id, Subject: subject, In: &in, At: at, Via: "scan", Made: at}}
}

// judge states the verdicts about a package as the hub's engine would.
func (h *hub) judge(id string) {
	h.t.Helper()
	h.judgeAt(id, join.Open)
}

func (h *hub) judgeAt(id string, now int64) {
	h.t.Helper()
	if h.state(h.facts(), id, now) == 0 {
		h.t.Fatalf("package %s has no verdict", id)
	}
}

// judgeAll states verdicts about packages as of an instant. There may be none.
func (h *hub) judgeAll(now int64, ids ...string) {
	h.t.Helper()
	facts := h.facts()
	for _, id := range ids {
		h.state(facts, id, now)
	}
}

// facts are all that were told.
func (h *hub) facts() *join.Facts {
	h.t.Helper()
	facts := join.NewFacts()
	for after := int64(0); ; {
		page, err := h.events.Read(h.t.Context(), after, 1000)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, e := range page {
			if err := facts.Apply(e); err != nil {
				h.t.Fatal(err)
			}
			after = e.Position
		}
		if len(page) < 1000 {
			return facts
		}
	}
}

// state states the verdicts of a package as of an instant, and counts them.
func (h *hub) state(facts *join.Facts, id string, now int64) int {
	h.t.Helper()
	found, err := join.Verdict(h.t.Context(), facts, source{h.history}, id, now)
	if err != nil {
		h.t.Fatal(err)
	}
	for i, j := range found {
		h.tell(event.New{Stream: ref(fact.Package, id).String(), Type: fact.VerdictWasRevised, Data: fact.VerdictRevised{
			Package: id, Profile: j.Profile, Version: j.Version, Product: j.Product, Revision: i + 1, Digest: j.Digest, Closed: now == join.Open,
			Cause: fact.Cause{Kind: "closed", Detail: "test"}, Verdict: j.Verdict, Units: j.Units,
		}})
	}
	return len(found)
}

// source gives history's readings as join wants them.
type source struct{ h *history.History }

func (s source) Temperatures(ctx context.Context, sensor string, from, to int64, yield func(int64, thermal.Temp, join.State) error) error {
	gateway, name, _ := strings.Cut(sensor, "/")
	return s.h.Temperatures(ctx, gateway, name, from, to, func(utc, value int64, ok, conflict bool) error {
		state := join.Usable
		switch {
		case conflict:
			state = join.Conflicting
		case !ok:
			state = join.Bad
		}
		return yield(utc, thermal.Temp(value), state)
	})
}

func (s source) Undated(ctx context.Context, sensor string) (out []join.Span, err error) {
	gateway, name, _ := strings.Cut(sensor, "/")
	spans, err := s.h.UndatedTemperatures(ctx, gateway, name)
	for _, v := range spans {
		out = append(out, join.Span{From: v[0], To: v[1]})
	}
	return out, err
}

// ship plays a shipment of one package and unit in a van whose fridge gets too
// warm for a while, and gives the van.
func ship(h *hub, g *gateway) {
	shipWith(h, g, func(int, int64) ([]int64, []*pb.Event) { return nil, nil })
}

// shipWith is ship where each block has more: readings of series from 2 on, and
// events. It is given the block's index and the temperature of the fridge.
func shipWith(h *hub, g *gateway, more func(i int, v int64) ([]int64, []*pb.Event)) {
	temp := func(v thermal.Temp) *thermal.Temp { return &v }
	profile := thermal.Profile{ID: "fridge", Version: 1, Name: "2–8 °C", Source: "test", Low: temp(2000), High: temp(8000), LongestGap: 300_000,
		Limits: []thermal.Limit{{Name: "high", Op: thermal.Above, At: 8000, Timer: thermal.Single, Delay: 60_000, Severity: thermal.Alarm}}}
	sensor, place, pkg := ref(fact.Sensor, "van-1/cargo"), ref(fact.Compartment, "van-1-a"), ref(fact.Package, "P1")
	unit := ref(fact.Unit, "00312345678906.S1")
	other := ref(fact.Sensor, "van-1/cab")
	at := func(tick int64) int64 { return start + tick }
	for i := range 400 {
		v := int64(5000 + 100*(i%7))
		if i > 200 && i < 240 {
			v = 9000 + int64(i)
		}
		values, events := more(i, v)
		switch {
		case i == 0:
			events = append([]*pb.Event{declare(0, "cargo", reading.Temperature), declare(1, "cab", reading.Temperature)}, events...)
		case i == 3 || i == 350:
			events = append([]*pb.Event{g.anchor()}, events...)
		}
		g.keep(append([]int64{v, 20_000}, values...), events...)
	}
	h.send(g, 1, 150)
	h.seal(g, 90)
	h.seal(g, 150)
	h.send(g, 151, 400)
	h.seal(g, 210)
	h.seal(g, 360)
	h.seal(g, 400)
	h.tell(
		event.New{Stream: "profile/fridge", Type: fact.ProfileDefined, Data: fact.ProfileRecord{Profile: profile}},
		event.New{Stream: "product/insulin", Type: fact.ProductDefined, Data: fact.ProductRecord{ID: "insulin", Name: "Insulin", Profile: "fridge"}},
		event.New{Stream: "vehicle/van-1", Type: fact.VehicleDefined, Data: fact.VehicleRecord{ID: "van-1", Name: "Van 1", Type: "van"}},
		event.New{Stream: place.String(), Type: fact.CompartmentDefined, Data: fact.CompartmentRecord{ID: "van-1-a", Vehicle: "van-1", Name: "A"}},
		attached("a1", sensor, place, at(0)),
		attached("a2", other, ref(fact.Zone, "elsewhere"), at(0)),
		event.New{Stream: "order/O1", Type: fact.OrderWasPlaced, Data: fact.OrderPlaced{ID: "O1", Patient: "tok_1", Lines: []fact.OrderLine{{Product: "insulin", Quantity: 1}}}},
		event.New{Stream: "shipment/S1", Type: fact.ShipmentWasPlanned, Data: fact.ShipmentPlanned{ID: "S1", Order: "O1"}},
		event.New{Stream: unit.String(), Type: fact.UnitWasReceived, Data: fact.UnitReceived{ID: unit.ID, Product: "insulin", GTIN: "00312345678906", Serial: "S1", Lot: "L1", Expiry: "2027-01-01"}},
		event.New{Stream: pkg.String(), Type: fact.PackageWasPacked, Data: fact.PackagePacked{ID: "P1", Shipment: "S1", At: at(1_500_000), Made: at(1_500_000)}},
		attached("a3", unit, pkg, at(1_500_000)),
		attached("a4", pkg, place, at(1_600_000)),
		event.New{Stream: pkg.String(), Type: fact.WasHandedOver, Data: fact.HandedOver{ID: "h1", Subject: pkg, To: "courier-1", Role: "courier", At: at(1_600_000), Seal: "intact", NoPosition: "indoors", Made: at(1_600_000)}},
		event.New{Stream: pkg.String(), Type: fact.PackageWasClosed, Data: fact.PackageClosed{ID: "P1", How: "delivered", At: at(3_000_000), Made: at(3_000_000)}},
		event.New{Stream: "excursion/E1", Type: fact.ExcursionWasOpened, Data: fact.ExcursionOpened{ID: "E1", Facts: fact.ExcursionFacts{Package: "P1", Profile: "fridge", Version: 1}, State: "open"}},
		h.attach("E1", "the door stood open", map[string]string{"door.jpg": strings.Repeat("\xff\xd8\x00", 700), "note": "door shut at 08:12"}),
	)
	h.judge("P1")
}

// bundleOf exports a shipment.
func (h *hub) bundleOf(shipment string) []byte {
	h.t.Helper()
	b, err := h.export.Export(h.t.Context(), shipment)
	if err != nil {
		h.t.Fatal(err)
	}
	defer b.Close()
	var out bytes.Buffer
	if n, err := b.WriteTo(&out); err != nil || n != b.Size {
		h.t.Fatalf("wrote %d of %d bytes: %v", n, b.Size, err)
	}
	return out.Bytes()
}

func check(t testing.TB, b []byte, o verify.Options) *verify.Report {
	t.Helper()
	r, err := verify.Bundle(context.Background(), bytes.NewReader(b), int64(len(b)), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
