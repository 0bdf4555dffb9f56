package responder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"frostline/hub/record"
	"frostline/hub/store/storetest"
	"frostline/hub/trace/dscsa"
	"frostline/hub/trace/dscsa/vrs"
)

type tokens struct{}

func (tokens) Authenticate(_ context.Context, token string) (string, []string, bool, error) {
	switch token {
	case "good":
		return "partner/p", []string{"verify"}, true, nil
	case "other":
		return "partner/o", []string{"read", "write"}, true, nil
	case "down":
		return "", nil, false, errors.New("store is away")
	}
	return "", nil, false, nil
}

type desk struct{ asked dscsa.Inquiry }

func (d *desk) Verify(_ context.Context, by string, q dscsa.Inquiry) (vrs.Answer, error) {
	d.asked = q
	switch {
	case by != "partner/p":
		return vrs.Answer{}, errors.New("by " + by)
	case q.Product.Serial == "gone":
		return vrs.Answer{}, fmt.Errorf("gtin: %w", record.ErrNotFound)
	case q.Product.Serial == "bad":
		return vrs.Answer{}, record.Invalidf("serial: bad")
	}
	yes := true
	return vrs.Answer{Timestamp: "2026-11-21T00:00:00Z", Responder: "0399999999991", Data: vrs.Data{Verified: &yes}, UUID: q.UUID}, nil
}

func (d *desk) Deals(_ context.Context, gtin string) (string, error) {
	if gtin != "00300010123455" {
		return "", record.ErrNotFound
	}
	return "0399999999991", nil
}

func TestAnswers(t *testing.T) {
	d := &desk{}
	h, err := New(d, tokens{}, storetest.Logger(t))
	if err != nil {
		t.Fatal(err)
	}
	const good = "/verify/gtin/00300010123455/lot/A123/ser/A%2F1?exp=250327&linkType=verificationService&context=dscsaSaleableReturn&reqGLN=0300011111116&corrUUID=u&email=x%40example.com"
	for _, c := range []struct {
		name, method, target, token string
		status                      int
	}{
		{"good", "GET", good, "good", 200},
		{"no token", "GET", good, "", 401},
		{"wrong token", "GET", good, "bad", 401},
		{"no scope", "GET", good, "other", 403},
		{"store away", "GET", good, "down", 500},
		{"post", "POST", good, "good", 405},
		{"link type", "GET", strings.Replace(good, "verificationService", "other", 1), "good", 400},
		{"requester", "GET", strings.Replace(good, "0300011111116", "123", 1), "good", 400},
		{"gone", "GET", strings.Replace(good, "A%2F1", "gone", 1), "good", 404},
		{"bad", "GET", strings.Replace(good, "A%2F1", "bad", 1), "good", 400},
		{"long", "GET", good + strings.Repeat("&a=b", 600), "good", 400},
		{"elsewhere", "GET", "/verify/gtin/1", "good", 404},
		{"connect", "GET", "/checkConnectivity?gtin=00300010123455&reqGLN=0300011111116", "good", 200},
		{"connect unknown", "GET", "/checkConnectivity?gtin=00614141999996", "good", 404},
		{"connect bad", "GET", "/checkConnectivity?gtin=1", "good", 400},
	} {
		r := httptest.NewRequest(c.method, c.target, nil)
		if c.token != "" {
			r.Header.Set("Authorization", "Bearer "+c.token)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.status || (w.Code == 200) != (w.Header().Get("Content-Type") == "application/json") {
			t.Errorf("%s: got %d %s %s, want %d", c.name, w.Code, w.Header().Get("Content-Type"), w.Body, c.status)
		}
		if c.name == "good" {
			var a vrs.Answer
			if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || !*a.Data.Verified || a.UUID != "u" || d.asked.Product.Serial != "A/1" || d.asked.Product.Expiry != "250327" || d.asked.Requester != "0300011111116" {
				t.Errorf("answer: %s; asked %+v", w.Body, d.asked)
			}
		}
	}
	// Who guesses is slowed down, and others are not.
	last := 0
	for range 30 {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", good, nil))
		last = w.Code
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("guessing: got %d", last)
	}
}
