package epcis

import (
	"fmt"
	"slices"
	"strings"
)

// Validate says all that is wrong with the event: nothing, if it may be
// captured. It judges by EPCIS 2.0 and CBV 2.0, or by EPCIS 1.2 if that is what
// it came in. All forms of an identifier or of a word are equally right.
func (e *Event) Validate() []Problem {
	v := &validator{e: e}
	v.event()
	if len(v.problems) > 0 && !v.trace {
		v = &validator{e: e, trace: true}
		v.event()
	}
	return append(slices.Clip(e.problems), v.problems...)
}

// Pointer is where the event stood in its document.
func (e *Event) Pointer() string { return e.pointer }

// validator collects problems. Pointers are made only once one is found.
type validator struct {
	e        *Event
	trace    bool
	problems []Problem
}

func (v *validator) at(names ...string) string {
	if !v.trace {
		return ""
	}
	p := v.e.pointer
	for _, name := range names {
		p = at(p, name)
	}
	return p
}

func (v *validator) index(p string, i int, names ...string) string {
	if !v.trace {
		return ""
	}
	p = atIndex(p, i)
	for _, name := range names {
		p = at(p, name)
	}
	return p
}

func (v *validator) wrong(p, format string, args ...any) {
	v.problems = append(v.problems, Problem{p, fmt.Sprintf(format, args...)})
}

// has says whether the event has a member, be it right or wrong.
func (v *validator) has(name string) bool { return v.e.root.member(name) != nil }

func (v *validator) require(name, why string) {
	if !v.has(name) {
		v.wrong(v.at(name), "it is required%s", why)
	}
}

// fieldsOf are the fields each type has beside those that all have.
var fieldsOf = map[string]map[string]bool{
	ObjectEvent:         words("action epcList quantityList ilmd"),
	AggregationEvent:    words("action parentID childEPCs childQuantityList"),
	AssociationEvent:    words("action parentID childEPCs childQuantityList"),
	TransactionEvent:    words("action parentID epcList quantityList"),
	TransformationEvent: words("transformationID inputEPCList inputQuantityList outputEPCList outputQuantityList ilmd"),
}

var fieldsOfAll = words(`type eventID eventTime eventTimeZoneOffset recordTime bizStep disposition
	persistentDisposition readPoint bizLocation bizTransactionList sourceList destinationList certificationInfo
	sensorElementList errorDeclaration`)

func (v *validator) event() {
	e := v.e
	if !eventTypes[e.Type] {
		if v.has("type") {
			v.wrong(v.at("type"), "%q is no type of event; there are ObjectEvent, AggregationEvent, TransactionEvent, TransformationEvent and AssociationEvent", e.Type)
		} else {
			v.require("type", ": ObjectEvent, AggregationEvent, TransactionEvent, TransformationEvent or AssociationEvent")
		}
	} else {
		v.members(fieldsOf[e.Type])
	}
	v.require("eventTime", "")
	v.require("eventTimeZoneOffset", ", as \"+01:00\"")
	if v.has("eventTimeZoneOffset") && !isOffset(e.Offset) {
		v.wrong(v.at("eventTimeZoneOffset"), "%q is no offset between -14:00 and +14:00", e.Offset)
	}
	if v.has("eventID") {
		v.eventID(v.at("eventID"), e.ID)
	}
	v.what()
	v.why()
	v.where()
	if e.Error != nil {
		v.declaration()
	}
	for i, s := range e.Certifications {
		v.uri(v.index(v.at("certificationInfo"), i), s)
	}
	if v.has("sensorElementList") && len(e.Sensors) == 0 {
		v.wrong(v.at("sensorElementList"), "a list of sensor elements has at least one")
	}
	for i := range e.Sensors {
		v.sensor(v.index(v.at("sensorElementList"), i), i)
	}
}

// members refuses fields that the type or the version does not have.
func (v *validator) members(allowed map[string]bool) {
	for i := range v.e.root.kids {
		name := v.e.root.kids[i].name
		switch {
		case !standard[name]:
		case !allowed[name] && !fieldsOfAll[name]:
			v.wrong(v.at(name), "%s has no such field", article(v.e.Type))
		case v.e.version == version12 && no12[name]:
			v.wrong(v.at(name), "EPCIS 1.2 has no such field; send 2.0")
		}
	}
	if v.e.version == version12 && v.e.Type == AssociationEvent {
		v.wrong(v.at("type"), "EPCIS 1.2 has no AssociationEvent; send 2.0")
	}
}

func article(s string) string {
	if strings.ContainsRune("AEIOU", rune(s[0])) {
		return "an " + s
	}
	return "a " + s
}

// what checks the objects the event is about, and what its type and action
// require of them.
func (v *validator) what() {
	e := v.e
	v.action()
	objects := len(e.EPCs) + len(e.Quantities)
	children := len(e.ChildEPCs) + len(e.ChildQuantities)
	switch e.Type {
	case ObjectEvent:
		if objects == 0 && len(e.Sensors) == 0 {
			v.wrong(v.at("epcList"), "an ObjectEvent has an EPC, a quantity or a sensor element")
		}
		if objects == 0 && len(e.Sensors) > 0 && e.ReadPoint == "" && e.BizLocation == "" {
			v.wrong(v.at("readPoint"), "it is required of sensor data that is about no object")
		}
		if v.has("ilmd") && e.Action != Add {
			v.wrong(v.at("ilmd"), "an ObjectEvent has it only with the action ADD")
		}
	case AggregationEvent:
		if e.Action == Add || e.Action == Delete {
			v.require("parentID", " with the action "+e.Action)
		}
		if children == 0 && e.Action != Delete {
			v.wrong(v.at("childEPCs"), "a child or a quantity of children is required unless the action is DELETE")
		}
	case AssociationEvent:
		v.require("parentID", "")
		if children == 0 && e.Action != Delete {
			v.wrong(v.at("childEPCs"), "a child or a quantity of children is required unless the action is DELETE")
		}
	case TransactionEvent:
		if len(e.Transactions) == 0 {
			v.wrong(v.at("bizTransactionList"), "a TransactionEvent has at least one business transaction")
		}
		if objects == 0 && e.Action != Delete {
			v.wrong(v.at("epcList"), "an EPC or a quantity is required unless the action is DELETE")
		}
	case TransformationEvent:
		v.transformation()
	}
	v.epcs("epcList", e.EPCs)
	v.epcs("childEPCs", e.ChildEPCs)
	v.epcs("inputEPCList", e.InputEPCs)
	v.epcs("outputEPCList", e.OutputEPCs)
	v.quantities("quantityList", e.Quantities)
	v.quantities("childQuantityList", e.ChildQuantities)
	v.quantities("inputQuantityList", e.InputQuantities)
	v.quantities("outputQuantityList", e.OutputQuantities)
	if v.has("parentID") {
		v.identifier(v.at("parentID"), e.ParentID)
		if slices.Contains(e.ChildEPCs, e.ParentID) && e.ParentID != "" {
			v.wrong(v.at("parentID"), "the parent is among its children")
		}
	}
	if v.has("transformationID") {
		v.identifier(v.at("transformationID"), e.TransformationID)
	}
}

func (v *validator) action() {
	e := v.e
	if e.Type == TransformationEvent {
		return // members refuses one
	}
	v.require("action", ": ADD, OBSERVE or DELETE")
	if e.Action != "" && e.Action != Add && e.Action != Observe && e.Action != Delete {
		v.wrong(v.at("action"), "%q is no action; there are ADD, OBSERVE and DELETE", e.Action)
	}
}

func (v *validator) transformation() {
	e := v.e
	in := len(e.InputEPCs) + len(e.InputQuantities)
	out := len(e.OutputEPCs) + len(e.OutputQuantities)
	switch {
	case v.has("transformationID"):
		if in+out == 0 {
			v.wrong(v.at("inputEPCList"), "an input or an output is required")
		}
	default:
		if in == 0 {
			v.wrong(v.at("inputEPCList"), "an input is required, or a transformationID if another event has it")
		}
		if out == 0 {
			v.wrong(v.at("outputEPCList"), "an output is required, or a transformationID if another event has it")
		}
	}
}

func (v *validator) epcs(name string, list []string) {
	if len(list) == 0 {
		return
	}
	p := v.at(name)
	for i, s := range list {
		if s == "" && i < len(list) && v.e.trace {
			continue // said when it was read
		}
		v.identifier(v.index(p, i), s)
		if strings.HasPrefix(s, "urn:epc:class:") || strings.HasPrefix(s, "urn:epc:idpat:") || strings.HasPrefix(s, "urn:epc:pat:") {
			v.wrong(v.index(p, i), "%q is a class, not one object; it belongs into a quantity list", s)
		}
	}
	if i := duplicate(list); i >= 0 {
		v.wrong(v.index(p, i), "%q is there twice", list[i])
	}
}

// duplicate finds the second of two equal texts.
func duplicate(list []string) int {
	if len(list) <= 8 {
		for i := range list {
			if slices.Contains(list[:i], list[i]) {
				return i
			}
		}
		return -1
	}
	seen := make(map[string]bool, len(list))
	for i, s := range list {
		if seen[s] {
			return i
		}
		seen[s] = true
	}
	return -1
}

func (v *validator) quantities(name string, list []Quantity) {
	for i, q := range list {
		p := v.index(v.at(name), i)
		if q.Class == "" {
			v.wrong(p+"/epcClass", "it is required")
		} else {
			v.identifier(p+"/epcClass", q.Class)
			if strings.HasPrefix(q.Class, "urn:epc:id:sgtin:") || strings.HasPrefix(q.Class, "urn:epc:id:sscc:") {
				v.wrong(p+"/epcClass", "%q is one object, not a class", q.Class)
			}
		}
		if f, ok := q.Amount.Float(); ok && f < 0 {
			v.wrong(p+"/quantity", "a quantity is not negative")
		}
		if q.Unit != "" {
			if q.Amount == "" {
				v.wrong(p+"/uom", "a unit needs a quantity")
			}
			if !isUnit(q.Unit) {
				v.wrong(p+"/uom", "%q is no code of UNECE recommendation 20: two or three capitals or digits", q.Unit)
			}
		}
	}
}

// isUnit says whether s has the form of a code of UNECE recommendation 20.
func isUnit(s string) bool {
	if len(s) < 2 || len(s) > 3 {
		return false
	}
	for i := 0; i < len(s); i++ {
		if !isDigit(s[i]) && (s[i] < 'A' || s[i] > 'Z') {
			return false
		}
	}
	return true
}

// isOffset says whether s is "+hh:mm" or "-hh:mm" within 14 hours.
func isOffset(s string) bool {
	if len(s) != 6 || s[0] != '+' && s[0] != '-' || s[3] != ':' || !allDigits(s[1:3]) || !allDigits(s[4:6]) {
		return false
	}
	return s[1:3] < "14" && s[4:6] < "60" || s[1:] == "14:00"
}
