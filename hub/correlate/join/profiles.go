package join

import (
	"cmp"
	"slices"

	"frostline/hub/fact"
	"frostline/proto/thermal"
)

// Judge is a profile by which a package is judged. A product with budgets or
// an activation energy of its own is judged by itself; all others that share
// a profile are judged together.
type Judge struct {
	Profile thermal.Profile // with what the product adds
	Product string          // whose figures were added; "" for the profile alone
	Units   []string        // that are judged by it, ascending
}

// Key names a judge of a package.
func (j *Judge) Key() Key { return Key{j.Profile.ID, j.Profile.Version, j.Product} }

// Key names a judge of a package.
type Key struct {
	Profile string
	Version int
	Product string
}

func (k Key) compare(o Key) int {
	return cmp.Or(cmp.Compare(k.Profile, o.Profile), cmp.Compare(k.Version, o.Version), cmp.Compare(k.Product, o.Product))
}

// Judges gives the profiles by which a package is judged, in order of their
// keys, and what is missing for a unit to be judged: things referred to that
// nobody has told of. A package without a unit whose profile is known is judged
// by its own profile.
func (f *Facts) Judges(id string) (judges []Judge, missing []fact.Ref) {
	p := f.packages[id]
	if p == nil || p.packed == nil {
		return nil, []fact.Ref{{Kind: fact.Package, ID: id}}
	}
	packed := p.packed.record
	found := map[Key]*Judge{}
	lack := func(k fact.Kind, id string) { missing = append(missing, fact.Ref{Kind: k, ID: id}) }
	for _, u := range f.Units(id) {
		r, ok := f.units[u]
		if !ok {
			lack(fact.Unit, u)
			continue
		}
		j, ref, ok := f.judge(r.record.Product, packed.At)
		if !ok {
			missing = append(missing, ref)
			continue
		}
		if found[j.Key()] == nil {
			found[j.Key()] = j
		}
		found[j.Key()].Units = append(found[j.Key()].Units, u)
	}
	if len(found) == 0 && packed.Profile != "" {
		if v, ok := f.profile(packed.Profile, packed.Version, packed.At); ok {
			j := &Judge{Profile: v}
			found[j.Key()] = j
		} else {
			lack(fact.Profile, packed.Profile)
		}
	}
	for _, j := range found {
		judges = append(judges, *j)
	}
	slices.SortFunc(judges, func(a, b Judge) int { return a.Key().compare(b.Key()) })
	slices.SortFunc(missing, func(a, b fact.Ref) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID)) })
	return judges, slices.Compact(missing)
}

// judge gives the profile of a product as it was at an instant, with the
// product's own figures; else what is not known.
func (f *Facts) judge(product string, at int64) (*Judge, fact.Ref, bool) {
	d, ok := f.product(product, at)
	if !ok {
		return nil, fact.Ref{Kind: fact.Product, ID: product}, false
	}
	v, ok := f.profile(d.Profile, 0, at)
	if !ok {
		return nil, fact.Ref{Kind: fact.Profile, ID: d.Profile}, false
	}
	j := &Judge{Profile: v}
	if len(d.Budgets) > 0 || d.Activation != 0 {
		j.Product = product
		j.Profile.Budgets = append(slices.Clip(v.Budgets), d.Budgets...)
		j.Profile.Activation = cmp.Or(d.Activation, v.Activation)
	}
	return j, fact.Ref{}, true
}

// profile gives a version of a profile; of version 0 the one in force at an
// instant: the last whose From is not after it, else the first.
func (f *Facts) profile(id string, number int, at int64) (thermal.Profile, bool) {
	of := f.profiles[id]
	if number > 0 {
		v, ok := of[number]
		return v.record.Profile, ok
	}
	first, held := 0, 0
	for n, v := range of {
		if first == 0 || n < first {
			first = n
		}
		if v.record.From <= at && n > held {
			held = n
		}
	}
	v, ok := of[cmp.Or(held, first)]
	return v.record.Profile, ok
}

// product gives the record of a product that was the last to be recorded at an
// instant, else the first there is.
func (f *Facts) product(id string, at int64) (fact.ProductRecord, bool) {
	of := f.products[id]
	first, held := int64(0), int64(0)
	for n, v := range of {
		if first == 0 || n < first {
			first = n
		}
		if v.at <= at && n > held {
			held = n
		}
	}
	v, ok := of[cmp.Or(held, first)]
	return v.record, ok
}

// Units gives the units that were in a package at some instant of its watch,
// ascending.
func (f *Facts) Units(id string) []string {
	w, ok := f.Watch(id)
	if !ok {
		return nil
	}
	self := fact.Ref{Kind: fact.Package, ID: id}
	var out []string
	for u := range f.riders[self] {
		if u.Kind != fact.Unit {
			continue
		}
		for _, v := range f.during(u, w.From, w.To) {
			if v.In != nil && *v.In == self {
				out = append(out, u.ID)
				break
			}
		}
	}
	slices.Sort(out)
	return out
}
