package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"frostline/hub/intake/batch"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/pb"
	"frostline/proto/reading"
)

// record is the evidence of the tests.
type record struct {
	mu     sync.Mutex
	events []told
}

type told struct {
	kind, gateway string
	epoch         uint32
	at            int64
	event         batch.Event
}

// commit adds an event and gives the batch that tells of it.
func (r *record) commit(kind, gateway string, epoch uint32, at int64, e *pb.Event) *batch.Batch {
	r.mu.Lock()
	defer r.mu.Unlock()
	event := batch.Event{Block: uint64(len(r.events)) + 1, Event: e}
	r.events = append(r.events, told{kind, gateway, epoch, at, event})
	return &batch.Batch{ID: int64(len(r.events)), Gateway: gateway, Epoch: epoch, Received: at, Events: []batch.Event{event}}
}

func (r *record) Told(_ context.Context, kind string, yield func(string, uint32, int64, batch.Event) error) error {
	for _, t := range r.events {
		if t.kind == kind {
			if err := yield(t.gateway, t.epoch, t.at, t.event); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *record) Recent(_ context.Context, kind string, limit int, yield func(string, uint32, int64, batch.Event) error) error {
	for _, t := range slices.Backward(r.events) {
		if t.kind == kind && limit > 0 {
			limit--
			if err := yield(t.gateway, t.epoch, t.at, t.event); err != nil {
				return err
			}
		}
	}
	return nil
}

func open(t *testing.T, s Store, e Evidence) *Registry {
	t.Helper()
	r, err := New(t.Context(), s, e, storetest.Logger(t))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func declare(id uint32, sensor string, q reading.Quantity) *pb.SeriesDeclared {
	return &pb.SeriesDeclared{Id: id, Sensor: sensor, Quantity: uint32(q), Model: "ds18b20", Address: "28-1", IntervalMs: 1000}
}

func event(d *pb.SeriesDeclared) *pb.Event {
	return &pb.Event{Kind: &pb.Event_SeriesDeclared{SeriesDeclared: d}}
}

func birth(t *testing.T, r *Registry, id string, s *pb.State, at int64) {
	t.Helper()
	b, err := proto.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.State(id, b, time.UnixMilli(at), false); err != nil {
		t.Fatal(err)
	}
}

func identities(r *Registry, gateway, sensor string, q reading.Quantity) (out []string) {
	r.Identities(gateway, sensor, q, func(epoch, series uint32, interval time.Duration) {
		out = append(out, fmt.Sprintf("%d/%d %v", epoch, series, interval))
	})
	return out
}

// TestSensorIsTheSameAcrossEpochs: ids differ from one epoch to the next, the
// sensor does not, and neither does it matter who tells first.
func TestSensorIsTheSameAcrossEpochs(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		rec := &record{}
		r := open(t, db, rec)
		r.Committed(rec.commit("series", "van-1", 1, 10, event(declare(4, "box", reading.Temperature))))
		birth(t, r, "van-1", &pb.State{Online: true, Epoch: 2, Version: "1.0", Series: []*pb.SeriesDeclared{
			declare(0, "box", reading.Humidity), declare(1, "box", reading.Temperature),
		}, Journal: &pb.Journal{Last: 5, PendingReadings: 7}}, 20)
		r.Committed(rec.commit("series", "van-1", 2, 30, event(declare(1, "box", reading.Temperature))))
		r.Committed(rec.commit("series", "van-1", 2, 30, event(declare(7, "roof", reading.Latitude))))
		check := func(r *Registry) {
			t.Helper()
			if got, want := identities(r, "van-1", "box", reading.Temperature), []string{"1/4 1s", "2/1 1s"}; !slices.Equal(got, want) {
				t.Errorf("box has ids %v, want %v", got, want)
			}
			if got := identities(r, "van-1", "nothing", reading.Temperature); got != nil {
				t.Errorf("an unknown sensor has ids %v", got)
			}
			g, ok := r.Gateway("van-1")
			if !ok || g.Epoch != 2 || g.Version != "1.0" || g.Journal.PendingReadings != 7 || len(g.Sensors) != 2 || !g.Online {
				t.Fatalf("gateway %+v, %v", g, ok)
			}
			box, roof := g.Sensors[0], g.Sensors[1]
			if box.ID != "box" || len(box.Channels) != 2 || box.Channels[0] != (Channel{reading.Temperature, time.Second, true}) ||
				roof.ID != "roof" || roof.Channels[0].Current {
				t.Errorf("sensors %+v: want box with two channels, and roof that the configuration does not have", g.Sensors)
			}
			if s, ok := r.Lookup("van-1", 1, 4); !ok || s.Sensor != "box" || s.Quantity != reading.Temperature || s.Model != "ds18b20" {
				t.Errorf("series 4 of epoch 1 is %+v, %v", s, ok)
			}
			if _, ok := r.Lookup("van-1", 1, 5); ok {
				t.Error("an id that nobody declared has a meaning")
			}
		}
		check(r)
		check2 := open(t, db, rec) // nothing was saved: the chain tells again
		if got := identities(check2, "van-1", "box", reading.Temperature); len(got) != 2 {
			t.Errorf("after a crash box has ids %v", got)
		}
		if err := r.save(t.Context()); err != nil {
			t.Fatal(err)
		}
		check(open(t, db, rec))
		check(open(t, db, &record{}))
	})
}

// TestChainHasTheLastWord: a State cannot change what the chain has said, and
// the chain cannot say two things.
func TestChainHasTheLastWord(t *testing.T) {
	rec := &record{}
	r := open(t, storetest.Open(t, storetest.SQLite(t)), rec)
	birth(t, r, "van-1", &pb.State{Online: true, Epoch: 1, Series: []*pb.SeriesDeclared{declare(0, "wrong", reading.Temperature)}}, 5)
	r.Committed(rec.commit("series", "van-1", 1, 10, event(declare(0, "box", reading.Temperature))))
	birth(t, r, "van-1", &pb.State{Online: true, Epoch: 1, Series: []*pb.SeriesDeclared{declare(0, "wrong", reading.Temperature)}}, 20)
	r.Committed(rec.commit("series", "van-1", 1, 30, event(declare(0, "other", reading.Temperature))))
	r.Committed(rec.commit("series", "van-1", 1, 30, event(declare(1, "", reading.Temperature))))
	if s, ok := r.Lookup("van-1", 1, 0); !ok || s.Sensor != "box" {
		t.Errorf("series 0 is %+v, want box", s)
	}
	if got := identities(r, "van-1", "wrong", reading.Temperature); got != nil {
		t.Errorf("the sensor of the State has ids %v", got)
	}
	if n := r.Counts().DisputedDeclarations; n != 4 {
		t.Errorf("%d disputed declarations, want 4", n)
	}
	if g, _ := r.Gateway("van-1"); len(g.Faults) != 1 || g.Faults[0].Part != "series" {
		t.Errorf("faults %+v, want the second word of the chain", g.Faults)
	}
}

func TestOnline(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		r := open(t, db, &record{})
		will, _ := proto.Marshal(&pb.State{Online: false})
		kept, _ := proto.Marshal(&pb.State{Online: true, Epoch: 1})
		if err := r.State("van-1", kept, time.UnixMilli(50), true); err != nil {
			t.Fatal(err)
		}
		if g, _ := r.Gateway("van-1"); !g.Online || g.Heard != 0 {
			t.Errorf("a birth the broker kept: %+v, want online and not heard", g)
		}
		birth(t, r, "van-1", &pb.State{Online: true, Epoch: 3, Boot: 2, ConfigVersion: "7"}, 100)
		r.Heard("van-1", time.UnixMilli(200))
		if err := r.State("van-1", will, time.UnixMilli(300), false); err != nil {
			t.Fatal(err)
		}
		if err := r.save(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, r := range []*Registry{r, open(t, db, &record{})} {
			if g, ok := r.Gateway("van-1"); !ok || g.Online || g.Epoch != 3 || g.Boot != 2 || g.Heard != 300 || g.First != 50 || g.Changed != 300 || g.ConfigVersion != "7" {
				t.Errorf("gateway %+v, %v", g, ok)
			}
		}
		for _, bad := range [][]byte{{0xff}, make([]byte, maxStateBytes+1)} {
			if err := r.State("van-1", bad, time.UnixMilli(400), false); !errors.Is(err, ErrState) {
				t.Errorf("state %.4x: got %v, want %v", bad, err, ErrState)
			}
		}
		if n := r.Counts().RefusedStates; n != 2 {
			t.Errorf("%d refused, want 2", n)
		}
	})
}

func TestFaultsNewestFirst(t *testing.T) {
	rec := &record{}
	db := storetest.Open(t, storetest.SQLite(t))
	r := open(t, db, rec)
	for i := range int64(60) {
		r.Committed(rec.commit("fault", "van-1", 1, i, &pb.Event{Kind: &pb.Event_Fault{Fault: &pb.Fault{Part: "bus", Detail: fmt.Sprint(i)}}}))
	}
	r.Committed(rec.commit("gap", "van-1", 1, 100, &pb.Event{Kind: &pb.Event_Gap{Gap: &pb.Gap{First: 3, Last: 4, Readings: 9, Reason: "torn\x00"}}}))
	r.Committed(rec.commit("clock-step", "van-1", 1, 90, &pb.Event{Kind: &pb.Event_ClockStep{ClockStep: &pb.ClockStep{ByMs: -1500}}}))
	r.Committed(rec.commit("malformed", "van-1", 1, 80, nil))
	r.Committed(rec.commit("epoch-start", "van-1", 1, 70, &pb.Event{Kind: &pb.Event_EpochStart{EpochStart: &pb.EpochStart{Epoch: 1}}}))
	for _, r := range []*Registry{r, open(t, db, rec)} {
		g, _ := r.Gateway("van-1")
		if len(g.Faults) != maxFaults || !strings.Contains(g.Faults[0].Detail, "torn·") || g.Faults[1].Part != "clock" ||
			g.Faults[2].Part != "journal" || g.Faults[3].Detail != "59" {
			t.Errorf("faults %+v", g.Faults[:4])
		}
	}
}

func TestNames(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		rec := &record{}
		r := open(t, db, rec)
		r.Committed(rec.commit("series", "van-1", 1, 10, event(declare(0, "box", reading.Temperature))))
		for sensor, name := range map[string]string{"": "Blue van", "box": "Insulin"} {
			if err := r.Name(t.Context(), "van-1", sensor, name); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Name(t.Context(), "van-1", "box", "a\nb"); err == nil {
			t.Error("a name with a line break was accepted")
		}
		for _, r := range []*Registry{r, open(t, db, rec)} {
			if g, _ := r.Gateway("van-1"); g.Name != "Blue van" || g.Sensors[0].Name != "Insulin" {
				t.Errorf("names %q and %q", g.Name, g.Sensors[0].Name)
			}
		}
		if err := r.Name(t.Context(), "van-1", "", ""); err != nil {
			t.Fatal(err)
		}
		if g, _ := open(t, db, rec).Gateway("van-1"); g.Name != "" {
			t.Errorf("a name taken away is %q", g.Name)
		}
	})
}

// failing does not take writes for a while.
type failing struct {
	*store.DB
	left int
}

func (f *failing) Write(ctx context.Context, do func(context.Context, *store.Tx) error) error {
	if f.left > 0 {
		f.left--
		return errors.New("disk full")
	}
	return f.DB.Write(ctx, do)
}

func TestSaveIsTriedAgain(t *testing.T) {
	f := &failing{DB: storetest.Open(t, storetest.SQLite(t)), left: 1}
	r := open(t, f, &record{})
	birth(t, r, "van-1", &pb.State{Online: true, Epoch: 1, Series: []*pb.SeriesDeclared{declare(0, "box", reading.Temperature)}}, 5)
	if err := r.save(t.Context()); err == nil {
		t.Fatal("a failed save was taken for done")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Run(ctx); err != nil { // saves once more at its end
		t.Fatal(err)
	}
	if g, ok := open(t, f, &record{}).Gateway("van-1"); !ok || len(g.Sensors) != 1 {
		t.Fatalf("gateway %+v, %v", g, ok)
	}
}

func FuzzState(f *testing.F) {
	good, _ := proto.Marshal(&pb.State{Online: true, Epoch: 1, Series: []*pb.SeriesDeclared{declare(0, "box", reading.Temperature)}})
	f.Add(good)
	f.Fuzz(func(t *testing.T, payload []byte) {
		r := &Registry{gateways: map[string]*gateway{}, names: map[nameKey]string{}, dirty: map[string]bool{}, series: map[seriesKey]*declared{}}
		r.State("van-1", payload, time.UnixMilli(1), false)
		r.Gateways()
	})
}
