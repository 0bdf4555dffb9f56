package catalog

import "frostline/hub/fact"

// reference is a field that names another record.
type reference struct {
	field string
	ref   fact.Ref
}

// references lists what a record refers to.
func references(record fact.Record) (all []reference) {
	add := func(field string, kind fact.Kind, id string) {
		if id != "" {
			all = append(all, reference{field, fact.Ref{Kind: kind, ID: id}})
		}
	}
	switch r := record.(type) {
	case fact.ZoneRecord:
		add("site", fact.Site, r.Site)
		add("profile", fact.Profile, r.Profile)
	case fact.CompartmentRecord:
		add("vehicle", fact.Vehicle, r.Vehicle)
		add("profile", fact.Profile, r.Profile)
	case fact.GatewayRecord:
		add("site", fact.Site, r.Site)
		add("vehicle", fact.Vehicle, r.Vehicle)
	case fact.SensorRecord:
		add("gateway", fact.Gateway, gatewayOf(r.ID))
	case fact.CalibrationRecord:
		add("sensor", fact.Sensor, r.Sensor)
	case fact.ProductRecord:
		add("profile", fact.Profile, r.Profile)
	}
	return all
}

// Parents lists the fields of a kind by which List finds records, with the
// kind that each refers to.
func Parents(k fact.Kind) map[string]fact.Kind {
	switch k {
	case fact.Zone:
		return map[string]fact.Kind{"site": fact.Site, "profile": fact.Profile}
	case fact.Compartment:
		return map[string]fact.Kind{"vehicle": fact.Vehicle, "profile": fact.Profile}
	case fact.Gateway:
		return map[string]fact.Kind{"site": fact.Site, "vehicle": fact.Vehicle}
	case fact.Sensor:
		return map[string]fact.Kind{"gateway": fact.Gateway}
	case fact.Calibration:
		return map[string]fact.Kind{"sensor": fact.Sensor}
	case fact.Product:
		return map[string]fact.Kind{"profile": fact.Profile}
	}
	return nil
}

// unique is a field whose value only one record of a kind in use may have.
type unique struct{ field, value string }

func uniques(record fact.Record) []unique {
	var u unique
	switch r := record.(type) {
	case fact.SiteRecord:
		u = unique{"gln", r.GLN}
	case fact.PartyRecord:
		u = unique{"gln", r.GLN}
	case fact.ProductRecord:
		u = unique{"gtin", r.GTIN}
	}
	if u.value == "" {
		return nil
	}
	return []unique{u}
}
