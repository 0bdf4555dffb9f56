package web

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

// openBoard is the board on a real dispatch with route R1, and a dispatcher.
func openBoard(t *testing.T, db *store.DB) (*round, *guarded, *visitor) {
	t.Helper()
	r := openRound(t, db)
	r.panels = []string{"gw-1"}
	g := openGuarded(t, func(cfg *Config) { cfg.Dispatch = r })
	return r, g, g.as("dan", "dispatcher")
}

// stands tells of each stop of R1 whether it is held (h) or recalled (r).
func (r *round) stands(t *testing.T) string {
	t.Helper()
	route, err := r.Leg(t.Context(), "R1")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, v := range route.Visits() {
		all = append(all, v.ID+map[bool]string{true: "h"}[v.Held]+map[bool]string{true: "r"}[v.Recalled])
	}
	return strings.Join(all, " ")
}

func TestDispatcherHoldsAndCallsBack(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		r, g, dan := openBoard(t, db)
		form := dan.get("/dispatch?route=R1")
		if !strings.Contains(form.body, "Call the route back") || !strings.Contains(form.body, `aria-current="true">R1<`) {
			t.Fatalf("%d: the forms are not there", form.code)
		}
		send := func(to string, code int, says string, fields ...string) {
			t.Helper()
			r.Pass(time.Second)
			p := dan.send(form, "/dispatch/R1/"+to, fields...)
			if p.code != code || code == http.StatusSeeOther && p.to != "/dispatch?done="+says+"&route=R1#route-R1" || code != http.StatusSeeOther && !strings.Contains(p.body, says) {
				i := max(strings.Index(p.body, `role="alert"`), 0)
				t.Errorf("%s %v: %d to %q %.300s", to, fields, p.code, p.to, p.body[i:])
			}
		}
		stands := func(want string) {
			t.Helper()
			if got := r.stands(t); got != want {
				t.Errorf("stands %q, want %q", got, want)
			}
		}
		stop := func(do, once string) []string {
			return []string{"once", once, "stop", "s2", "do", do, "cause", "the box is wet"}
		}
		send("stop", http.StatusUnprocessableEntity, "say why", "once", "o1", "stop", "s2", "do", "hold", "cause", " ")
		send("stop", http.StatusUnprocessableEntity, "not whole", "stop", "s2", "do", "hold", "cause", "x")
		send("stop", http.StatusUnprocessableEntity, "not whole", "once", "o1", "stop", "s2", "do", "burn", "cause", "x")
		send("stop", http.StatusNotFound, "no such", "once", "o1", "stop", "s9", "do", "hold", "cause", "x")
		stands("s1 s2 s3")
		send("stop", http.StatusSeeOther, "held", stop("hold", "o2")...)
		send("stop", http.StatusSeeOther, "held", stop("hold", "o2")...) // pressed twice
		stands("s1 s2h s3")
		send("stop", http.StatusSeeOther, "let-go", stop("let-go", "o3")...)
		stands("s1 s2 s3")
		send("stop", http.StatusSeeOther, "recalled", stop("recall", "o4")...)
		send("stop", http.StatusSeeOther, "recalled", stop("recall", "o4")...)
		stands("s1 s2hr s3")
		send("stop", http.StatusConflict, "is recalled already", stop("recall", "o5")...)
		send("stop", http.StatusSeeOther, "let-go", stop("let-go", "o6")...)
		stands("s1 s2 s3")
		send("recall", http.StatusUnprocessableEntity, "all that is left", "once", "o7", "cause", "storm")
		send("recall", http.StatusSeeOther, "recalled", "once", "o7", "cause", "storm", "sure", "yes")
		stands("s1hr s2hr s3hr")
		route, err := r.Leg(t.Context(), "R1")
		if err != nil || route.Status() != "recalled" || len(route.Messages) != 2 || route.By != "person/dan" {
			t.Errorf("%s by %s, %d messages, %v", route.Status(), route.By, len(route.Messages), err)
		}
		if p := dan.get("/dispatch?done=recalled&route=R1"); !strings.Contains(p.body, "It is called back, and whoever drives is told") || !strings.Contains(p.body, "recalled: storm") || strings.Contains(p.body, "Call the route back") {
			t.Error("the page does not say so, or lets it be called back again")
		}
		// Who only looks has no forms, and is not shown where patients live.
		ann := g.as("ann", "auditor")
		look := ann.get("/dispatch?route=R1")
		if strings.Contains(look.body, "Hold it") || strings.Contains(look.body, "dispatch-map") || !strings.Contains(look.body, "The map is for those who dispatch") {
			t.Error("an auditor is given the forms, or the map")
		}
		if p := ann.send(look, "/dispatch/R1/recall", "once", "o8", "cause", "x", "sure", "yes"); p.code != http.StatusForbidden {
			t.Errorf("an auditor calls back: %d", p.code)
		}
	})
}

// TestDispatcherLetsNothingGoThatIsKept, and says why.
func TestDispatcherLetsNothingGoThatIsKept(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		r, _, dan := openBoard(t, db)
		r.Keep(func(context.Context, string, string, string) (string, error) {
			return "saga excursion-x1 keeps it held until quality has decided; it is let go by itself then", nil
		})
		form := dan.get("/dispatch?route=R1")
		p := dan.send(form, "/dispatch/R1/stop", "once", "o1", "stop", "s2", "do", "hold", "cause", "wet")
		r.Pass(time.Second)
		if p = dan.send(form, "/dispatch/R1/stop", "once", "o2", "stop", "s2", "do", "let-go", "cause", "dry"); p.code != http.StatusConflict || !strings.Contains(p.body, "keeps it held until quality has decided") || !strings.Contains(p.body, `value="dry"`) {
			t.Errorf("%d", p.code)
		}
		if got := r.stands(t); got != "s1 s2h s3" {
			t.Error(got)
		}
	})
}

func TestDispatcherWrites(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		r, _, dan := openBoard(t, db)
		form := dan.get("/dispatch?route=R1")
		if !strings.Contains(form.body, "None was written on this route.") {
			t.Error("it does not say that there is none")
		}
		write := func(code int, fields ...string) page {
			t.Helper()
			p := dan.send(form, "/dispatch/R1/message", fields...)
			if p.code != code {
				t.Errorf("%v: %d", fields, p.code)
			}
			return p
		}
		write(http.StatusSeeOther, "once", "o1", "usual", "Please call dispatch.", "text", "")
		write(http.StatusSeeOther, "once", "o1", "usual", "Please call dispatch.", "text", "")
		write(http.StatusSeeOther, "once", "o2", "usual", "Please call dispatch.", "text", "Gate 4 <is>\n closed")
		write(http.StatusUnprocessableEntity, "once", "o3", "usual", "", "text", " ")
		if p := write(http.StatusUnprocessableEntity, "once", "o4", "usual", "", "text", strings.Repeat("é", 150)); !strings.Contains(p.body, "want 1 to 280") || !strings.Contains(p.body, "ééé</textarea>") {
			t.Error("what was too long is lost, or not said to be")
		}
		route, err := r.Leg(t.Context(), "R1")
		if err != nil || len(route.Messages) != 2 || route.Messages[1].Text != "Gate 4 <is> closed" {
			t.Fatalf("%+v, %v", route.Messages, err)
		}
		says := func(want ...string) {
			t.Helper()
			body := dan.get("/dispatch?route=R1").body
			for _, w := range want {
				if !strings.Contains(body, w) {
					t.Errorf("%q is not on the page", w)
				}
			}
		}
		says("Gate 4 &lt;is&gt; closed", "it never came onto the panel") // by the clock of the pages it is years old
		for _, x := range []fact.MessageReceived{{Status: "shown", At: r.Now()}, {Status: "confirmed"}} {
			x.Message, x.Gateway = route.Messages[0].ID, "gw-1"
			if err := r.Received(t.Context(), x); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Received(t.Context(), fact.MessageReceived{Message: route.Messages[1].ID, Gateway: "gw-0", Status: "refused", Note: "not known to this version"}); err != nil {
			t.Fatal(err)
		}
		says("confirmed by the driver", "the gateway cannot show it (not known to this version)")
		r.panels = nil
		says("confirmed by the driver", "cannot show it")
		if got := becameOf(route.Messages[0], nil, nil, true); len(got) != 1 || got[0].Word != "nobody reads it: the courier's vehicle has no gateway" {
			t.Errorf("%+v", got)
		}
		if got := becameOf(route.Messages[0], nil, []string{"gw-1"}, true); got[0].Word != "it never came onto the panel" {
			t.Errorf("%+v", got)
		}
		if route, err = r.Leg(t.Context(), "R1"); err != nil || route.Revision != 3 {
			t.Errorf("receipts make revision %d, %v", route.Revision, err)
		}
	})
}
