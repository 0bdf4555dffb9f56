package web

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"frostline/hub/view"
)

// TestPromise10WhatIsWrongWithTheHubIsShown: a part that fails is on the first
// page and in /health, and is gone from both when it is well again.
func TestPromise10WhatIsWrongWithTheHubIsShown(t *testing.T) {
	wrong := []view.Part{{Name: "store"}, {Name: "notify", Problem: "2 deliveries were given up <script>", Since: 1_780_000_000_000}}
	c := newCompany()
	s, err := New(Config{Addr: "127.0.0.1:0", vouched: &everybody, Fleet: c, History: c, Feed: c, Now: c.now, Log: slog.New(slog.DiscardHandler),
		Parts:   func(context.Context) []view.Part { return wrong },
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "frostline_part_well 1\n") }),
	})
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) string {
		t.Helper()
		r := httptest.NewRequest("GET", path, nil)
		r.Host = "127.0.0.1:8080"
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
		return w.Body.String()
	}
	page := get("/")
	for _, want := range []string{"Something is wrong with the hub itself", "notify: 2 deliveries were given up &lt;script&gt;", "since 2026-05-28 20:26:40 UTC"} {
		if !strings.Contains(page, want) {
			t.Errorf("page does not say %q", want)
		}
	}
	var health struct {
		Status  string
		Failing map[string]string
	}
	if err := json.Unmarshal([]byte(get("/health")), &health); err != nil || health.Status != "failing" || len(health.Failing) != 1 || health.Failing["notify"] != wrong[1].Problem {
		t.Errorf("health %+v, %v", health, err)
	}
	if got := get("/metrics"); got != "frostline_part_well 1\n" {
		t.Errorf("metrics %q", got)
	}
	wrong = wrong[:1]
	if page := get("/"); strings.Contains(page, "Something is wrong") {
		t.Error("the page shows trouble that is over")
	}
	health.Failing = nil
	if err := json.Unmarshal([]byte(get("/health")), &health); err != nil || health.Status != "ok" || len(health.Failing) != 0 {
		t.Errorf("health %+v, %v", health, err)
	}
}
