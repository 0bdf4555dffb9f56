package epcis

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// newEvent takes an event from its tree, which it keeps.
func newEvent(root node, s *scope, pointer string, v version) *Event {
	e := &Event{scope: s, pointer: pointer, version: v}
	var before []Problem
	if root.kind != kindObject {
		e.root = node{kind: kindObject}
		e.wrong(pointer, "an event is an object")
		return e
	}
	root.name = ""
	if ctx := root.member("@context"); ctx != nil {
		e.scope, before = s.with(ctx, at(pointer, "@context"))
		e.problems = slices.Clip(before)
		root.kids = slices.DeleteFunc(root.kids, func(n node) bool { return n.name == "@context" })
	}
	e.root = root
	e.takeAll()
	if len(e.problems) > len(before) {
		// Once more, now with pointers: most events need none.
		*e = Event{root: e.root, scope: e.scope, pointer: pointer, version: v, problems: before, trace: true}
		e.takeAll()
	}
	return e
}

func (e *Event) takeAll() {
	for i := range e.root.kids {
		e.take(&e.root.kids[i])
	}
}

// at and index are pointers of what is below p, while they are asked for.
func (e *Event) at(p, name string) string {
	if !e.trace {
		return ""
	}
	return at(p, name)
}

func (e *Event) index(p string, i int) string {
	if !e.trace {
		return ""
	}
	return atIndex(p, i)
}

func (e *Event) wrong(pointer, format string, args ...any) {
	e.problems = append(e.problems, Problem{pointer, fmt.Sprintf(format, args...)})
}

// take reads one member of the event into its typed field.
func (e *Event) take(n *node) {
	p := e.at(e.pointer, n.name)
	switch n.name {
	case "type":
		e.Type = strings.TrimPrefix(strings.TrimPrefix(e.text(n, p), "epcis:"), standardPrefixes["epcis"])
	case "eventID":
		e.ID = e.text(n, p)
	case "eventTime":
		e.Time = e.time(n, p)
	case "eventTimeZoneOffset":
		e.Offset = e.text(n, p)
	case "recordTime":
		e.RecordTime = e.time(n, p)
	case "action":
		e.Action = e.text(n, p)
	case "epcList":
		e.EPCs = e.texts(n, p)
	case "parentID":
		e.ParentID = e.text(n, p)
	case "childEPCs":
		e.ChildEPCs = e.texts(n, p)
	case "inputEPCList":
		e.InputEPCs = e.texts(n, p)
	case "outputEPCList":
		e.OutputEPCs = e.texts(n, p)
	case "quantityList":
		e.Quantities = e.quantities(n, p)
	case "childQuantityList":
		e.ChildQuantities = e.quantities(n, p)
	case "inputQuantityList":
		e.InputQuantities = e.quantities(n, p)
	case "outputQuantityList":
		e.OutputQuantities = e.quantities(n, p)
	case "transformationID":
		e.TransformationID = e.text(n, p)
	case "bizStep":
		e.BizStep = bizSteps.read(e.scope, e.text(n, p))
	case "disposition":
		e.Disposition = dispositions.read(e.scope, e.text(n, p))
	case "persistentDisposition":
		e.Set, e.Unset = e.persistent(n, p)
	case "readPoint":
		e.ReadPoint = e.place(n, p)
	case "bizLocation":
		e.BizLocation = e.place(n, p)
	case "bizTransactionList":
		for _, pair := range e.pairs(n, p, transactionTypes, "bizTransaction") {
			e.Transactions = append(e.Transactions, Transaction(pair))
		}
	case "sourceList":
		e.Sources = e.pairs(n, p, partyTypes, "source")
	case "destinationList":
		e.Destinations = e.pairs(n, p, partyTypes, "destination")
	case "certificationInfo":
		e.Certifications = e.texts(n, p)
	case "sensorElementList":
		e.elements(n, p, func(n *node, p string) { e.Sensors = append(e.Sensors, e.sensor(n, p)) })
	case "errorDeclaration":
		e.Error = e.declaration(n, p)
	case "ilmd":
		if n.kind != kindObject {
			e.wrong(p, "an object is wanted")
		}
		for i := range n.kids {
			e.stray(&n.kids[i], e.at(p, n.kids[i].name), true)
		}
	default:
		e.stray(n, p, true)
	}
}

func (e *Event) text(n *node, p string) string {
	if n.kind != kindText {
		e.wrong(p, "text is wanted")
		return ""
	}
	return e.expand(n.text)
}

// expand writes a prefix of the document's own out.
func (e *Event) expand(s string) string {
	if e.scope.plain() {
		return s
	}
	return e.scope.expand(s)
}

func (e *Event) time(n *node, p string) time.Time {
	t, ok := parseTime(n.text)
	if n.kind != kindText || !ok {
		e.wrong(p, "a time with its zone is wanted, as 2026-11-20T18:42:00.000Z, not %q", n.text)
	}
	return t
}

func (e *Event) number(n *node, p string) Number {
	if n.kind != kindNumber {
		e.wrong(p, "a number is wanted")
		return ""
	}
	if _, ok := Number(n.text).Float(); !ok {
		e.wrong(p, "the number %s is beyond what can be computed with", n.text)
		return ""
	}
	return Number(n.text)
}

// texts reads a list of texts, or one text alone.
func (e *Event) texts(n *node, p string) []string {
	if n.kind == kindText {
		return []string{e.expand(n.text)}
	}
	if n.kind != kindArray {
		e.wrong(p, "a list of texts is wanted")
		return nil
	}
	list := make([]string, 0, len(n.kids))
	for i := range n.kids {
		if n.kids[i].kind != kindText {
			e.wrong(e.index(p, i), "text is wanted")
			list = append(list, "") // keeps the places of the others
			continue
		}
		list = append(list, e.expand(n.kids[i].text))
	}
	return list
}

// elements calls f for each object of a list, or for one object alone.
func (e *Event) elements(n *node, p string, f func(n *node, p string)) {
	if n.kind != kindArray && n.kind != kindObject {
		e.wrong(p, "a list of objects is wanted")
		return
	}
	n.each(func(i int, m *node) {
		if m.kind != kindObject {
			e.wrong(e.index(p, i), "an object is wanted")
			m = &node{kind: kindObject}
		}
		f(m, e.index(p, i))
	})
}

func (e *Event) quantities(n *node, p string) (list []Quantity) {
	e.elements(n, p, func(n *node, p string) {
		var q Quantity
		for i := range n.kids {
			m, p := &n.kids[i], e.at(p, n.kids[i].name)
			switch m.name {
			case "epcClass":
				q.Class = e.text(m, p)
			case "quantity":
				q.Amount = e.number(m, p)
			case "uom":
				q.Unit = e.text(m, p)
			default:
				e.stray(m, p, false)
			}
		}
		list = append(list, q)
	})
	return list
}

func (e *Event) pairs(n *node, p string, types *vocabulary, value string) (list []Party) {
	e.elements(n, p, func(n *node, p string) {
		var pair Party
		for i := range n.kids {
			m, p := &n.kids[i], e.at(p, n.kids[i].name)
			switch m.name {
			case "type":
				pair.Type = types.read(e.scope, e.text(m, p))
			case value:
				pair.ID = e.text(m, p)
			default:
				e.stray(m, p, false)
			}
		}
		list = append(list, pair)
	})
	return list
}

func (e *Event) place(n *node, p string) (id string) {
	if n.kind != kindObject {
		e.wrong(p, "an object with an id is wanted")
		return ""
	}
	for i := range n.kids {
		m, p := &n.kids[i], e.at(p, n.kids[i].name)
		if m.name == "id" {
			id = e.text(m, p)
			continue
		}
		e.stray(m, p, true)
	}
	return id
}

func (e *Event) persistent(n *node, p string) (set, unset []string) {
	if n.kind != kindObject {
		e.wrong(p, "an object with set or unset is wanted")
		return nil, nil
	}
	for i := range n.kids {
		m, p := &n.kids[i], e.at(p, n.kids[i].name)
		switch m.name {
		case "set":
			set = e.dispositions(m, p)
		case "unset":
			unset = e.dispositions(m, p)
		default:
			e.stray(m, p, false)
		}
	}
	return set, unset
}

func (e *Event) dispositions(n *node, p string) []string {
	list := e.texts(n, p)
	for i := range list {
		list[i] = dispositions.read(e.scope, list[i])
	}
	return list
}

func (e *Event) declaration(n *node, p string) *ErrorDeclaration {
	if n.kind != kindObject {
		e.wrong(p, "an object with a declarationTime is wanted")
		return nil
	}
	d := &ErrorDeclaration{}
	for i := range n.kids {
		m, p := &n.kids[i], e.at(p, n.kids[i].name)
		switch m.name {
		case "declarationTime":
			d.Time = e.time(m, p)
		case "reason":
			d.Reason = errorReasons.read(e.scope, e.text(m, p))
		case "correctiveEventIDs":
			d.Corrective = e.texts(m, p)
		default:
			e.stray(m, p, true)
		}
	}
	return d
}

// stray says what is wrong with a member that is no field of the standard:
// nothing, if extensions are allowed there and its namespace is known.
func (e *Event) stray(n *node, p string, extensible bool) {
	if n.name == "rdfs:comment" || n.name == "comment" {
		return
	}
	name, attribute := strings.CutPrefix(n.name, "@")
	ns, _ := e.scope.name(name)
	switch {
	case attribute && (n.kind == kindObject || n.kind == kindArray):
		e.wrong(p, "a name with @ is an attribute of XML, which is a text")
	case ns != "" && extensible, attribute && !strings.Contains(name, ":"):
	case ns != "":
		e.wrong(p, "no extension is allowed here")
	case e.scope != nil && e.scope.terms[n.name] != "" && extensible:
	case strings.Contains(n.name, "://"), strings.HasPrefix(n.name, "urn:"):
		if !extensible {
			e.wrong(p, "no extension is allowed here")
		}
	case e.scope != nil && len(e.scope.remote) > 0 && extensible:
		// It may be declared there. Contexts are not fetched.
	case strings.Contains(name, ":"):
		prefix, _, _ := strings.Cut(name, ":")
		e.wrong(p, "the prefix %q is not declared; declare it in @context", prefix)
	default:
		e.wrong(p, "no field of this name is known here; an extension has a prefix that @context declares")
	}
}
