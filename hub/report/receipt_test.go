package report

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"frostline/hub/dossier"
	"frostline/proto/thermal"
)

// oneDossier is of a shipment with a package of each outcome.
type oneDossier struct{}

func (oneDossier) Shipment(context.Context, string) (*dossier.Shipment, error) {
	low, high := thermal.Temp(-1500), thermal.Temp(9100)
	judged := func(id string, o thermal.Outcome) dossier.Package {
		return dossier.Package{ID: id, Units: []dossier.Unit{{ID: "00614141999996.A1", Product: "Insulin glargine"}}, Judgements: []dossier.Judgement{{
			Profile: thermal.Profile{ID: "insulin", Name: "Insulin glargine"}, Verdict: thermal.Verdict{Outcome: o, Monitored: 3_600_000, Unmonitored: 60_000, OutOfRange: 600_000, Min: &low, Max: &high},
		}}}
	}
	return &dossier.Shipment{ID: "H1", Packages: []dossier.Package{judged("P1", thermal.InRange), judged("P2", thermal.Excursion), judged("P3", thermal.Unknown), {ID: "P4"}}}, nil
}

func (oneDossier) Case(context.Context, string) (dossier.Case, dossier.Package, error) {
	return dossier.Case{}, dossier.Package{}, dossier.ErrNotFound
}

func TestAReceiptNamesNeitherPatientNorDrug(t *testing.T) {
	at := int64(1_790_000_000_000)
	d := &Desk{Dossiers: oneDossier{}, Bundle: func(context.Context, string) (Evidence, error) {
		return Evidence{SHA256: strings.Repeat("ab", 32)}, nil
	},
		Delivered: func(context.Context, string) (string, int64, error) { return "p1", at, nil }}
	r, err := d.Receipt(t.Context(), "H1")
	if err != nil {
		t.Fatal(err)
	}
	words := ""
	for _, p := range r.Packages {
		words += p.Temperature + "; "
		if strings.Contains(p.Says, "nsulin") {
			t.Errorf("%s names a drug: %s", p.ID, p.Says)
		}
		if p.Temperature != "in range" && !strings.Contains(p.Says, "not") && !strings.Contains(p.Says, "Nobody knows") {
			t.Errorf("%s is %s, and it says: %s", p.ID, p.Temperature, p.Says)
		}
	}
	if words != "in range; excursion; unknown; unknown; " || r.Delivered != at || r.Evidence == "" {
		t.Errorf("%+v", r)
	}
	one, err := ReceiptPDF(r)
	if err != nil {
		t.Fatal(err)
	}
	if two, err := ReceiptPDF(r); err != nil || !bytes.Equal(one, two) || !bytes.HasPrefix(one, []byte("%PDF")) {
		t.Errorf("printed again it differs, or %v", err)
	}
	d.Delivered = func(context.Context, string) (string, int64, error) { return "", 0, nil }
	if _, err := d.Receipt(t.Context(), "H1"); !errors.Is(err, ErrNotDelivered) {
		t.Errorf("not delivered: %v", err)
	}
}
