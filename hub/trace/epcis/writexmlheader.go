package epcis

import (
	"strconv"
	"strings"
)

// header writes the business header, the master data and whatever else the
// header has.
func (x *xmlWriter) header(d *Document) error {
	x.declared = d.scope
	before := len(x.b)
	x.b = append(x.b, "<EPCISHeader>"...)
	after := len(x.b)
	// The business header stands first by the schema.
	business := find(d.Header, "StandardBusinessDocumentHeader")
	if business == nil {
		business = d.businessHeader()
	}
	if business != nil {
		if err := x.fieldElement(business, ""); err != nil {
			return err
		}
	}
	if err := x.master(d.Master); err != nil {
		return err
	}
	for i := range d.Header {
		if f := &d.Header[i]; f.Namespace != "" && f.Namespace != sbdhSpace {
			if err := x.fieldElement(f, ""); err != nil {
				return err
			}
		}
	}
	if len(x.b) == after {
		x.b = x.b[:before]
		return nil
	}
	x.b = append(x.b, "</EPCISHeader>"...)
	return nil
}

// prefix gives how names of a namespace begin in the header: those of the
// business header as its standard writes them, and others as the document
// declares them, since partners' programs exist that look for that. Each element
// that begins a namespace declares it.
func (x *xmlWriter) prefix(space string) string {
	if space == sbdhSpace {
		return "sbdh"
	}
	if x.declared != nil {
		for _, p := range sortedKeys(x.declared.prefixes) {
			if x.declared.prefixes[p] == space && xmlName(p) && !strings.HasPrefix(p, "xml") {
				return p
			}
		}
	}
	return "h"
}

// fieldElement writes a field with its namespace declared where it changes.
func (x *xmlWriter) fieldElement(f *Field, space string) error {
	x.at = "/epcisHeader"
	if !xmlName(f.Name) {
		return Problem{x.at, "the name " + f.Name + " has no form in XML"}
	}
	name, prefix, declare := f.Name, "", ""
	if f.Namespace != "" {
		prefix = x.prefix(f.Namespace)
		name = prefix + ":" + f.Name
		if f.Namespace != space {
			declare = f.Namespace
		}
		space = f.Namespace
	}
	x.b = append(x.b, "<"+name...)
	if declare != "" {
		if err := x.attribute("xmlns:"+prefix, declare); err != nil {
			return err
		}
	}
	for i, k := range f.Fields {
		a, ok := strings.CutPrefix(k.Name, "@")
		switch {
		case !ok:
			continue
		case !xmlName(a):
			return Problem{x.at, "the name " + k.Name + " has no form in XML"}
		case k.Namespace != "" && k.Namespace == f.Namespace:
			a = prefix + ":" + a
		case k.Namespace != "": // a prefix of its own, that hides none of those around
			p := "h" + prefix + ".a" + strconv.Itoa(i)
			if err := x.attribute("xmlns:"+p, k.Namespace); err != nil {
				return err
			}
			a = p + ":" + a
		}
		if err := x.attribute(a, k.Text); err != nil {
			return err
		}
	}
	x.b = append(x.b, '>')
	if err := x.escape(f.Text); err != nil {
		return err
	}
	for i := range f.Fields {
		if k := &f.Fields[i]; !strings.HasPrefix(k.Name, "@") {
			if err := x.fieldElement(k, space); err != nil {
				return err
			}
		}
	}
	x.b = append(x.b, "</"+name+">"...)
	return nil
}

func (x *xmlWriter) master(list []VocabularyElement) error {
	if len(list) == 0 {
		return nil
	}
	x.at = "/epcisHeader/epcisMasterData"
	x.b = append(x.b, "<extension><EPCISMasterData><VocabularyList>"...)
	for i := range list {
		v := &list[i]
		if i == 0 || list[i-1].Type != v.Type {
			x.b = append(x.b, "<Vocabulary"...)
			if err := x.attribute("type", v.Type); err != nil {
				return err
			}
			x.b = append(x.b, "><VocabularyElementList>"...)
		}
		if err := x.vocabularyElement(v); err != nil {
			return err
		}
		if i == len(list)-1 || list[i+1].Type != v.Type {
			x.b = append(x.b, "</VocabularyElementList></Vocabulary>"...)
		}
	}
	x.b = append(x.b, "</VocabularyList></EPCISMasterData></extension>"...)
	return nil
}

func (x *xmlWriter) vocabularyElement(v *VocabularyElement) error {
	x.b = append(x.b, "<VocabularyElement"...)
	if err := x.attribute("id", v.ID); err != nil {
		return err
	}
	x.b = append(x.b, '>')
	for i := range v.Attributes {
		a := &v.Attributes[i]
		name := a.Name
		for _, before := range []string{"cbvmda:", masterData + ":"} {
			if w, ok := strings.CutPrefix(name, before); ok {
				name = masterData + "#" + w
			}
		}
		x.b = append(x.b, "<attribute"...)
		if err := x.attribute("id", name); err != nil {
			return err
		}
		x.b = append(x.b, '>')
		if err := x.escape(a.Text); err != nil {
			return err
		}
		for j := range a.Fields {
			if err := x.fieldElement(&a.Fields[j], ""); err != nil {
				return err
			}
		}
		x.b = append(x.b, "</attribute>"...)
	}
	if len(v.Children) > 0 {
		x.b = append(x.b, "<children>"...)
		for _, c := range v.Children {
			if err := x.leaf("id", c); err != nil {
				return err
			}
		}
		x.b = append(x.b, "</children>"...)
	}
	x.b = append(x.b, "</VocabularyElement>"...)
	return nil
}
