package uplink

import (
	"bytes"
	"errors"
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
	publish func(lane topic.Lane, payload []byte) error

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

// newTestHub makes a hub beside an embedded broker.
func newTestHub(t testing.TB, srv *server.Server, gateway string) *testHub {
	conn, err := nats.Connect("", nats.InProcessServer(srv))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	h := bareHub(t, gateway, func(lane topic.Lane, payload []byte) error {
		return conn.Publish(topic.Subject(gateway, lane), payload)
	})
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

func bareHub(t testing.TB, gateway string, publish func(topic.Lane, []byte) error) *testHub {
	h := &testHub{t: t, gateway: gateway, epochs: map[uint32]*hubEpoch{}, instance: "hub-1", credit: 64, publish: publish}
	h.cond = sync.NewCond(&h.mu)
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
	var p *received
	if lane == topic.Live || lane == topic.Backlog {
		p = open(lane, payload) // without the lock, as lanes do not wait for one another
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	defer h.cond.Broadcast()
	switch lane {
	case topic.Live, topic.Backlog:
		h.through(func() { h.parcel(p) })
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

// received is a decoded parcel.
type received struct {
	arrival
	head   chain.Head // before the first block
	blocks [][]byte
	err    error
}

func open(lane topic.Lane, payload []byte) *received {
	var m pb.Parcel
	p := &received{}
	if p.err = proto.Unmarshal(payload, &m); p.err != nil {
		return p
	}
	p.arrival = arrival{lane, m.Epoch, span{m.First, m.First - 1}, len(payload)}
	take := func(b *block.Block, raw []byte) error {
		if p.last++; b.Number != p.last {
			return fmt.Errorf("block %d in the place of %d", b.Number, p.last)
		}
		p.blocks = append(p.blocks, bytes.Clone(raw))
		return nil
	}
	if p.head, p.err = chain.ParseHead(m.PrevHead); p.err != nil {
		return p
	}
	switch body := m.Body.(type) {
	case *pb.Parcel_Block:
		var b *block.Block
		if b, p.err = block.Decode(body.Block); p.err == nil {
			p.err = take(b, body.Block)
		}
	case *pb.Parcel_Bundle:
		p.err = block.Unpack(body.Bundle, take)
	default:
		p.err = errors.New("it is empty")
	}
	return p
}

func (h *testHub) parcel(p *received) {
	if p.err != nil {
		h.fault("parcel of block %d: %v", p.first, p.err)
		return
	}
	e, head := h.epoch(p.epoch), p.head
	if known, ok := e.heads[p.first-1]; ok && known != head {
		h.fault("parcel of block %d: previous head does not join", p.first)
	}
	e.heads[p.first-1] = head
	for i, raw := range p.blocks {
		n := p.first + uint64(i)
		head = chain.Next(head, raw)
		switch {
		case h.refuse != nil && h.refuse(p.epoch, n) != "":
			e.refused[n] = h.refuse(p.epoch, n)
		case e.blocks[n] != nil:
			h.doubles++
			if !bytes.Equal(e.blocks[n], raw) {
				h.fault("block %d came with other content", n)
			}
		default:
			if known, ok := e.heads[n]; ok && known != head {
				h.fault("block %d does not join the next", n)
			}
			e.blocks[n] = raw
			e.have.add(span{n, n})
			h.commits++
		}
		e.heads[n] = head
	}
	h.arrivals = append(h.arrivals, p.arrival)
	h.acknowledge(p.epoch, nil)
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
		if err := h.publish(topic.Ack, payload); err != nil {
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
