package statement

import (
	"cmp"
	"slices"
	"strings"

	"frostline/hub/fact"
	"frostline/hub/trace/epcis"
	"frostline/proto/gs1"
)

const maxMaster = 500 // of products, and of parties, that a description keeps

// said gives an attribute of master data.
func said(v epcis.VocabularyElement, name string) string {
	for _, a := range v.Attributes {
		n := a.Name
		if i := strings.LastIndexAny(n, "#:"); i >= 0 {
			n = n[i+1:]
		}
		if n == name {
			return a.Text
		}
	}
	return ""
}

// items are the products that the header describes.
func items(master []epcis.VocabularyElement) (out []fact.TradeItem) {
	for _, v := range master {
		gtin := classGTIN(v.ID)
		if v.Type != classType || gtin == "" || len(out) == maxMaster {
			continue
		}
		it := fact.TradeItem{
			GTIN: gtin, Name: said(v, "regulatedProductName"), Manufacturer: said(v, "manufacturerOfTradeItemPartyName"),
			DosageForm: said(v, "dosageFormType"), Strength: said(v, "strengthDescription"), Container: said(v, "netContentDescription"),
		}
		if strings.HasPrefix(v.ID, "urn:epc:") {
			it.URN = v.ID
		}
		// FDA_NDC_11 and others are forms of the same number; the hyphenated one of
		// ten digits is the label's.
		if kind := said(v, "additionalTradeItemIdentificationTypeCode"); strings.Contains(kind, "NDC") {
			it.NDC = said(v, "additionalTradeItemIdentification")
		}
		out = append(out, it)
	}
	slices.SortStableFunc(out, func(a, b fact.TradeItem) int { return cmp.Compare(a.GTIN, b.GTIN) })
	return out
}

// classGTIN is the trade item that a class or pattern of EPCs stands for.
func classGTIN(id string) string {
	if e, err := gs1.ReadURN(id); err == nil {
		return e.Elements().GTIN()
	}
	if e, err := gs1.ReadLink(id); err == nil {
		return e.Elements().GTIN()
	}
	return ""
}

// parties are the locations and parties that the header describes.
func parties(master []epcis.VocabularyElement) (out []fact.TradeParty) {
	for _, v := range master {
		gln := GLN(v.ID)
		if v.Type == classType || gln == "" || len(out) == maxMaster {
			continue
		}
		p := fact.TradeParty{
			GLN: gln, Name: said(v, "name"), Street: said(v, "streetAddressOne"), Street2: said(v, "streetAddressTwo"),
			City: said(v, "city"), State: said(v, "state"), Postal: said(v, "postalCode"), Country: said(v, "countryCode"),
		}
		if strings.HasPrefix(v.ID, "urn:epc:") {
			p.URN = v.ID
		}
		out = append(out, p)
	}
	slices.SortStableFunc(out, func(a, b fact.TradeParty) int { return cmp.Compare(a.GLN, b.GLN) })
	return out
}

func item(all []fact.TradeItem, gtin string) (fact.TradeItem, bool) {
	i, ok := slices.BinarySearchFunc(all, gtin, func(it fact.TradeItem, gtin string) int { return cmp.Compare(it.GTIN, gtin) })
	if !ok {
		return fact.TradeItem{}, false
	}
	return all[i], true
}

func party(all []fact.TradeParty, gln string) (fact.TradeParty, bool) {
	i, ok := slices.BinarySearchFunc(all, gln, func(p fact.TradeParty, gln string) int { return cmp.Compare(p.GLN, gln) })
	if !ok {
		return fact.TradeParty{}, false
	}
	return all[i], true
}
