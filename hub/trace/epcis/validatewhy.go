package epcis

import "strings"

// why checks the business context.
func (v *validator) why() {
	e := v.e
	if v.has("bizStep") {
		v.word(v.at("bizStep"), bizSteps, e.BizStep)
	}
	if v.has("disposition") {
		v.word(v.at("disposition"), dispositions, e.Disposition)
	}
	if v.has("persistentDisposition") {
		v.persistent()
	}
	for i, t := range e.Transactions {
		p := v.index(v.at("bizTransactionList"), i)
		if t.Type != "" {
			v.word(p+"/type", transactionTypes, t.Type)
		}
		v.required(p+"/bizTransaction", t.ID)
	}
	v.parties("sourceList", "source", e.Sources)
	v.parties("destinationList", "destination", e.Destinations)
}

func (v *validator) persistent() {
	e := v.e
	p := v.at("persistentDisposition")
	if len(e.Set)+len(e.Unset) == 0 {
		v.wrong(p, "set or unset is required with at least one disposition")
	}
	for i, s := range e.Set {
		v.word(v.index(p+"/set", i), dispositions, s)
		for _, u := range e.Unset {
			if s == u {
				v.wrong(v.index(p+"/set", i), "%q is set and unset at once", s)
			}
		}
	}
	for i, s := range e.Unset {
		v.word(v.index(p+"/unset", i), dispositions, s)
	}
	if i := duplicate(e.Set); i >= 0 {
		v.wrong(v.index(p+"/set", i), "%q is there twice", e.Set[i])
	}
	if i := duplicate(e.Unset); i >= 0 {
		v.wrong(v.index(p+"/unset", i), "%q is there twice", e.Unset[i])
	}
}

func (v *validator) parties(list, name string, parties []Party) {
	for i, t := range parties {
		p := v.index(v.at(list), i)
		if t.Type == "" {
			v.wrong(p+"/type", "it is required: owning_party, possessing_party, location or a URI")
		} else {
			v.word(p+"/type", partyTypes, t.Type)
		}
		v.required(p+"/"+name, t.ID)
	}
}

// where checks the places.
func (v *validator) where() {
	if v.has("readPoint") {
		v.required(v.at("readPoint", "id"), v.e.ReadPoint)
	}
	if v.has("bizLocation") {
		v.required(v.at("bizLocation", "id"), v.e.BizLocation)
	}
}

func (v *validator) declaration() {
	d := v.e.Error
	if d.Time.IsZero() && v.e.root.member("errorDeclaration").member("declarationTime") == nil {
		v.wrong(v.at("errorDeclaration", "declarationTime"), "it is required")
	}
	if d.Reason != "" {
		v.word(v.at("errorDeclaration", "reason"), errorReasons, d.Reason)
	}
	for i, s := range d.Corrective {
		v.eventID(v.index(v.at("errorDeclaration", "correctiveEventIDs"), i), s)
	}
}

// word checks a value that is a standard word or a URI of another vocabulary.
// What begins like a standard word has to be one.
func (v *validator) word(p string, voc *vocabulary, s string) {
	switch {
	case s == "", voc.words[s]:
		return // that it is no text was said when it was read
	case voc.urn != "" && strings.HasPrefix(s, voc.urn), strings.HasPrefix(s, voc.web) && voc.web != gs1Web:
		v.wrong(p, "%q is no %s of CBV 2.0", s, voc.what)
	case !isURI(s):
		v.wrong(p, "%q is no %s of CBV 2.0, and no URI of another vocabulary", s, voc.what)
	}
}

func (v *validator) required(p, s string) {
	if s == "" {
		v.wrong(p, "it is required")
		return
	}
	v.identifier(p, s)
}
