package brokertest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"frostline/hub/broker"
	"frostline/proto/topic"
)

// Run holds a broker to the contract. start brings a server up, fresh for each
// call; it may skip the test.
func Run(t *testing.T, start func(t *testing.T) Subject) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Subject)
	}{
		{"carries", testCarries},
		{"keeps order within a lane", testOrder},
		{"live does not wait behind backlog", testLiveFirst},
		{"retains config", testRetainedConfig},
		{"retains state", testRetainedState},
		{"survives a restart", testRestart},
		{"refuses strangers", testStrangers},
		{"refuses strangers' real clients", testRealStrangers},
		{"confines each gateway to itself", testConfined},
		{"keeps client ids apart", testClientID},
		{"refuses a revoked gateway", testRevoked},
		{"disconnects", testDisconnect},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, start(t)) })
	}
}

// testCarries: every lane, both directions, small and large.
func testCarries(t *testing.T, s Subject) {
	h := startHub(t, s)
	a := dial(t, s, "vehicle-1", dialOptions{})
	b := dial(t, s, "vehicle-2", dialOptions{})
	a.listen(0)
	b.listen(1)
	large := strings.Repeat("0123456789abcdef", 256<<10/16)
	most := strings.Repeat("x", broker.MaxPayload-1) + "y"
	for _, lane := range topic.Up {
		a.send(lane, "from a on "+string(lane))
		b.send(lane, "from b on "+string(lane))
		if lane != topic.State {
			a.send(lane, large)
		}
	}
	b.send(topic.Backlog, most)
	for _, lane := range topic.Up {
		before := time.Now()
		m := h.find("vehicle-1", lane, "from a on "+string(lane))
		if m.Received.IsZero() || m.Received.After(before.Add(patience)) {
			t.Errorf("received at %v, want the time it came in", m.Received)
		}
		if m.Retained {
			t.Errorf("lane %s: a message just sent is marked retained", lane)
		}
		h.find("vehicle-2", lane, "from b on "+string(lane))
		if lane != topic.State {
			h.find("vehicle-1", lane, large)
		}
	}
	h.find("vehicle-2", topic.Backlog, most)
	for _, lane := range topic.Down {
		h.publish("vehicle-1", lane, "to a on "+string(lane))
		h.publish("vehicle-2", lane, "to b on "+string(lane))
	}
	h.publish("vehicle-1", topic.Command, large)
	h.publish("vehicle-2", topic.Command, most)
	for _, lane := range topic.Down {
		a.waitFor(lane, "to a on "+string(lane))
		b.waitFor(lane, "to b on "+string(lane))
	}
	a.waitFor(topic.Command, large)
	b.waitFor(topic.Command, most)
	for _, g := range []*gateway{a, b} {
		for _, to := range g.topics() {
			if id, _, err := topic.Parse(to); err != nil || id != g.id {
				t.Errorf("gateway %s received something on %s", g.id, to)
			}
		}
	}
	for _, c := range []struct {
		gateway string
		lane    topic.Lane
		payload []byte
	}{
		{"vehicle-1", topic.Live, []byte("x")},
		{"vehicle-1", "other", []byte("x")},
		{"+", topic.Ack, []byte("x")},
		{"a/b", topic.Ack, []byte("x")},
		{"vehicle-1", topic.Config, nil},
		{"vehicle-1", topic.Ack, make([]byte, broker.MaxPayload+1)},
	} {
		if err := h.Publish(c.gateway, c.lane, c.payload); err == nil {
			t.Errorf("publish of %d bytes to %q on %q was accepted", len(c.payload), c.gateway, c.lane)
		}
	}
	st := h.Status()
	if !st.Connected || st.Since.IsZero() || st.Address == "" || len(st.Lanes) != len(topic.Up) {
		t.Errorf("status %+v, want connected, with address and all lanes", st)
	}
	if st.Lanes[0].Messages != 3 || st.Lanes[0].Dropped != 0 {
		t.Errorf("live lane %+v, want 3 messages and none dropped", st.Lanes[0])
	}
	h.stop()
	if err := h.Publish("vehicle-1", topic.Ack, []byte("x")); !errors.Is(err, broker.ErrUnavailable) {
		t.Errorf("publish after the stop: %v, want ErrUnavailable", err)
	}
}

// testOrder: what two gateways send on a lane arrives in the order of each.
func testOrder(t *testing.T, s Subject) {
	h := startHub(t, s)
	const n = 2000
	lanes := []topic.Lane{topic.Live, topic.Backlog, topic.Seal}
	gateways := []*gateway{dial(t, s, "vehicle-1", dialOptions{}), dial(t, s, "vehicle-2", dialOptions{})}
	for i := range n {
		for _, g := range gateways {
			g.send(lanes[i%len(lanes)], fmt.Sprintf("%06d", i))
		}
	}
	for _, g := range gateways {
		for _, lane := range lanes {
			last := fmt.Sprintf("%06d", n-1-(n-1-slices.Index(lanes, lane))%len(lanes))
			h.find(g.id, lane, last)
			got := h.received(g.id, lane)
			if !slices.IsSorted(got) || len(slices.Compact(got)) != len(got) {
				t.Errorf("%s on %s: out of order or doubled: %v", g.id, lane, got)
			}
			if want := (n + len(lanes) - 1 - slices.Index(lanes, lane)) / len(lanes); len(got) != want {
				t.Errorf("%s on %s: %d messages of %d arrived", g.id, lane, len(got), want)
			}
		}
	}
	a := gateways[0]
	a.listen(0)
	for i := range n {
		h.publish(a.id, topic.Ack, fmt.Sprintf("%06d", i))
	}
	a.waitFor(topic.Ack, fmt.Sprintf("%06d", n-1))
	if got := a.received(topic.MQTT(a.id, topic.Ack)); !slices.IsSorted(got) || len(got) != n {
		t.Errorf("acks: %d of %d arrived, sorted %v", len(got), n, slices.IsSorted(got))
	}
}

// testLiveFirst: a handler that is stuck on backlog delays no other lane, and
// what its buffer cannot hold is dropped and counted.
func testLiveFirst(t *testing.T, s Subject) {
	h := startHub(t, s)
	release := h.holdLane(topic.Backlog)
	defer release()
	a := dial(t, s, "vehicle-1", dialOptions{})
	bulk := strings.Repeat("b", broker.MaxPayload/2)
	backlog := func() (st broker.LaneStatus) {
		for _, l := range h.Status().Lanes {
			if l.Lane == topic.Backlog {
				st = l
			}
		}
		return st
	}
	// One gateway's share is a quarter of the buffer: 16 MiB by default.
	for i := 0; backlog().Dropped == 0; i++ {
		if i > 1000 {
			t.Fatalf("nothing dropped after %d messages of %d bytes: %+v", i, len(bulk), backlog())
		}
		a.send(topic.Backlog, bulk)
		if i%10 == 0 {
			a.send(topic.Live, fmt.Sprint("live ", i))
			h.find(a.id, topic.Live, fmt.Sprint("live ", i))
		}
	}
	for _, lane := range []topic.Lane{topic.Live, topic.Seal, topic.State} {
		a.send(lane, "while backlog waits")
		h.find(a.id, lane, "while backlog waits")
	}
	// Another gateway still has its own share.
	b := dial(t, s, "vehicle-2", dialOptions{})
	b.send(topic.Backlog, "from b")
	eventually(t, "backlog of another gateway is taken", func() bool { return backlog().Dropped > 0 && backlog().WaitingBytes < 33<<20 })
	release()
	h.find("vehicle-2", topic.Backlog, "from b")
	eventually(t, "backlog drains", func() bool { return backlog().Waiting == 0 })
	a.send(topic.Backlog, "after")
	h.find(a.id, topic.Backlog, "after")
}

// testRetainedConfig: the last config reaches a gateway that subscribes later.
func testRetainedConfig(t *testing.T, s Subject) {
	h := startHub(t, s)
	// Before any gateway was ever there.
	h.publish("vehicle-1", topic.Config, "v1")
	a := dial(t, s, "vehicle-1", dialOptions{})
	a.listen(0)
	a.send(topic.State, "birth")
	a.waitFor(topic.Config, "v1")
	h.publish("vehicle-1", topic.Config, "v2")
	a.waitFor(topic.Config, "v2")
	a.client.Disconnect(100)
	h.publish("vehicle-1", topic.Config, "v3")
	h.publish("vehicle-2", topic.Config, "w1")

	// The store may learn of it a moment after the hub was answered.
	eventually(t, "the newest config is there on subscribing", func() bool {
		again := dial(t, s, "vehicle-1", dialOptions{})
		defer again.client.Disconnect(100)
		again.listen(0)
		h.publish("vehicle-1", topic.Command, "fence")
		again.waitFor(topic.Command, "fence")
		got := again.received(topic.MQTT("vehicle-1", topic.Config))
		return len(got) > 0 && got[len(got)-1] == "v3"
	})
	b := dial(t, s, "vehicle-2", dialOptions{})
	b.listen(1)
	b.waitFor(topic.Config, "w1")
}

// testRetainedState: a hub that starts later learns the last state of each
// gateway, and a cut connection shows as the last will.
func testRetainedState(t *testing.T, s Subject) {
	h := startHub(t, s)
	a := dial(t, s, "vehicle-1", dialOptions{will: "a is gone"})
	b := dial(t, s, "vehicle-2", dialOptions{will: "b is gone"})
	a.sendTo(topic.MQTT("vehicle-1", topic.State), "a is here", 1, true)
	b.sendTo(topic.MQTT("vehicle-2", topic.State), "b is here", 1, true)
	h.find("vehicle-1", topic.State, "a is here")
	h.find("vehicle-2", topic.State, "b is here")
	b.cut()
	h.find("vehicle-2", topic.State, "b is gone")
	a.client.Disconnect(200) // orderly: no will
	h.stop()

	h = startHub(t, s)
	if m := h.find("vehicle-1", topic.State, "a is here"); !m.Retained {
		t.Error("the state from before the start is not marked retained")
	}
	h.find("vehicle-2", topic.State, "b is gone")
	if got := append(h.received("vehicle-1", topic.State), h.received("vehicle-2", topic.State)...); len(got) != 2 {
		t.Errorf("states after the start: %q, want one of each gateway", got)
	}
}

// testRestart: when the server has been killed, gateways and hub find it again
// by themselves.
func testRestart(t *testing.T, s Subject) {
	h := startHub(t, s)
	a := dial(t, s, "vehicle-1", dialOptions{reconnect: true})
	a.listen(0)
	a.send(topic.Live, "before")
	h.find("vehicle-1", topic.Live, "before")
	if restart := s.Restart(); restart != nil {
		before := h.Status().Connects
		restart(t)
		eventually(t, "hub is connected again", func() bool { st := h.Status(); return st.Connected && st.Connects >= before+2 })
		if h.Status().LastError == "" {
			t.Error("status does not say why the connection was lost")
		}
	} else {
		h.stop()
		h = startHub(t, s)
	}
	eventually(t, "gateway gets through again", func() bool {
		if !a.client.IsConnectionOpen() {
			return false
		}
		a.send(topic.Live, "after")
		return slices.Contains(h.received("vehicle-1", topic.Live), "after")
	})
	a.listen(0)
	h.publish("vehicle-1", topic.Ack, "ack after")
	a.waitFor(topic.Ack, "ack after")
	h.publish("vehicle-1", topic.Command, "after")
	a.waitFor(topic.Command, "after")
}
