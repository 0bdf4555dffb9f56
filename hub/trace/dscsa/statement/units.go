package statement

import (
	"cmp"
	"fmt"
	"slices"

	"frostline/hub/trace/epcis"
)

// units gives the serialised units that the shipping events move: what they name
// and, of containers, whatever is in them at that time, down to what contains
// nothing.
func (d *Document) units(shipped []*epcis.Event) ([]Unit, error) {
	ordered := slices.Clone(d.Events)
	slices.SortStableFunc(ordered, func(a, b *epcis.Event) int { return a.Time.Compare(b.Time) })
	about := map[string]Unit{}
	inside := map[string]map[string]bool{}
	moved := map[string]bool{}
	isShipping := map[*epcis.Event]bool{}
	for _, e := range shipped {
		isShipping[e] = true
	}
	var open func(epc string, depth int)
	open = func(epc string, depth int) {
		if moved[epc] || depth > 8 || len(moved) > maxUnits {
			return
		}
		moved[epc] = true
		for child := range inside[epc] {
			open(child, depth+1)
		}
	}
	for _, e := range ordered {
		if e.Error != nil {
			continue
		}
		switch {
		case e.Type == epcis.ObjectEvent && e.Action == epcis.Add:
			lot, expiry := e.Master("lotNumber"), Date(e.Master("itemExpirationDate"))
			for _, epc := range e.EPCs {
				about[epcis.Canonical(epc)] = Unit{Lot: lot, Expiry: expiry}
			}
		case e.Type == epcis.AggregationEvent:
			parent := epcis.Canonical(e.ParentID)
			if e.Action == epcis.Delete && len(e.ChildEPCs) == 0 {
				delete(inside, parent)
			}
			for _, c := range e.ChildEPCs {
				child := epcis.Canonical(c)
				switch e.Action {
				case epcis.Add:
					if inside[parent] == nil {
						inside[parent] = map[string]bool{}
					}
					inside[parent][child] = true
				case epcis.Delete:
					delete(inside[parent], child)
				}
			}
		}
		if isShipping[e] {
			for _, epc := range slices.Concat(e.EPCs, []string{e.ParentID}, e.ChildEPCs) {
				if epc != "" {
					open(epcis.Canonical(epc), 0)
				}
			}
		}
	}
	if len(moved) > maxUnits {
		return nil, fmt.Errorf("document ships more than %d units and containers; send it in parts", maxUnits)
	}
	var out []Unit
	for epc := range moved {
		gtin, number, ok := serial(epc)
		if !ok || len(inside[epc]) > 0 { // a container
			continue
		}
		u := about[epc]
		u.GTIN, u.Serial = gtin, number
		out = append(out, u)
	}
	slices.SortFunc(out, func(a, b Unit) int {
		return cmp.Or(cmp.Compare(a.GTIN, b.GTIN), cmp.Compare(a.Serial, b.Serial))
	})
	return out, nil
}
