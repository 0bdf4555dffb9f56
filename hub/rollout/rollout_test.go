package rollout

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/rollout/rollouttest"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/mandate"
	"frostline/proto/pb"
	"frostline/proto/release"
	"frostline/proto/topic"
)

var (
	key   = ed25519.NewKeyFromSeed([]byte(strings.Repeat("h", 32)))
	maker = ed25519.NewKeyFromSeed([]byte(strings.Repeat("r", 32)))
)

// world is a keeper on a store, with gateways at the other end that know what
// they were told last.
type world struct {
	*Keeper
	t        *testing.T
	db       *store.DB
	dir      string
	events   *event.Log
	ms       atomic.Int64
	away     bool // the broker takes nothing
	enrolled []string
	heard    map[string]*pb.Release
	confirm  map[string]string // release that a gateway has confirmed
}

func newWorld(t *testing.T, db *store.DB, gateways int) *world {
	t.Helper()
	w := &world{t: t, db: db, dir: t.TempDir(), heard: map[string]*pb.Release{}, confirm: map[string]string{}}
	w.ms.Store(1_790_000_000_000)
	for i := range gateways {
		w.enrolled = append(w.enrolled, fmt.Sprintf("van-%02d", i+1))
	}
	var err error
	if w.events, err = event.Open(t.Context(), event.Options{Store: db, Log: storetest.Logger(t), Now: w.now}); err != nil {
		t.Fatal(err)
	}
	w.again()
	return w
}

func (w *world) now() time.Time { return time.UnixMilli(w.ms.Load()) }

// again is the hub started anew.
func (w *world) again() {
	w.t.Helper()
	k, err := New(w.t.Context(), Options{
		Store: w.db, Events: w.events, Dir: w.dir, Key: key, Now: w.now, Log: storetest.Logger(w.t),
		Enrolled: func() []string { return w.enrolled },
		Publish: func(gateway string, lane topic.Lane, payload []byte) error {
			if w.away {
				return errors.New("broker is not connected")
			}
			body, ok := bytes.CutPrefix(payload, []byte(mandate.ReleasePrefix))
			if !ok || lane != topic.Command {
				w.t.Errorf("sent %q on %s", payload, lane)
			}
			r, err := mandate.OpenRelease(gateway, body, key.Public().(ed25519.PublicKey))
			if err == nil && r.Number > w.heard[gateway].GetNumber() {
				w.heard[gateway] = r
			}
			return err
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.Keeper = k
}

// file is a release file of a version, by maker.
func file(t *testing.T, version string) ([]byte, string) {
	t.Helper()
	return rollouttest.File(t, version, maker)
}

func (w *world) publish(version string) Release {
	w.t.Helper()
	b, _ := file(w.t, version)
	r, err := w.Publish(w.t.Context(), "person/ann", "because", bytes.NewReader(b))
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// say has a gateway report a phase of what it was told, and works that in.
func (w *world) say(phase uint32, reason string, gateways ...string) {
	w.t.Helper()
	for _, g := range gateways {
		r := &pb.ReleaseReport{Number: w.heard[g].GetNumber(), Phase: phase, Reason: reason, Have: 5, Size: 10}
		if m := w.heard[g].GetManifest(); len(m) > 0 {
			r.Release = release.ID(m)
		} else if phase != 0 {
			w.t.Fatalf("%s was asked for nothing", g)
		}
		if phase == 3 {
			w.confirm[g] = r.Release
		}
		r.Running = w.confirm[g]
		b, err := proto.Marshal(&pb.State{Online: true, Version: "v1.0.0", Release: r})
		if err != nil {
			w.t.Fatal(err)
		}
		w.Told(g, b)
	}
	if err := w.Settle(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// asked lists the gateways that are asked to run something.
func (w *world) asked() (all []string) {
	for g, r := range w.heard {
		if len(r.Manifest) > 0 {
			all = append(all, g)
		}
	}
	slices.Sort(all)
	return all
}

func (w *world) begin(p Plan) Rollout {
	w.t.Helper()
	if p.Failures == 0 {
		p.Failures = 1
	}
	if p.Quorum == 0 {
		p.Quorum = 100
	}
	r, err := w.Start(w.t.Context(), "person/ann", "because", p)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) is(state string, wave int) Rollout {
	w.t.Helper()
	r, err := w.Rollout(w.t.Context(), 0)
	if err != nil || r.State != state || r.Wave != wave {
		w.t.Fatalf("the rollout is %s in wave %d (%s), %v; want %s in %d", r.State, r.Wave, r.Why, err, state, wave)
	}
	return r
}

func (w *world) types(stream string) (all []string) {
	w.t.Helper()
	events, err := w.events.Read(w.t.Context(), 0, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range events {
		if _, err := fact.Decode(e.Type, e.Data); err != nil {
			w.t.Error(err)
		}
		if e.Stream == stream {
			all = append(all, e.Type)
		}
	}
	return all
}

// A wave is asked when those before it have confirmed and the time has passed; a
// hub that starts anew goes on where it was.
func TestWaves(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, 10)
		w.publish("v1.1.0")
		w.begin(Plan{Release: "v1.1.0", Waves: []string{"1", "50%", "100%"}, Soak: time.Hour})
		first := w.asked()
		if len(first) != 1 {
			t.Fatalf("asked %v, want one", first)
		}
		w.say(1, "", first...)
		w.say(2, "", first...)
		w.is(Running, 1)
		w.say(3, "", first...)
		if w.is(Running, 1); len(w.asked()) != 1 {
			t.Fatal("the second wave is asked at once")
		}
		w.ms.Add(time.Hour.Milliseconds())
		w.again()
		w.say(3, "", first...)
		w.is(Running, 2)
		second := w.asked()
		if len(second) != 5 {
			t.Fatalf("asked %v, want five", second)
		}
		w.say(3, "", second[:4]...)
		w.ms.Add(2 * time.Hour.Milliseconds())
		w.say(1, "no route", second[4])
		w.is(Running, 2)
		w.say(3, "", second...)
		w.ms.Add(time.Hour.Milliseconds())
		w.say(3, "", second[0])
		w.is(Running, 3)
		// One of them is gone for good.
		gone := ""
		for _, g := range w.asked() {
			if !slices.Contains(second, g) {
				gone = g
			}
		}
		w.enrolled = slices.DeleteFunc(w.enrolled, func(g string) bool { return g == gone })
		w.say(3, "", w.enrolled...)
		r := w.is(Done, 3)
		if r.count(Confirmed) != 9 || r.count(Gone) != 1 {
			t.Errorf("counts %v", r.Counts)
		}
		if got := w.types("rollout/1"); !slices.Equal(got, []string{fact.RolloutWasStarted, fact.RolloutHasChanged, fact.RolloutHasChanged, fact.RolloutHasChanged}) {
			t.Errorf("events %v", got)
		}
		if got := w.types("mandate/" + first[0]); !slices.Equal(got, []string{fact.GatewayHasUpdated, fact.GatewayHasUpdated}) {
			t.Errorf("events of a gateway %v", got)
		}
	})
}

// Failures stop a rollout: who has not begun is told to leave it, and is asked
// again when a person has it go on.
func TestFailuresStop(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, 10)
		w.publish("v1.1.0")
		w.begin(Plan{Release: "v1.1.0", Waves: []string{"4", "100%"}, Failures: 2})
		wave := w.asked()
		w.say(1, "", wave...)
		w.say(4, "undone: it ended out of order 3 times", wave[0])
		w.is(Running, 1)
		w.say(2, "", wave[2])
		w.say(4, "undone: it ended out of order 3 times", wave[1])
		r := w.is(Stopped, 1)
		if !strings.Contains(r.Why, "2 gateways failed") {
			t.Errorf("why: %s", r.Why)
		}
		// What runs it on trial goes on; what was fetching it leaves it.
		if got, want := w.asked(), wave[:3]; !slices.Equal(got, want) {
			t.Errorf("asked are %v, want %v", got, want)
		}
		w.again()
		w.say(0, "", wave[3])
		w.say(3, "", wave[2])
		w.is(Stopped, 1)
		if _, err := w.Pause(t.Context(), "person/ann", "", r.ID); !errors.Is(err, ErrState) {
			t.Errorf("paused: %v", err)
		}
		if _, err := w.Resume(t.Context(), "person/ann", "fixed", r.ID); err != nil {
			t.Fatal(err)
		}
		if got := w.asked(); !slices.Contains(got, wave[3]) {
			t.Errorf("asked are %v, without %s", got, wave[3])
		}
		w.is(Running, 1)
		w.say(3, "", wave[3])
		w.is(Running, 2)
		rest := slices.DeleteFunc(w.asked(), func(g string) bool { return slices.Contains(wave, g) })
		w.say(4, "no space", rest[0])
		w.is(Running, 2) // forgiven are those before
		if _, err := w.Abort(t.Context(), "person/ann", "enough", r.ID); err != nil {
			t.Fatal(err)
		}
		if r = w.is(Aborted, 2); r.Why != "aborted by person/ann: enough" {
			t.Errorf("why: %s", r.Why)
		}
		for _, g := range rest[1:] {
			if slices.Contains(w.asked(), g) {
				t.Errorf("%s is asked still", g)
			}
		}
	})
}

// What the broker does not take, or loses, is sent again when the gateway is
// heard; what it has heeded is not.
func TestToldUntilHeeded(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, 1)
		w.publish("v1.1.0")
		w.away = true
		w.begin(Plan{Release: "v1.1.0", Waves: []string{"100%"}})
		if len(w.heard) != 0 {
			t.Fatal("heard")
		}
		w.away = false
		w.again()
		w.say(0, "", "van-01")
		if len(w.asked()) != 1 {
			t.Fatal("not told when it was heard")
		}
		first := w.heard["van-01"].Number
		w.say(1, "", "van-01")
		w.ms.Add(again.Milliseconds())
		delete(w.heard, "van-01") // only to see what is sent
		if err := w.Settle(t.Context()); err != nil || len(w.heard) != 0 {
			t.Errorf("%d sent again, %v", len(w.heard), err)
		}
		// A gateway that has heeded more than this hub knows: from before a backup.
		w.heard["van-01"] = &pb.Release{Number: first + 1000}
		w.say(0, "", "van-01")
		if r := w.heard["van-01"]; len(r.Manifest) == 0 || r.Number <= first+1000 {
			t.Errorf("told %d", r.Number)
		}
		w.say(3, "", "van-01")
		w.is(Done, 1)
	})
}

func TestAgentThatCannotBeUpdated(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, 1)
		w.publish("v1.1.0")
		r := w.begin(Plan{Release: "v1.1.0", Waves: []string{"100%"}})
		b, err := proto.Marshal(&pb.State{Online: true, Version: "v0.9.0"})
		if err != nil {
			t.Fatal(err)
		}
		w.Told("van-01", b)
		if err := w.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		all, err := w.Members(t.Context(), r.ID, "", 10)
		if err != nil || len(all) != 1 || all[0].Phase != Asked || !strings.Contains(all[0].Reason, "v0.9.0, cannot be updated") {
			t.Errorf("%+v, %v", all, err)
		}
	})
}

func TestOneAtATime(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, 2)
		rel := w.publish("v1.1.0")
		if again := w.publish("v1.1.0"); again.ID != rel.ID || again.Published != rel.Published {
			t.Errorf("published twice: %+v", again)
		}
		r := w.begin(Plan{Release: rel.ID, Waves: []string{"van-01"}})
		for want, p := range map[error]Plan{
			ErrBusy:    {Release: "v1.1.0", Waves: []string{"1"}, Failures: 1, Quorum: 100},
			ErrUnknown: {Release: "v9.9.9", Waves: []string{"1"}, Failures: 1, Quorum: 100},
			ErrInvalid: {Release: "v1.1.0", Waves: []string{"1"}, Failures: 0, Quorum: 100},
		} {
			if _, err := w.Start(t.Context(), "person/ann", "", p); !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
		}
		if _, err := w.Abort(t.Context(), "person/ann", "", r.ID+1); !errors.Is(err, ErrUnknown) {
			t.Error(err)
		}
		if got := w.asked(); !slices.Equal(got, []string{"van-01"}) {
			t.Errorf("asked %v", got)
		}
	})
}

// What is not as the manifest says is not published, and leaves nothing behind.
func TestPublishTakesWhatWasSigned(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)), 1)
	b, sum := file(t, "v1.1.0")
	for name, bad := range map[string][]byte{"half": b[:len(b)/2], "none": nil, "changed": bytes.Replace(b, []byte("\x28\xb5\x2f\xfd"), []byte("\x28\xb5\x2f\xfc"), 1)} {
		if _, err := w.Publish(t.Context(), "person/ann", "", bytes.NewReader(bad)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if all, err := w.Releases(t.Context(), 10); err != nil || len(all) != 0 {
		t.Errorf("published %v, %v", all, err)
	}
	w.publish("v1.1.0")
	ask := func(path, spread string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		if spread != "" {
			r.Header.Set("Range", spread)
		}
		out := httptest.NewRecorder()
		w.ServeHTTP(out, r)
		return out
	}
	if out := ask(release.Path+sum, "bytes=0-3"); out.Code != http.StatusPartialContent || out.Body.String() != "\x28\xb5\x2f\xfd" {
		t.Errorf("a piece: %d %q", out.Code, out.Body)
	}
	for x, want := range map[[2]string]int{
		{release.Path + sum, ""}: 400, {release.Path + sum, "bytes=0-9999999"}: 400, {release.Path + "../x", "bytes=0-9"}: 400, {release.Path + sum, "bytes=5-4"}: 400,
		{release.Path + strings.Repeat("0", 64), "bytes=0-9"}: 404, {release.Path + sum, "bytes=99999-100000"}: 416,
	} {
		if out := ask(x[0], x[1]); out.Code != want {
			t.Errorf("%v: %d, want %d", x, out.Code, want)
		}
	}
}

func TestPlan(t *testing.T) {
	all := []string{"pharmacy-1", "van-1", "van-2", "van-3"}
	for _, x := range []struct {
		waves []string
		want  []int
	}{
		{[]string{"1", "50%", "100%"}, []int{1, 1, 2}}, {[]string{"100%"}, []int{4}}, {[]string{"van-2", "100%"}, []int{1, 3}},
		{[]string{"pharmacy-*,van-1", "1%", "9"}, []int{2, 0, 2}}, {[]string{"1%"}, []int{1}},
	} {
		got, err := plan(all, x.waves, "lot")
		if err != nil {
			t.Errorf("%v: %v", x.waves, err)
			continue
		}
		var sizes []int
		seen := map[string]bool{}
		for _, w := range got {
			sizes = append(sizes, len(w))
			for _, g := range w {
				if seen[g] {
					t.Errorf("%v: %s twice", x.waves, g)
				}
				seen[g] = true
			}
		}
		if !slices.Equal(sizes, x.want) {
			t.Errorf("%v: %v, want %v", x.waves, sizes, x.want)
		}
	}
	for _, bad := range [][]string{nil, {""}, {"0"}, {"101%"}, {"-1"}, {"bus-1"}, {"[x"}, {"van-1,,van-2"}} {
		if got, err := plan(all, bad, "lot"); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %v, %v", bad, got, err)
		}
	}
}
