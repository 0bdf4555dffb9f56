package epcis

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// HashID is the identifier that follows from what the event says, by CBV 2.0
// section 8.9: "ni:///sha-256;…?ver=CBV2.0". The same event has the same one
// in JSON and XML, whatever its order, its form of identifiers, its zone. The
// event's own id, its recordTime and its error declaration do not count.
func (e *Event) HashID() string { return e.HashIDWithout(nil) }

// HashIDWithout is HashID without the fields of the given names, which have
// their namespace in braces before them. A document may ask for that with ignoreFields; what
// keeps events must not follow it, or two events could be made to look alike.
func (e *Event) HashIDWithout(ignored []string) string {
	sum := sha256.Sum256([]byte(e.Prehash(ignored)))
	return "ni:///sha-256;" + hex.EncodeToString(sum[:]) + "?ver=CBV2.0"
}

// Prehash is the text that HashID is the hash of.
func (e *Event) Prehash(ignored []string) string {
	h := &hasher{scope: e.scope}
	var b strings.Builder
	b.Grow(1024)
	b.WriteString("eventType=")
	b.WriteString(e.Type)
	var rest []string
	for i := range eventOrder {
		f := &eventOrder[i]
		if n := e.root.member(f.name); n != nil && !h.ignores(ignored, n) {
			b.WriteString(h.field(f, n))
			if s := h.residue(f, n); s != "" {
				rest = append(rest, s)
			}
		}
	}
	// What has no place in the order of properties comes last and sorted: the
	// lists of transactions, destinations and sources, ILMD, extensions.
	for i := range e.root.kids {
		n := &e.root.kids[i]
		switch {
		case h.ignores(ignored, n), unhashed[n.name], ordered[n.name]:
		case n.name == "bizTransactionList", n.name == "sourceList", n.name == "destinationList":
			if s := h.pairs(n); s != "" {
				rest = append(rest, n.name+s)
			}
		default:
			rest = h.extension(rest, n)
		}
	}
	slices.Sort(rest)
	for _, s := range rest {
		b.WriteString(s)
	}
	return b.String()
}

func (h *hasher) ignores(ignored []string, n *node) bool {
	return len(ignored) > 0 && slices.Contains(ignored, clark(h.scope.name(n.name)))
}

// unhashed are members that do not count.
var unhashed = words("type eventID recordTime errorDeclaration @context comment rdfs:comment")

// property is a standard field with the order of what is in it.
type property struct {
	name  string
	as    string // what each element of a list is called, if it is one
	kids  []property
	time  bool
	words *vocabulary // of its value
}

var (
	quantityOrder = []property{{name: "epcClass"}, {name: "quantity"}, {name: "uom"}}
	placeOrder    = []property{{name: "id"}}

	// eventOrder is the canonical order of properties, as the reference
	// implementation has it.
	eventOrder = []property{
		{name: "eventTime", time: true},
		{name: "eventTimeZoneOffset"},
		{name: "certificationInfo"},
		{name: "parentID"},
		{name: "epcList", as: "epc"},
		{name: "inputEPCList", as: "epc"},
		{name: "childEPCs", as: "epc"},
		{name: "quantityList", as: "quantityElement", kids: quantityOrder},
		{name: "childQuantityList", as: "quantityElement", kids: quantityOrder},
		{name: "inputQuantityList", as: "quantityElement", kids: quantityOrder},
		{name: "outputEPCList", as: "epc"},
		{name: "outputQuantityList", as: "quantityElement", kids: quantityOrder},
		{name: "action"},
		{name: "transformationID"},
		{name: "bizStep", words: bizSteps},
		{name: "disposition", words: dispositions},
		{name: "persistentDisposition", kids: []property{{name: "set", words: dispositions}, {name: "unset", words: dispositions}}},
		{name: "readPoint", kids: placeOrder},
		{name: "bizLocation", kids: placeOrder},
		{name: "sensorElementList", as: "sensorElement", kids: []property{
			{name: "sensorMetadata", kids: []property{
				{name: "time", time: true}, {name: "startTime", time: true}, {name: "endTime", time: true},
				{name: "deviceID"}, {name: "deviceMetadata"}, {name: "rawData"},
				{name: "dataProcessingMethod"}, {name: "bizRules"}}},
			{name: "sensorReport", kids: []property{
				{name: "type", words: measurements}, {name: "exception", words: alarms},
				{name: "deviceID"}, {name: "deviceMetadata"}, {name: "rawData"}, {name: "dataProcessingMethod"},
				{name: "time", time: true}, {name: "microorganism"}, {name: "chemicalSubstance"}, {name: "value"},
				{name: "component", words: components}, {name: "stringValue"}, {name: "booleanValue"},
				{name: "hexBinaryValue"}, {name: "uriValue"}, {name: "minValue"}, {name: "maxValue"},
				{name: "meanValue"}, {name: "sDev"}, {name: "percRank"}, {name: "percValue"}, {name: "uom"},
				{name: "coordinateReferenceSystem"}}},
		}},
	}
	ordered = func() map[string]bool {
		m := map[string]bool{}
		for _, p := range eventOrder {
			m[p.name] = true
		}
		return m
	}()
)

// hasher writes parts of the text to hash.
type hasher struct{ scope *scope }

// field is a standard field: each of its values with the name before it, or
// its elements sorted behind one name.
func (h *hasher) field(p *property, n *node) string {
	list := make([]string, 0, len(n.kids)+1)
	n.each(func(_ int, m *node) {
		name := p.name
		if p.as != "" {
			name = p.as
		}
		if s := h.value(name, p, m); s != "" {
			list = append(list, s)
		}
	})
	if len(list) == 0 {
		return ""
	}
	slices.Sort(list)
	if p.as == "" && len(list) == 1 {
		return list[0]
	}
	if p.as != "" {
		list = slices.Insert(list, 0, p.name)
	}
	return strings.Join(list, "")
}

// value is the name with "=" and a scalar, or with the fields of an object in
// their order; nothing if there is no value.
func (h *hasher) value(name string, p *property, n *node) string {
	if n.kind != kindObject {
		if s, ok := h.plain(p, n); ok {
			return name + "=" + s
		}
		return ""
	}
	var b strings.Builder
	b.WriteString(name)
	for i := range p.kids {
		if m := n.member(p.kids[i].name); m != nil {
			b.WriteString(h.field(&p.kids[i], m))
		}
	}
	// Extensions come behind the fields of what they are in.
	var rest []string
	for i := range n.kids {
		if m := &n.kids[i]; p.kid(m.name) == nil && h.extends(m) {
			rest = h.extension(rest, m)
		}
	}
	slices.Sort(rest)
	for _, s := range rest {
		b.WriteString(s)
	}
	if b.Len() == len(name) {
		return ""
	}
	return b.String()
}

func (p *property) kid(name string) *property {
	for i := range p.kids {
		if p.kids[i].name == name {
			return &p.kids[i]
		}
	}
	return nil
}

// extends says whether a member is in a namespace.
func (h *hasher) extends(n *node) bool {
	ns, _ := h.scope.name(strings.TrimPrefix(n.name, "@"))
	return ns != ""
}

// residue are the members of a standard field that are neither in the order of
// properties nor in a namespace, under the names they are in: bizRules in a
// report. They come last in the event.
func (h *hasher) residue(p *property, n *node) string {
	if p.kids == nil {
		return ""
	}
	name := p.name
	if p.as != "" {
		name = p.as
	}
	var list []string
	n.each(func(_ int, e *node) {
		if e.kind != kindObject {
			return
		}
		var inner []string
		for i := range e.kids {
			m := &e.kids[i]
			if q := p.kid(m.name); q != nil {
				if s := h.residue(q, m); s != "" {
					inner = append(inner, s)
				}
			} else if !h.extends(m) {
				inner = h.extension(inner, m)
			}
		}
		if len(inner) > 0 {
			slices.Sort(inner)
			list = append(list, name+strings.Join(inner, ""))
		}
	})
	if len(list) == 0 {
		return ""
	}
	slices.Sort(list)
	if p.as != "" {
		return p.name + strings.Join(list, "")
	}
	return strings.Join(list, "")
}

// plain is the canonical form of a scalar, and false if it is empty.
func (h *hasher) plain(p *property, n *node) (string, bool) {
	s := strings.TrimSpace(n.text)
	if s == "" || n.kind == kindNull {
		return "", false
	}
	if p.time {
		return canonicalTime(s), true
	}
	if p.words != nil {
		s = p.words.uri(p.words.read(h.scope, s))
	}
	return h.canonical(s), true
}

// scalar is a scalar with "=" before it, or nothing.
func (h *hasher) scalar(p *property, n *node) string {
	if s, ok := h.plain(p, n); ok {
		return "=" + s
	}
	return ""
}

// pairs are the elements of a list of transactions, sources or destinations:
// the type stands before what it is the type of.
func (h *hasher) pairs(n *node) string {
	types := partyTypes
	if n.name == "bizTransactionList" {
		types = transactionTypes
	}
	value := strings.TrimSuffix(n.name, "List")
	var list []string
	n.each(func(_ int, m *node) {
		var s string
		if t := m.member("type"); t != nil {
			s = "type" + h.scalar(&property{words: types}, t)
		}
		if v := m.member(value); v != nil {
			s += value + h.scalar(&property{}, v)
		}
		list = append(list, s)
	})
	slices.Sort(list)
	return strings.Join(list, "")
}

// extension appends an extension, with its namespace in braces, or each of
// its values if it is a list.
func (h *hasher) extension(list []string, n *node) []string {
	if unhashed[n.name] && (n.name == "comment" || n.name == "rdfs:comment") {
		return list
	}
	name := strings.TrimPrefix(n.name, "@")
	name = clark(h.scope.name(name))
	n.each(func(_ int, m *node) { list = append(list, name+h.content(m)) })
	return list
}

// content is what an extension holds.
func (h *hasher) content(n *node) string {
	switch n.kind {
	case kindObject, kindArray:
		var own string
		var list []string
		for i := range n.kids {
			if m := &n.kids[i]; m.name == "#text" {
				own = h.scalar(&property{}, m)
			} else {
				list = h.extension(list, m)
			}
		}
		slices.Sort(list)
		return own + strings.Join(list, "")
	}
	return h.scalar(&property{}, n)
}
