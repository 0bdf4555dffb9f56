package broker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"frostline/proto/topic"
)

// Over the NATS protocol there are no retained messages, but the server keeps
// those of its MQTT clients in a stream of the account, and reads it back. The
// hub reads the States there and writes its Configs, in the JSON form that
// every server with an MQTT listener understands: those since 2.10 have a
// subject for each message, older ones a single subject.
//
// The server makes the stream when the first MQTT client connects; until then
// Configs wait in memory.
const (
	retainedStream = "$MQTT_rmsgs"
	retainedRoot   = "$MQTT.rmsgs"
	retainFlag     = 1 // the MQTT fixed header's retain bit, QoS 0
	retainTimeout  = 3 * time.Second
	retainedMost   = 100_000 // gateways whose State is read at connect
)

// retainedMessage is the server's JSON form.
type retainedMessage struct {
	Subject string `json:"subject,omitempty"`
	Topic   string `json:"topic,omitempty"`
	Msg     []byte `json:"msg,omitempty"`
	Flags   byte   `json:"flags,omitempty"`
}

// retainedPending bounds the gateways whose Config waits.
const retainedPending = 10_000

// retain writes a Config to the server's store, or keeps it until there is one.
func (l *natsLink) retain(nc *nats.Conn, gateway string, payload []byte) error {
	l.retaining.Lock()
	defer l.retaining.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), retainTimeout)
	defer cancel()
	err := writeRetained(ctx, nc, topic.Config, gateway, payload)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		delete(l.pending, gateway)
	}
	if !errors.Is(err, jetstream.ErrStreamNotFound) {
		return err
	}
	if _, there := l.pending[gateway]; !there && len(l.pending) >= retainedPending {
		return fmt.Errorf("the configurations of %d gateways already wait for the first one to connect", retainedPending)
	}
	l.pending[gateway] = bytes.Clone(payload)
	return nil
}

// flushRetained writes the Configs that waited for the store, and sends them
// to their gateways, which may have subscribed meanwhile.
func (l *natsLink) flushRetained(ctx context.Context, nc *nats.Conn) {
	l.mu.Lock()
	gateways := slices.Collect(maps.Keys(l.pending))
	l.mu.Unlock()
	for _, gateway := range gateways {
		err := l.flushOne(ctx, nc, gateway)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return // the next State wakes us again
		}
		if err != nil {
			l.complain("retain config", err)
			return
		}
	}
}

func (l *natsLink) flushOne(ctx context.Context, nc *nats.Conn, gateway string) error {
	l.retaining.Lock()
	defer l.retaining.Unlock()
	l.mu.Lock()
	payload, waits := l.pending[gateway]
	l.mu.Unlock()
	if !waits { // a newer one was written meanwhile
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, retainTimeout)
	defer cancel()
	if err := writeRetained(ctx, nc, topic.Config, gateway, payload); err != nil {
		return err
	}
	if err := nc.Publish(topic.Subject(gateway, topic.Config), payload); err != nil {
		return err
	}
	l.mu.Lock()
	delete(l.pending, gateway)
	l.mu.Unlock()
	return nil
}

// openRetained finds the stream; legacy says that all share one subject.
func openRetained(ctx context.Context, nc *nats.Conn) (js jetstream.JetStream, s jetstream.Stream, legacy bool, err error) {
	if js, err = jetstream.New(nc, jetstream.WithDefaultTimeout(retainTimeout)); err != nil {
		return nil, nil, false, err
	}
	if s, err = js.Stream(ctx, retainedStream); err != nil {
		return nil, nil, false, fmt.Errorf("open stream %s: %w", retainedStream, err)
	}
	for _, subject := range s.CachedInfo().Config.Subjects {
		legacy = legacy || subject == retainedRoot
	}
	return js, s, legacy, nil
}

func writeRetained(ctx context.Context, nc *nats.Conn, lane topic.Lane, gateway string, payload []byte) error {
	js, s, legacy, err := openRetained(ctx, nc)
	if err != nil {
		return err
	}
	subject := topic.Subject(gateway, lane)
	body, err := json.Marshal(retainedMessage{Subject: subject, Topic: topic.MQTT(gateway, lane), Msg: payload, Flags: retainFlag})
	if err != nil {
		return err
	}
	to := retainedRoot + "." + subject
	var old []uint64
	if legacy {
		to = retainedRoot
		err := eachRetained(ctx, s, retainedRoot, func(m *jetstream.RawStreamMsg) {
			if was, err := decodeRetained(m, true); err == nil && was.Subject == subject {
				old = append(old, m.Sequence)
			}
		})
		if err != nil {
			return err
		}
	}
	if _, err := js.Publish(ctx, to, body); err != nil {
		return fmt.Errorf("retain %s: %w", subject, err)
	}
	for _, seq := range old { // on one subject the stream does not do it itself
		if err := s.DeleteMsg(ctx, seq); err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
			return fmt.Errorf("forget the former %s: %w", subject, err)
		}
	}
	return nil
}

// readRetained gives the retained State of each gateway.
func readRetained(ctx context.Context, nc *nats.Conn) (map[string][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	_, s, legacy, err := openRetained(ctx, nc)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	filter := retainedRoot
	if !legacy {
		filter += "." + topic.Subject("*", topic.State)
	}
	states := map[string][]byte{}
	err = eachRetained(ctx, s, filter, func(m *jetstream.RawStreamMsg) {
		r, err := decodeRetained(m, legacy)
		if err != nil {
			return
		}
		if gateway, lane, err := topic.Parse(r.Subject); err == nil && lane == topic.State && len(states) < retainedMost {
			if len(r.Msg) > 0 {
				states[gateway] = r.Msg
			} else {
				delete(states, gateway)
			}
		}
	})
	return states, err
}

// eachRetained calls f with every message on a subject, oldest first.
func eachRetained(ctx context.Context, s jetstream.Stream, subject string, f func(*jetstream.RawStreamMsg)) error {
	for seq := uint64(1); ; {
		m, err := s.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(subject))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read retained messages: %w", err)
		}
		f(m)
		seq = m.Sequence + 1
	}
}

// decodeRetained reads both of the server's forms: JSON, and since 2.10.11
// headers with the bare payload behind them.
func decodeRetained(m *jetstream.RawStreamMsg, legacy bool) (retainedMessage, error) {
	r := retainedMessage{Msg: m.Data}
	// The server does not write header names in canonical form.
	if len(m.Header["Nmqtt-RFlags"]) == 0 {
		r = retainedMessage{}
		if err := json.Unmarshal(m.Data, &r); err != nil {
			return r, fmt.Errorf("retained message %d: %w", m.Sequence, err)
		}
	}
	if !legacy {
		r.Subject = strings.TrimPrefix(m.Subject, retainedRoot+".")
	}
	return r, nil
}
