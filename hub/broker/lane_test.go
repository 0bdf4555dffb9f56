package broker

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"frostline/proto/topic"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestLaneBoundsBytesAndShares(t *testing.T) {
	l := newLane(topic.Live, MinBuffer, quiet())
	push := func(gateway string, n int) { l.push(Message{Gateway: gateway, Payload: make([]byte, n)}) }
	push("a", MaxPayload)
	push("a", MaxPayload-2*messageOverhead)
	if s := l.snapshot(); s.Messages != 2 || s.Dropped != 0 {
		t.Fatalf("a quarter of the buffer: %+v, want both kept", s)
	}
	push("a", 1)
	if s := l.snapshot(); s.Dropped != 1 || s.DroppedBytes != 1 {
		t.Errorf("beyond the share of one gateway: %+v, want one dropped", s)
	}
	for _, g := range []string{"b", "c", "d", "e"} {
		push(g, MaxPayload)
		push(g, MaxPayload-2*messageOverhead)
	}
	if s := l.snapshot(); s.WaitingBytes > MinBuffer || s.Waiting != 8 || s.Dropped != 3 {
		t.Errorf("buffer full: %+v, want 8 waiting within %d bytes and 3 dropped", s, MinBuffer)
	}
	var order []string
	for {
		m, ok := l.pop()
		if !ok {
			break
		}
		order = append(order, m.Gateway)
	}
	if got := strings.Join(order, ""); got != "aabbccdd" {
		t.Errorf("order %s, want aabbccdd", got)
	}
	if s := l.snapshot(); s.Waiting != 0 || s.WaitingBytes != 0 || len(l.gateways) != 0 {
		t.Errorf("after draining: %+v, shares %v", s, l.gateways)
	}
	push("a", MaxPayload)
	if s := l.snapshot(); s.Waiting != 1 {
		t.Errorf("after draining a message is dropped: %+v", s)
	}
}

// Empty messages take memory too.
func TestLaneBoundsEmptyMessages(t *testing.T) {
	l := newLane(topic.Seal, MinBuffer, quiet())
	for i := range MinBuffer {
		l.push(Message{Gateway: fmt.Sprint("g", i%8)})
	}
	if s := l.snapshot(); s.Waiting > MinBuffer/messageOverhead || s.Dropped == 0 {
		t.Errorf("%+v, want at most %d waiting", s, MinBuffer/messageOverhead)
	}
}

func TestLaneRunEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLane(topic.Live, MinBuffer, quiet())
		ctx, cancel := context.WithCancel(t.Context())
		var got []string
		done := make(chan struct{})
		go func() {
			l.run(ctx, func(m Message) { got = append(got, m.Gateway) })
			close(done)
		}()
		l.push(Message{Gateway: "one"})
		synctest.Wait()
		l.push(Message{Gateway: "two"})
		synctest.Wait()
		cancel()
		<-done
		l.push(Message{Gateway: "three"})
		if strings.Join(got, " ") != "one two" {
			t.Errorf("handled %v", got)
		}
	})
}

func TestBuffersRefuseTooLittle(t *testing.T) {
	if _, err := newInbox(Buffers{Seal: 1 << 20}, nil, quiet()); err == nil || !strings.Contains(err.Error(), "lane seal") || !strings.Contains(err.Error(), "1048576") {
		t.Errorf("error %v, want one that names lane and value", err)
	}
}

func TestInboxCountsWhatNobodyMaySend(t *testing.T) {
	in, err := newInbox(Buffers{}, func(g string) bool { return g != "revoked" }, quiet())
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"", "x", "frost/1/vehicle-1/ack", "frost/1/vehicle-1/live/x", "frost/1/UPPER/live", "frost.1.vehicle-1.nothing"} {
		in.deliver(to, []byte("x"), false)
	}
	in.deliver("frost/1/revoked/live", []byte("x"), false)
	in.deliver("frost.1.vehicle-1.live", []byte("x"), false)
	var s Status
	in.fill(&s)
	if s.Malformed != 6 || s.Refused != 1 || s.Lanes[0].Messages != 1 {
		t.Errorf("status %+v, want 6 malformed, 1 refused, 1 on live", s)
	}
}

func TestBackoffIsJitteredAndBounded(t *testing.T) {
	seen := map[time.Duration]bool{}
	for n := 0; n < 2000; n++ {
		d := backoff(n)
		if d <= 0 || d > backoffCap+time.Millisecond {
			t.Fatalf("attempt %d waits %v, want more than 0 and at most %v", n, d, backoffCap)
		}
		if n <= 1 && d > backoffBase+time.Millisecond {
			t.Errorf("attempt %d waits %v, want at most %v", n, d, backoffBase)
		}
		seen[d] = true
	}
	if len(seen) < 1000 {
		t.Errorf("%d different waits of 2000: not jittered", len(seen))
	}
}

func TestLimiterLogsOnceAnInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(time.Minute)
		if _, ok := l.allow("a"); !ok {
			t.Error("the first is not let through")
		}
		for range 5 {
			if _, ok := l.allow("a"); ok {
				t.Error("a repetition is let through")
			}
		}
		time.Sleep(time.Minute)
		if n, ok := l.allow("a"); !ok || n != 5 {
			t.Errorf("after a minute: %d suppressed, let through %v, want 5 and true", n, ok)
		}
		for i := range 10 * limiterKeys {
			l.allow(fmt.Sprint(i))
		}
		if len(l.seen) > limiterKeys {
			t.Errorf("remembers %d keys, at most %d allowed", len(l.seen), limiterKeys)
		}
	})
}
