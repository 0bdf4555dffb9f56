package rest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"frostline/hub/dispatch"
	"frostline/hub/dispatch/carrier"
	"frostline/hub/fact"
	"frostline/hub/store/storetest"
)

// kurier is a partner that refuses every booking.
const kurier = `carrier: kurier
party: co1
private: true
incoming:
  authentication: {scheme: bearer, secret-files: [SECRET]}
  fields: {shipment: /shipment, status: /status, time: /at}
  time: {format: unix-ms}
  statuses: {"1": {ignore: true}}
booking: {url: "http://127.0.0.1:9/jobs"}
`

type refusesAll struct{}

func (refusesAll) Send(context.Context, carrier.Outgoing) (int, time.Duration, []byte, error) {
	return http.StatusBadRequest, 0, nil, nil
}

// mountCarriers makes a desk with one partner.
func mountCarriers(t testing.TB, w *world, d Dispatch, tell func(context.Context, string, string, fact.ShipmentReported) error) *carrier.Desk {
	t.Helper()
	secret, file := filepath.Join(t.TempDir(), "secret"), filepath.Join(t.TempDir(), "kurier.yaml")
	if err := os.WriteFile(secret, []byte("a-token-of-some-length"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(kurier, "SECRET", secret, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := carrier.LoadAll([]string{file})
	if err != nil {
		t.Fatal(err)
	}
	desk, err := carrier.New(carrier.Options{
		Carriers: all, Store: w.db, Events: w.log, Dispatch: d.(*dispatch.Dispatch), Tell: tell, Send: refusesAll{}, Now: w.now, Log: storetest.Logger(t),
		Site: func(context.Context, string) (*fact.Position, error) { return nil, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return desk
}

// carried has a partner send two messages that nobody understands, and refuse
// two bookings.
func (w *world) carried() {
	w.t.Helper()
	desk := w.carriers
	for _, body := range []string{`{"status":7}`, `{"status":8}`} {
		r := httptest.NewRequest(http.MethodPost, "/carriers/kurier/webhook", strings.NewReader(body))
		r.SetPathValue("carrier", "kurier")
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer a-token-of-some-length")
		out := httptest.NewRecorder()
		if desk.ServeHTTP(out, r); out.Code != http.StatusAccepted {
			w.t.Fatalf("message: %d %s", out.Code, out.Body)
		}
	}
	if _, err := desk.Settle(w.t.Context(), "kurier"); err != nil {
		w.t.Fatal(err)
	}
	events, err := w.log.Read(w.t.Context(), 0, 10_000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range events {
		if err := desk.Handle(w.t.Context(), e); err != nil {
			w.t.Fatal(err)
		}
	}
	if _, err := desk.Deliver(w.t.Context(), "kurier"); err != nil {
		w.t.Fatal(err)
	}
	failed, err := desk.Calls(w.t.Context(), "kurier", carrier.Failed, 0, 10)
	if err != nil || len(failed) < 2 {
		w.t.Fatalf("failed calls %v, %v; want two", failed, err)
	}
	w.vars["call"], w.vars["call2"] = failed[0].ID, failed[1].ID
}
