package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"frostline/hub/event"
	"frostline/hub/evidence/bundle"
	"frostline/hub/fact"
)

var hexSHA256 = regexp.MustCompile(`^[0-9a-f]{64}$`)

// documents checks that the documents in the bundle are those that its events
// name: all of them and no others, unless the manifest says that they were left
// out. Bundles of older formats have none.
func (r *run) documents() bool {
	if r.m.Bundle < bundle.WithDocuments {
		if r.m.Documents {
			r.fail(Problem{Check: ManifestIs, File: bundle.Manifest, Field: "documents", Detail: fmt.Sprintf("bundles of format %d have none", r.m.Bundle)})
		}
		return true
	}
	named := map[string]bool{}
	for _, e := range r.events {
		for _, a := range attached(e) {
			r.document(e, a, named)
		}
	}
	if r.LeftOut > 0 {
		r.reserve("%s documents that events name were left out of the bundle: their hashes alone are here", thousands(r.LeftOut))
	}
	for _, name := range slices.Sorted(maps.Keys(r.files)) {
		if strings.HasPrefix(name, bundle.DocPrefix) && !named[name] {
			r.fail(Problem{Check: DocumentIs, File: name, Detail: "no event in the bundle names it"})
		}
	}
	return true
}

// attached is what an event says was given to the hub to keep.
func attached(e event.Event) (out []fact.Attachment) {
	if e.Type != fact.ExcursionWasCommented {
		return nil
	}
	data, err := fact.Decode(e.Type, e.Data)
	if err != nil {
		return nil // its form was checked as it was read
	}
	for _, a := range data.(*fact.ExcursionCommented).Attachments {
		if a.Where == fact.DocumentKept {
			out = append(out, a)
		}
	}
	return out
}

// document checks one document as one event names it.
func (r *run) document(e event.Event, a fact.Attachment, named map[string]bool) {
	name := bundle.DocumentName(a.SHA256)
	p := Problem{Check: DocumentIs, Event: clip(e.ID), Stream: clip(e.Stream), File: clip(name)}
	bad := func(format string, x ...any) {
		p.Detail = fmt.Sprintf("\"%s\": ", clip(a.Name)) + fmt.Sprintf(format, x...)
		r.fail(p)
	}
	if !hexSHA256.MatchString(a.SHA256) {
		bad("the event does not name it by a SHA-256")
		return
	}
	first := !named[name]
	if !r.m.Documents {
		if f := r.files[name]; f != nil && first {
			bad("it is here, and the manifest says that documents were left out")
		}
		if first {
			r.LeftOut++
		}
		named[name] = true
		return
	}
	f := r.files[name]
	switch {
	case f == nil:
		named[name] = true
		bad("the document is missing: the event names it")
		return
	case f.Size != a.Size:
		named[name] = true
		bad("the document was changed: it has %d bytes, and the event names one of %d", f.Size, a.Size)
		return
	case !first:
		return // its bytes were looked at
	}
	named[name] = true
	sum := sha256.New()
	if _, err := io.Copy(sum, f.Open()); err != nil {
		bad("it cannot be read")
		return
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != a.SHA256 {
		bad("the document was changed, or is another one: its SHA-256 is %s, and not the one in the log", got)
		return
	}
	r.Counts.Documents++
	r.Documents = append(r.Documents, Document{Name: clip(a.Name), Size: a.Size, SHA256: a.SHA256, Event: p.Event, Stream: p.Stream})
}
