package binding

import (
	"encoding/json"

	"frostline/hub/trace/epcis"
	"frostline/hub/trace/repository"
)

// attribute is one of master data, as it is stored.
type attribute struct {
	Namespace string      `json:"namespace,omitempty"`
	Name      string      `json:"name"`
	Text      string      `json:"text,omitempty"`
	Fields    []attribute `json:"fields,omitempty"`
}

// masters are the master data of a document's header.
func masters(doc *epcis.Document) (all []repository.Element) {
	for _, m := range doc.Master {
		if m.ID == "" {
			continue
		}
		document, err := json.Marshal(attributes(m.Attributes))
		if err != nil { // they are texts
			continue
		}
		e := repository.Element{Type: m.Type, ID: epcis.Canonical(m.ID), Document: document}
		for _, c := range m.Children {
			e.Children = append(e.Children, epcis.Canonical(c))
		}
		all = append(all, e)
	}
	return all
}

func attributes(all []epcis.Field) []attribute {
	out := []attribute{}
	for _, f := range all {
		a := attribute{Namespace: f.Namespace, Name: f.Name, Text: f.Text}
		if len(f.Fields) > 0 {
			a.Fields = attributes(f.Fields)
		}
		out = append(out, a)
	}
	return out
}
