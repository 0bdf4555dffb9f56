package broker

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"frostline/proto/topic"
)

// inbox sorts what comes from a connection into the buffers of its lanes.
type inbox struct {
	lanes  map[topic.Lane]*lane
	admit  func(gateway string) bool // nil admits all
	log    *slog.Logger
	notice *limiter

	refused, malformed atomic.Uint64
}

func newInbox(b Buffers, admit func(string) bool, log *slog.Logger) (*inbox, error) {
	in := &inbox{lanes: map[topic.Lane]*lane{}, admit: admit, log: log, notice: newLimiter(time.Minute)}
	for _, name := range topic.Up {
		size, err := b.size(name)
		if err != nil {
			return nil, err
		}
		in.lanes[name] = newLane(name, size, log)
	}
	return in, nil
}

// deliver takes a message from a connection; address is its MQTT topic or NATS
// subject. It keeps payload and never blocks.
func (in *inbox) deliver(address string, payload []byte, retained bool) {
	gateway, name, err := topic.Parse(address)
	l := in.lanes[name]
	if err != nil || l == nil {
		in.malformed.Add(1)
		if n, ok := in.notice.allow("malformed"); ok {
			in.log.Warn("message on a topic no gateway may use; check the broker's access rules", "topic", clip(address), "since_last", n)
		}
		return
	}
	if in.admit != nil && !in.admit(gateway) {
		in.refused.Add(1)
		if n, ok := in.notice.allow("admit " + gateway); ok {
			in.log.Warn("message from a gateway that is not admitted; the broker should have refused it", "gateway", gateway, "lane", name, "since_last", n)
		}
		return
	}
	l.push(Message{Gateway: gateway, Lane: name, Payload: payload, Received: time.Now(), Retained: retained})
}

// run calls handle until ctx ends, and returns when the last call has.
func (in *inbox) run(ctx context.Context, handle func(Message)) {
	var wg sync.WaitGroup
	for _, l := range in.lanes {
		wg.Go(func() { l.run(ctx, handle) })
	}
	wg.Wait()
}

// fill adds what the inbox knows to a status.
func (in *inbox) fill(s *Status) {
	s.Malformed = in.malformed.Load()
	s.Refused += in.refused.Load()
	for _, name := range topic.Up {
		s.Lanes = append(s.Lanes, in.lanes[name].snapshot())
	}
}

// clip keeps what a stranger may have chosen from filling the log.
func clip(s string) string {
	const most = 240
	if len(s) <= most {
		return s
	}
	return strings.Clone(s[:most]) + "…"
}
