package relay_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"frostline/hub/dispatch"
	"frostline/hub/dispatch/dispatchtest"
	"frostline/hub/dispatch/relay"
	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/pb"
)

// cab is the gateways of vehicles, which answer what the test says.
type cab struct {
	aboard []string
	asked  map[string]*relay.Asked
	log    []string
}

func (c *cab) Of(_ context.Context, vehicle string) ([]string, error) {
	return map[string][]string{"V1": c.aboard}[vehicle], nil
}

func (c *cab) Ask(_ context.Context, id, gateway string, m fact.CourierMessaged, life time.Duration) (relay.Asked, error) {
	if c.asked[id] == nil {
		c.asked[id] = &relay.Asked{Number: int64(len(c.asked) + 1)}
		c.log = append(c.log, fmt.Sprintf("%s: %s, %v", gateway, m.Text, life.Round(time.Hour)))
	}
	return *c.asked[id], nil
}

func (c *cab) Asked(_ context.Context, id, _ string) (relay.Asked, bool, error) {
	a, ok := c.asked[id]
	if !ok {
		return relay.Asked{}, false, nil
	}
	return *a, true, nil
}

func (c *cab) said() string {
	s := strings.Join(c.log, "; ")
	c.log = nil
	return s
}

type world struct {
	*dispatchtest.Bench
	*relay.Relay
	*cab
	t *testing.T
}

func run(t *testing.T, f func(*world)) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := &world{Bench: dispatchtest.New(t, db), cab: &cab{aboard: []string{"van-1"}, asked: map[string]*relay.Asked{}}, t: t}
		w.Stock(t)
		w.open()
		if _, err := w.Dispatch.Route(t.Context(), "person/test", "", w.Round(), 0); err != nil {
			t.Fatal(err)
		}
		f(w)
	})
}

// open makes the relay anew, as a start of the hub does.
func (w *world) open() {
	var err error
	if w.Relay, err = relay.New(relay.Options{Dispatch: w.Dispatch, Events: w.Log, Gateways: w.cab, Now: w.Clock, Log: storetest.Logger(w.t)}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) round() {
	w.t.Helper()
	if err := w.Work(w.t.Context(), true); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) write(id, text string) {
	w.t.Helper()
	if _, err := w.Dispatch.Message(w.t.Context(), "person/dan", "", fact.CourierMessaged{ID: id, Route: "R1", Text: text}); err != nil {
		w.t.Fatal(err)
	}
}

// tells is a State of a gateway.
func (w *world) tells(gateway string, s *pb.State) {
	w.t.Helper()
	s.Online = true
	b, err := proto.Marshal(s)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Told(gateway, b)
	w.round()
}

// received is what the route knows of its messages.
func (w *world) received() string {
	w.t.Helper()
	r, err := w.Dispatch.Leg(w.t.Context(), "R1")
	if err != nil {
		w.t.Fatal(err)
	}
	var all []string
	for _, x := range r.Received {
		all = append(all, strings.Trim(fmt.Sprintf("%s %s by %s at %d %s", x.Message, x.Status, x.Gateway, x.At, x.Note), " "))
	}
	slices.Sort(all)
	return strings.Join(all, "; ")
}

func TestAMessageIsBroughtAndConfirmed(t *testing.T) {
	run(t, func(w *world) {
		w.write("m1", "turn back")
		w.round()
		w.round()
		if got := w.said(); got != "van-1: turn back, 8h0m0s" {
			t.Errorf("asked: %s", got)
		}
		shown := &pb.State{Shown: []*pb.Shown{{Message: "m1", ShownUtcMs: 7}, {Message: "never", Confirmed: true}}}
		w.tells("van-1", shown)
		w.tells("van-1", shown)
		w.tells("van-2", &pb.State{Shown: []*pb.Shown{{Message: "m1", Confirmed: true}}}) // none of its business
		if got := w.received(); got != "m1 shown by van-1 at 7" {
			t.Errorf("received: %s", got)
		}
		if s := w.Status(); s.Waiting != 0 || s.Strange != 4 {
			t.Errorf("status %+v", s)
		}
		w.open() // the hub starts again, and hears the same
		w.tells("van-1", &pb.State{Shown: []*pb.Shown{{Message: "m1", ShownUtcMs: 7, Confirmed: true}}})
		w.round()
		if got := w.received(); got != "m1 confirmed by van-1 at 0; m1 shown by van-1 at 7" {
			t.Errorf("received: %s", got)
		}
		if got := w.said(); got != "" {
			t.Errorf("asked again: %s", got)
		}
	})
}

func TestWhatWasLostIsAskedAgain(t *testing.T) {
	run(t, func(w *world) {
		w.write("m1", "turn back")
		w.round()
		w.said()
		// Another command came first: the gateway takes the older one no more.
		w.tells("van-1", &pb.State{Outcomes: []*pb.Outcome{{Number: 9, Kind: "identify", Done: true}}})
		if got := w.said(); got != "" {
			t.Errorf("at once: %s", got)
		}
		w.Pass(2 * time.Minute)
		w.round()
		if got := w.said(); got != "van-1: turn back, 8h0m0s" {
			t.Errorf("asked: %s", got)
		}
		// It cannot show it, each time.
		for range 10 {
			for _, a := range w.asked {
				a.Answered, a.Detail = true, "not known to this version"
			}
			w.Pass(2 * time.Minute)
			w.round()
		}
		if n := len(w.asked); n != 5 {
			t.Errorf("asked %d times", n)
		}
		if got := w.received(); got != "m1 refused by van-1 at 0 not known to this version" {
			t.Errorf("received: %s", got)
		}
		if s := w.Status(); s.Waiting != 0 {
			t.Errorf("status %+v", s)
		}
	})
}

func TestAMessageWaitsForAGateway(t *testing.T) {
	run(t, func(w *world) {
		w.aboard = nil
		w.write("m1", "turn back")
		w.round()
		if s := w.Status(); s.Waiting != 1 || w.said() != "" {
			t.Errorf("status %+v", s)
		}
		w.aboard = []string{"van-1", "van-2"}
		w.Pass(time.Hour)
		w.round()
		if got := w.said(); got != "van-1: turn back, 7h0m0s; van-2: turn back, 7h0m0s" {
			t.Errorf("asked: %s", got)
		}
		w.Pass(relay.Life)
		w.round()
		if s := w.Status(); s.Waiting != 0 {
			t.Errorf("it is brought for ever: %+v", s)
		}
	})
}

var _ relay.Dispatch = (*dispatch.Dispatch)(nil)
