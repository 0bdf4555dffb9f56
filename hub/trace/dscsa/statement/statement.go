// Package statement reads and makes documents by which trading partners exchange
// transaction information and statements (TI and TS) under the Drug Supply Chain
// Security Act: EPCIS 1.2 XML in the shape of GS1 US' implementation guideline
// R1.3, with the events of commissioning, packing and shipping, the master data
// of products and parties, and the transaction statement in the header.
//
// What has to be in a document is what section 581(26) and (27) of the FD&C Act
// lists. What is missing is named, each thing by itself, and nothing is guessed.
// Documents in any language that package epcis reads are taken.
package statement

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"frostline/hub/fact"
	"frostline/hub/trace/epcis"
	"frostline/proto/gs1"
)

// Space is the namespace of GS1 US' extensions for healthcare.
const Space = "http://epcis.gs1us.org/hc/ns"

// Guideline is the version of the guideline that documents are made by, and
// LegalNotice the transaction statement in its words.
const (
	Guideline   = "GS1 US DSCSA R1.3"
	LegalNotice = "Seller has complied with each applicable subsection of FDCA Sec. 581(27)(A)-(G)."
)

const (
	classType    = "urn:epcglobal:epcis:vtype:EPCClass"
	locationType = "urn:epcglobal:epcis:vtype:Location"
	attribute    = "urn:epcglobal:cbv:mda"
	maxProblems  = 100
	maxUnits     = 50_000
)

// Unit is a serialised unit of a document. Lot and Expiry (YYYY-MM-DD) are ""
// where nothing in the document says them.
type Unit struct {
	GTIN, Serial, Lot, Expiry string
}

// Document is a document with what is to be known of it.
type Document struct {
	*epcis.Document
	Fact fact.StatementDocument // without ID
	// Units changed hands by it, in the order of GTIN and serial.
	Units []Unit
}

// Read reads a document and describes it. It fails where it is no document, or
// has events that EPCIS does not allow; what the DSCSA wants and it does not say
// is in Fact.Problems.
func Read(body []byte, media string) (*Document, error) {
	d := &Document{}
	var events []*epcis.Event
	doc, err := epcis.Read(bytes.NewReader(body), media, epcis.Limits{DocumentBytes: int64(len(body)) + 1}, func(e *epcis.Event) error {
		if all := e.Validate(); len(all) > 0 {
			return fmt.Errorf("event %s: %w", e.Pointer(), all[0])
		}
		events = append(events, e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(doc.Problems) > 0 {
		return nil, doc.Problems[0]
	}
	if doc.Type != epcis.CaptureDocument {
		return nil, epcis.Problem{Pointer: "/type", Message: fmt.Sprintf("%q: want an EPCISDocument", doc.Type)}
	}
	doc.Events = events
	d.Document = doc
	return d, d.describe()
}

// describe finds out what the document says.
func (d *Document) describe() error {
	f := &d.Fact
	f.Sender, f.Receiver, f.Instance, f.Events = GLN(d.Sender), GLN(d.Receiver), d.Instance, len(d.Events)
	for _, h := range d.Header {
		if h.Namespace != Space {
			continue
		}
		switch h.Name {
		case "guidelineVersion":
			f.Guideline = h.Text
		case "dscsaTransactionStatement":
			for _, k := range h.Fields {
				f.Affirmed = f.Affirmed || k.Name == "affirmTransactionStatement" && strings.TrimSpace(k.Text) == "true"
			}
		}
	}
	f.Items, f.Parties = items(d.Master), parties(d.Master)
	var shipped []*epcis.Event
	for _, e := range d.Events {
		if e.BizStep == "shipping" && e.Action != epcis.Delete && e.Error == nil {
			shipped = append(shipped, e)
		}
	}
	for i, e := range shipped {
		if at := e.Time.UnixMilli(); i == 0 || at < f.Transaction {
			f.Transaction = at
		}
		f.Seller, f.Buyer = owner(f.Seller, e.Sources), owner(f.Buyer, e.Destinations)
		for _, t := range e.Transactions {
			if !slices.Contains(f.Transactions, t.ID) {
				f.Transactions = append(f.Transactions, t.ID)
			}
		}
	}
	var err error
	if d.Units, err = d.units(shipped); err != nil {
		return err
	}
	f.Units = len(d.Units)
	d.check(shipped)
	return nil
}

func owner(known string, all []epcis.Party) string {
	for _, p := range all {
		if p.Type == "owning_party" && known == "" {
			return GLN(p.ID)
		}
	}
	return known
}

// GLN gives the digits of a location or party, in whichever form it is named; ""
// for what has no GLN.
func GLN(id string) string {
	link := epcis.Canonical(id)
	e, err := gs1.ReadLink(link)
	if err != nil {
		if gs1.ValidGLN(id) {
			return id
		}
		return ""
	}
	for _, el := range e.Elements() {
		if el.AI == "414" || el.AI == "417" {
			return el.Value
		}
	}
	return ""
}

// serial takes the EPC of a serialised trade item apart.
func serial(epc string) (gtin, number string, ok bool) {
	e, err := gs1.ReadLink(epcis.Canonical(epc))
	if err != nil {
		return "", "", false
	}
	els := e.Elements()
	gtin, number = els.GTIN(), els.Serial()
	return gtin, number, gtin != "" && number != ""
}

// Date gives a date of master data as YYYY-MM-DD, "" where it is none.
func Date(s string) string {
	for _, form := range []string{"2006-01-02", time.RFC3339, "20060102", "060102"} {
		if t, err := time.Parse(form, s); err == nil {
			return t.Format("2006-01-02")
		}
	}
	return ""
}
