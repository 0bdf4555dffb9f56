package chaos

import (
	"context"
	"crypto/tls"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"frostline/edge/identity"
	"frostline/edge/journal"
	"frostline/edge/uplink"
	"frostline/hub/access"
	"frostline/hub/broker"
	"frostline/hub/intake"
	"frostline/proto/pb"
	"frostline/proto/reading"
	"frostline/proto/topic"
	"frostline/test/rig"
)

// liar is a broker's bad day: it has told the gateway's MQTT client that it has
// each message, and then drops 30 % of them, delivers twice, late and out of
// order; and so on the way back. Towards intake it is a broker's handler,
// towards the broker a publisher.
type liar struct {
	*chance
	intake *intake.Intake
	broker broker.Broker

	mu     sync.Mutex
	late   []func()         // deliveries that wait, to come in any order
	seen   []broker.Message // all that ever came, to be told again at the very end
	honest bool

	dropped, doubled, delayed int
}

// play does with a delivery what comes to its mind. It returns what is to be
// done now, in order; the lock is not held then.
func (l *liar) play(deliver func()) (now []func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.honest {
		return []func(){deliver}
	}
	switch n := l.below(100); {
	case n < 30:
		l.dropped++
	case n < 45:
		l.doubled++
		now = append(now, deliver, deliver)
		l.late = append(l.late, deliver) // and once more, late
	case n < 65:
		l.delayed++
		l.late = append(l.late, deliver)
	default:
		now = append(now, deliver)
	}
	for len(l.late) > 0 && l.in(25) {
		i := l.below(len(l.late))
		now = append(now, l.late[i])
		l.late = append(l.late[:i], l.late[i+1:]...)
	}
	return now
}

// handle takes what the broker has of a gateway.
func (l *liar) handle(m broker.Message) {
	if m.Retained {
		return
	}
	l.mu.Lock()
	l.seen = append(l.seen, m)
	l.mu.Unlock()
	for _, deliver := range l.play(func() {
		l.intake.Handle(intake.Message{Gateway: m.Gateway, Lane: m.Lane, Payload: m.Payload, Received: m.Received})
	}) {
		deliver()
	}
}

// Publish implements intake.Publisher.
func (l *liar) Publish(gateway string, lane topic.Lane, payload []byte) error {
	for _, deliver := range l.play(func() { _ = l.broker.Publish(gateway, lane, payload) }) { // at most once anyway
		deliver()
	}
	return nil
}

// enrolled makes a gateway known to the hub by a code, over TLS, as an operator
// does, and gives its identity.
func (h *hub) enrolled(t *testing.T, dir, gateway string) *identity.Identity {
	t.Helper()
	log := logTo(t, dir, "enrolment")
	own, err := h.ca.Server([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stop := running(t, cancel, func() error { return access.NewServer(h.access, own, log).Serve(ctx, l) })
	defer stop()
	code, _, err := h.access.NewCode(ctx, "test", gateway)
	if err != nil {
		t.Fatal(err)
	}
	id, err := identity.Open(identity.Options{Dir: filepath.Join(dir, "identity"), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	if err := id.Enrol(ctx, gateway, l.Addr().String(), code.String()); err != nil {
		t.Fatal(err)
	}
	return id
}

// series declares so many temperatures, of one sensor each.
func series(t testing.TB, j *journal.Journal, n int) (ids []uint32) {
	t.Helper()
	for i := range n {
		id, err := j.Series(journal.Series{Sensor: "box-" + string(rune('a'+i)), Quantity: reading.Temperature, Model: "mcp9808", Interval: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

// keep appends ticks of all series, step ms apart and the last one at tick:
// values that differ, and some without one.
func keep(t testing.TB, j *journal.Journal, c *chance, ids []uint32, tick, step int64, ticks int) {
	t.Helper()
	var readings []reading.Reading
	for n := range ticks {
		for _, id := range ids {
			r := reading.Reading{Series: id, Tick: tick - int64(ticks-1-n)*step, Value: 4000 + int64(c.below(300))}
			if c.in(3) {
				r.Value, r.Quality = 0, reading.NoAnswer
			}
			readings = append(readings, r)
		}
	}
	if _, err := j.Append(t.Context(), readings, nil); err != nil {
		t.Fatal(err)
	}
}

// TestPromise3Once has a broker lie in both directions while a backlog drains
// and fresh blocks are kept, and then tells the hub everything again.
func TestPromise3Once(t *testing.T) {
	c := seeded(t)
	const gateway = "van-1"
	backlog, fresh := 3000, 400
	if testing.Short() {
		backlog, fresh = 1000, 100
	}
	dir := folder(t)
	l := &liar{chance: c.fork("liar")}
	h := openHub(t, filepath.Join(dir, "hub"), l, logTo(t, dir, "hub"))
	id := h.enrolled(t, dir, gateway)

	server, err := h.ca.Server([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	address := loopback(t)
	b, err := broker.NewEmbedded(broker.EmbeddedConfig{
		Listen: address, Dir: filepath.Join(dir, "broker"), TLS: h.ca.BrokerTLS(server), Authorizer: h.access, Log: logTo(t, dir, "broker"),
	})
	if err != nil {
		t.Fatal(err)
	}
	l.intake, l.broker = h.intake, b
	stopHub := h.start(t)
	ctx, cancel := context.WithCancel(t.Context())
	stopBroker := running(t, cancel, func() error { return b.Run(ctx, l.handle) })
	<-b.Ready()

	j, err := journal.Open(filepath.Join(dir, "journal"), gateway, journal.Options{
		SegmentBytes: 256 << 10, KeepAcknowledged: time.Hour, Log: logTo(t, dir, "journal"),
	})
	if err != nil {
		t.Fatal(err)
	}
	ids := series(t, j, 20)
	tick := boottime(t)
	for range backlog / 100 {
		tick += 5 * 100
		keep(t, j, c, ids, tick, 5, 100)
	}
	signer, err := id.Signer()
	if err != nil {
		t.Fatal(err)
	}
	u, err := uplink.New(uplink.Config{
		Gateway: gateway, Address: address, TLS: func() (*tls.Config, error) { return id.TLS("127.0.0.1") }, Signer: signer,
		Journal: j, Boottime: func() int64 { return boottime(t) },
		Anchor: func() *pb.Anchor { return nil },
		Birth:  func() *pb.State { return &pb.State{Boot: j.Tip().Boot, BootId: "test", Series: j.Declared()} },
		Log:    logTo(t, dir, "uplink"),
		Timing: uplink.Timing{
			BackoffBase: 10 * time.Millisecond, BackoffCeiling: 100 * time.Millisecond,
			MinResend: 20 * time.Millisecond, MaxResend: 200 * time.Millisecond,
			Seal: 100 * time.Millisecond, SealAnswer: 50 * time.Millisecond, State: 50 * time.Millisecond,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	up, down := context.WithCancel(t.Context())
	stopUplink := running(t, down, func() error { return u.Run(up) }, func() error { return j.Run(up) })

	// Fresh blocks come while the backlog drains, a few more as soon as the hub
	// has shown a sign of life, and now and then the broker throws us out.
	for n := range fresh / 4 {
		before := h.intake.Status().Counts
		if n%20 == 10 {
			if err := b.Disconnect(gateway); err != nil {
				t.Fatal(err)
			}
		}
		for range 1 + c.below(7) {
			tick += 5
			keep(t, j, c, ids, tick, 5, 1)
		}
		rig.Must(t, patience, "something to arrive at the hub", func() (bool, error) {
			now := h.intake.Status().Counts
			return now.Parcels != before.Parcels || now.Duplicates != before.Duplicates || now.Trimmed != before.Trimmed || j.Stats().PendingBlocks == 0, nil
		})
	}
	rig.Must(t, patience, "the hub to acknowledge everything through a broker that lies", func() (bool, error) {
		return j.Stats().PendingBlocks == 0, nil
	})
	stopUplink()
	stopBroker()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}

	// However late: all that was ever sent comes once more, in another order.
	blocks := h.intake.Status().Blocks
	l.mu.Lock()
	l.honest = true
	again := l.seen
	dropped, doubled, delayed := l.dropped, l.doubled, l.delayed
	l.mu.Unlock()
	l.shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
	for i, m := range again {
		h.intake.Handle(intake.Message{Gateway: m.Gateway, Lane: m.Lane, Payload: m.Payload, Received: m.Received})
		if i%64 == 63 || i == len(again)-1 { // no faster than it is read, or the queue would drop some
			rig.Must(t, patience, "intake to look at what came again", func() (bool, error) {
				s := h.intake.Status()
				return s.LiveWaiting+s.BacklogWaiting == 0, nil
			})
		}
	}
	stopHub()
	s := h.intake.Status()
	if s.Blocks != blocks {
		t.Errorf("%d blocks were committed when everything came again", s.Blocks-blocks)
	}
	if s.Refused != 0 || s.Forks != 0 || s.QuarantineEvicted != 0 || s.Shed != 0 {
		t.Errorf("a broker that only drops, doubles and reorders made the hub refuse: %+v", s)
	}
	if dropped < 20 || doubled < 10 || delayed < 10 || s.Duplicates < 10 {
		t.Errorf("too little was tried: %d dropped, %d doubled, %d delayed, %d duplicates seen by the hub", dropped, doubled, delayed, s.Duplicates)
	}
	t.Logf("%d messages, %d dropped, %d doubled, %d delayed; %d duplicates and %d overlaps seen by the hub; uplink sent %d parcels again",
		len(again), dropped, doubled, delayed, s.Duplicates, s.Trimmed, u.Status().Resent)
	h.sameAs(t, readJournal(t, filepath.Join(dir, "journal"), gateway))
}
