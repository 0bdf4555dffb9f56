package epcis

import "strings"

// standard are the members of an event that EPCIS defines, over all types.
var standard = words(`type eventID eventTime eventTimeZoneOffset recordTime action epcList parentID childEPCs
	inputEPCList outputEPCList quantityList childQuantityList inputQuantityList outputQuantityList transformationID
	bizStep disposition persistentDisposition readPoint bizLocation bizTransactionList sourceList destinationList
	certificationInfo sensorElementList errorDeclaration ilmd`)

// Extensions are the fields of the event that EPCIS does not define.
func (e *Event) Extensions() []Field {
	var list []Field
	for i := range e.root.kids {
		if n := &e.root.kids[i]; !standard[n.name] {
			list = e.scope.field(list, n)
		}
	}
	return list
}

// ILMD is the master data of an instance or lot: its lot number, its expiry.
func (e *Event) ILMD() []Field { return e.scope.fields(e.root.member("ilmd")) }

// masterData is the namespace of CBV's master data attributes in XML. In JSON it
// may have a colon at its end.
const masterData = "urn:epcglobal:cbv:mda"

// Master gives an attribute of CBV's master data in the ILMD, such as
// lotNumber or itemExpirationDate, and "" if the event has none.
func (e *Event) Master(attribute string) string {
	for _, f := range e.ILMD() {
		if f.Name == attribute && strings.TrimSuffix(f.Namespace, ":") == masterData {
			return f.Text
		}
	}
	return ""
}

// fields are the members of an object.
func (s *scope) fields(n *node) (list []Field) {
	if n == nil {
		return nil
	}
	for i := range n.kids {
		list = s.field(list, &n.kids[i])
	}
	return list
}

// field appends a member: once, or once for each element of an array.
func (s *scope) field(list []Field, n *node) []Field {
	name, attribute := strings.CutPrefix(n.name, "@")
	ns, local := s.name(name)
	if attribute {
		local = "@" + local
	}
	n.each(func(_ int, m *node) {
		f := Field{Namespace: ns, Name: local}
		switch m.kind {
		case kindObject:
			for i := range m.kids {
				if m.kids[i].name == "#text" {
					f.Text = m.kids[i].text
					continue
				}
				f.Fields = s.field(f.Fields, &m.kids[i])
			}
		case kindArray:
			f.Fields = s.field(nil, &node{kind: kindArray, kids: m.kids})
		default:
			f.Text = m.text
		}
		list = append(list, f)
	})
	return list
}
