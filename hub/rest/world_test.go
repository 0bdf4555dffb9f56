package rest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/asset"
	"frostline/hub/catalog"
	"frostline/hub/correlate"
	"frostline/hub/custody"
	"frostline/hub/desired"
	"frostline/hub/dispatch"
	"frostline/hub/dispatch/carrier"
	"frostline/hub/dispatch/progress"
	"frostline/hub/dispatch/progress/fence"
	"frostline/hub/dispatch/propose"
	"frostline/hub/dispatch/risk"
	"frostline/hub/dispatch/road"
	"frostline/hub/event"
	"frostline/hub/excursion"
	"frostline/hub/fact"
	"frostline/hub/hold"
	"frostline/hub/notify"
	"frostline/hub/orders"
	"frostline/hub/people"
	"frostline/hub/policy"
	"frostline/hub/privacy"
	"frostline/hub/rollout"
	"frostline/hub/rollout/rollouttest"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/hub/trace/dscsa"
	"frostline/hub/workflow"
	"frostline/proto/thermal"
	"frostline/proto/topic"
)

// world is a hub's interface with all contexts on a real store, joined as the
// hub joins them. Every sensor reads 5 °C each 10 s, but for ten minutes of 12 °C.
type world struct {
	t        testing.TB
	db       *store.DB
	log      *event.Log
	api      *API
	h        http.Handler
	engine   *correlate.Engine
	cases    *excursion.Cases
	carriers *carrier.Desk
	people   *people.Keeper
	links    *privacy.Links
	tokens   map[string]string // by scopes, with spaces between; "other": of another person, with all
	expired  string            // a token
	revoked  string            // a token
	vars     map[string]string // of the script
	seen     int64             // events that cases were told of
	ms       atomic.Int64      // the clock; each look at it takes a second
}

// start is what a world's clock shows first.
const start = int64(1_790_000_000_000)

func (w *world) now() time.Time { return time.UnixMilli(w.ms.Add(1000)) }

func newWorld(t testing.TB, url string) *world {
	t.Helper()
	w := &world{t: t, db: openAt(t, url), tokens: map[string]string{}, vars: map[string]string{}}
	w.ms.Store(start)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	logger := storetest.Logger(t)
	duty := dscsa.NewModel()
	cm, om, um, dm, tables := catalog.NewModel(), orders.NewModel(), custody.NewModel(), dispatch.NewModel(), excursion.NewTables()
	sm, hm := workflow.NewModel(), hold.NewModel()
	am := asset.NewModel()
	models := slices.Concat([]event.Model{cm.Model()}, am.Models(), om.Models(), um.Models(), dm.Models(), tables.Models(), duty.Models(), sm.Models(), hm.Models())
	keeper, err := people.New(people.Options{Store: w.db, Log: logger, Now: w.now})
	must(err)
	w.log, err = event.Open(t.Context(), event.Options{Store: w.db, Models: models, Now: w.now, Log: logger})
	must(err)
	w.people = keeper
	w.enter(keeper)
	places, err := custody.New(custody.Options{Log: w.log, Store: w.db, Model: um, Catalog: cm, Orders: om, Now: w.now, Logger: logger})
	must(err)
	records, err := catalog.New(catalog.Options{Log: w.log, Store: w.db, Model: cm, Attacher: places, Now: w.now, Logger: logger})
	must(err)
	w.engine = mountVerdicts(t, w.db, w.log, w.now)
	desk, err := orders.New(orders.Options{Log: w.log, Store: w.db, Model: om, Catalog: cm, Places: places, Now: w.now, Logger: logger})
	must(err)
	messages, err := notify.New(notify.Options{Config: notify.Config{Link: "https://hub.example.com"}, Events: w.log, Store: w.db, Now: w.now, Log: logger})
	must(err)
	cfg := Config{Store: w.db, Tokens: keeper, People: keeper, Log: logger, Now: w.now, Version: "test", Catalog: records, Orders: desk, Custody: places,
		Verdicts: w.engine, Notifications: messages, Evidence: noBundles{}, EvidenceLog: shortLog{}, GatewayScans: gateScans{}}
	cfg.Desired, err = desired.New(t.Context(), desired.Options{
		Store: w.db, Events: w.log, Key: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), Now: w.now, Log: logger,
		Publish: func(string, topic.Lane, []byte) error { return nil }, Enrolled: func(g string) bool { return g == "g-1" },
	})
	must(err)
	rolled, err := rollout.New(t.Context(), rollout.Options{
		Store: w.db, Events: w.log, Dir: t.TempDir(), Key: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), Now: w.now, Log: logger,
		Publish: func(string, topic.Lane, []byte) error { return nil }, Enrolled: func() []string { return []string{"g-1"} },
	})
	must(err)
	file, _ := rollouttest.File(t, "v1.1.0", ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	_, err = rolled.Publish(t.Context(), "person/ann", "", bytes.NewReader(file))
	must(err)
	cfg.Rollouts = rolled
	cfg.Links = mountLinks(t, w, om)
	cfg.Dispatch, err = dispatch.New(dispatch.Options{Log: w.log, Store: w.db, Model: dm, Catalog: cm, Shipments: om, Now: w.now, Logger: logger})
	must(err)
	cfg.Risks, cfg.Provenance = someRisks{}, oneWay{}
	w.carriers = mountCarriers(t, w, cfg.Dispatch, func(ctx context.Context, actor, reason string, r fact.ShipmentReported) error {
		_, err := desk.Report(ctx, actor, reason, r)
		return err
	})
	cfg.Carriers = w.carriers
	cfg.DSCSA = mountDSCSA(t, w, duty)
	cfg.Assets, cfg.Footprints = mountAssets(t, w, am, cm, places, cfg.Dispatch)
	cfg.Proofs, cfg.Receipts = mountProofs(t, w, cfg.Dispatch, desk, places), oneReceipt{}
	cfg.Proposals, err = propose.New(propose.Options{
		Routes: cfg.Dispatch.(*dispatch.Dispatch), Road: road.Estimate{}, Now: w.now, Log: logger,
		Site: func(context.Context, string) (*fact.Position, error) {
			return &fact.Position{Latitude: 406_000_000, Longitude: -740_000_000}, nil
		},
		Loads: func(context.Context, string) ([]risk.Load, error) {
			all, _ := (someRisks{}).List()
			return []risk.Load{*all[0].Load}, nil
		},
	})
	must(err)
	cfg.Progress = onTheWay{}
	w.cases = mountExcursions(t, w.log, &cfg, tables)
	cfg.Excursions = w.cases
	mountSagas(t, w, &cfg, sm, hm)
	w.api, err = New(t.Context(), cfg)
	must(err)
	w.h = w.api.Handler()
	return w
}

// enter makes two persons and their tokens.
func (w *world) enter(k *people.Keeper) {
	w.t.Helper()
	token := func(person string, life time.Duration, scopes ...string) (string, people.Token) {
		w.t.Helper()
		secret, made, err := k.NewToken(w.t.Context(), "os/0", "test", "person/"+person, scopes, life)
		if err != nil {
			w.t.Fatal(err)
		}
		return secret, made
	}
	for _, p := range []string{"ann", "bob"} {
		if _, err := k.Add(w.t.Context(), "os/0", p, p, policy.Roles, "correct horse battery"); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, scopes := range []string{"read", "write", "qa", "fleet", "admin", "read write qa fleet admin"} {
		w.tokens[scopes], _ = token("ann", people.MostLife, strings.Fields(scopes)...)
	}
	w.tokens["other"], _ = token("bob", people.MostLife, "read", "write", "qa", "fleet", "admin")
	w.expired, _ = token("ann", time.Minute, "read", "write", "qa", "fleet", "admin")
	w.ms.Add(61_000)
	secret, gone := token("ann", time.Hour, "read", "write", "qa", "fleet", "admin")
	if _, err := k.Revoke(w.t.Context(), "os/0", gone.ID, "test"); err != nil {
		w.t.Fatal(err)
	}
	w.revoked = secret
	_, spare := token("ann", time.Hour, "read")
	w.vars["token"] = spare.ID
}

// settle judges what there is to judge, and tells the cases.
func (w *world) settle() {
	w.t.Helper()
	if err := w.engine.Settle(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	events, err := w.log.Read(w.t.Context(), w.seen, 10_000)
	if err == nil && len(events) > 0 {
		w.seen = events[len(events)-1].Position
		err = w.cases.Handle(w.t.Context(), events)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) all() string { return w.tokens["read write qa fleet admin"] }

// operations gives all operations, in an order that stays.
func (w *world) operations() (ops []*huma.Operation) {
	paths := w.api.OpenAPI().Paths
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		ops = append(ops, operationsOf(paths[path])...)
	}
	return ops
}

// passing are tables that requests change by the way.
var passing = []string{"rest_reply", "people_token", "goose_db_version"}

// state is a digest of everything the store holds, and of what the read models
// say: the same where nothing was changed.
func (w *world) state() string {
	w.t.Helper()
	h := sha256.New()
	ctx := w.t.Context()
	query := `SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`
	if w.db.Dialect() == store.Postgres {
		query = `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY table_name`
	}
	for _, table := range w.column(ctx, query) {
		if !slices.Contains(passing, table) && !strings.HasPrefix(table, "sqlite_") {
			fmt.Fprintf(h, "%s %q\n", table, w.rows(ctx, table))
		}
	}
	for _, m := range w.log.Models() {
		sum, err := w.log.Digest(ctx, m)
		fmt.Fprintln(h, m, sum, err)
	}
	return fmt.Sprintf("%d events, %s", w.log.Last(), hex.EncodeToString(h.Sum(nil)[:8]))
}

func (w *world) column(ctx context.Context, query string) (out []string) {
	w.t.Helper()
	rows, err := w.db.Query(ctx, query)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			w.t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

func (w *world) rows(ctx context.Context, table string) []string {
	w.t.Helper()
	rows, err := w.db.Query(ctx, "SELECT * FROM "+table)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for rows.Next() {
		row := make([]any, len(names))
		for i := range row {
			row[i] = new(any)
		}
		if err := rows.Scan(row...); err != nil {
			w.t.Fatal(err)
		}
		var b strings.Builder
		for _, v := range row {
			io.WriteString(&b, fmt.Sprintf("%v|", *v.(*any)))
		}
		out = append(out, b.String())
	}
	slices.Sort(out)
	return out
}

// onTheWay has a position of each route and an estimate for its stop s1.
type onTheWay struct{}

func (onTheWay) ETA(_, stop string) (dispatch.Arrival, bool) {
	return dispatch.Arrival{At: start, Low: start - 60_000, High: start + 60_000, Basis: "position 20 s old"}, stop == "s1"
}

func (onTheWay) Where(string) (progress.Where, bool) {
	return progress.Where{Fix: fence.Fix{At: start}, Age: 20 * time.Second, Next: "s1", Along: 200, Way: 1000, Off: 3.5}, true
}

// someRisks has one delivery of each kind of knowledge.
type someRisks struct{}

func (someRisks) List() ([]risk.Delivery, int64) {
	t, far := thermal.Temp(7500), int64(90_000)
	return []risk.Delivery{
		risk.Assess(risk.Delivery{Route: "R1", Stop: "s1", Job: "J1", Shipment: "H1", Courier: "van-1", Arrival: &dispatch.Arrival{At: start, Low: start, High: start + far, Basis: "as planned"}},
			[]risk.Load{{Package: "P1", Condition: risk.InRange, Temperature: &t, Taken: start, Outlook: []thermal.Outlook{{Limit: "warm", At: 8000, Estimate: true, OnCourse: true, Reached: start + far, Earliest: start, Latest: start + 2*far}}}}),
		risk.Assess(risk.Delivery{Route: "R1", Stop: "s2", Job: "J3", Shipment: "H1", Courier: "van-1"}, nil),
	}, start
}
