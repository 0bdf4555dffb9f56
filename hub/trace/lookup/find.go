package lookup

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/trace/dscsa"
	"frostline/hub/trace/epcis"
	"frostline/hub/trace/repository"
	"frostline/proto/gs1"
)

// one finds a unit by its GTIN and serial. A case is a unit that has others in it.
func (d *Desk) one(ctx context.Context, f *Found, gtin, serial string) error {
	epc, err := link(gs1.Element{AI: "01", Value: gtin}, gs1.Element{AI: "21", Value: serial})
	if err != nil {
		return fmt.Errorf("unit %s: %w: %w", unitID(gtin, serial), ErrText, err)
	}
	u, found, err := d.told(ctx, gtin, serial)
	if err != nil {
		return err
	}
	events, err := d.inside(ctx, f, epc)
	if found || events {
		f.Units = append(f.Units, u)
	}
	return err
}

// told gives what the hub and partners' documents say of a unit.
func (d *Desk) told(ctx context.Context, gtin, serial string) (u Unit, found bool, err error) {
	id := unitID(gtin, serial)
	if u, found, err = d.unit(ctx, id); err != nil {
		return u, false, err
	}
	u.ID, u.GTIN, u.Serial = id, gtin, serial
	told, err := d.o.Documents.Mentions(ctx, fact.TraceAbout{GTIN: gtin, Serial: serial}, "", MaxUnits)
	for _, m := range told {
		found = true
		u.mention(m)
	}
	return u, found, err
}

func (d *Desk) unit(ctx context.Context, id string) (u Unit, found bool, err error) {
	k, found, err := d.o.Model.units.Get(ctx, d.o.Store, id)
	if found {
		u = k.unit(id)
	}
	return u, found, err
}

func (k known) unit(id string) Unit {
	return Unit{ID: id, GTIN: k.GTIN, Serial: k.Serial, Lot: k.Lot, Expiry: k.Expiry, Product: k.Product, Known: true}
}

// mention adds what a document says of a unit. What the hub knows goes first.
func (u *Unit) mention(m dscsa.UnitDocument) {
	u.Lot, u.Expiry = cmp.Or(u.Lot, m.Lot), cmp.Or(u.Expiry, m.Expiry)
	if !slices.Contains(u.Documents, m.Document) {
		u.Documents = append(u.Documents, m.Document)
	}
}

// stem begins the Digital Links of EPCIS events.
const stem = "https://id.gs1.org"

// link is the EPC of what elements name, as events have it.
func link(els ...gs1.Element) (string, error) {
	s, err := gs1.Elements(els).DigitalLink(stem)
	return epcis.Canonical(s), err
}

func about(epc string) repository.Query {
	return repository.Query{Filters: []repository.Filter{{Name: "MATCH_anyEPC", Kind: repository.EPC, Values: []string{epc}}}}
}

// lot finds the first units of a lot.
func (d *Desk) lot(ctx context.Context, f *Found, gtin, lot string) (err error) {
	if f.Units, err = d.Lot(ctx, gtin, lot, "", MaxUnits+1); err != nil {
		return err
	}
	if len(f.Units) == 0 {
		f.Lots = nil
	}
	f.cut()
	return nil
}

// cut leaves out units beyond the bound, and says so.
func (f *Found) cut() {
	if len(f.Units) > MaxUnits {
		f.Units, f.More = f.Units[:MaxUnits], true
	}
}

// Lot lists up to limit units of a lot after a unit's id: those that are known,
// and those that documents name.
func (d *Desk) Lot(ctx context.Context, gtin, lot, after string, limit int) ([]Unit, error) {
	found, err := d.o.Model.units.Find(ctx, d.o.Store, "lot", lotID(gtin, lot), after, limit)
	if err != nil {
		return nil, err
	}
	told, err := d.o.Documents.Mentions(ctx, fact.TraceAbout{GTIN: gtin, Lot: lot}, after, limit*2)
	if err != nil {
		return nil, err
	}
	return merge(found, told, limit*2, limit), nil
}

// merge joins units that are known and those that documents name, in order of
// ids. Where either list was cut short, nothing beyond its end is given.
func merge(found []event.Entry[known], told []dscsa.UnitDocument, cutTold, limit int) []Unit {
	all := map[string]*Unit{}
	end := "" // the last id up to which both lists are whole
	note := func(id string) { end = min(cmp.Or(end, id), id) }
	for _, e := range found {
		u := e.Doc.unit(e.ID)
		all[e.ID] = &u
	}
	if len(found) == limit {
		note(found[len(found)-1].ID)
	}
	for _, m := range told {
		id := unitID(m.GTIN, m.Serial)
		u := all[id]
		if u == nil {
			u = &Unit{ID: id, GTIN: m.GTIN, Serial: m.Serial}
			all[id] = u
		}
		u.mention(m)
	}
	if len(told) == cutTold {
		last := told[len(told)-1]
		note(unitID(last.GTIN, last.Serial))
	}
	var out []Unit
	for _, id := range slices.Sorted(maps.Keys(all)) {
		if end != "" && id > end || len(out) == limit {
			break
		}
		out = append(out, *all[id])
	}
	return out
}

// printed finds units with a serial, and lots, as they are printed on a box.
func (d *Desk) printed(ctx context.Context, f *Found, text string) error {
	found, err := d.o.Model.units.Find(ctx, d.o.Store, "serial", text, "", MaxUnits+1)
	if err != nil {
		return err
	}
	told, err := d.o.Documents.Mentions(ctx, fact.TraceAbout{Serial: text}, "", 2*MaxUnits)
	if err != nil {
		return err
	}
	f.Units = merge(found, told, 2*MaxUnits, MaxUnits+1)
	f.cut()
	lots, err := d.o.Model.lots.Find(ctx, d.o.Store, "lot", text, "", MaxUnits+1)
	if err != nil {
		return err
	}
	seen := map[Lot]bool{}
	add := func(l Lot) {
		if !seen[l] && len(f.Lots) < MaxUnits {
			seen[l] = true
			f.Lots = append(f.Lots, l)
		} else if !seen[l] {
			f.More = true
		}
	}
	for _, e := range lots {
		add(e.Doc)
	}
	told, err = d.o.Documents.Mentions(ctx, fact.TraceAbout{Lot: text}, "", 2*MaxUnits)
	for _, m := range told {
		add(Lot{m.GTIN, m.Lot})
	}
	return err
}

// product finds a product by its GTIN, with its lots.
func (d *Desk) product(ctx context.Context, f *Found, gtin string) error {
	p, found, err := d.o.Products.ByGTIN(ctx, gtin)
	if err != nil {
		return err
	}
	lots, err := d.o.Model.lots.Find(ctx, d.o.Store, "gtin", gtin, "", MaxUnits)
	if err != nil {
		return err
	}
	told, err := d.o.Documents.LotsOf(ctx, gtin, MaxUnits)
	if err != nil {
		return err
	}
	all := map[string]bool{}
	for _, e := range lots {
		all[e.Doc.Lot] = true
	}
	for _, l := range told {
		all[l] = true
	}
	if !found && len(all) == 0 {
		return nil
	}
	f.Products = append(f.Products, Product{gtin, p.ID, p.Name})
	f.More = f.More || len(lots) == MaxUnits || len(told) == MaxUnits
	for _, l := range slices.Sorted(maps.Keys(all)) {
		f.Lots = append(f.Lots, Lot{gtin, l})
	}
	return nil
}

const levels = 8 // of packaging in a GTIN with an NDC

// ndc finds the products of an NDC, at each level of packaging.
func (d *Desk) ndc(ctx context.Context, f *Found, code gs1.NDC) error {
	for level := range levels {
		gtin, err := code.GTIN(level)
		if err != nil { // which GTIN it is cannot be known
			return nil
		}
		if slices.ContainsFunc(f.Products, func(p Product) bool { return p.GTIN == gtin }) {
			continue
		}
		if err := d.product(ctx, f, gtin); err != nil {
			return err
		}
	}
	return nil
}

// container finds a logistic unit.
func (d *Desk) container(ctx context.Context, f *Found, sscc string) error {
	epc, err := link(gs1.Element{AI: "00", Value: sscc})
	if err != nil {
		return fmt.Errorf("container %s: %w: %w", sscc, ErrText, err)
	}
	known, err := d.o.Packages.HasPackage(ctx, sscc)
	if err != nil {
		return err
	}
	events, err := d.inside(ctx, f, epc)
	if known || events {
		f.Containers = append(f.Containers, Container{ID: sscc, Known: known})
	}
	return err
}

// inside finds what is in a thing by the events about it, and says whether there
// are any.
func (d *Desk) inside(ctx context.Context, f *Found, epc string) (events bool, err error) {
	rows, next, err := d.o.Events.Fetch(ctx, about(epc), nil, maxEvents)
	if err != nil {
		return false, fmt.Errorf("look for events about %s: %w", epc, err)
	}
	f.More = f.More || next != nil
	all, err := contents(rows, epc)
	if err != nil {
		return false, err
	}
	for _, child := range all {
		e, err := gs1.Parse(child)
		switch {
		case err != nil: // no key of GS1 can be looked for further
			f.More = true
		case e.SSCC() != "":
			f.Within = append(f.Within, Container{ID: e.SSCC()})
		case e.GTIN() != "" && e.Serial() != "" && len(f.Inside) < MaxUnits:
			u, _, err := d.told(ctx, e.GTIN(), e.Serial())
			if err != nil {
				return false, err
			}
			f.Inside = append(f.Inside, u)
		default:
			f.More = true
		}
	}
	return len(rows) > 0, nil
}

// contents is what a container has in it after events, oldest first: what was
// put in and not taken out since. Events that were declared wrong do not count.
func contents(rows []repository.Row, epc string) ([]string, error) {
	var events []*epcis.Event
	wrong := map[string]bool{}
	for _, r := range rows {
		e, err := epcis.ParseEvent(r.Document)
		if err != nil {
			return nil, fmt.Errorf("EPCIS event %s: %w", r.ID, err)
		}
		if e.Error != nil {
			wrong[e.ID] = true
			continue
		}
		events = append(events, e)
	}
	in := map[string]bool{}
	for _, e := range events {
		if wrong[e.ID] || e.Type != epcis.AggregationEvent || epcis.Canonical(e.ParentID) != epc {
			continue
		}
		if e.Action == epcis.Delete && len(e.ChildEPCs) == 0 {
			clear(in) // all of it
		}
		for _, child := range e.ChildEPCs {
			switch child = epcis.Canonical(child); e.Action {
			case epcis.Add:
				in[child] = true
			case epcis.Delete:
				delete(in, child)
			}
		}
	}
	return slices.Sorted(maps.Keys(in)), nil
}
