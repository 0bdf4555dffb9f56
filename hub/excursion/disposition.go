package excursion

import (
	"fmt"
	"slices"
	"strings"

	"frostline/hub/fact"
)

// Decision is what somebody decides about a unit, about all affected units of a
// lot, or about the package: exactly one of the three is named. That of a unit
// goes before that of its lot, and that before the package's.
type Decision struct {
	Unit     string
	Lot      string
	Package  string
	Decision string // one of fact.Decisions
}

// dispose gives the disposition of each affected unit, in the order of the
// facts. It fails, naming them, where units are left without a decision, and
// where a decision names what is not affected. A package of which not all units
// are listed, or none is known, needs a decision of its own.
func dispose(f fact.ExcursionFacts, decisions []Decision) ([]fact.Disposition, error) {
	units, lots, pkg := map[string]string{}, map[string]string{}, ""
	for i, d := range decisions {
		at := fmt.Sprintf("dispositions: number %d", i+1)
		if !slices.Contains(fact.Decisions, d.Decision) {
			return nil, invalid("%s: decision %q: want one of %v", at, d.Decision, fact.Decisions)
		}
		var into map[string]string
		var name string
		switch {
		case d.Unit != "" && d.Lot == "" && d.Package == "":
			into, name = units, d.Unit
			if !slices.ContainsFunc(f.Units, func(u fact.Affected) bool { return u.Unit == name }) {
				return nil, invalid("%s: unit %q is not affected", at, name)
			}
		case d.Lot != "" && d.Unit == "" && d.Package == "":
			into, name = lots, d.Lot
			if !slices.ContainsFunc(f.Units, func(u fact.Affected) bool { return u.Lot == name }) {
				return nil, invalid("%s: lot %q has no affected unit", at, name)
			}
		case d.Package == f.Package && d.Unit == "" && d.Lot == "":
			if pkg != "" {
				return nil, invalid("%s: package %q is decided twice", at, d.Package)
			}
			pkg = d.Decision
			continue
		default:
			return nil, invalid("%s: name exactly one of unit, lot, and package %q", at, f.Package)
		}
		if into[name] != "" {
			return nil, invalid("%s: %q is decided twice", at, name)
		}
		into[name] = d.Decision
	}
	var all []fact.Disposition
	var missing []string
	for _, u := range f.Units {
		d := fact.Disposition{Unit: u.Unit, Lot: u.Lot, Decision: units[u.Unit]}
		if d.Decision == "" && u.Lot != "" {
			d.Decision = lots[u.Lot]
		}
		if d.Decision == "" {
			d.Decision = pkg
		}
		if d.Decision == "" {
			missing = append(missing, u.Unit)
		}
		all = append(all, d)
	}
	if len(missing) > 0 {
		n := len(missing)
		missing = missing[:min(n, 10)]
		return nil, invalid("dispositions: %d of %d affected units have none, such as %s", n, len(f.Units), strings.Join(missing, ", "))
	}
	if len(f.Units) == 0 || f.MoreUnits > 0 {
		if pkg == "" {
			return nil, invalid("dispositions: not all units of package %q are listed: decide on the package", f.Package)
		}
		all = append(all, fact.Disposition{Package: f.Package, Decision: pkg})
	}
	return all, nil
}
