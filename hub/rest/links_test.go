package rest

import (
	"bytes"
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"frostline/hub/fact"
	"frostline/hub/orders"
	"frostline/hub/privacy"
	"frostline/hub/store/storetest"
)

// addressed are links under an address.
type addressed struct{ *privacy.Links }

func (addressed) URL(secret string) string { return "https://hub.example.com/p/" + secret }

func mountLinks(t testing.TB, w *world, om *orders.Model) Links {
	l, err := privacy.New(t.Context(), privacy.Options{Store: w.db, Key: filepath.Join(t.TempDir(), "key"), Log: storetest.Logger(t), Now: w.now,
		Known: func(ctx context.Context, id string) (bool, error) {
			return om.Known(ctx, w.db, fact.Ref{Kind: fact.Shipment, ID: id})
		}})
	if err != nil {
		t.Fatal(err)
	}
	w.links = l
	return addressed{l}
}

// TestKeptRepliesAreSealed: what is given once is not in the store, and is given
// again to whoever repeats the request.
func TestKeptRepliesAreSealed(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	w.t = t
	if r := ask(t, w.h, w.tokens["write"], "PUT", "/shipments/H1", `{}`); r.Code != http.StatusCreated {
		t.Fatal(r.Code, r.Body)
	}
	const body = `{"factor":"birth_year","secretAnswer":"1957","hours":24}`
	key := []string{keyHeader, "5d3a2f0e-3f0b-4a51-9df3-0d8f3c1f2a77"}
	first := ask(t, w.h, w.tokens["write"], "POST", "/shipments/H1/links", body, key...)
	again := ask(t, w.h, w.tokens["write"], "POST", "/shipments/H1/links", body, key...)
	if first.Code != http.StatusCreated || !bytes.Equal(first.Body.Bytes(), again.Body.Bytes()) {
		t.Fatalf("%d %s, and again %d %s", first.Code, first.Body, again.Code, again.Body)
	}
	_, rest, _ := strings.Cut(first.Body.String(), "/p/")
	if len(rest) < privacy.SecretLength || !privacy.Plausible(rest[:privacy.SecretLength]) {
		t.Fatalf("no address: %s", first.Body)
	}
	kept := 0
	for _, b := range w.column(t.Context(), "SELECT hex(body) FROM rest_reply") {
		kept++
		if !strings.HasPrefix(b, "017365616C") {
			t.Errorf("a reply is kept open: %s", b)
		}
	}
	if kept != 2-1 {
		t.Errorf("%d replies are kept", kept)
	}
	if r := ask(t, w.h, w.tokens["write"], "POST", "/shipments/H1/links", `{"factor":"zip","secretAnswer":"1957"}`); r.Code != http.StatusUnprocessableEntity || strings.Contains(r.Body.String(), "1957") {
		t.Errorf("a ZIP of four digits: %d %s", r.Code, r.Body)
	}
	for _, c := range [][2]string{{"actor", "other"}, {"person/ann", "operation"}} {
		if _, err := unseal(sealer(c[0], c[1], "key"), seal(sealer("person/ann", "create-patient-link", "key"), []byte("x"))); err == nil {
			t.Errorf("opened by %v", c)
		}
	}
}
