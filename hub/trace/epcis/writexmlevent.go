package epcis

import (
	"fmt"
	"slices"
	"strings"
)

// The order of fields in XML.
var (
	headOrder = []string{"eventTime", "recordTime", "eventTimeZoneOffset", "eventID", "errorDeclaration", "certificationInfo"}
	typeOrder = map[string][]string{
		ObjectEvent:         {"epcList", "action"},
		AggregationEvent:    {"parentID", "childEPCs", "action"},
		AssociationEvent:    {"parentID", "childEPCs", "action"},
		TransactionEvent:    {"bizTransactionList", "parentID", "epcList", "action"},
		TransformationEvent: {"inputEPCList", "inputQuantityList", "outputEPCList", "outputQuantityList", "transformationID"},
	}
	tailOrder = []string{"bizStep", "disposition", "readPoint", "bizLocation", "bizTransactionList"}
	// newOrder are those 1.2 nests in an extension, but in a transformation.
	newOrder = []string{"quantityList", "childQuantityList", "sourceList", "destinationList", "sensorElementList", "persistentDisposition", "ilmd"}
	// no12 are those 1.2 does not have.
	no12 = words("certificationInfo sensorElementList persistentDisposition")
)

func (x *xmlWriter) event(e *Event) error {
	old := x.version == version12
	if !eventTypes[e.Type] || old && e.Type == AssociationEvent {
		return fmt.Errorf("%s: an event of type %q has no form in EPCIS XML of that version", x.at, e.Type)
	}
	x.scope, x.spaces = e.scope, map[string]string{}
	outer := x.b
	x.b = nil
	if err := x.fields(e, old); err != nil {
		return err
	}
	inner := x.b
	x.b = outer
	newer := old && e.Type == TransformationEvent
	if newer {
		x.b = append(x.b, "<extension>"...)
	}
	x.b = append(x.b, "<"+e.Type...)
	attributes := x.b
	x.b = nil
	if err := x.attributes(&e.root); err != nil {
		return err
	}
	own := x.b
	x.b = attributes
	for _, p := range sortedKeys(x.spaces) {
		if err := x.attribute("xmlns:"+p, x.spaces[p]); err != nil {
			return err
		}
	}
	x.b = append(x.b, own...)
	x.b = append(x.b, '>')
	x.b = append(x.b, inner...)
	x.b = append(x.b, "</"+e.Type+">"...)
	if newer {
		x.b = append(x.b, "</extension>"...)
	}
	return nil
}

// fields writes all fields in the order of the schema, extensions last.
func (x *xmlWriter) fields(e *Event, old bool) error {
	var written []string
	write := func(names ...string) error {
		for _, name := range names {
			n := e.root.member(name)
			if n == nil || slices.Contains(written, name) {
				continue
			}
			written = append(written, name)
			if old && no12[name] {
				x.omitted = append(x.omitted, Problem{at(x.at, name), "EPCIS 1.2 has no place for it"})
				continue
			}
			if err := x.field(n); err != nil {
				return err
			}
		}
		return nil
	}
	nested := func(tag string, names ...string) error {
		before := len(x.b)
		x.b = append(x.b, "<"+tag+">"...)
		after := len(x.b)
		if err := write(names...); err != nil {
			return err
		}
		if len(x.b) == after {
			x.b = x.b[:before]
			return nil
		}
		x.b = append(x.b, "</"+tag+">"...)
		return nil
	}
	head := headOrder
	if old {
		head = headOrder[:3]
	}
	if err := write(head...); err != nil {
		return err
	}
	if old {
		if err := nested("baseExtension", headOrder[3:]...); err != nil {
			return err
		}
	}
	for _, name := range typeOrder[e.Type] {
		// 1.2 wants these lists even if they are empty.
		if old && e.root.member(name) == nil && (name == "epcList" || name == "childEPCs") {
			x.b = append(x.b, "<"+name+"/>"...)
		}
		if err := write(name); err != nil {
			return err
		}
	}
	if err := write(tailOrder...); err != nil {
		return err
	}
	var err error
	if old && e.Type != TransformationEvent {
		err = nested("extension", newOrder...)
	} else {
		err = write(newOrder...)
	}
	if err != nil {
		return err
	}
	// Whatever is left: fields of other types of event, and extensions.
	for i := range e.root.kids {
		n := &e.root.kids[i]
		if n.name == "type" || n.name[:min(1, len(n.name))] == "@" || slices.Contains(written, n.name) {
			continue
		}
		if standard[n.name] {
			err = x.field(n)
		} else {
			err = x.extension(n)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// word is a value of the vocabulary as XML has it: a URN, or with a prefix if
// it has none.
func (x *xmlWriter) word(v *vocabulary, s string) string {
	w := v.read(x.scope, trim(s))
	switch {
	case !v.words[w]:
		return x.value(s)
	case v.urn != "":
		return v.urn + w
	}
	return v.curie + w
}

// field writes a field of the standard.
func (x *xmlWriter) field(n *node) error {
	switch n.name {
	case "epcList", "childEPCs", "inputEPCList", "outputEPCList":
		return x.list(n, func(m *node) error { return x.leaf("epc", x.value(m.text)) })
	case "quantityList", "childQuantityList", "inputQuantityList", "outputQuantityList":
		return x.list(n, func(m *node) error { return x.object("quantityElement", m, "epcClass", "quantity", "uom") })
	case "bizTransactionList":
		return x.list(n, func(m *node) error { return x.pair("bizTransaction", transactionTypes, m) })
	case "sourceList":
		return x.list(n, func(m *node) error { return x.pair("source", partyTypes, m) })
	case "destinationList":
		return x.list(n, func(m *node) error { return x.pair("destination", partyTypes, m) })
	case "readPoint", "bizLocation":
		return x.object(n.name, n, "id")
	case "ilmd":
		return x.object(n.name, n)
	case "errorDeclaration":
		return x.object(n.name, n, "declarationTime", "reason", "correctiveEventIDs")
	case "persistentDisposition":
		return x.object(n.name, n, "unset", "set")
	case "sensorElementList":
		return x.list(n, func(m *node) error { return x.object("sensorElement", m, "sensorMetadata", "sensorReport") })
	case "bizStep":
		return x.leaf(n.name, x.word(bizSteps, n.text))
	case "disposition":
		return x.leaf(n.name, x.word(dispositions, n.text))
	}
	return x.each(n, func(m *node) error { return x.leaf(n.name, x.value(m.text)) })
}

func (x *xmlWriter) each(n *node, f func(*node) error) error {
	var failed error
	n.each(func(_ int, m *node) {
		if failed == nil {
			failed = f(m)
		}
	})
	return failed
}

func (x *xmlWriter) list(n *node, f func(*node) error) error {
	x.b = append(x.b, "<"+n.name+">"...)
	if err := x.each(n, f); err != nil {
		return err
	}
	x.b = append(x.b, "</"+n.name+">"...)
	return nil
}

// object writes an object: fields of the standard in their order, extensions
// behind them.
func (x *xmlWriter) object(tag string, n *node, order ...string) error {
	if n.kind != kindObject {
		return fmt.Errorf("%s: %q is no object", x.at, tag)
	}
	x.b = append(x.b, "<"+tag...)
	if err := x.attributes(n); err != nil {
		return err
	}
	x.b = append(x.b, '>')
	for _, name := range order {
		if m := n.member(name); m != nil {
			if err := x.inner(m); err != nil {
				return err
			}
		}
	}
	for i := range n.kids {
		if m := &n.kids[i]; !slices.Contains(order, m.name) && !strings.HasPrefix(m.name, "@") {
			if err := x.extension(m); err != nil {
				return err
			}
		}
	}
	x.b = append(x.b, "</"+tag+">"...)
	return nil
}

// inner writes a field within a field.
func (x *xmlWriter) inner(m *node) error {
	switch m.name {
	case "sensorMetadata":
		return x.report(m.name, m)
	case "sensorReport":
		return x.each(m, func(r *node) error { return x.report("sensorReport", r) })
	case "reason":
		return x.leaf(m.name, x.word(errorReasons, m.text))
	case "set", "unset":
		return x.each(m, func(r *node) error { return x.leaf(m.name, x.word(dispositions, r.text)) })
	case "correctiveEventIDs":
		return x.list(m, func(r *node) error { return x.leaf("correctiveEventID", x.value(r.text)) })
	}
	return x.leaf(m.name, x.value(m.text))
}

func (x *xmlWriter) pair(tag string, v *vocabulary, m *node) error {
	x.b = append(x.b, "<"+tag...)
	if t := m.member("type"); t != nil {
		if err := x.attribute("type", x.word(v, t.text)); err != nil {
			return err
		}
	}
	x.b = append(x.b, '>')
	if err := x.escape(x.value(m.member(tag).scalar())); err != nil {
		return err
	}
	x.b = append(x.b, "</"+tag+">"...)
	return nil
}

// report writes what has its fields in attributes; what is no scalar becomes a
// child.
func (x *xmlWriter) report(tag string, n *node) error {
	if n.kind != kindObject {
		return fmt.Errorf("%s: %q is no object", x.at, tag)
	}
	x.b = append(x.b, "<"+tag...)
	for i := range n.kids {
		m := &n.kids[i]
		if m.kind == kindObject || m.kind == kindArray || m.kind == kindNull || m.name == "comment" || m.name == "rdfs:comment" {
			continue
		}
		name, err := x.name(strings.TrimPrefix(m.name, "@"))
		if err != nil {
			return err
		}
		value := x.value(m.text)
		switch m.name {
		case "type":
			value = x.word(measurements, m.text)
		case "exception":
			value = x.word(alarms, m.text)
		case "component":
			value = x.word(components, m.text)
		}
		if err := x.attribute(name, value); err != nil {
			return err
		}
	}
	x.b = append(x.b, '>')
	for i := range n.kids {
		if m := &n.kids[i]; m.kind == kindObject || m.kind == kindArray || m.kind == kindNull {
			if err := x.extension(m); err != nil {
				return err
			}
		}
	}
	x.b = append(x.b, "</"+tag+">"...)
	return nil
}
