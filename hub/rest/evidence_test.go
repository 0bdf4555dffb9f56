package rest

import (
	"context"
	"fmt"
	"testing"

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
