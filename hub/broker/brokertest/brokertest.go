// Package brokertest holds the contract of broker.Broker as a suite that runs
// over every implementation: delivery and order, both directions, retained
// messages and last wills, restarts, and above all that nobody can publish or
// read as another.
package brokertest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"frostline/hub/broker"
	"frostline/proto/topic"
)

// Subject is a broker under test with its own certificate authority.
type Subject interface {
	CA() *CA
	// Address is the host:port for gateways; it stays the same over a restart.
	Address() string
	// Hub makes the hub's side, not yet run.
	Hub(t *testing.T) broker.Broker
	// Restart kills the server and starts it again with what it had stored.
	// Nil where the server is the hub's side itself.
	Restart() func(t *testing.T)
	// Revoke takes away the gateway's right to connect, as an operator would.
	Revoke(t *testing.T, b broker.Broker, gateway string)
	// BindsClientID says whether the server keeps a gateway from using
	// another's client id.
	BindsClientID() bool
}

// patience bounds every wait for something that must happen.
const patience = 30 * time.Second

// eventually waits for a condition.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after %v still not: %s", patience, what)
		}
	}
}

// Tool finds a program the suite needs. Without it the test is skipped, and
// fails where CI=true, since there it must have been installed.
func Tool(t *testing.T, name string) string {
	t.Helper()
	for _, path := range []string{name, "/usr/sbin/" + name} {
		if found, err := exec.LookPath(path); err == nil {
			return found
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s IS NOT INSTALLED and CI=true: install it, this part of the contract must not go untested", name)
	}
	t.Skipf("NOT TESTED: %s is not installed; on Debian: apt-get install mosquitto mosquitto-clients nats-server", name)
	return ""
}

// hub runs a Broker and collects what it delivers.
type hub struct {
	broker.Broker
	t    *testing.T
	stop func() // ends Run and waits for it

	mu  sync.Mutex
	got []broker.Message
	// hold, when set, is waited for by the handler of a lane.
	hold map[topic.Lane]chan struct{}
}

func startHub(t *testing.T, s Subject) *hub {
	t.Helper()
	h := &hub{Broker: s.Hub(t), t: t, hold: map[topic.Lane]chan struct{}{}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	var ended error
	go func() {
		ended = h.Run(ctx, h.handle)
		close(done)
	}()
	h.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case <-done:
			if ended != nil {
				t.Errorf("run ended with: %v, want nil after an orderly stop", ended)
			}
		case <-time.After(patience):
			t.Errorf("run did not return within %v of its context's end", patience)
		}
	})
	t.Cleanup(h.stop)
	select {
	case <-h.Ready():
	case <-done:
		t.Fatalf("run ended before it was ready: %v", ended)
	case <-time.After(patience):
		t.Fatalf("hub is not ready after %v: %+v", patience, h.Status())
	}
	return h
}

func (h *hub) handle(m broker.Message) {
	h.mu.Lock()
	hold := h.hold[m.Lane]
	h.got = append(h.got, m)
	h.mu.Unlock()
	if hold != nil {
		<-hold
	}
}

// holdLane makes the handler of a lane block until release.
func (h *hub) holdLane(lane topic.Lane) (release func()) {
	c := make(chan struct{})
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hold[lane] = c
	return sync.OnceFunc(func() {
		h.mu.Lock()
		delete(h.hold, lane)
		h.mu.Unlock()
		close(c)
	})
}

// received gives the payloads of a gateway on a lane so far.
func (h *hub) received(gateway string, lane topic.Lane) (payloads []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.got {
		if m.Gateway == gateway && m.Lane == lane {
			payloads = append(payloads, string(m.Payload))
		}
	}
	return payloads
}

// find waits for a payload and gives its message.
func (h *hub) find(gateway string, lane topic.Lane, payload string) (found broker.Message) {
	h.t.Helper()
	eventually(h.t, "hub receives "+clip(payload)+" from "+gateway+" on "+string(lane), func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, m := range h.got {
			if m.Gateway == gateway && m.Lane == lane && string(m.Payload) == payload {
				found = m
				return true
			}
		}
		return false
	})
	return found
}

// publish tries until the broker takes it: after a restart it may need a while.
func (h *hub) publish(gateway string, lane topic.Lane, payload string) {
	h.t.Helper()
	var last error
	eventually(h.t, "hub can publish", func() bool {
		last = h.Publish(gateway, lane, []byte(payload))
		if last != nil && !errors.Is(last, broker.ErrUnavailable) {
			h.t.Fatalf("publish: %v, want an error that wraps ErrUnavailable or none", last)
		}
		return last == nil
	})
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
