package epcis

import "strings"

// VocabularyElement is master data of one location, party, product or other
// thing in the header of a document: its name, its address.
type VocabularyElement struct {
	Type       string // urn:epcglobal:epcis:vtype:Location and others
	ID         string
	Attributes []Field  // named by the URI of the attribute
	Children   []string // what is in it, by id
}

func (d *Document) masterFromJSON(header *node) {
	header.member("epcisMasterData").member("vocabularyList").each(func(_ int, v *node) {
		v.member("vocabularyElementList").each(func(_ int, m *node) {
			e := VocabularyElement{Type: v.member("type").scalar(), ID: m.member("id").scalar()}
			m.member("attributes").each(func(_ int, a *node) {
				f := Field{Name: a.member("id").scalar()}
				if value := a.member("attribute"); value != nil && value.kind == kindObject {
					f.Fields = d.scope.fields(value)
				} else {
					f.Text = value.scalar()
				}
				e.Attributes = append(e.Attributes, f)
			})
			m.member("children").each(func(_ int, c *node) { e.Children = append(e.Children, c.scalar()) })
			d.Master = append(d.Master, e)
		})
	})
}

// masterFromXML finds the vocabularies wherever the version has them.
func (d *Document) masterFromXML(e *element) {
	if e.local != "Vocabulary" || e.space != "" {
		for i := range e.kids {
			d.masterFromXML(&e.kids[i])
		}
		return
	}
	for _, list := range e.kids {
		for i := range list.kids {
			d.Master = append(d.Master, vocabularyElement(e.attr("type"), &list.kids[i]))
		}
	}
}

func vocabularyElement(kind string, e *element) VocabularyElement {
	v := VocabularyElement{Type: kind, ID: e.attr("id")}
	for i := range e.kids {
		switch k := &e.kids[i]; k.local {
		case "attribute":
			v.Attributes = append(v.Attributes, Field{Name: k.attr("id"), Text: trim(k.text), Fields: k.fields()})
		case "children":
			for _, c := range k.kids {
				v.Children = append(v.Children, trim(c.text))
			}
		}
	}
	return v
}

// fields are the children of an element.
func (e *element) fields() (list []Field) {
	for i := range e.kids {
		k := &e.kids[i]
		list = append(list, Field{Namespace: k.space, Name: k.local, Text: trim(k.text), Fields: k.fields()})
	}
	return list
}

// masterJSON is the header with the master data. An attribute's name has the
// prefix of CBV's attributes in JSON.
func (d *Document) masterJSON() node {
	vocabularies := node{name: "vocabularyList", kind: kindArray}
	for _, v := range d.Master {
		last := len(vocabularies.kids) - 1
		if last < 0 || vocabularies.kids[last].member("type").scalar() != v.Type {
			vocabularies.kids = append(vocabularies.kids, node{kind: kindObject, kids: []node{
				text("type", v.Type), {name: "vocabularyElementList", kind: kindArray}}})
			last++
		}
		e := node{kind: kindObject, kids: []node{text("id", v.ID)}}
		if len(v.Attributes) > 0 {
			list := node{name: "attributes", kind: kindArray}
			for _, a := range v.Attributes {
				name := a.Name
				if w, ok := strings.CutPrefix(name, masterData+"#"); ok {
					name = "cbvmda:" + w
				} else if w, ok := strings.CutPrefix(name, masterData+":"); ok {
					name = "cbvmda:" + w
				}
				list.kids = append(list.kids, node{kind: kindObject, kids: []node{text("id", name), fieldValue("attribute", a)}})
			}
			e.kids = append(e.kids, list)
		}
		if len(v.Children) > 0 {
			list := node{name: "children", kind: kindArray}
			for _, c := range v.Children {
				list.kids = append(list.kids, text("", c))
			}
			e.kids = append(e.kids, list)
		}
		all := vocabularies.kids[last].member("vocabularyElementList")
		all.kids = append(all.kids, e)
	}
	return node{name: "epcisHeader", kind: kindObject, kids: []node{
		{name: "epcisMasterData", kind: kindObject, kids: []node{vocabularies}}}}
}

// fieldValue is a field's text, or its fields as an object with their
// namespaces written out.
func fieldValue(name string, f Field) node {
	if len(f.Fields) == 0 {
		return text(name, f.Text)
	}
	n := node{name: name, kind: kindObject}
	for _, k := range f.Fields {
		join(&n, fieldValue(k.Namespace+k.Name, k))
	}
	return n
}
