package statement

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"frostline/hub/fact"
	"frostline/hub/trace/epcis"
)

// Shipping is what a document for a trading partner is made of. All identifiers
// are EPC URNs.
type Shipping struct {
	Instance string // number of the document
	Created  time.Time
	Shipped  time.Time
	// Seller and Buyer own the product before and after; From and To are where it
	// leaves and arrives.
	Seller, Buyer, From, To fact.TradeParty
	// Order and Advice are the buyer's purchase order and the seller's despatch
	// advice, as URNs of business transactions; one of them may be "".
	Order, Advice string
	Drop          bool // a drop shipment
	Items         []fact.TradeItem
	Packages      []Package
	Commissioned  []Commissioned
}

// Package is a container that is shipped. EPC is the URN of its SSCC; where it
// has none its units are shipped by themselves.
type Package struct {
	EPC    string
	Packed time.Time
	Units  []string
}

// Commissioned says when and where units came to be, as who commissioned them
// has said, of those that are shipped alone.
type Commissioned struct {
	Time        time.Time
	Offset      string // "-05:00"
	Place       string // read point, may be ""
	Units       []string
	Lot, Expiry string
}

// Compose writes the document in EPCIS 1.2 XML. It holds no sensor data and
// nothing of patients. What it has written it reads again, and fails where that
// says something else; what the document lacks is in Fact.Problems of the result.
func Compose(s Shipping) ([]byte, *Document, error) {
	text, err := json.Marshal(map[string]any{
		"@context":      []any{epcis.ContextURL, map[string]string{"gs1ushc": Space}},
		"type":          epcis.CaptureDocument,
		"schemaVersion": "2.0",
		"creationDate":  stamp(s.Created),
		"epcisBody":     map[string]any{"eventList": s.events()},
	})
	if err != nil {
		return nil, nil, err
	}
	d, err := epcis.Parse(text, "application/ld+json")
	if err != nil {
		return nil, nil, fmt.Errorf("compose document: %w", err)
	}
	d.Sender, d.Receiver, d.Instance = s.Seller.URN, s.Buyer.URN, s.Instance
	d.Master = s.master()
	field := func(name, text string, kids ...epcis.Field) epcis.Field {
		return epcis.Field{Namespace: Space, Name: name, Text: text, Fields: kids}
	}
	d.Header = []epcis.Field{
		field("guidelineVersion", Guideline),
		field("dscsaTransactionStatement", "", field("affirmTransactionStatement", "true"), field("legalNotice", LegalNotice)),
	}
	var out bytes.Buffer
	omitted, err := epcis.EncodeXML12(&out, d)
	if err != nil {
		return nil, nil, fmt.Errorf("compose document: %w", err)
	}
	if len(omitted) > 0 {
		return nil, nil, fmt.Errorf("compose document: %w", omitted[0])
	}
	body := out.Bytes()
	back, err := Read(body, "application/xml")
	if err != nil {
		return nil, nil, fmt.Errorf("read what was composed: %w", err)
	}
	want := 0
	for _, p := range s.Packages {
		want += len(p.Units)
	}
	if len(back.Units) != want || want == 0 {
		return nil, nil, fmt.Errorf("composed document has %d units, %d were shipped", len(back.Units), want)
	}
	return body, back, nil
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

type jsonEvent map[string]any

// events are those of commissioning, packing and shipping.
func (s Shipping) events() (all []jsonEvent) {
	add := func(kind, action, step, disposition string, at time.Time, offset, place string, more jsonEvent) {
		e := jsonEvent{
			"type": kind, "action": action, "bizStep": step, "disposition": disposition,
			"eventTime": stamp(at), "eventTimeZoneOffset": offset,
		}
		if place != "" {
			e["readPoint"] = map[string]string{"id": place}
			if step != "shipping" {
				e["bizLocation"] = map[string]string{"id": place}
			}
		}
		for k, v := range more {
			e[k] = v
		}
		all = append(all, e)
	}
	for _, c := range s.Commissioned {
		add(epcis.ObjectEvent, epcis.Add, "commissioning", "active", c.Time, c.Offset, c.Place, jsonEvent{
			"epcList": c.Units, "ilmd": map[string]string{"cbvmda:lotNumber": c.Lot, "cbvmda:itemExpirationDate": c.Expiry},
		})
	}
	var shipped []string
	for _, p := range s.Packages {
		if p.EPC == "" {
			shipped = append(shipped, p.Units...)
			continue
		}
		shipped = append(shipped, p.EPC)
		add(epcis.ObjectEvent, epcis.Add, "commissioning", "active", p.Packed, "+00:00", s.From.URN, jsonEvent{"epcList": []string{p.EPC}})
		if len(p.Units) > 0 {
			add(epcis.AggregationEvent, epcis.Add, "packing", "in_progress", p.Packed, "+00:00", s.From.URN, jsonEvent{"parentID": p.EPC, "childEPCs": p.Units})
		}
	}
	var transactions []map[string]string
	if s.Order != "" {
		transactions = append(transactions, map[string]string{"type": "po", "bizTransaction": s.Order})
	}
	if s.Advice != "" {
		transactions = append(transactions, map[string]string{"type": "desadv", "bizTransaction": s.Advice})
	}
	parties := func(role, owner, location string) (list []map[string]string) {
		if owner != "" {
			list = append(list, map[string]string{"type": "owning_party", role: owner})
		}
		if location != "" {
			list = append(list, map[string]string{"type": "location", role: location})
		}
		return list
	}
	more := jsonEvent{
		"epcList": shipped, "gs1ushc:dropShipment": fmt.Sprint(s.Drop),
		"sourceList": parties("source", s.Seller.URN, s.From.URN), "destinationList": parties("destination", s.Buyer.URN, s.To.URN),
	}
	if len(transactions) > 0 {
		more["bizTransactionList"] = transactions
	}
	add(epcis.ObjectEvent, epcis.Observe, "shipping", "in_transit", s.Shipped, "+00:00", s.From.URN, more)
	return all
}

// master describes products and parties, each once.
func (s Shipping) master() (list []epcis.VocabularyElement) {
	attributes := func(pairs ...string) (out []epcis.Field) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i+1] != "" {
				out = append(out, epcis.Field{Name: attribute + "#" + pairs[i], Text: pairs[i+1]})
			}
		}
		return out
	}
	for _, it := range s.Items {
		kind := ""
		if it.NDC != "" {
			kind = "US_FDA_NDC"
		}
		list = append(list, epcis.VocabularyElement{Type: classType, ID: it.URN, Attributes: attributes(
			"additionalTradeItemIdentification", it.NDC, "additionalTradeItemIdentificationTypeCode", kind,
			"regulatedProductName", it.Name, "manufacturerOfTradeItemPartyName", it.Manufacturer,
			"dosageFormType", it.DosageForm, "strengthDescription", it.Strength, "netContentDescription", it.Container)})
	}
	var seen []string
	for _, p := range []fact.TradeParty{s.Seller, s.From, s.Buyer, s.To} {
		if p.URN == "" || slices.Contains(seen, p.URN) {
			continue
		}
		seen = append(seen, p.URN)
		list = append(list, epcis.VocabularyElement{Type: locationType, ID: p.URN, Attributes: attributes(
			"name", p.Name, "streetAddressOne", p.Street, "streetAddressTwo", p.Street2,
			"city", p.City, "state", p.State, "postalCode", p.Postal, "countryCode", p.Country)})
	}
	return list
}
