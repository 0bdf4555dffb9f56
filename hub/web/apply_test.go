package web

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"frostline/hub/dispatch"
	"frostline/hub/dispatch/dispatchtest"
	"frostline/hub/dispatch/progress"
	"frostline/hub/dispatch/propose"
	"frostline/hub/dispatch/risk"
	"frostline/hub/dispatch/road"
	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/hub/web/webtest"
	"frostline/proto/thermal"
)

// round is one route of a real dispatch, on a real store, and what suggests
// orders of its stops.
type round struct {
	*dispatchtest.Bench
	*dispatch.Dispatch
	*propose.Desk
	panels []string
	off    atomic.Int64 // ms that the desk's clock is ahead of the bench's
	hurry  atomic.Value // string: the shipment that is in a hurry
}

func (r *round) now() time.Time { return r.Clock().Add(time.Duration(r.off.Load()) * time.Millisecond) }

func (r *round) List() ([]risk.Delivery, int64) {
	return []risk.Delivery{risk.Assess(risk.Delivery{Route: "R1", Stop: "s2", Job: "J2", Shipment: "SH2", Courier: "van-1"}, nil)}, r.now().UnixMilli()
}
func (r *round) Where(string) (progress.Where, bool)              { return progress.Where{}, false }
func (r *round) Chart(string) (progress.Chart, bool)              { return progress.Chart{}, false }
func (r *round) Panels(context.Context, string) ([]string, error) { return r.panels, nil }
func (r *round) Watch() (<-chan struct{}, func())                 { return nil, func() {} }
func (r *round) Reorder(ctx context.Context, actor, reason, route string, order []string, revision int64) (dispatch.Route, error) {
	return r.Dispatch.Reorder(ctx, actor, reason, route, order, revision)
}

func openRound(t *testing.T, db *store.DB) *round {
	t.Helper()
	b := dispatchtest.New(t, db)
	b.Stock(t)
	r := &round{Bench: b, Dispatch: b.Dispatch}
	r.hurry.Store("")
	if _, err := b.Dispatch.Route(t.Context(), "person/test", "", b.Round(), 0); err != nil {
		t.Fatal(err)
	}
	var err error
	if r.Desk, err = propose.New(propose.Options{
		Routes: b.Dispatch, Road: road.Estimate{}, Now: r.now, Log: slog.New(slog.DiscardHandler),
		Site: func(context.Context, string) (*fact.Position, error) {
			return &fact.Position{Latitude: 406_900_000, Longitude: -740_000_000}, nil
		},
		Loads: func(_ context.Context, shipment string) ([]risk.Load, error) {
			if shipment != r.hurry.Load() {
				return nil, nil
			}
			at, warm := r.now().UnixMilli(), thermal.Temp(7000)
			return []risk.Load{{Package: "P-" + shipment, Condition: risk.InRange, Temperature: &warm, Taken: at, Outlook: []thermal.Outlook{
				{Limit: "warm", At: 8000, OnCourse: true, Estimate: true, Reached: at + 45*60_000, Earliest: at + 40*60_000, Latest: at + 50*60_000}}}}, nil
		},
	}); err != nil {
		t.Fatal(err)
	}
	return r
}

// order is that in which the stops are planned.
func (r *round) order(t *testing.T) string {
	t.Helper()
	route, err := r.Leg(t.Context(), "R1")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, s := range route.Stops {
		all = append(all, s.ID)
	}
	return strings.Join(all, " ")
}

// look has an order suggested, and gives the board that shows it.
func (r *round) look(t *testing.T, v *visitor) page {
	t.Helper()
	if _, err := r.Proposal(t.Context(), "R1"); err != nil {
		t.Fatal(err)
	}
	return v.get("/dispatch")
}

// TestDispatcherAppliesAnOrder: once, as it was looked at, or not at all.
func TestDispatcherAppliesAnOrder(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		r := openRound(t, db)
		g := openGuarded(t, func(cfg *Config) { cfg.Dispatch = r })
		dan, eve := g.as("dan", "dispatcher"), g.as("eve", "operator")
		send := func(v *visitor, from page, change ...string) page {
			t.Helper()
			fields := []string{"revision", hidden(from.body, "revision"), "seen", hidden(from.body, "seen")}
			for i := 0; i < len(change); i += 2 {
				fields[slices.Index(fields, change[i])+1] = change[i+1]
			}
			return v.send(from, "/dispatch/R1/order", fields...)
		}
		leads := func(what string, p page, code string) {
			t.Helper()
			if p.code != http.StatusSeeOther || p.to != "/dispatch?applied="+code+"&route=R1#route-R1" {
				t.Errorf("%s: %d to %q %.300s", what, p.code, p.to, p.body)
			}
		}
		board := r.look(t, dan)
		if !strings.Contains(board.body, "Apply this order") || !strings.Contains(board.body, "Suggested order") {
			t.Fatalf("no order can be applied: %.600s", board.body[strings.Index(board.body, "<main"):])
		}
		// The stop in a hurry comes first since then: what was looked at is another order.
		r.hurry.Store("SH2")
		r.off.Add(60_000)
		leads("another order by now", send(dan, board), "other")
		r.hurry.Store("")
		r.off.Add(60_000)
		board = r.look(t, dan)
		leads("made up", send(dan, board, "seen", "0000"), "other")
		if p := send(dan, board, "revision", "x"); p.code != http.StatusUnprocessableEntity {
			t.Errorf("no revision: %d", p.code)
		}
		if got := r.order(t); got != "s1 s2 s3" {
			t.Fatalf("what was refused changed the order to %s", got)
		}
		late := r.look(t, eve)
		leads("applied", send(dan, board), "done")
		if got := r.order(t); got != "s1 s3 s2" && got != "s3 s1 s2" {
			t.Errorf("the order is %s", got)
		}
		route, err := r.Leg(t.Context(), "R1")
		if err != nil || route.By != "person/dan" || !strings.HasPrefix(route.Reason, "as suggested at ") {
			t.Errorf("by %s because %q, %v", route.By, route.Reason, err)
		}
		leads("the second", send(eve, late), "changed")
		r.off.Add(60_000)
		leads("nothing better", send(eve, late, "revision", strconv.FormatInt(route.Revision, 10)), "fine")
		if p := eve.get("/dispatch?applied=changed&route=R1"); !strings.Contains(p.body, "Nothing was changed: route R1 is not any more as it was") {
			t.Error("the second is not told")
		}
		if p := eve.get("/dispatch?applied=done&route=%3Cb%3E"); strings.Contains(p.body, "<b>") || strings.Contains(p.body, "in the suggested order") {
			t.Error("an address puts words on the board")
		}
		if p := eve.send(late, "/dispatch/R9/order", "revision", "1"); p.code != http.StatusNotFound {
			t.Errorf("no such route: %d", p.code)
		}
		// Quality looks, and applies nothing.
		qa := g.as("ann", "qa")
		if p := r.look(t, qa); strings.Contains(p.body, "/dispatch/R1/order") {
			t.Error("quality is given the button")
		}
		if p := send(qa, late); p.code != http.StatusForbidden {
			t.Errorf("quality applies: %d", p.code)
		}
	})
}

// TestOrderIsAppliedInABrowser, from the route that a link opened.
func TestOrderIsAppliedInABrowser(t *testing.T) {
	r := openRound(t, storetest.Open(t, storetest.SQLite(t)))
	g := openGuarded(t, func(cfg *Config) { cfg.Dispatch = r })
	g.as("dan", "dispatcher")
	link, _, err := g.people.SignInLink(t.Context(), "os/0", "dan")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Proposal(t.Context(), "R1"); err != nil {
		t.Fatal(err)
	}
	tb := webtest.New(t, webtest.Browser(t), g.origin)
	tb.Do(chromedp.Navigate(g.origin+"/enter/"+link), chromedp.Click("main form button"))
	tb.Until("location.pathname === '/me'")
	tb.Open(g.origin + "/dispatch#route-R1")
	tb.Until(following + " && document.getElementById('route-R1').open")
	webtest.Eval[any](tb, "document.getElementById('apply-R1').focus()")
	tb.Do(chromedp.KeyEvent("\r"))
	tb.Until("location.search.includes('applied=done') && document.body.innerText.includes('The stops of route R1 are made in the suggested order.')")
	tb.Until("document.getElementById('route-R1').open")
	if got := r.order(t); got == "s1 s2 s3" {
		t.Error("nothing was applied")
	}
	tb.Size(390, 844, "light")
	if over := webtest.Eval[int](tb, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); over > 0 {
		t.Errorf("at 390 px it is %d px too wide", over)
	}
}
