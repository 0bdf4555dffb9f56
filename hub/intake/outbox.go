package intake

import (
	"context"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"frostline/proto/pb"
	"frostline/proto/topic"
)

// outbox holds what is to be told to gateways. An Ack is made when it is sent,
// from what is committed by then, so that a slow broker makes fewer Acks and
// neither stale ones nor a queue.
type outbox struct {
	mu     sync.Mutex
	due    map[chainKey]*due
	order  []chainKey
	filled chan struct{}
}

// due is what an Ack says besides what is committed.
type due struct {
	refused []*pb.Refusal
	echo    *pb.TimeEcho
	hold    time.Duration
}

func newOutbox() *outbox {
	return &outbox{due: map[chainKey]*due{}, filled: make(chan struct{}, 1)}
}

// put asks for an Ack of a chain.
func (o *outbox) put(k chainKey, add func(*due)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	d := o.due[k]
	if d == nil {
		d = &due{}
		o.due[k] = d
		o.order = append(o.order, k)
	}
	if add != nil {
		add(d)
	}
	select {
	case o.filled <- struct{}{}:
	default:
	}
}

func (o *outbox) take() (chainKey, *due) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.order) == 0 {
		o.order = nil
		return chainKey{}, nil
	}
	k := o.order[0]
	o.order = o.order[1:]
	d := o.due[k]
	delete(o.due, k)
	return k, d
}

// ackRetry is how long Acks wait for a broker that does not take them.
const ackRetry = 200 * time.Millisecond

// answerAll publishes Acks until ctx ends and nothing is due. What the broker
// does not take is due again: at a start of the hub all gateways are to hear of
// it, and the connection to the broker may come after.
func (in *Intake) answerAll(ctx context.Context) {
	for {
		var retry <-chan time.Time
		for k, d := in.outbox.take(); d != nil; k, d = in.outbox.take() {
			if in.answer(k, d) != nil {
				in.outbox.put(k, func(now *due) {
					now.refused = append(d.refused, now.refused...)
					now.refused = now.refused[:min(len(now.refused), maxAckRefusals)]
					now.hold = max(now.hold, d.hold)
				})
				retry = time.After(ackRetry)
				break
			}
		}
		if retry != nil {
			select {
			case <-ctx.Done():
				return
			case <-retry:
				continue
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-in.outbox.filled:
		}
	}
}

// answer publishes one Ack. One that the broker loses is made up for by the
// next: the gateway sends again what it hears nothing of.
func (in *Intake) answer(k chainKey, d *due) error {
	c := in.state(k)
	if c == nil {
		c = &chainState{chainKey: k}
	}
	a := in.ack(c)
	a.Refused = d.refused
	a.RetryAfterMs = max(a.RetryAfterMs, uint32(d.hold.Milliseconds()))
	if a.Echo = d.echo; a.Echo != nil {
		a.Echo.AnsweredUtcMs = in.now().UnixMilli()
	}
	payload, err := proto.Marshal(a)
	if err == nil {
		err = in.publisher.Publish(k.gateway, topic.Ack, payload)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if err == nil {
		in.counts.Acks++
		if in.mute {
			in.mute = false
			in.log.Info("broker takes acknowledgements again")
		}
		return nil
	}
	in.counts.AckFailures++
	if !in.mute {
		in.mute = true
		in.log.Warn("broker does not take acknowledgements; they wait", "gateway", k.gateway, "error", err)
	}
	return err
}
