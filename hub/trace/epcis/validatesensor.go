package epcis

// sensor checks the i-th sensor element.
func (v *validator) sensor(p string, i int) {
	s := &v.e.Sensors[i]
	if len(s.Reports) == 0 {
		v.wrong(p+"/sensorReport", "at least one is required")
	}
	m, mp := &s.Metadata, p+"/sensorMetadata"
	if !m.Start.IsZero() && !m.End.IsZero() && m.End.Before(m.Start) {
		v.wrong(mp+"/endTime", "it is before startTime")
	}
	v.uris(mp, "deviceID", m.DeviceID, "deviceMetadata", m.DeviceMetadata, "rawData", m.RawData,
		"dataProcessingMethod", m.Method, "bizRules", m.Rules)
	for j := range s.Reports {
		v.report(v.index(p+"/sensorReport", j), &s.Reports[j])
	}
}

// uris checks pairs of a name and its value.
func (v *validator) uris(p string, pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		if s := pairs[i+1]; s != "" && !isURI(s) {
			v.wrong(p+"/"+pairs[i], "%q is no URI", s)
		}
	}
}

func (v *validator) report(p string, r *SensorReport) {
	if r.Type == "" && r.Exception == "" {
		v.wrong(p+"/type", "a report needs a type of measurement or an exception")
	}
	if !draftTypes[r.Type] {
		v.word(p+"/type", measurements, r.Type)
	}
	v.word(p+"/exception", alarms, r.Exception)
	v.word(p+"/component", components, r.Component)
	v.uris(p, "deviceID", r.DeviceID, "deviceMetadata", r.DeviceMetadata, "rawData", r.RawData,
		"dataProcessingMethod", r.Method, "bizRules", r.Rules, "microorganism", r.Microorganism,
		"chemicalSubstance", r.ChemicalSubstance, "coordinateReferenceSystem", r.Reference, "uriValue", r.URI)
	if r.Hex != "" && !allHex(r.Hex) {
		v.wrong(p+"/hexBinaryValue", "%q is not hexadecimal", r.Hex)
	}
	v.numbers(p, r)
}

func (v *validator) numbers(p string, r *SensorReport) {
	// That a number has no unit is no problem: the standard's own examples have
	// none. It cannot be converted then, and compares with nothing.
	switch {
	case r.Unit != "" && !isUnit(r.Unit):
		v.wrong(p+"/uom", "%q is no code of UNECE recommendation 20: two or three capitals or digits", r.Unit)
	case r.Unit != "" && misfit(r.Type, r.Unit):
		v.wrong(p+"/uom", "%q is no unit of %s", r.Unit, r.Type)
	}
	least, hasLeast := r.Min.Float()
	most, hasMost := r.Max.Float()
	if hasLeast && hasMost && least > most {
		v.wrong(p+"/minValue", "it is above maxValue")
	}
	if f, ok := r.StdDev.Float(); ok && f < 0 {
		v.wrong(p+"/sDev", "a standard deviation is not negative")
	}
	rank, ranked := r.PercRank.Float()
	if ranked && (rank < 0 || rank > 100) {
		v.wrong(p+"/percRank", "a percentile is between 0 and 100")
	}
	if ranked != (r.PercValue != "") {
		v.wrong(p+"/percRank", "percRank and percValue go together")
	}
}

// draftTypes are types of measurement that drafts of EPCIS 2.0 had and that are
// still in published examples. They are let pass and are no standard words.
var draftTypes = words("Humidity Molar_concentration EffectiveDoseRate")
