package rest

import (
	"encoding/json"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus"

	"frostline/hub/fact"
)

// TestPromise10EveryChangeIsInTheTrail: whatever a person does by the interface
// (corrections, withdrawals, overrides and signatures among it) is in the log of
// events or the trail of people, by whom and, where a reason was given, why.
func TestPromise10EveryChangeIsInTheTrail(t *testing.T) {
	w := newWorld(t, "sqlite:"+filepath.Join(t.TempDir(), "hub.db"))
	ops := map[string]*huma.Operation{}
	for _, op := range w.operations() {
		ops[op.OperationID] = op
	}
	links := int64(0) // entries of their trail that were seen
	for _, s := range script() {
		if s.before != nil {
			s.before(w)
		}
		s = s.expand(w)
		op, token, who := ops[s.op], w.all(), "person/ann"
		if s.as != "" {
			token, who = w.tokens[s.as], "person/bob"
		}
		var headers []string
		if s.kind != "" {
			headers = []string{"Content-Type", s.kind}
		}
		last, people := w.log.Last(), w.peopleSeen()
		reply := ask(t, w.h, token, op.Method, s.target, s.body, headers...)
		if reply.Code/100 != 2 {
			t.Fatalf("%s: got %d %s", s.op, reply.Code, reply.Body)
		}
		if s.after != nil {
			s.after(w, reply.Body.Bytes())
		}
		if !writes(op.Method) {
			continue
		}
		why := s.reason(t)
		if op.Tags[0] == "people" {
			all, err := w.people.Trail(t.Context(), people, 10)
			if err != nil || len(all) == 0 || all[0].Actor != who || !strings.Contains(all[0].Detail, why) {
				t.Errorf("%s by %s because %q: the trail of people has %+v, %v", s.op, who, why, all, err)
			}
			continue
		}
		if strings.HasSuffix(s.op, "-patient-link") { // no event tells of links
			all, err := w.links.Trail(t.Context(), links, 10)
			if err != nil || len(all) == 0 || all[0].Actor != who || !strings.Contains(all[0].Detail, why) {
				t.Errorf("%s by %s because %q: the trail of links has %+v, %v", s.op, who, why, all, err)
			}
			links += int64(len(all))
			continue
		}
		events, err := w.log.Read(t.Context(), last, 100)
		if err != nil {
			t.Fatal(err)
		}
		found := s.still
		for _, e := range events {
			if e.Type == fact.EventsWereCaptured { // captures at once share it; it names who captured
				continue
			}
			if e.Actor != who {
				t.Errorf("%s: event %s is by %q, want %s", s.op, e.Type, e.Actor, who)
			}
			found = found || e.Reason == why || why == ""
		}
		if !found {
			t.Errorf("%s by %s because %q: the log has %+v", s.op, who, why, events)
		}
	}
}

// reason is the one that a request gives.
func (s step) reason(t *testing.T) string {
	t.Helper()
	_, query, _ := strings.Cut(s.target, "?")
	q, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	if why := q.Get("reason"); why != "" {
		return why
	}
	var body struct{ Reason string }
	if s.kind == "" && s.body != "" {
		if err := json.Unmarshal([]byte(s.body), &body); err != nil {
			t.Fatal(err)
		}
	}
	return body.Reason
}

func (w *world) peopleSeen() int64 {
	w.t.Helper()
	all, err := w.people.Trail(w.t.Context(), 0, 1000)
	if err != nil || len(all) == 0 {
		w.t.Fatal(all, err)
	}
	return all[len(all)-1].ID
}

// TestPromise10EveryRefusalIsCounted: a request that is refused, by whichever
// link of the chain, is counted by operation and status.
func TestPromise10EveryRefusalIsCounted(t *testing.T) {
	reg := prometheus.NewRegistry()
	n := &notes{}
	h := newAPI(t, Config{People: some(1), also: n.register, Metrics: reg}).Handler()
	for _, r := range []struct {
		token, method, target, body, operation, status string
		headers                                        []string
	}{
		{"", "GET", "/people/me", "", "get-caller", "401", nil},
		{"nobody's", "GET", "/people/me", "", "get-caller", "401", nil},
		{"reader", "POST", "/notes", `{"text":"x"}`, "make-note", "403", nil},
		{"all", "POST", "/notes", `{"text":1}`, "make-note", "422", nil},
		{"all", "POST", "/notes", `{`, "make-note", "400", nil},
		{"all", "POST", "/notes", `x`, "make-note", "415", []string{"Content-Type", "text/plain"}},
		{"all", "POST", "/notes", `"` + strings.Repeat("x", maxBody) + `"`, "make-note", "413", nil},
		{"all", "POST", "/notes", `{"text":"x"}`, "make-note", "400", []string{keyHeader, "a b"}},
		{"all", "GET", "/people?page=AAAA", "", "list-people", "422", nil},
		{"all", "GET", "/nowhere", "", "", "404", nil},
		{"all", "DELETE", "/people/me", "", "", "405", nil},
		{"all", "GET", "/people?a=" + strings.Repeat("x", maxURI), "", "", "414", nil},
		{"all", "GET", "/people?a=%00", "", "", "400", nil},
	} {
		before := tallied(t, reg, r.operation, r.status)
		if got := ask(t, h, r.token, r.method, r.target, r.body, r.headers...); r.status != strconv.Itoa(got.Code) {
			t.Errorf("%s %.60s: got %d, want %s", r.method, r.target, got.Code, r.status)
		}
		if after := tallied(t, reg, r.operation, r.status); after != before+1 {
			t.Errorf("%s %.60s: %q with %s was counted %v times", r.method, r.target, r.operation, r.status, after-before)
		}
	}
}

// tallied is how many requests were counted.
func tallied(t *testing.T, reg *prometheus.Registry, operation, status string) float64 {
	t.Helper()
	all, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		for _, m := range f.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if f.GetName() == "frostline_rest_requests_total" && labels["operation"] == operation && labels["status"] == status {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}
