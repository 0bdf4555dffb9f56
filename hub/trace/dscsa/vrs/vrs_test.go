package vrs

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"frostline/hub/fact"
)

var product = fact.ProductIdentifier{GTIN: "00300010123455", Serial: "A/1", Lot: "L1", Expiry: "270131"}

func TestJudge(t *testing.T) {
	now := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		known       bool
		lot, expiry string
		verified    bool
		reason      string
	}{
		{false, "", "", false, NoMatch},
		{true, "L1", "2027-01-31", true, ""},
		{true, "L2", "2027-01-31", false, NoMatchLot},
		{true, "L1", "2027-02-01", false, NoMatchExpiry},
		{true, "L2", "2027-02-01", false, NoMatchLotExpiry},
		{true, "", "2027-01-31", false, NoMatchLot}, // nobody has told
	} {
		if v, reason, _ := Judge(product, c.known, c.lot, c.expiry, now); v != c.verified || reason != c.reason {
			t.Errorf("%+v: %v %q", c, v, reason)
		}
	}
	if v, _, info := Judge(product, true, "L1", "2027-01-31", now.AddDate(1, 0, 0)); !v || info != Expired {
		t.Errorf("expired: %v %q", v, info)
	}
	last := product
	last.Expiry = "270100"
	if v, _, _ := Judge(last, true, "L1", "2027-01-31", now); !v {
		t.Error("day 00 is not the last of the month")
	}
}

func TestCheck(t *testing.T) {
	if err := Check(product); err != nil {
		t.Error(err)
	}
	for _, change := range []func(*fact.ProductIdentifier){
		func(p *fact.ProductIdentifier) { p.GTIN = "00300010123456" }, func(p *fact.ProductIdentifier) { p.GTIN = "" },
		func(p *fact.ProductIdentifier) { p.Serial = "" }, func(p *fact.ProductIdentifier) { p.Serial = strings.Repeat("1", 21) },
		func(p *fact.ProductIdentifier) { p.Lot = "a b" }, func(p *fact.ProductIdentifier) { p.Expiry = "271301" }, func(p *fact.ProductIdentifier) { p.Expiry = "2701" },
	} {
		p := product
		change(&p)
		if err := Check(p); !errors.Is(err, ErrIdentifier) {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

// TestAsk: an answer is an answer, and anything else is unknown, never "not
// verified".
func TestAsk(t *testing.T) {
	const uuid = "08dd5e1b-78e7-4dee-9f55-e69f5edf099b"
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		outcome string
		why     string
	}{
		{"verified", answer(`{"verificationTimestamp":"2026-11-21T00:00:00Z","responderGLN":"0300011111116","data":{"verified":true},"corrUUID":"` + uuid + `"}`), "verified", ""},
		{"not verified", answer(`{"responderGLN":"0300011111116","data":{"verified":false,"verificationFailureReason":"No_match_GTIN_Serial"},"corrUUID":"` + uuid + `"}`), "not verified", ""},
		{"no word", answer(`{"data":{}}`), "unknown", "does not say"},
		{"another's", answer(`{"data":{"verified":true},"corrUUID":"other"}`), "unknown", "not to what was asked"},
		{"broken", answer(`{"data":`), "unknown", "unexpected end"},
		{"large", answer(strings.Repeat(" ", maxAnswer+1)), "unknown", "more than"},
		{"page", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, "unknown", "not JSON"},
		{"not found", http.NotFound, "unknown", "404"},
		{"elsewhere", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/other", http.StatusFound) }, "unknown", "302"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := httptest.NewServer(c.handler)
			defer s.Close()
			got := NewClient(nil).Ask(t.Context(), Resolver{Name: "maker", URL: s.URL + "/vrs", Token: "secret"}, "0399999999991", uuid, product)
			if got.Outcome != c.outcome || !strings.Contains(got.Why, c.why) || strings.Contains(got.Why, "secret") || got.Product != product || got.ID != uuid {
				t.Errorf("%+v", got)
			}
		})
	}
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	if got := NewClient(nil).Ask(t.Context(), Resolver{Name: "gone", URL: s.URL}, "", uuid, product); got.Outcome != "unknown" || got.Why == "" {
		t.Errorf("nobody there: %+v", got)
	}
}

// answer gives a body, where the request is as the standard has it.
func answer(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if r.URL.EscapedPath() != "/vrs/verify/gtin/00300010123455/lot/L1/ser/A%2F1" || q.Get("exp") != "270131" || q.Get("linkType") != LinkType ||
			q.Get("context") != Context || q.Get("reqGLN") != "0399999999991" || r.Header.Get("Authorization") != "Bearer secret" {
			http.Error(w, "request "+r.URL.String(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		fmt.Fprint(w, body)
	}
}
