package uplink

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"frostline/proto/block"
	"frostline/proto/chain"
	"frostline/proto/pb"
	"frostline/proto/topic"
)

// arrival is a parcel as it came to the hub.
type arrival struct {
	lane  topic.Lane
	epoch uint32
	span
	bytes int
}

// testHub commits and acknowledges as the hub does, behind a layer that may
// drop, repeat and reorder.
type testHub struct {
	t       testing.TB
	gateway string
	conn    *nats.Conn

	mu       sync.Mutex
	cond     *sync.Cond
	epochs   map[uint32]*hubEpoch
	arrivals []arrival
	commits  int // of blocks, to be equal to the blocks there are
	doubles  int // blocks that had been committed before
	seals    []*pb.Seal
	states   []*pb.State
	acks     int
	faults   []string // what must not happen

	// What the hub says and does.
	instance   string
	credit     uint32
	retryAfter uint32
	mute       bool
	refuse     func(epoch uint32, n uint64) string
	restart    func(epoch uint32) string
	answerTime func(*pb.Seal) *pb.TimeEcho

	// The lying layer: odds of each, for parcels and acknowledgements alike.
	rng                    *rand.Rand
	drop, double, disorder float64
	held                   []func()
}

type hubEpoch struct {
	blocks  map[uint64][]byte
	heads   map[uint64]chain.Head // after a block
	have    spans
	refused map[uint64]string
}

func newTestHub(t testing.TB, srv *server.Server, gateway string) *testHub {
	h := &testHub{t: t, gateway: gateway, epochs: map[uint32]*hubEpoch{}, instance: "hub-1", credit: 64}
	h.cond = sync.NewCond(&h.mu)
	conn, err := nats.Connect("", nats.InProcessServer(srv))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	h.conn = conn
	for _, lane := range topic.Up {
		if _, err := conn.Subscribe(topic.Subject(gateway, lane), func(m *nats.Msg) { h.receive(lane, m.Data) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	return h
}

// lie makes the layer before the hub unreliable.
func (h *testHub) lie(seed uint64, drop, double, disorder float64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rng = rand.New(rand.NewPCG(seed, seed))
	h.drop, h.double, h.disorder = drop, double, disorder
}

// through passes a message through the lying layer. It holds the lock.
func (h *testHub) through(deliver func()) {
	if h.rng == nil {
		deliver()
		return
	}
	if h.rng.Float64() < h.drop {
		return
	}
	if h.rng.Float64() < h.disorder && len(h.held) < 8 {
		h.held = append(h.held, deliver)
		return
	}
	deliver()
	if h.rng.Float64() < h.double {
		deliver()
	}
	held := h.held
	h.held = nil
	h.rng.Shuffle(len(held), func(i, j int) { held[i], held[j] = held[j], held[i] })
	for _, d := range held {
		d()
	}
}

func (h *testHub) receive(lane topic.Lane, payload []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	defer h.cond.Broadcast()
	switch lane {
	case topic.Live, topic.Backlog:
		h.through(func() { h.parcel(lane, payload) })
	case topic.Seal:
		h.through(func() { h.seal(payload) })
	case topic.State:
		var s pb.State
		if err := proto.Unmarshal(payload, &s); err != nil {
			h.fault("state: %v", err)
			return
		}
		h.states = append(h.states, &s)
	}
}

func (h *testHub) fault(format string, a ...any) {
	h.faults = append(h.faults, fmt.Sprintf(format, a...))
}

func (h *testHub) epoch(n uint32) *hubEpoch {
	e := h.epochs[n]
	if e == nil {
		e = &hubEpoch{blocks: map[uint64][]byte{}, heads: map[uint64]chain.Head{0: chain.Genesis(h.gateway, n)}, refused: map[uint64]string{}}
		h.epochs[n] = e
	}
	return e
}

func (h *testHub) parcel(lane topic.Lane, payload []byte) {
	var m pb.Parcel
	if err := proto.Unmarshal(payload, &m); err != nil {
		h.fault("parcel: %v", err)
		return
	}
	head, err := chain.ParseHead(m.PrevHead)
	if err != nil {
		h.fault("parcel of block %d: %v", m.First, err)
		return
	}
	e := h.epoch(m.Epoch)
	n := m.First
	if known, ok := e.heads[n-1]; ok && known != head {
		h.fault("parcel of block %d: previous head does not join", n)
	}
	e.heads[n-1] = head
	take := func(raw []byte) {
		head = chain.Next(head, raw)
		b, err := block.Decode(raw)
		switch {
		case err != nil || b.Number != n:
			h.fault("block %d: %v", n, err)
		case h.refuse != nil && h.refuse(m.Epoch, n) != "":
			e.refused[n] = h.refuse(m.Epoch, n)
		case e.blocks[n] != nil:
			h.doubles++
			if !bytes.Equal(e.blocks[n], raw) {
				h.fault("block %d came with other content", n)
			}
		default:
			if known, ok := e.heads[n]; ok && known != head {
				h.fault("block %d does not join the next", n)
			}
			e.blocks[n] = bytes.Clone(raw)
			e.have.add(span{n, n})
			h.commits++
		}
		e.heads[n] = head
		n++
	}
	switch body := m.Body.(type) {
	case *pb.Parcel_Block:
		take(body.Block)
	case *pb.Parcel_Bundle:
		if err := block.Unpack(body.Bundle, func(_ *block.Block, raw []byte) error { take(raw); return nil }); err != nil {
			h.fault("bundle of block %d: %v", m.First, err)
		}
	default:
		h.fault("parcel of block %d is empty", m.First)
	}
	h.arrivals = append(h.arrivals, arrival{lane, m.Epoch, span{m.First, n - 1}, len(payload)})
	h.acknowledge(m.Epoch, nil)
}

func (h *testHub) seal(payload []byte) {
	var m pb.Seal
	if err := proto.Unmarshal(payload, &m); err != nil {
		h.fault("seal: %v", err)
		return
	}
	h.seals = append(h.seals, &m)
	var echo *pb.TimeEcho
	if h.answerTime != nil {
		echo = h.answerTime(&m)
	}
	h.acknowledge(m.Epoch, echo)
}

// acknowledge says what is committed of an epoch.
func (h *testHub) acknowledge(epoch uint32, echo *pb.TimeEcho) {
	if h.mute {
		return
	}
	e := h.epoch(epoch)
	a := &pb.Ack{Epoch: epoch, Credit: h.credit, RetryAfterMs: h.retryAfter, Hub: h.instance, Echo: echo}
	if h.restart != nil {
		a.RestartReason = h.restart(epoch)
	}
	for _, r := range e.have {
		if r.first == 1 {
			a.Committed = r.last
			head := e.heads[r.last]
			a.Head = head[:]
			continue
		}
		a.Beyond = append(a.Beyond, &pb.Range{First: r.first, Last: r.last})
	}
	for n, why := range e.refused {
		a.Refused = append(a.Refused, &pb.Refusal{First: n, Last: n, Reason: why})
	}
	payload, err := proto.Marshal(a)
	if err != nil {
		h.fault("ack: %v", err)
		return
	}
	h.through(func() {
		h.acks++
		if err := h.conn.Publish(topic.Subject(h.gateway, topic.Ack), payload); err != nil {
			h.fault("ack: %v", err)
		}
	})
}

// set changes the hub's ways.
func (h *testHub) set(change func(*testHub)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(h)
	h.cond.Broadcast()
}

// has reports whether all blocks of a journal are committed, each once.
func (h *testHub) has(j *memoryJournal) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	total := 0
	for _, e := range j.epochs {
		mine := h.epochs[e.number]
		for n, b := range e.blocks {
			if b == nil {
				continue
			}
			total++
			if mine == nil || !bytes.Equal(mine.blocks[uint64(n+1)], b) {
				return false
			}
		}
	}
	return total == h.commits
}

// check fails the test for what must not have happened.
func (h *testHub) check() {
	h.t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.faults {
		h.t.Error("hub: " + f)
	}
}
