package rest

import (
	"context"
	"fmt"
	"testing"

	"frostline/hub/dossier"
	"frostline/hub/evidence"
	"frostline/hub/evidence/ledger"
)

// shortLog is an evidence log of one bundle.
type shortLog struct{}

func (shortLog) Bundle(_ context.Context, n uint64) ([]byte, error) {
	if n > 0 {
		return nil, fmt.Errorf("bundle %d: %w", n, ledger.ErrNoBundle)
	}
	return []byte("\x00\x05hello"), nil
}

// Entries of the evidence log say what happened: they are for tokens that may
// read, not for whoever reaches the address.
func TestPromise9EntriesOfTheLogNeedAToken(t *testing.T) {
	h := newAPI(t, Config{EvidenceLog: shortLog{}}).Handler()
	const at = "/evidence/entries/"
	wantProblem(t, ask(t, h, "", "GET", at+"0", ""), unauthorized)
	wantProblem(t, ask(t, h, "all", "GET", at+"1", ""), notFound)
	wantProblem(t, ask(t, h, "all", "GET", at+"-1", ""), unacceptable)
	w := ask(t, h, "all", "GET", at+"0", "")
	if w.Code != 200 || w.Body.String() != "\x00\x05hello" || w.Header().Get("Content-Type") != "application/octet-stream" {
		t.Errorf("got %d %q of type %q", w.Code, w.Body, w.Header().Get("Content-Type"))
	}
}

// onePager reports on S1 and nothing else.
type onePager struct{}

func (onePager) Shipment(_ context.Context, id string) ([]byte, error) {
	switch id {
	case "S1":
		return []byte("%PDF-"), nil
	case "S2":
		return nil, fmt.Errorf("shipment S2: %w", evidence.ErrBusy)
	}
	return nil, fmt.Errorf("shipment %q: %w", id, dossier.ErrNotFound)
}

func (o onePager) Case(ctx context.Context, id string) ([]byte, error) { return o.Shipment(ctx, id) }

func TestReports(t *testing.T) {
	h := newAPI(t, Config{Reports: onePager{}}).Handler()
	for _, at := range []string{"/shipments/%s/report", "/excursions/%s/report"} {
		wantProblem(t, ask(t, h, "", "GET", fmt.Sprintf(at, "S1"), ""), unauthorized)
		wantProblem(t, ask(t, h, "all", "GET", fmt.Sprintf(at, "S3"), ""), notFound)
		wantProblem(t, ask(t, h, "all", "GET", fmt.Sprintf(at, "S2"), ""), busy)
		wantProblem(t, ask(t, h, "all", "GET", fmt.Sprintf(at, "S%221"), ""), unacceptable)
		w := ask(t, h, "all", "GET", fmt.Sprintf(at, "S1"), "")
		if w.Code != 200 || w.Body.String() != "%PDF-" || w.Header().Get("Content-Type") != "application/pdf" || w.Header().Get("Content-Disposition") != `attachment; filename="report-S1.pdf"` {
			t.Errorf("got %d %q with %v", w.Code, w.Body, w.Header())
		}
	}
}
