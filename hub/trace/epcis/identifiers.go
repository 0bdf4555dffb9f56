package epcis

import "slices"

// identifierFields are the members that hold identifiers, at any depth of the
// standard fields.
var identifierFields = words(`epcList parentID childEPCs inputEPCList outputEPCList epcClass transformationID id
	bizTransaction source destination deviceID deviceMetadata rawData dataProcessingMethod bizRules uriValue`)

// WithIdentifiers gives the event with each identifier in a standard field
// replaced by what convert makes of it: digital links for URNs, or the other
// way where the length of the company prefix is known. What convert gives back
// as it is stays. Extensions, the event's id and its hash id do not change, as
// long as convert keeps what the identifier means.
func (e *Event) WithIdentifiers(convert func(uri string) string) *Event {
	root := node{kind: kindObject, kids: slices.Clone(e.root.kids)}
	for i := range root.kids {
		if n := &root.kids[i]; standard[n.name] && n.name != "ilmd" && n.name != "errorDeclaration" {
			*n = converted(n, convert, identifierFields[n.name])
		}
	}
	return newEvent(root, e.scope, e.pointer, e.version)
}

// converted copies n as far as it changes.
func converted(n *node, convert func(string) string, identifier bool) node {
	m := *n
	if n.kind == kindText && identifier {
		m.text = convert(n.text)
	}
	if n.kids == nil {
		return m
	}
	m.kids = make([]node, len(n.kids))
	for i := range n.kids {
		k := &n.kids[i]
		m.kids[i] = converted(k, convert, identifier && k.name == "" || identifierFields[k.name])
	}
	return m
}
