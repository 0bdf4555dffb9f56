package epcis

func (e *Event) sensor(n *node, p string) (s SensorElement) {
	for i := range n.kids {
		m, p := &n.kids[i], e.at(p, n.kids[i].name)
		switch m.name {
		case "sensorMetadata":
			if m.kind != kindObject {
				e.wrong(p, "an object is wanted")
				continue
			}
			s.Metadata = e.metadata(m, p)
		case "sensorReport":
			e.elements(m, p, func(n *node, p string) { s.Reports = append(s.Reports, e.report(n, p)) })
		default:
			e.stray(m, p, true)
		}
	}
	return s
}

func (e *Event) metadata(n *node, p string) (d SensorMetadata) {
	for i := range n.kids {
		m, p := &n.kids[i], e.at(p, n.kids[i].name)
		switch m.name {
		case "time":
			d.Time = e.time(m, p)
		case "startTime":
			d.Start = e.time(m, p)
		case "endTime":
			d.End = e.time(m, p)
		case "deviceID":
			d.DeviceID = e.text(m, p)
		case "deviceMetadata":
			d.DeviceMetadata = e.text(m, p)
		case "rawData":
			d.RawData = e.text(m, p)
		case "dataProcessingMethod":
			d.Method = e.text(m, p)
		case "bizRules":
			d.Rules = e.text(m, p)
		default:
			e.flat(m, p)
		}
	}
	return d
}

func (e *Event) report(n *node, p string) (r SensorReport) {
	for i := range n.kids {
		m, p := &n.kids[i], e.at(p, n.kids[i].name)
		switch m.name {
		case "type":
			r.Type = measurements.read(e.scope, e.text(m, p))
		case "exception":
			r.Exception = alarms.read(e.scope, e.text(m, p))
		case "deviceID":
			r.DeviceID = e.text(m, p)
		case "deviceMetadata":
			r.DeviceMetadata = e.text(m, p)
		case "rawData":
			r.RawData = e.text(m, p)
		case "dataProcessingMethod":
			r.Method = e.text(m, p)
		case "bizRules":
			r.Rules = e.text(m, p)
		case "time":
			r.Time = e.time(m, p)
		case "microorganism":
			r.Microorganism = e.text(m, p)
		case "chemicalSubstance":
			r.ChemicalSubstance = e.text(m, p)
		case "component":
			r.Component = components.read(e.scope, e.text(m, p))
		case "stringValue":
			r.String = e.text(m, p)
		case "booleanValue":
			if m.kind != kindBool {
				e.wrong(p, "true or false is wanted")
				continue
			}
			r.Bool = m.text
		case "hexBinaryValue":
			r.Hex = e.text(m, p)
		case "uriValue":
			r.URI = e.text(m, p)
		case "value":
			r.Value = e.number(m, p)
		case "minValue":
			r.Min = e.number(m, p)
		case "maxValue":
			r.Max = e.number(m, p)
		case "meanValue":
			r.Mean = e.number(m, p)
		case "sDev":
			r.StdDev = e.number(m, p)
		case "percRank":
			r.PercRank = e.number(m, p)
		case "percValue":
			r.PercValue = e.number(m, p)
		case "uom":
			r.Unit = e.text(m, p)
		case "coordinateReferenceSystem":
			r.Reference = e.text(m, p)
		default:
			e.flat(m, p)
		}
	}
	return r
}

// flat is stray where XML has all fields in attributes, so that a name with @
// stands for nothing.
func (e *Event) flat(n *node, p string) {
	if n.name != "" && n.name[0] == '@' {
		e.wrong(p, "no field of this name is known here")
		return
	}
	e.stray(n, p, true)
}
