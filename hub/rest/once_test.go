package rest

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"frostline/hub/store"
)

func TestRepeatedRequestsAreOne(t *testing.T) {
	onBoth(t, func(t *testing.T, db *store.DB) {
		n := &notes{}
		now := time.UnixMilli(1_790_000_000_000)
		cfg := Config{Store: db, also: n.register, Now: func() time.Time { return now }}
		h := newAPI(t, cfg).Handler()
		post := func(token, body, key string) (code int, reply string, replayed bool, etag string) {
			t.Helper()
			w := ask(t, h, token, "POST", "/notes", body, keyHeader, key)
			return w.Code, w.Body.String(), w.Header().Get("Idempotency-Replayed") == "true", w.Header().Get("ETag")
		}
		code, first, replayed, tag := post("all", `{"text":"x"}`, "k1")
		if code != 200 || replayed || n.n != 1 || tag != `"v1"` {
			t.Fatalf("first: got %d %s %t %s, done %d times", code, first, replayed, tag, n.n)
		}
		same := func(what string) {
			t.Helper()
			if code, again, replayed, tag := post("all", `{"text":"x"}`, "k1"); code != 200 || again != first || !replayed || tag != `"v1"` || n.n != 1 {
				t.Errorf("%s: got %d %s %t %s, done %d times, want the same as first: %s", what, code, again, replayed, tag, n.n, first)
			}
		}
		same("again")
		h = newAPI(t, cfg).Handler()
		same("after a restart")

		wantProblem(t, ask(t, h, "all", "POST", "/notes", `{"text":"y"}`, keyHeader, "k1"), keyReused)
		wantProblem(t, ask(t, h, "all", "POST", "/notes", `{"text":"x"}`, keyHeader, "k1", "If-Match", `"v1"`), keyReused)
		if code, _, replayed, _ := post("other", `{"text":"x"}`, "k1"); code != 200 || replayed || n.n != 2 {
			t.Errorf("the key of another: got %d %t, done %d times", code, replayed, n.n)
		}
		if code, _, replayed, _ := post("all", `{"text":"x"}`, ""); code != 200 || replayed || n.n != 3 {
			t.Errorf("without a key: got %d %t, done %d times", code, replayed, n.n)
		}
		// A password is no part of what a request says.
		post("all", `{"text":"x","password":"one"}`, "k2")
		if code, _, replayed, _ := post("all", `{"text":"x","password":"two"}`, "k2"); code != 200 || !replayed {
			t.Errorf("with another password: got %d %t", code, replayed)
		}
		// A fault of the caller is told again, one of the hub tried again.
		n.do = func(context.Context, *note) error { return fail(refused, "no") }
		post("all", `{"text":"x"}`, "k3")
		n.do = func(context.Context, *note) error { return errors.New("disk full") }
		if code, _, replayed, _ := post("all", `{"text":"x"}`, "k3"); code != refused.status || !replayed {
			t.Errorf("a refusal again: got %d %t", code, replayed)
		}
		if code, _, _, _ := post("all", `{"text":"x"}`, "k4"); code != 500 {
			t.Errorf("got %d, want 500", code)
		}
		n.do = nil
		if code, _, replayed, _ := post("all", `{"text":"x"}`, "k4"); code != 200 || replayed {
			t.Errorf("after the hub's fault: got %d %t", code, replayed)
		}
		// A day later it is forgotten, and makes room.
		now = now.Add(keptFor + time.Second)
		if code, _, replayed, _ := post("all", `{"text":"x"}`, "k1"); code != 200 || replayed {
			t.Errorf("a day later: got %d %t", code, replayed)
		}
		var left int
		if err := db.QueryRow(t.Context(), `SELECT COUNT(*) FROM rest_reply`).Scan(&left); err != nil || left != 1 {
			t.Errorf("%d replies are left, %v, want 1", left, err)
		}
	})
}

// The ids of a request that is done again, since its reply was not kept, are
// those of the first time.
func TestIDsOfARequestStay(t *testing.T) {
	ids := func(actor, operation, key string) [2]string {
		ctx := context.WithValue(t.Context(), callKey{}, &call{actor: actor, operation: operation, key: key})
		return [2]string{freshID(ctx), freshID(ctx)}
	}
	one := ids("a", "o", "k")
	if one != ids("a", "o", "k") || one[0] == one[1] || len(one[0]) != 26 {
		t.Errorf("got %v", one)
	}
	for _, other := range [][2]string{ids("b", "o", "k"), ids("a", "p", "k"), ids("a", "o", "l"), ids("a", "o", ""), ids("a", "o", "")} {
		if other == one {
			t.Errorf("another request has the same ids %v", other)
		}
	}
	if other := ids("a", "o", ""); other == ids("a", "o", "") {
		t.Error("without a key the ids are the same")
	}
}

func TestRequestInProgress(t *testing.T) {
	n := &notes{}
	entered, leave := make(chan struct{}), make(chan struct{})
	n.do = func(context.Context, *note) error { entered <- struct{}{}; <-leave; return nil }
	h := newAPI(t, Config{also: n.register}).Handler()
	first := make(chan int, 1)
	go func() {
		first <- ask(t, h, "all", "POST", "/notes", `{"text":"x"}`, keyHeader, "k").Code
	}()
	<-entered
	if w := ask(t, h, "all", "POST", "/notes", `{"text":"x"}`, keyHeader, "k"); w.Header().Get("Retry-After") != "1" {
		t.Errorf("retry after %q", w.Header().Get("Retry-After"))
	} else {
		wantProblem(t, w, inProgress)
	}
	close(leave)
	if code := <-first; code != http.StatusOK || n.n != 1 {
		t.Errorf("the first: got %d, done %d times", code, n.n)
	}
	// A request that made the hub panic does not hold its key.
	n.do = func(context.Context, *note) error { panic("boom") }
	wantProblem(t, ask(t, h, "all", "POST", "/notes", `{"text":"x"}`, keyHeader, "p"), broken)
	n.do = nil
	if w := ask(t, h, "all", "POST", "/notes", `{"text":"x"}`, keyHeader, "p"); w.Code != 200 {
		t.Errorf("after a panic: got %d %s", w.Code, w.Body)
	}
}
