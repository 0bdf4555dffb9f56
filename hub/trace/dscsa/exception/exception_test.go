package exception

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestExamples: the PDG's own examples are taken.
func TestExamples(t *testing.T) {
	for name, n := range map[string]int{"hda_1_1A_overage_keep_product_report.json": 1, "hda_1_1A_overage_keep_product_report_2.json": 0} {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := ReadReport(text)
		if err != nil || r.Exceptions.Count() != n || r.Order != "ABD1234" {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		if _, err := ReadResponse(append(text[:len(text)-1], `,"response_items":[{}]}`...)); !errors.Is(err, ErrSchema) {
			t.Errorf("%s was taken as a response: %v", name, err)
		}
	}
	text, err := os.ReadFile("testdata/hda_1_1A_overage_keep_product_response.json")
	if err != nil {
		t.Fatal(err)
	}
	r, err := ReadResponse(text)
	if err != nil || len(r.Items) != 1 || r.Items[0].Answer != "Accept" {
		t.Errorf("response: %+v, %v", r, err)
	}
	for name, bad := range map[string]string{
		"cut":         string(text[:50]),
		"array":       "[]",
		"other word":  strings.Replace(string(text), `"Accept"`, `"Perhaps"`, 1),
		"no uuid":     strings.Replace(string(text), "b0059655-5998-5f66-8613-e117b80ee862", "1", 1),
		"large":       strings.Replace(string(text), "Accepted the", strings.Repeat("a", MaxBytes), 1),
		"upper case":  strings.Replace(string(text), "b0059655", "B0059655", 1),
		"deep":        strings.Repeat("[", 100_000),
		"two objects": string(text) + string(text),
	} {
		if _, err := ReadResponse([]byte(bad)); !errors.Is(err, ErrSchema) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCompare: each kind of exception is found, and the report obeys the schema.
func TestCompare(t *testing.T) {
	n := 0
	next := func() string { n++; return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }
	const g, h = "00300010123455", "00614141999996"
	told := []Unit{{g, "1", "A", "2027-01-31"}, {g, "2", "A", "2027-01-31"}, {g, "3", "", ""}}
	scanned := []Unit{{g, "9", "A", "2027-01-31"}, {g, "1", "B", "2027-01-31"}, {g, "3", "A", "2027-01-31"}, {g, "9", "A", "2027-01-31"}}
	x := Compare("file-1", told, scanned, map[string]int{g: 2, h: 1}, next)
	if len(x.NoData) != 1 || *x.NoData[0].Serial != "9" || len(x.NoProduct) != 1 || x.NoProduct[0].Serial != "2" ||
		len(x.Misfits) != 1 || x.Misfits[0].ReceivedLot != "B" || x.Misfits[0].DataLot != "A" ||
		len(x.Overages) != 1 || x.Overages[0].Received != 3 || len(x.Underages) != 1 || x.Underages[0].GTIN != h || x.Count() != 5 {
		t.Errorf("exceptions: %+v", x)
	}
	gln := "0399999999991"
	r := Report{Message: next(), Case: next(), Timestamp: 1, Order: "PO", Sender: Sender{GLN: &gln, Email: "dscsa@example.com"}, Exceptions: x}
	text, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if back, err := ReadReport(text); err != nil || back.Exceptions.Count() != 5 {
		t.Errorf("read again: %+v, %v", back, err)
	}
	if x := Compare("f", told, told, nil, next); x.Count() != 0 {
		t.Errorf("what agrees: %+v", x)
	}
}
