package dscsa

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/trace/dscsa/statement"
	"frostline/proto/gs1"
)

// Export says for whom a document of a shipment is made.
type Export struct {
	Shipment string
	Buyer    string // GLN of who owns the product then; "" for the GLN of the site it goes to
	Order    string // the buyer's purchase order; "" for the id of the shipment's order
	Advice   string // the seller's despatch advice; "" for the id of the shipment
	Drop     bool
}

// ErrIncomplete is wrapped where a document cannot be given out because the law
// wants what nobody has told.
var ErrIncomplete = errors.New("incomplete")

// Incomplete is what a document for a partner would lack.
type Incomplete struct{ Problems []fact.StatementProblem }

// Error names what is missing.
func (e Incomplete) Error() string {
	texts := []string{}
	for _, p := range e.Problems[:min(len(e.Problems), 10)] {
		texts = append(texts, strings.TrimSpace(p.Field+" "+p.About)+": "+p.Message)
	}
	if more := len(e.Problems) - len(texts); more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return "shipment: the document would be incomplete: " + strings.Join(texts, "; ")
}

// Unwrap makes it a refusal.
func (e Incomplete) Unwrap() []error { return []error{ErrIncomplete, record.ErrRefused} }

// Send makes the document of a shipment to a trading partner, keeps it and gives
// it. It fails with Incomplete where the document would lack something, and is
// refused for a shipment to a patient. What is the same as what was sent before is
// not kept twice.
func (d *Desk) Send(ctx context.Context, actor, reason string, x Export) (TradeStatement, error) {
	s, units, err := d.shipping(ctx, x)
	if err != nil {
		return TradeStatement{}, err
	}
	// The number of the document follows from what it says, so that the same
	// shipment again is the same document.
	draft, doc, err := statement.Compose(s)
	if err != nil {
		return TradeStatement{}, record.Refusedf("shipment: %w", err)
	}
	if len(doc.Fact.Problems) > 0 {
		return TradeStatement{}, Incomplete{doc.Fact.Problems}
	}
	s.Instance = "FL" + strings.ToUpper(digest(draft)[:24])
	body, doc, err := statement.Compose(s)
	if err != nil {
		return TradeStatement{}, record.Refusedf("shipment: %w", err)
	}
	sent := fact.StatementSent{StatementDocument: doc.Fact, Shipment: x.Shipment}
	sum := digest(body)
	ref := fact.Ref{Kind: fact.Statement, ID: "to-" + sum[:32]}
	sent.ID, sent.SHA256, sent.Bytes = ref.ID, sum, int64(len(body))
	var out TradeStatement
	err = d.command(ctx, actor, reason, func(ctx context.Context, ch event.Change) error {
		var found bool
		if out, found, err = d.o.Model.statements.Get(ctx, ch, ref.ID); err != nil || found {
			return err
		}
		if err := keep(ctx, ch, ref.ID, kindSent, Content{"application/xml", sum, body}, d.now()); err != nil {
			return err
		}
		if err := keepItems(ctx, ch, ref.ID, units); err != nil {
			return err
		}
		if err := add(ctx, ch, ref, fact.StatementWasSent, reason, sent); err != nil {
			return err
		}
		out, err = record.Get(ctx, ch, d.o.Model.statements, ref)
		return err
	})
	return out, err
}

// shipping gathers what a document is made of.
func (d *Desk) shipping(ctx context.Context, x Export) (s statement.Shipping, units []statement.Unit, err error) {
	if d.o.Config.GLN == "" {
		return s, nil, record.Refusedf("shipment: the hub does not know whose it is; set dscsa.gln in its configuration")
	}
	load, found, err := d.o.Shipments.Load(ctx, x.Shipment)
	switch {
	case err != nil:
		return s, nil, fmt.Errorf("look for shipment %s: %w", x.Shipment, err)
	case !found:
		return s, nil, fmt.Errorf("shipment %q: %w", x.Shipment, record.ErrNotFound)
	case load.Plan.To == "":
		return s, nil, record.Refusedf("shipment %q: goes to a patient's home; dispensing is no transaction, and its units keep their documents without", x.Shipment)
	case load.Dispatched == 0:
		return s, nil, record.Refusedf("shipment %q: has not left; a document is of what was shipped", x.Shipment)
	case x.Buyer == "" && load.To.GLN == "":
		return s, nil, record.Invalidf("buyer: site %q has no GLN; say who buys", load.Plan.To)
	}
	if x.Buyer == "" {
		x.Buyer = load.To.GLN
	}
	if x.Buyer == d.o.Config.GLN {
		return s, nil, record.Refusedf("buyer %q: is the company of this hub; nothing changes hands within it", x.Buyer)
	}
	if x.Order == "" {
		x.Order = load.Plan.Order
	}
	if x.Advice == "" {
		x.Advice = x.Shipment
	}
	s = statement.Shipping{Shipped: time.UnixMilli(load.Dispatched).UTC(), Created: time.UnixMilli(load.Dispatched).UTC(), Instance: "0", Drop: x.Drop}
	if x.Order != "" {
		s.Order = "urn:epcglobal:cbv:bt:" + x.Buyer + ":" + escape(x.Order)
	}
	s.Advice = "urn:epcglobal:cbv:bt:" + d.o.Config.GLN + ":" + escape(x.Advice)
	names := d.names()
	for _, p := range []struct {
		gln  string
		name string
		into *fact.TradeParty
	}{{d.o.Config.GLN, "", &s.Seller}, {x.Buyer, "", &s.Buyer}, {load.From.GLN, load.From.Name, &s.From}, {load.To.GLN, load.To.Name, &s.To}} {
		if p.gln == "" {
			continue
		}
		if *p.into, err = d.party(ctx, names, p.gln, p.name); err != nil {
			return s, nil, err
		}
	}
	if s.From.URN == "" {
		s.From = s.Seller
	}
	for _, parcel := range load.Parcels {
		for _, u := range parcel.Units {
			units = append(units, statement.Unit{GTIN: u.GTIN, Serial: u.Serial, Lot: u.Lot, Expiry: u.Expiry})
		}
	}
	if len(units) == 0 {
		return s, nil, record.Refusedf("shipment %q: no unit is known to have been in it", x.Shipment)
	}
	if s.Items, err = d.items(ctx, names, units); err != nil {
		return s, nil, err
	}
	if s.Packages, err = names.packages(load.Parcels); err != nil {
		return s, nil, err
	}
	s.Commissioned, err = d.commissioned(ctx, names, units)
	return s, units, err
}

// items describes the products of units, each once.
func (d *Desk) items(ctx context.Context, n *names, units []statement.Unit) (out []fact.TradeItem, err error) {
	gtins := map[string]bool{}
	for _, u := range units {
		gtins[u.GTIN] = true
	}
	for _, gtin := range slices.Sorted(maps.Keys(gtins)) {
		it, err := d.item(ctx, n, gtin)
		if err != nil {
			return nil, err
		}
		out = append(out, it)
	}
	return out, nil
}

// packages writes packages and their units as URNs. One that has no SSCC has no
// name that a partner would know: its units are shipped by themselves.
func (n *names) packages(parcels []Parcel) (out []statement.Package, err error) {
	for _, parcel := range parcels {
		p := statement.Package{Packed: time.UnixMilli(parcel.Packed).UTC()}
		if gs1.ValidSSCC(parcel.ID) {
			if p.EPC, err = n.urn("https://id.gs1.org/00/" + parcel.ID); err != nil {
				return nil, err
			}
		}
		for _, u := range parcel.Units {
			urn, err := n.urn(unitLink(u.GTIN, u.Serial))
			if err != nil {
				return nil, err
			}
			p.Units = append(p.Units, urn)
		}
		out = append(out, p)
	}
	return out, nil
}

// unitLink is the canonical Digital Link of a unit.
func unitLink(gtin, serial string) string {
	return "https://id.gs1.org/01/" + gtin + "/21/" + escape(serial)
}

// escape writes a text as a URN or Digital Link has it: all but RFC 3986's
// unreserved characters are escaped.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteString("%" + strings.ToUpper(strconv.FormatUint(uint64(c)|0x100, 16)[1:]))
	}
	return b.String()
}
