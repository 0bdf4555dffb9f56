package desired

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/inbox"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/chain"
	"frostline/proto/mandate"
	"frostline/proto/pb"
	"frostline/proto/topic"
)

var (
	key    = ed25519.NewKeyFromSeed([]byte(strings.Repeat("h", 32)))
	public = key.Public().(ed25519.PublicKey)
	other  = ed25519.NewKeyFromSeed([]byte(strings.Repeat("o", 32))).Public().(ed25519.PublicKey)
)

// world is a keeper on a store, with a gateway van-1 at the other end.
type world struct {
	*Keeper
	t       *testing.T
	events  *event.Log
	ms      atomic.Int64
	away    bool // the broker takes nothing
	desired []*pb.Desired
	orders  []*pb.Command
}

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{t: t}
	w.ms.Store(1_790_000_000_000)
	var err error
	if w.events, err = event.Open(t.Context(), event.Options{Store: db, Log: storetest.Logger(t), Now: w.now}); err != nil {
		t.Fatal(err)
	}
	w.Keeper = w.again(db)
	return w
}

func (w *world) now() time.Time { return time.UnixMilli(w.ms.Load()) }

// again is the keeper of a hub that starts anew.
func (w *world) again(db *store.DB) *Keeper {
	w.t.Helper()
	k, err := New(w.t.Context(), Options{
		Store: db, Events: w.events, Key: key, Now: w.now, Log: storetest.Logger(w.t),
		Enrolled: func(g string) bool { return g == "van-1" },
		Publish: func(gateway string, lane topic.Lane, payload []byte) error {
			if w.away {
				return errors.New("broker is not connected")
			}
			if lane == topic.Config {
				d, err := mandate.OpenDesired(gateway, payload, public)
				w.desired = append(w.desired, d)
				return err
			}
			c, err := mandate.OpenCommand(gateway, payload[len(mandate.Prefix):], public)
			w.orders = append(w.orders, c)
			return err
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return k
}

func (w *world) set(document string) State {
	w.t.Helper()
	s, err := w.Set(w.t.Context(), "person/ann", "because", "van-1", document, -1)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// tell has the gateway report, and gives what it was sent for that.
func (w *world) tell(r *pb.ConfigReport, outcomes ...*pb.Outcome) (sent []uint64) {
	w.t.Helper()
	if r.KeyId == nil {
		r.KeyId = chain.KeyID(public)
	}
	b, err := proto.Marshal(&pb.State{Online: true, Config: r, Outcomes: outcomes})
	if err != nil {
		w.t.Fatal(err)
	}
	before := len(w.desired)
	w.Told("van-1", b)
	if err := w.Settle(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	for _, d := range w.desired[before:] {
		sent = append(sent, d.Version)
	}
	return sent
}

func (w *world) types() (all []string) {
	w.t.Helper()
	events, err := w.events.Read(w.t.Context(), 0, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range events {
		if _, err := fact.Decode(e.Type, e.Data); err != nil {
			w.t.Error(err)
		}
		all = append(all, strings.TrimPrefix(e.Type, "gateway.")+" by "+e.Actor)
	}
	return all
}

func TestSetIsSentUntilTheGatewayRunsOrRefusesIt(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		if s := w.set("sensors: []"); s.Version != 1 || len(w.desired) != 1 || w.desired[0].Document != "sensors: []" {
			t.Fatalf("set %+v, sent %v", s, w.desired)
		}
		// The broker lost it, or the gateway was away: it is sent once a minute
		// to a gateway that runs another.
		if got := w.tell(&pb.ConfigReport{}); fmt.Sprint(got) != "[1]" {
			t.Errorf("sent %v", got)
		}
		if got := w.tell(&pb.ConfigReport{}); got != nil {
			t.Errorf("sent %v at once again", got)
		}
		w.ms.Add(again.Milliseconds())
		if got := w.tell(&pb.ConfigReport{}); fmt.Sprint(got) != "[1]" {
			t.Errorf("sent %v", got)
		}
		w.tell(&pb.ConfigReport{Running: 1, Trial: true, Digest: "d"})
		w.tell(&pb.ConfigReport{Running: 1, Digest: "d"})
		w.away = true
		if s := w.set("sensor: []"); s.Version != 2 {
			t.Errorf("set %+v", s)
		}
		w.away = false
		if got := w.tell(&pb.ConfigReport{Running: 1, Digest: "d"}); fmt.Sprint(got) != "[2]" {
			t.Errorf("sent %v", got)
		}
		w.ms.Add(again.Milliseconds())
		if got := w.tell(&pb.ConfigReport{Running: 1, Refused: 2, Reason: "there is no such field\n", Digest: "d"}); got != nil {
			t.Errorf("sent %v, which it refused", got)
		}
		for _, k := range []*Keeper{w.Keeper, w.again(db)} {
			s := k.Standing("van-1")
			if s.Version != 2 || s.Running != 1 || s.Refused != 2 || s.Reason != "there is no such field " || s.Trial || s.Stranger || s.Keyless || s.Told == 0 {
				t.Errorf("standing %+v", s)
			}
		}
		if got := fmt.Sprint(w.types()); got != "[configured by person/ann reported by gateway/van-1 reported by gateway/van-1 reported by gateway/van-1 configured by person/ann reported by gateway/van-1]" {
			t.Errorf("events %s", got)
		}
		// The same again is a new attempt, because it was refused; else it is not.
		if s := w.set("sensor: []"); s.Version != 3 {
			t.Errorf("set %+v", s)
		}
		w.tell(&pb.ConfigReport{Running: 3, Digest: "e"})
		if s := w.set("sensor: []"); s.Version != 3 {
			t.Errorf("set %+v", s)
		}
		// A gateway knows more than a hub that came from a backup.
		w.tell(&pb.ConfigReport{Running: 9, Digest: "f"})
		if s := w.set("sensor: []"); s.Version != 10 {
			t.Errorf("set %+v", s)
		}
		if s, err := w.Get(t.Context(), "van-1"); err != nil || s.Version != 10 || s.Actor != "person/ann" || s.Reason != "because" {
			t.Errorf("got %+v, %v", s, err)
		}
	})
}

func TestSetRefuses(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.set("one")
		for _, x := range []struct {
			gateway, document string
			expect            int64
			want              error
		}{
			{"van-2", "", -1, ErrUnknown}, {"van-1", strings.Repeat("x", mandate.MaxDocument+1), -1, ErrInvalid},
			{"van-1", "a\x00", -1, ErrInvalid}, {"van-1", "\xff", -1, ErrInvalid}, {"van-1", "two", 0, ErrChanged}, {"van-1", "two", 2, ErrChanged},
		} {
			if s, err := w.Set(t.Context(), "person/ann", "", x.gateway, x.document, x.expect); !errors.Is(err, x.want) {
				t.Errorf("%+v: got %+v, %v", x, s, err)
			}
		}
		if _, err := w.Get(t.Context(), "van-2"); !errors.Is(err, ErrUnknown) {
			t.Errorf("got %v", err)
		}
		if s, err := w.Get(t.Context(), "van-1"); err != nil || s.Document != "one" || len(w.desired) != 1 {
			t.Errorf("got %+v, %v, sent %v", s, err, w.desired)
		}
	})
}

// A gateway that trusts another key, or none, is told nothing, and shown as such.
func TestStrangers(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.set("one")
		if got := w.tell(&pb.ConfigReport{KeyId: chain.KeyID(other)}); got != nil || !w.Standing("van-1").Stranger {
			t.Errorf("sent %v, standing %+v", got, w.Standing("van-1"))
		}
		if got := w.tell(&pb.ConfigReport{KeyId: []byte{}}); got != nil || !w.Standing("van-1").Keyless || w.Standing("van-1").Stranger {
			t.Errorf("sent %v, standing %+v", got, w.Standing("van-1"))
		}
		if got := w.tell(&pb.ConfigReport{}); fmt.Sprint(got) != "[1]" {
			t.Errorf("sent %v", got)
		}
	})
}

func TestCommands(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ask := func(id, kind, argument string) Command {
			t.Helper()
			c, err := w.Ask(t.Context(), "person/ann", "test", id, "van-1", kind, argument)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		first := ask("a", mandate.Identify, "10s")
		if again := ask("a", mandate.Identify, "10s"); again.Number != first.Number {
			t.Errorf("asked again it is number %d, was %d", again.Number, first.Number)
		}
		w.away = true
		second := ask("b", mandate.Diagnostics, "")
		w.away = false
		if second.Number <= first.Number || first.Expires != first.Asked+Life.Milliseconds() {
			t.Errorf("commands %+v, %+v", first, second)
		}
		// It comes back, having done the first: the second is sent.
		w.orders = nil
		w.tell(&pb.ConfigReport{}, &pb.Outcome{Number: uint64(first.Number), Kind: mandate.Identify, Done: true, Detail: "showing itself"})
		if len(w.orders) != 1 || w.orders[0].Number != uint64(second.Number) || w.orders[0].ExpiresUtcMs != second.Expires {
			t.Errorf("sent %v", w.orders)
		}
		done := []*pb.Outcome{{Number: uint64(first.Number), Kind: mandate.Identify, Done: true, Detail: "showing itself"},
			{Number: uint64(second.Number), Kind: mandate.Diagnostics, Done: true, Detail: "see the report", Report: []byte("line\x1b one\nline two")}}
		w.tell(&pb.ConfigReport{}, done...)
		done[1].Report = nil // it is told for a while only
		w.tell(&pb.ConfigReport{}, append(done, &pb.Outcome{Number: 5, Kind: "restart"})...)
		all, err := w.Commands(t.Context(), "van-1", 0, 10)
		if err != nil || len(all) != 2 || !all[0].Done || all[0].Report != "line  one\nline two" || all[1].Answered == 0 || all[1].Detail != "showing itself" {
			t.Errorf("commands %+v, %v", all, err)
		}
		if got := fmt.Sprint(w.types()); got != "[commanded by person/ann commanded by person/ann answered by gateway/van-1 reported by gateway/van-1 answered by gateway/van-1]" {
			t.Errorf("events %s", got)
		}
		third := ask("c", mandate.Restart, "")
		w.ms.Add(Life.Milliseconds())
		w.orders = nil
		w.tell(&pb.ConfigReport{}, done...)
		if len(w.orders) > 0 {
			t.Errorf("sent %v after it expired", w.orders)
		}
		if page, err := w.Commands(t.Context(), "van-1", third.Number, 1); err != nil || len(page) != 1 || page[0].Number != second.Number {
			t.Errorf("page %+v, %v", page, err)
		}
		for _, x := range []struct {
			gateway, kind, argument string
			want                    error
		}{{"van-2", mandate.Restart, "", ErrUnknown}, {"van-1", "erase", "", ErrInvalid}, {"van-1", mandate.LogLevel, "loud", ErrInvalid}, {"van-1", mandate.LogLevel, "debug" + strings.Repeat(" ", mandate.MaxArgument), ErrInvalid}} {
			if _, err := w.Ask(t.Context(), "person/ann", "", "d", x.gateway, x.kind, x.argument); !errors.Is(err, x.want) {
				t.Errorf("%+v: %v", x, err)
			}
		}
		if _, err := w.Command(t.Context(), "van-1", 5); !errors.Is(err, ErrUnknown) {
			t.Errorf("got %v", err)
		}
	})
}

func FuzzTold(f *testing.F) {
	good, err := proto.Marshal(&pb.State{Online: true, Config: &pb.ConfigReport{Running: 1, KeyId: []byte("12345678")}, Outcomes: []*pb.Outcome{{Number: 1 << 63, Detail: "x"}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		k := &Keeper{told: inbox.New(), o: Options{Now: time.Now}}
		k.Told("van-1", b)
		for _, s := range k.told.Take() {
			r := k.read(Standing{}, s.Config)
			if len(r.Reason) > mandate.MaxDetail || len(r.Digest) > mandate.MaxDetail || r.Running < 0 || r.Refused < 0 {
				t.Errorf("took %+v", r)
			}
		}
	})
}
