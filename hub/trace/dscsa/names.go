package dscsa

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/trace/dscsa/statement"
	"frostline/hub/trace/epcis"
	"frostline/hub/trace/repository"
	"frostline/proto/gs1"
)

// names writes keys as EPC URNs, for which the length of their company prefix has
// to be known: by the configuration, by a table, or by how partners wrote them.
type names struct {
	prefixes []string
	table    Translator
	items    map[string]fact.TradeItem // by GTIN, as far as asked
	parties  map[string]fact.TradeParty
}

func (d *Desk) names() *names {
	return &names{prefixes: d.o.Config.Prefixes, table: d.o.URN, items: map[string]fact.TradeItem{}, parties: map[string]fact.TradeParty{}}
}

// urn gives the EPC URN of a Digital Link.
func (n *names) urn(link string) (string, error) {
	e, err := gs1.ReadLink(link)
	if err != nil {
		return "", record.Invalidf("shipment: %q: %w", link, err)
	}
	els := e.Elements()
	for _, known := range []string{n.items[els.GTIN()].URN, n.parties[gln(els)].URN} {
		if known == "" {
			continue
		}
		if k, err := gs1.ReadURN(known); err == nil {
			if urn, err := e.URN(k.PrefixLength()); err == nil {
				return urn, nil
			}
		}
	}
	longest := 0
	for _, p := range n.prefixes {
		if strings.HasPrefix(e.Company(), p) && len(p) > longest {
			longest = len(p)
		}
	}
	if longest > 0 {
		if urn, err := e.URN(longest); err == nil {
			return urn, nil
		}
	}
	if n.table != nil {
		if urn, ok := n.table(link); ok {
			return urn, nil
		}
	}
	return "", record.Refusedf("shipment: the company prefix in %s is not known; add it to dscsa.company_prefixes of the hub's configuration", link)
}

func gln(els gs1.Elements) string {
	for _, ai := range []string{"414", "417"} {
		if v, ok := els.Get(ai); ok {
			return v
		}
	}
	return ""
}

// party is what documents tell of a company or location: the configuration's
// word before that of partners. fallback is its name where nobody has one.
func (d *Desk) party(ctx context.Context, n *names, gln, fallback string) (fact.TradeParty, error) {
	p, found, err := d.o.Model.parties.Get(ctx, d.o.Store, gln)
	if err != nil {
		return p, err
	}
	n.parties[gln] = p
	if i := slices.IndexFunc(d.o.Config.Parties, func(c Party) bool { return c.GLN == gln }); i >= 0 {
		p = d.o.Config.Parties[i].fact()
	} else if !found {
		p = fact.TradeParty{GLN: gln, Name: fallback}
	}
	p.URN, err = n.urn("https://id.gs1.org/414/" + gln)
	return p, err
}

// item is what documents tell of a product: of partners, completed by the catalog.
func (d *Desk) item(ctx context.Context, n *names, gtin string) (fact.TradeItem, error) {
	it, _, err := d.o.Model.items.Get(ctx, d.o.Store, gtin)
	if err != nil {
		return it, err
	}
	n.items[gtin] = it
	p, found, err := d.o.Products.ByGTIN(ctx, gtin)
	if err != nil {
		return it, fmt.Errorf("look for the product of GTIN %s: %w", gtin, err)
	}
	it.GTIN = gtin
	if found && it.Name == "" {
		it.Name = p.Name
	}
	if found && it.NDC == "" {
		it.NDC = p.NDC
	}
	if it.URN == "" {
		urn, err := n.urn(unitLink(gtin, "0"))
		if err != nil {
			return it, err
		}
		class := urn[:strings.LastIndexByte(urn, '.')]
		it.URN = strings.Replace(class, "urn:epc:id:", "urn:epc:idpat:", 1) + ".*"
	}
	return it, nil
}

const askAtOnce = 100 // EPCs of a query

// commissioned finds when and where units came to be, by events that somebody
// captured, and gathers those of one event and lot.
func (d *Desk) commissioned(ctx context.Context, n *names, units []statement.Unit) (out []statement.Commissioned, err error) {
	for part := range slices.Chunk(units, askAtOnce) {
		wanted := map[string]string{} // canonical link to URN
		var links []string
		for _, u := range part {
			link := epcis.Canonical(unitLink(u.GTIN, u.Serial))
			if wanted[link], err = n.urn(link); err != nil {
				return nil, err
			}
			links = append(links, link)
		}
		q := repository.Query{Filters: []repository.Filter{
			{Name: "MATCH_epc", Kind: repository.EPC, Values: links, Roles: []repository.Role{repository.Child}},
			{Name: "EQ_bizStep", Kind: repository.BizStep, Values: []string{"commissioning"}},
			{Name: "EQ_action", Kind: repository.Action, Values: []string{epcis.Add}},
		}}
		err = d.events(ctx, q, func(e *epcis.Event) error {
			if e.Type != epcis.ObjectEvent {
				return nil
			}
			c := statement.Commissioned{Time: e.Time, Offset: e.Offset, Lot: e.Master("lotNumber"), Expiry: statement.Date(e.Master("itemExpirationDate"))}
			if c.Lot == "" && c.Expiry == "" {
				return nil
			}
			if strings.HasPrefix(e.ReadPoint, "urn:epc:") {
				c.Place = e.ReadPoint
			}
			for _, epc := range e.EPCs {
				if urn, ok := wanted[epcis.Canonical(epc)]; ok {
					delete(wanted, epcis.Canonical(epc)) // the first one holds
					c.Units = append(c.Units, urn)
				}
			}
			if len(c.Units) > 0 {
				out = append(out, c)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

const (
	pageOf    = 200
	maxEvents = 20_000
)

// events visits the events of a query in the order of their times, but for those
// that were declared to be wrong and their declarations.
func (d *Desk) events(ctx context.Context, q repository.Query, visit func(*epcis.Event) error) error {
	var all []*epcis.Event
	wrong := map[string]bool{}
	var from *repository.Position
	for {
		rows, next, err := d.o.Repository.Fetch(ctx, q, from, pageOf)
		if err != nil {
			return fmt.Errorf("look for EPCIS events: %w", err)
		}
		for _, r := range rows {
			e, err := epcis.ParseEvent(r.Document)
			if err != nil {
				return fmt.Errorf("EPCIS event %s: %w", r.ID, err)
			}
			if e.Error != nil {
				wrong[e.ID] = true
				continue
			}
			all = append(all, e)
		}
		if len(all) > maxEvents {
			return record.Refusedf("about: more than %d events; ask for less at once", maxEvents)
		}
		if from = next; next == nil {
			break
		}
	}
	for _, e := range all {
		if wrong[e.ID] {
			continue
		}
		if err := visit(e); err != nil {
			return err
		}
	}
	return nil
}
