package statement

import (
	"strings"
	"testing"
	"time"

	"frostline/hub/fact"
)

func shipping(t testing.TB) Shipping {
	t.Helper()
	d, err := Read(example(t), "")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2023, 4, 10, 12, 0, 0, 0, time.UTC)
	p := func(gln string) fact.TradeParty { v, _ := party(d.Fact.Parties, gln); return v }
	return Shipping{
		Instance: "S-1", Created: at, Shipped: at.Add(-time.Hour),
		Seller: p("0399999999991"), From: p("0399993456780"), Buyer: p("0300011111116"), To: p("0300011111215"),
		Order: "urn:epcglobal:cbv:bt:0300011111116:PO-9", Items: d.Fact.Items[:1],
		Packages: []Package{
			{EPC: "urn:epc:id:sscc:039999.00000000012", Packed: at.Add(-2 * time.Hour), Units: []string{"urn:epc:id:sgtin:030001.0012345.11", "urn:epc:id:sgtin:030001.0012345.12"}},
			{Packed: at.Add(-2 * time.Hour), Units: []string{"urn:epc:id:sgtin:030001.0012345.13"}},
		},
		Commissioned: []Commissioned{{
			Time: d.Events[0].Time, Offset: d.Events[0].Offset, Place: d.Events[0].ReadPoint, Lot: "A123", Expiry: "2025-03-27",
			Units: []string{"urn:epc:id:sgtin:030001.0012345.11", "urn:epc:id:sgtin:030001.0012345.12", "urn:epc:id:sgtin:030001.0012345.13"},
		}},
	}
}

// TestCompose: what is composed has the shape of the guideline's example, and
// says all that is wanted.
func TestCompose(t *testing.T) {
	body, d, err := Compose(shipping(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Fact.Problems) != 0 || d.Fact.Buyer != "0300011111116" || !d.Fact.Affirmed || len(d.Units) != 3 || d.SchemaVersion != "1.2" {
		t.Errorf("description: %+v\n%s", d.Fact, body)
	}
	if d.Units[0] != (Unit{"00300010123455", "11", "A123", "2025-03-27"}) {
		t.Errorf("units: %v", d.Units)
	}
	for _, want := range []string{
		`schemaVersion="1.2"`, "urn:epcglobal:cbv:bizstep:shipping", "urn:epcglobal:cbv:btt:po", "<source type=\"urn:epcglobal:cbv:sdt:owning_party\">urn:epc:id:sgln:039999.999999.0</source>",
		"<gs1ushc:affirmTransactionStatement>true<", "<sbdh:HeaderVersion>", LegalNotice, "InstanceIdentifier>S-1<", "dropShipment>false<", "US_FDA_NDC", "urn:epcglobal:epcis:vtype:Location",
	} {
		if !strings.Contains(string(body), want) {
			t.Errorf("the document lacks %s\n%s", want, body)
		}
	}
	if strings.Contains(string(body), "sensor") {
		t.Error("the document has sensor data")
	}
}

// TestComposeLacking: what nobody has told is named, not invented.
func TestComposeLacking(t *testing.T) {
	s := shipping(t)
	s.Commissioned, s.Order, s.Items[0].Strength, s.Buyer.City = nil, "", "", ""
	_, d, err := Compose(s)
	if err != nil {
		t.Fatal(err)
	}
	fields := ""
	for _, p := range d.Fact.Problems {
		fields += p.Field + " "
	}
	if fields != "transaction buyer strength lot expiry lot expiry lot expiry " {
		t.Errorf("problems: %s", fields)
	}
	s.Packages = nil
	if _, _, err := Compose(s); err == nil {
		t.Error("an empty shipment was composed")
	}
}
