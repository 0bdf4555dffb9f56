package statement

import (
	"fmt"
	"slices"
	"strings"

	"frostline/hub/fact"
	"frostline/hub/trace/epcis"
)

// check names what the DSCSA wants and the document does not say. Fields are
// named as section 581(26) lists them.
func (d *Document) check(shipped []*epcis.Event) {
	f := &d.Fact
	lack := func(field, about, format string, args ...any) {
		if len(f.Problems) == maxProblems {
			f.MoreProblems++
			return
		}
		f.Problems = append(f.Problems, fact.StatementProblem{Field: field, About: about, Message: fmt.Sprintf(format, args...)})
	}
	if !f.Affirmed {
		lack("transactionStatement", "", "the header has no dscsaTransactionStatement that is affirmed: without it there is no transaction statement")
	}
	if f.Sender == "" || f.Receiver == "" {
		lack("header", "", "the business header does not name sender and receiver by GLN")
	}
	if len(shipped) == 0 {
		lack("transaction", "", "no shipping event: nothing changes hands by this document")
		return
	}
	for _, e := range shipped {
		if len(e.Transactions) == 0 {
			lack("transaction", e.Pointer(), "the shipping event names no purchase order, invoice or despatch advice")
		}
		if len(e.Sensors) > 0 {
			lack("sensor", e.Pointer(), "sensor data do not belong into a document for partners")
		}
	}
	d.checkParty(lack, "seller", f.Seller)
	d.checkParty(lack, "buyer", f.Buyer)
	if len(d.Units) == 0 {
		lack("productIdentifier", "", "the shipping events move no serialised unit that the document names")
	}
	last := ""
	for _, u := range d.Units {
		if u.GTIN != last {
			last = u.GTIN
			d.checkItem(lack, u.GTIN)
		}
		about := u.GTIN + "." + u.Serial
		if u.Lot == "" {
			lack("lot", about, "no commissioning event says the unit's lot")
		}
		if u.Expiry == "" {
			lack("expiry", about, "no commissioning event says when the unit expires")
		}
	}
}

func (d *Document) checkParty(lack func(field, about, format string, args ...any), role, gln string) {
	if gln == "" {
		lack(role, "", "no shipping event names the owning party of the %s by GLN", role)
		return
	}
	p, ok := party(d.Fact.Parties, gln)
	if !ok {
		lack(role, gln, "the header has no name and address of the %s", role)
		return
	}
	var missing []string
	for _, a := range [][2]string{{"name", p.Name}, {"street", p.Street}, {"city", p.City}, {"state", p.State}, {"postal code", p.Postal}, {"country", p.Country}} {
		if a[1] == "" {
			missing = append(missing, a[0])
		}
	}
	// Other countries have no states.
	if p.Country != "US" {
		missing = slices.DeleteFunc(missing, func(s string) bool { return s == "state" })
	}
	if len(missing) > 0 {
		lack(role, gln, "the header does not say the %s's %s", role, strings.Join(missing, ", "))
	}
}

func (d *Document) checkItem(lack func(field, about, format string, args ...any), gtin string) {
	it, ok := item(d.Fact.Items, gtin)
	if !ok {
		lack("product", gtin, "the header does not describe the product")
		return
	}
	for _, a := range [][3]string{
		{"name", it.Name, "established or proprietary name"}, {"ndc", it.NDC, "National Drug Code"}, {"strength", it.Strength, "strength"},
		{"dosageForm", it.DosageForm, "dosage form"}, {"containerSize", it.Container, "container size"},
	} {
		if a[1] == "" {
			lack(a[0], gtin, "the header does not say the product's %s", a[2])
		}
	}
}
