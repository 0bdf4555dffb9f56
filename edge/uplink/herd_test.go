package uplink

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"frostline/proto/pb"
	"frostline/proto/topic"
)

// TestHerdComesBackSpreadOut has a hub tell its gateways over how long to
// return, ends all connections at once, and looks when they mean to return.
func TestHerdComesBackSpreadOut(t *testing.T) {
	const herd, spread = 100, 5 * time.Minute
	srv, address := startBroker(t, nil)
	p := newProxy(t, address)
	answerSeals(t, srv, &pb.Ack{Epoch: 1, Credit: 8, Hub: "h", ReturnSpreadMs: uint32(spread.Milliseconds())})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	t.Cleanup(func() { cancel(); running.Wait() })
	var all []*Uplink
	for i := range herd {
		_, key, _ := ed25519.GenerateKey(rand.Reader)
		name := fmt.Sprintf("gw-%03d", i)
		u, err := New(Config{
			Gateway: name, Address: p.address(), Signer: key, Journal: newMemoryJournal(name), Boottime: boottime,
			Anchor: func() *pb.Anchor { return nil }, Birth: func() *pb.State { return &pb.State{} },
			Log: slog.New(slog.DiscardHandler), Timing: Timing{SealAnswer: 100 * time.Millisecond},
		})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, u)
		running.Go(func() {
			if err := u.Run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	each := func(what string, ok func(Status) bool) {
		t.Helper()
		for i, u := range all {
			for deadline := time.Now().Add(time.Minute); !ok(u.Status()); time.Sleep(time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("gateway %d: waited in vain until %s; status %+v", i, what, u.Status())
				}
			}
		}
	}
	each("the hub has spoken", func(s Status) bool { return s.Connected && s.Acks > 0 })
	p.set(func(p *proxy) { p.refuse = true })
	p.cut()
	each("it waits", func(s Status) bool { return !s.Connected && !s.Retry.IsZero() })
	var parts [5]int
	for _, u := range all {
		s := u.Status()
		wait := s.Retry.Sub(s.ErrorAt)
		if wait < 0 || wait > spread {
			t.Fatalf("a gateway waits %v: want at most %v", wait, spread)
		}
		parts[min(int(wait*time.Duration(len(parts))/spread), len(parts)-1)]++
	}
	t.Logf("they return, in fifths of %v: %v", spread, parts)
	for _, n := range parts { // 20 are expected, with a deviation of 4
		if n > 44 {
			t.Errorf("in fifths of %v they return %v: want about a fifth each", spread, parts)
		}
	}
}

// answerSeals answers each gateway's seals with a.
func answerSeals(t *testing.T, srv *server.Server, a *pb.Ack) {
	payload, err := proto.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := nats.Connect("", nats.InProcessServer(srv))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	if _, err := conn.Subscribe(topic.Subject("*", topic.Seal), func(m *nats.Msg) {
		gateway, _, err := topic.Parse(strings.ReplaceAll(m.Subject, ".", "/"))
		if err == nil {
			err = conn.Publish(topic.Subject(gateway, topic.Ack), payload)
		}
		if err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
}

func TestOnlyAHubThatIsGoneSpreadsTheReturn(t *testing.T) {
	b := backoff{base: time.Second, ceiling: time.Minute, spread: time.Hour}
	longest := time.Duration(0)
	for range 100 {
		b.failures = 0
		longest = max(longest, b.next())
	}
	if longest < time.Minute {
		t.Errorf("of 100 waits the longest is %v, though the hub asked for up to an hour", longest)
	}
	if b.reset(); b.spread != 0 || b.next() > time.Second {
		t.Error("the hub's wish outlives its return")
	}
	for err, want := range map[error]bool{
		errClosed: true, fmt.Errorf("connect: %w", errClosed): true, fmt.Errorf("agree on TLS: %w", io.ErrUnexpectedEOF): true, context.DeadlineExceeded: false, errReconnect: false,
	} {
		if gone(err) != want {
			t.Errorf("%v: gone %v, want %v", err, !want, want)
		}
	}
}
