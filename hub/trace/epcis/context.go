package epcis

import (
	"slices"
	"strings"
)

// ContextURL is the JSON-LD context of EPCIS 2.0 that encoders name.
const ContextURL = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"

// knownContext says whether url is a context of GS1, whose prefixes and words
// are those of standardPrefixes and of the vocabulary in this package.
func knownContext(url string) bool {
	switch {
	case strings.HasPrefix(url, "https://ref.gs1.org/standards/epcis/"),
		strings.HasPrefix(url, "http://ref.gs1.org/standards/epcis/"),
		strings.HasPrefix(url, "https://gs1.github.io/EPCIS/"):
		return strings.HasSuffix(url, "epcis-context.jsonld")
	}
	return false
}

// standardPrefixes are those the context of EPCIS 2.0 declares. It ends the
// namespace of CBV's master data with a colon, which XML never has; here it is
// that of XML, so that an event has one hash id in both. A document that
// declares it with the colon itself is taken at its word.
var standardPrefixes = map[string]string{
	"epcis":   "https://ref.gs1.org/epcis/",
	"cbv":     "https://ref.gs1.org/cbv/",
	"cbvmda":  masterData,
	"gs1":     "https://gs1.org/voc/",
	"rdfs":    "http://www.w3.org/2000/01/rdf-schema#",
	"owl":     "http://www.w3.org/2002/07/owl#",
	"xsd":     "http://www.w3.org/2001/XMLSchema#",
	"dcterms": "http://purl.org/dc/terms/",
}

// scope is what the names of an event mean beyond what the context of EPCIS
// says. Many events share one; it is not changed after it was read.
type scope struct {
	prefixes map[string]string // as declared in the document
	terms    map[string]string // names without a prefix, to their URI
	remote   []string          // contexts by URL that are not GS1's, in order
}

// resolve gives the namespace of a prefix.
func (s *scope) resolve(prefix string) (string, bool) {
	if s != nil {
		if ns, ok := s.prefixes[prefix]; ok {
			return ns, true
		}
	}
	ns, ok := standardPrefixes[prefix]
	return ns, ok
}

// name splits a member's name into namespace and local name. A name whose
// prefix is not known is local as a whole.
func (s *scope) name(key string) (ns, local string) {
	prefix, rest, ok := strings.Cut(key, ":")
	if !ok || strings.HasPrefix(rest, "//") {
		return "", key
	}
	if ns, ok := s.resolve(prefix); ok {
		return ns, rest
	}
	return "", key
}

// expand makes a value with a prefix that the document declares, or with one of
// the vocabularies of GS1, a full URI, and gives any other value back.
func (s *scope) expand(v string) string {
	prefix, rest, ok := strings.Cut(v, ":")
	if !ok || strings.HasPrefix(rest, "//") {
		return v
	}
	if s != nil {
		if ns, ok := s.prefixes[prefix]; ok {
			return ns + rest
		}
	}
	switch prefix {
	case "gs1", "cbv", "epcis":
		return standardPrefixes[prefix] + rest
	}
	return v
}

// plain says that nothing but the context of GS1 is in force.
func (s *scope) plain() bool {
	return s == nil || len(s.prefixes)+len(s.terms)+len(s.remote) == 0
}

// with reads a "@context" on top of s, which stays as it is.
func (s *scope) with(ctx *node, pointer string) (*scope, []Problem) {
	r := &scope{prefixes: map[string]string{}, terms: map[string]string{}}
	if s != nil {
		for k, v := range s.prefixes {
			r.prefixes[k] = v
		}
		for k, v := range s.terms {
			r.terms[k] = v
		}
		r.remote = slices.Clone(s.remote)
	}
	var problems []Problem
	ctx.each(func(i int, e *node) {
		p := atIndex(pointer, i)
		switch e.kind {
		case kindText:
			if !knownContext(e.text) && !slices.Contains(r.remote, e.text) {
				r.remote = append(r.remote, e.text)
			}
		case kindObject:
			problems = append(problems, r.declare(e, p)...)
		default:
			problems = append(problems, Problem{p, "a context is a URL or an object of prefixes and terms"})
		}
	})
	return r, problems
}

func (s *scope) declare(e *node, pointer string) (problems []Problem) {
	for i := range e.kids {
		m := &e.kids[i]
		if strings.HasPrefix(m.name, "@") {
			continue // @vocab, @base and their like concern no prefix
		}
		uri := m.text
		if m.kind == kindObject {
			uri = m.member("@id").scalar()
		}
		switch {
		case m.kind == kindObject && uri == "" && strings.Contains(m.name, ":"):
			// Only says more of a name whose prefix is declared.
		case m.kind != kindText && m.kind != kindObject || uri == "":
			problems = append(problems, Problem{at(pointer, m.name), "a prefix or term is declared by its URI"})
		case standardPrefixes[m.name] == uri:
			// Says again what is known.
		case m.kind == kindText:
			// Whether it is meant as a prefix or as a term shows in its use.
			s.prefixes[m.name] = uri
			s.terms[m.name] = uri
		default:
			s.terms[m.name] = uri
			if strings.HasSuffix(uri, "/") || strings.HasSuffix(uri, "#") || strings.HasSuffix(uri, ":") || m.member("@prefix").scalar() == "true" {
				s.prefixes[m.name] = uri
			}
		}
	}
	return problems
}

// used finds the declarations that names or values below n rely on.
func (s *scope) used(n *node, found map[string]string) {
	if n.kind == kindText {
		if prefix, rest, ok := strings.Cut(n.text, ":"); ok && !strings.HasPrefix(rest, "//") {
			if uri, ok := s.prefixes[prefix]; ok {
				found[prefix] = uri
			}
		}
		return
	}
	for i := range n.kids {
		if name := strings.TrimPrefix(n.kids[i].name, "@"); name != "" {
			if prefix, _, ok := strings.Cut(name, ":"); ok {
				if uri, ok := s.prefixes[prefix]; ok {
					found[prefix] = uri
				}
			} else if uri, ok := s.terms[name]; ok {
				found[name] = uri
			}
		}
		s.used(&n.kids[i], found)
	}
}

// context is the "@context" that an event needs beside that of GS1, sorted,
// and false if it needs none.
func (s *scope) context(n *node) (node, bool) {
	if s.plain() {
		return node{}, false
	}
	found := map[string]string{}
	s.used(n, found)
	list := node{name: "@context", kind: kindArray}
	for _, url := range s.remote {
		list.kids = append(list.kids, text("", url))
	}
	if len(found) > 0 {
		names := make([]string, 0, len(found))
		for name := range found {
			names = append(names, name)
		}
		slices.Sort(names)
		object := node{kind: kindObject}
		for _, name := range names {
			object.kids = append(object.kids, text(name, found[name]))
		}
		list.kids = append(list.kids, object)
	}
	return list, len(list.kids) > 0
}
