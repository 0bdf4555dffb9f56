package statement

import (
	"os"
	"strings"
	"testing"
)

func example(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/GS1_US_Pharma_Example_2_2_1_1.xml")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestRead: the guideline's own example says all that is wanted, and is
// understood.
func TestRead(t *testing.T) {
	d, err := Read(example(t), "application/xml")
	if err != nil {
		t.Fatal(err)
	}
	f := d.Fact
	if len(f.Problems) != 0 || !f.Affirmed || f.Guideline != Guideline || f.Sender != "0300011111116" || f.Receiver != "0399999999991" || f.Instance != "1100220001" {
		t.Errorf("description: %+v", f)
	}
	if f.Seller != "0300011111116" || f.Buyer != "0399999999991" || f.Transaction != 1680335296000 || len(f.Transactions) != 2 || f.Events != 8 {
		t.Errorf("transaction: %+v", f)
	}
	if len(d.Units) != 12 || d.Units[0] != (Unit{"00300010123455", "11", "A123", "2025-03-27"}) {
		t.Errorf("units: %v", d.Units)
	}
	if len(f.Items) != 2 || f.Items[0].NDC != "0001-0123-45" || f.Items[0].Name != "Epcistra" || len(f.Parties) != 4 || f.Parties[0].City != "Thousand Oaks" {
		t.Errorf("master data: %+v %+v", f.Items, f.Parties)
	}
}

// TestIncomplete: each thing that is missing is named.
func TestIncomplete(t *testing.T) {
	whole := string(example(t))
	for _, c := range []struct {
		name, old, new string
		field, about   string
		n              int
	}{
		{"not affirmed", ">true</gs1ushc:affirm", ">false</gs1ushc:affirm", "transactionStatement", "", 1},
		{"no strength", `<attribute id="urn:epcglobal:cbv:mda#strengthDescription">100mg</attribute>`, "", "strength", "00300010123455", 1},
		{"no name", `mda#regulatedProductName"`, `mda#other"`, "name", "00300010123455", 1},
		{"no lot", "<cbvmda:lotNumber>A123</cbvmda:lotNumber>", "", "lot", "00300010123455.11", 12},
		{"no city", `<attribute id="urn:epcglobal:cbv:mda#city">Thousand Oaks</attribute>`, "", "seller", "0300011111116", 1},
		{"no buyer", `<destination type="urn:epcglobal:cbv:sdt:owning_party">urn:epc:id:sgln:039999.999999.0</destination>`, "", "buyer", "", 1},
		{"no statement", "bizstep:shipping", "bizstep:loading", "transaction", "", 1},
		{"not packed", "<epc>urn:epc:id:sgtin:030001.1012345.110</epc>\n                    <epc>urn:epc:id:sgtin:030001.1012345.111</epc>\n                    <epc>urn:epc:id:sgtin:030001.1012345.121</epc>\n                </childEPCs>", "</childEPCs>", "productIdentifier", "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.ReplaceAll(whole, c.old, c.new)
			if text == whole {
				t.Fatal("the example has changed")
			}
			if c.name == "not packed" {
				text = strings.ReplaceAll(text, "<parentID>urn:epc:id:sscc:030001.41234567890</parentID>\n                <childEPCs>\n                    </childEPCs>", "<parentID>urn:epc:id:sscc:030001.41234567890</parentID>\n                <childEPCs><epc>urn:epc:id:sscc:030001.41234567891</epc></childEPCs>")
			}
			d, err := Read([]byte(text), "")
			if err != nil {
				t.Fatal(err)
			}
			if got := d.Fact.Problems; len(got) != c.n || got[0].Field != c.field || got[0].About != c.about {
				t.Errorf("problems: %+v", got)
			}
		})
	}
}

// TestRefused: what is no document, or has events that cannot be.
func TestRefused(t *testing.T) {
	whole := string(example(t))
	for name, text := range map[string]string{
		"cut":       whole[:len(whole)/2],
		"no time":   strings.Replace(whole, "<eventTime>2023-03-27T06:45:16Z</eventTime>", "", 1),
		"bomb":      `<!DOCTYPE a [<!ENTITY b "c">]>` + whole[38:],
		"text":      "transaction statement",
		"one event": `{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],"type":"ObjectEvent","eventTime":"2023-03-27T06:45:16Z","eventTimeZoneOffset":"-05:00","epcList":["urn:epc:id:sgtin:030001.0012345.11"],"action":"OBSERVE"}`,
	} {
		if d, err := Read([]byte(text), ""); err == nil {
			t.Errorf("%s: taken: %+v", name, d.Fact)
		}
	}
}
