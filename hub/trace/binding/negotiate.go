package binding

import (
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"frostline/hub/trace/form"
	"frostline/hub/trace/repository"
)

// The versions that are spoken. EPCIS 1.2 in XML is captured too.
const (
	version    = "2.0.0"
	captureMin = "1.2.0"
)

// versions sets the headers that every answer has.
func (b *Binding) versions(h http.Header) {
	h.Set("GS1-EPCIS-Version", version)
	h.Set("GS1-CBV-Version", version)
}

// discover sets the headers that tell of a resource.
func (b *Binding) discover(h http.Header, allow, pattern string) {
	h.Set("Allow", allow)
	lowest := version
	if pattern == "/capture" {
		lowest = captureMin
		h.Set("GS1-EPCIS-Capture-Limit", fmt.Sprint(repository.MaxEvents))
		h.Set("GS1-EPCIS-Capture-File-Size-Limit", fmt.Sprint(maxBody))
		h.Set("GS1-Capture-Error-Behaviour", "rollback, proceed")
	}
	h.Set("GS1-EPCIS-Min", lowest)
	h.Set("GS1-EPCIS-Max", version)
	h.Set("GS1-CBV-Min", lowest)
	h.Set("GS1-CBV-Max", version)
	h.Set("GS1-EPC-Format", strings.Join(formats, ", "))
	h.Set("GS1-CBV-XML-Format", "No_Preference, Always_URN, Never_Translates")
	if b.Version != "" {
		h.Set("GS1-Vendor-Version", b.Version)
	}
}

// negotiable refuses a request that wants versions that are not spoken.
func negotiable(r *http.Request) *Problem {
	for _, of := range []string{"EPCIS", "CBV"} {
		if v := r.Header.Get("GS1-" + of + "-Min"); v != "" && compare(v, version) > 0 {
			return fail(notAcceptable, "GS1-%s-Min %q: the highest version here is %s", of, short(v), version)
		}
		if v := r.Header.Get("GS1-" + of + "-Max"); v != "" && compare(v, version) < 0 {
			return fail(notAcceptable, "GS1-%s-Max %q: answers here are of version %s", of, short(v), version)
		}
		if v := r.Header.Get("GS1-" + of + "-Version"); v != "" && (compare(v, captureMin) < 0 || compare(v, "2.1") >= 0) {
			return fail(notAcceptable, "GS1-%s-Version %q: want %s to %s", of, short(v), captureMin, version)
		}
	}
	return nil
}

// compare puts versions in order, "2.0" and "2.0.0" being the same. What is no
// number counts as 0.
func compare(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(as), len(bs)) {
		if d := part(as, i) - part(bs, i); d != 0 {
			return d
		}
	}
	return 0
}

func part(all []string, i int) int {
	if i >= len(all) {
		return 0
	}
	n, err := strconv.Atoi(all[i])
	if err != nil || n < 0 || n > 1<<20 {
		return 0
	}
	return n
}

const noMatter = "No_Preference"

var formats = []string{string(form.DigitalLink), string(form.URN), string(form.AsCame), noMatter}

// format gives the form of identifiers that a request asks for.
func format(r *http.Request) (form.Form, error) {
	v := r.Header.Get("GS1-EPC-Format")
	switch f := form.Form(v); f {
	case "":
		return form.DigitalLink, nil
	case noMatter:
		return form.AsCame, nil
	case form.DigitalLink, form.URN, form.AsCame:
		return f, nil
	}
	return "", fail(notAcceptable, "GS1-EPC-Format %q: want one of %s", short(v), strings.Join(formats, ", "))
}

// Media types.
const (
	jsonType   = "application/json"
	ldJSONType = "application/ld+json"
	xmlType    = "application/xml"
)

// accepted gives the type to answer in, of those offered, the first where the
// request does not mind; "" where none is accepted.
func accepted(r *http.Request, offered ...string) string {
	accept := strings.Join(r.Header.Values("Accept"), ",")
	if strings.TrimSpace(accept) == "" {
		return offered[0]
	}
	best, weight := "", 0.0
	for i, offer := range offered {
		q, exact := -1.0, -1
		for one := range strings.SplitSeq(accept, ",") {
			name, params, err := mime.ParseMediaType(one)
			if err != nil {
				continue
			}
			major, _, _ := strings.Cut(offer, "/")
			level := -1
			switch name {
			case offer:
				level = 2
			case major + "/*":
				level = 1
			case "*/*":
				level = 0
			}
			if level <= exact {
				continue
			}
			exact, q = level, 1
			if v, ok := params["q"]; ok {
				if f, err := strconv.ParseFloat(v, 64); err == nil {
					q = f
				}
			}
		}
		if q > weight || q == weight && q > 0 && i == 0 {
			best, weight = offer, q
		}
	}
	return best
}

// wantsXML says whether a problem is to be told in XML.
func wantsXML(r *http.Request) bool {
	return strings.HasSuffix(accepted(r, "application/problem+json", jsonType, ldJSONType, "application/problem+xml", xmlType, "text/xml"), "xml")
}

// namespaces reads GS1-Extensions: what prefixes of extensions stand for.
func namespaces(r *http.Request) (repository.Namespaces, error) {
	all := repository.Namespaces{}
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("GS1-Extensions"), ","), ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		prefix, uri, ok := strings.Cut(part, "=")
		if !ok || prefix == "" || uri == "" || len(all) >= 50 {
			return nil, fail(badParameter, "header GS1-Extensions: %q: want PREFIX=URI, at most 50 of them with commas between", short(part))
		}
		all[prefix] = uri
	}
	return all, nil
}
