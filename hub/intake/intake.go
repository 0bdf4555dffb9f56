package intake

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"frostline/hub/intake/batch"
	"frostline/hub/store"
	"frostline/proto/topic"
)

// Message is what a gateway sent. Who sent it is vouched for by the broker.
type Message struct {
	Gateway  string
	Lane     topic.Lane // one of topic.Up
	Payload  []byte     // intake keeps it
	Received time.Time  // hub's clock
}

// Store is what intake needs of the hub's store.
type Store interface {
	// Write runs do in a transaction. When it returns nil the transaction is
	// synced to disk. When it returns an error, it may have been done or not.
	Write(ctx context.Context, do func(context.Context, *store.Tx) error) error
	store.Querier
	// Snapshot runs do with reads that all see the same state.
	Snapshot(ctx context.Context, do func(context.Context, *store.Tx) error) error
}

// Publisher sends to gateways.
type Publisher interface {
	// Publish sends a payload at most once and does not block for long.
	Publish(gateway string, lane topic.Lane, payload []byte) error
}

// Gateways knows who may speak.
type Gateways interface {
	// Admitted fails for a gateway that is not enrolled or is revoked. It
	// answers from memory.
	Admitted(gateway string) error
	// SealKey gives the public key of a gateway that keyID names. It fails
	// where the gateway has no such key, or is not admitted.
	SealKey(gateway string, keyID []byte) (ed25519.PublicKey, error)
}

// Sink receives what is committed.
type Sink interface {
	// Committed is called for each batch after its commit, in the order of
	// commits, by one goroutine. Commits wait for it: it must be done in less
	// than a millisecond, and must not change the batch.
	Committed(*batch.Batch)
}

// Brake is a Sink that can ask for backlog to wait, because it holds as much
// as it can. Live parcels are committed all the same.
type Brake interface{ Full() bool }

// Options are the parts that intake works with. All fields are needed unless
// they say otherwise.
type Options struct {
	Store     Store
	Publisher Publisher
	Gateways  Gateways
	Clock     Clock  // default: the machine's, taken to be right within 2 s when not synchronised
	Limits    Limits // default: DefaultLimits
	Log       *slog.Logger
	Now       func() time.Time // default: time.Now
}

// Intake commits what gateways send. Its methods may be called from any
// goroutine.
type Intake struct {
	store     Store
	publisher Publisher
	gateways  Gateways
	sinks     []Sink
	clock     Clock
	limits    Limits
	log       *slog.Logger
	now       func() time.Time
	instance  string
	ended     chan struct{} // closed when Run ends
	pace      *pace
	outbox    *outbox
	notices   notices

	urgent, backlog *queue     // messages as they came
	urgentOpen      chan *item // verified, for the next round
	backlogOpen     chan *item // likewise

	// Owned by the committing goroutine.
	nextID      int64 // of a parcel; 0 when it has to be asked for
	backlogNext bool  // the last round was an urgent one
	behind      bool  // a commit failed and may have been done: sinks may have missed it
	marks       *markCache

	told atomic.Int64 // id of the last batch that sinks were told of

	mu       sync.Mutex
	chains   map[chainKey]*chainState // all of them; their states are never changed
	suspect  map[chainKey]bool        // to be read again: a commit failed
	epochs   map[string]int           // chains of each gateway
	counts   Counts
	failing  error
	failed   time.Time // since when
	mute     bool      // the broker does not take acks
	timeless bool      // the clock is not known; said so
	strange  map[string]bool
}

// assumedError is how far the hub's clock is taken to be off at most when
// nothing is known of it.
const assumedError = 2 * time.Second

// New reads the chains from the store. Nothing is taken in before Run.
func New(ctx context.Context, o Options) (*Intake, error) {
	if o.Limits == (Limits{}) {
		o.Limits = DefaultLimits()
	}
	if err := o.Limits.check(); err != nil {
		return nil, err
	}
	if o.Clock == nil {
		o.Clock = SystemClock{Assumed: assumedError}
		if _, ok := kernelUncertainty(); !ok {
			o.Log.Warn("the kernel does not say that the hub's clock is synchronised; gateways are told that it may be off", "by", assumedError)
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	in := &Intake{
		store: o.Store, publisher: o.Publisher, gateways: o.Gateways, clock: o.Clock, limits: o.Limits,
		log: o.Log, now: o.Now, instance: rand.Text(), ended: make(chan struct{}),
		urgent:     newQueue(o.Limits.LiveBytes, o.Limits.GatewayBytes),
		backlog:    newQueue(o.Limits.BacklogBytes, o.Limits.GatewayBytes),
		urgentOpen: make(chan *item, 64), backlogOpen: make(chan *item, 4),
		outbox: newOutbox(), marks: newMarkCache(), suspect: map[chainKey]bool{}, epochs: map[string]int{}, strange: map[string]bool{},
	}
	in.pace = newPace(in.backlog, o.Limits.Credit)
	err := o.Store.Snapshot(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if in.chains, err = load(ctx, tx, chainKey{}); err != nil {
			return err
		}
		in.nextID, err = nextID(ctx, tx, "intake_parcel")
		in.told.Store(in.nextID - 1)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("start intake: %w", err)
	}
	for k := range in.chains {
		in.epochs[k.gateway]++
		in.pace.heard(k.gateway, o.Now()) // it will be back, perhaps
	}
	return in, nil
}

// Follow makes sinks be told of what is committed, in this order. It must be
// called before Run.
func (in *Intake) Follow(sinks ...Sink) { in.sinks = append(in.sinks, sinks...) }

// Instance names this run of the hub in its Acks.
func (in *Intake) Instance() string { return in.instance }

// Handle takes a message and returns at once. When the queue is full the
// message is dropped and counted: its gateway will send it again.
func (in *Intake) Handle(m Message) {
	it := &item{gateway: m.Gateway, lane: m.Lane, payload: m.Payload, received: m.Received.UnixMilli()}
	q := in.urgent
	if m.Lane == topic.Backlog {
		q = in.backlog
		in.pace.saw(m.Gateway, len(m.Payload), in.now())
	}
	if !q.push(it) {
		in.mu.Lock()
		defer in.mu.Unlock()
		in.counts.Shed++
		if skipped, ok := in.notices.allow("queue is full", in.now()); ok {
			in.log.Warn("intake queue is full; gateways will send again what is dropped", "gateway", m.Gateway, "lane", m.Lane, "others_since_last", skipped)
		}
	}
}

// Run takes messages in until ctx ends. It may be called once. Known gateways are told first that the
// hub has started. It returns nil after what was being committed is committed
// and acknowledged; messages still waiting then are dropped, to be sent again.
func (in *Intake) Run(ctx context.Context) error {
	defer close(in.ended)
	in.greet()
	talk, hush := context.WithCancel(context.WithoutCancel(ctx))
	var openers, talker sync.WaitGroup
	talker.Go(func() { in.answerAll(talk) })
	openers.Go(func() { in.openAll(ctx, in.urgent, in.urgentOpen) })
	for range max(runtime.GOMAXPROCS(0)-1, 1) {
		openers.Go(func() { in.openAll(ctx, in.backlog, in.backlogOpen) })
	}
	in.commitAll(ctx)
	openers.Wait()
	hush()
	talker.Wait()
	return nil
}

// openAll verifies messages and hands them on.
func (in *Intake) openAll(ctx context.Context, q *queue, out chan<- *item) {
	for it := q.pop(ctx); it != nil; it = q.pop(ctx) {
		was := it
		if it = in.open(it); it == nil {
			was.delivered(nil)
			continue
		}
		select {
		case out <- it:
		case <-ctx.Done():
			return
		}
	}
}

// open verifies a message by itself; nil where nothing is to be done about it.
func (in *Intake) open(it *item) *item {
	if err := in.gateways.Admitted(it.gateway); err != nil {
		if !in.stranger(it.gateway, err) {
			return nil
		}
		return it.rejected((&refusal{}).because("gateway %s: %v", it.gateway, err), false)
	}
	in.pace.heard(it.gateway, in.now())
	var no *refusal
	switch it.lane {
	case topic.Live, topic.Backlog:
		p, err := open(it.gateway, it.payload)
		if err != nil {
			no = err.(*refusal)
			break
		}
		p.live, p.received = it.lane == topic.Live, it.received
		it.parcel = p
	case topic.Seal:
		if it.seal, no = openSeal(it.payload); no == nil {
			if no = in.checkSeal(it); no == nil && it.delivery == nil {
				in.echo(it)
			}
		}
	case topic.State:
		if it.state, no = openState(it.payload); no == nil && it.state == nil {
			return nil
		}
	default:
		no = (&refusal{}).because("lane %q is not one of %v", it.lane, topic.Up)
	}
	if no != nil {
		in.refused(it, no)
		return it.rejected(no, true)
	}
	return it
}

// refused says that a message was refused, not for each of a flood.
func (in *Intake) refused(it *item, no *refusal) {
	if skipped, ok := in.notices.allow(it.gateway, in.now()); ok {
		in.log.Warn("message refused", "gateway", it.gateway, "lane", it.lane, "epoch", no.epoch, "first", no.first,
			"last", no.last, "fork", no.fork, "reason", clean(no.reason), "others_since_last", skipped)
	}
}

// stranger counts a message of a gateway that may not speak. ok is whether it
// is kept: strangers' names could be without end.
func (in *Intake) stranger(gateway string, err error) (ok bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.counts.Strangers++
	if in.strange[gateway] {
		return true
	}
	if len(in.strange) >= maxStrangers {
		return false
	}
	in.strange[gateway] = true
	in.log.Warn("message of a gateway that is not admitted", "gateway", gateway, "error", err)
	return true
}

const maxStrangers = 100

// state is what is known of a chain; nil where nothing is.
func (in *Intake) state(k chainKey) *chainState {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.chains[k]
}

// Status tells how intake is doing.
func (in *Intake) Status() Status {
	in.mu.Lock()
	defer in.mu.Unlock()
	s := Status{Counts: in.counts, FailingSince: in.failed}
	if in.failing != nil {
		s.Failing = in.failing.Error()
	}
	_, s.LiveWaiting = in.urgent.fill()
	_, s.BacklogWaiting = in.backlog.fill()
	return s
}
