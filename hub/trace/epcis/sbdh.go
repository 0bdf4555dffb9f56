package epcis

import "time"

// sbdhSpace is the namespace of the Standard Business Document Header, which
// stands in the header of XML and says who sends what to whom.
const sbdhSpace = "http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader"

// find gives the first field with these names, each in the one before.
func find(list []Field, names ...string) *Field {
	for i := range list {
		f := &list[i]
		if f.Name != names[0] {
			continue
		}
		if len(names) == 1 {
			return f
		}
		if g := find(f.Fields, names[1:]...); g != nil {
			return g
		}
	}
	return nil
}

// business takes the sender, the receiver and the instance from the business
// header.
func (d *Document) business() {
	for _, to := range []struct {
		s    *string
		path []string
	}{
		{&d.Sender, []string{"StandardBusinessDocumentHeader", "Sender", "Identifier"}},
		{&d.Receiver, []string{"StandardBusinessDocumentHeader", "Receiver", "Identifier"}},
		{&d.Instance, []string{"StandardBusinessDocumentHeader", "DocumentIdentification", "InstanceIdentifier"}},
	} {
		if f := find(d.Header, to.path...); f != nil {
			*to.s = trim(f.Text)
		}
	}
}

// businessHeader makes a business header for a document that came without
// one, from what it says in its own members. It needs all three.
func (d *Document) businessHeader() *Field {
	if d.Sender == "" || d.Receiver == "" || d.Instance == "" {
		return nil
	}
	field := func(name, text string, kids ...Field) Field {
		return Field{Namespace: sbdhSpace, Name: name, Text: text, Fields: kids}
	}
	party := func(name, id string) Field {
		f := field("Identifier", id, Field{Name: "@Authority", Text: "GS1"})
		return field(name, "", f)
	}
	f := field("StandardBusinessDocumentHeader", "",
		field("HeaderVersion", "1.0"),
		party("Sender", d.Sender),
		party("Receiver", d.Receiver),
		field("DocumentIdentification", "",
			field("Standard", "EPCglobal"), field("TypeVersion", "1.0"), field("InstanceIdentifier", d.Instance),
			field("Type", "Events"), field("CreationDateAndTime", canonicalTime(d.Created.Format(time.RFC3339Nano)))))
	return &f
}
