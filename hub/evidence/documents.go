package evidence

import (
	"context"
	"fmt"
	"io"

	"frostline/hub/evidence/bundle"
	"frostline/hub/fact"
)

// Documents gives what people have attached to cases; *excursion.Cases does. It
// is called from one goroutine at a time.
type Documents interface {
	// CopyDocument writes a document of so many bytes to w, piece by piece. It
	// does not hold its reader back from checking what came.
	CopyDocument(ctx context.Context, w io.Writer, sha256 string, size int64) error
}

// maxDocuments bounds the documents of one bundle, bytes: the rest of what a
// bundle may have is for readings.
const maxDocuments = bundle.MaxBytes / 2

// kept are the documents that events say the hub keeps, each once, as the first
// event names it.
func kept(s *scope) (out []fact.Attachment, err error) {
	seen := map[string]bool{}
	total := int64(0)
	for _, e := range s.events {
		if e.Type != fact.ExcursionWasCommented {
			continue
		}
		data, err := fact.Decode(e.Type, e.Data)
		if err != nil {
			return nil, fmt.Errorf("event %s: %w", e.ID, err)
		}
		for _, a := range data.(*fact.ExcursionCommented).Attachments {
			if a.Where != fact.DocumentKept || seen[a.SHA256] {
				continue
			}
			seen[a.SHA256] = true
			out, total = append(out, a), total+a.Size
		}
	}
	if total > maxDocuments {
		return nil, fmt.Errorf("%d documents have %d bytes: at most %d go into a bundle; export it without documents", len(out), total, int64(maxDocuments))
	}
	return out, nil
}

// putDocuments writes the documents that the events name, and checks that each
// is the one that was attached.
func (d *draft) putDocuments() error {
	if d.want.WithoutDocuments || d.x.o.Documents == nil {
		return nil
	}
	d.manifest.Documents = true
	all, err := kept(d.scope)
	if err != nil {
		return err
	}
	for _, a := range all {
		part, err := d.spool(bundle.DocumentName(a.SHA256), func(w io.Writer) error { return d.x.o.Documents.CopyDocument(d.ctx, w, a.SHA256, a.Size) })
		if err != nil && d.asStored && d.ctx.Err() == nil {
			continue // the verifier says that it is missing
		}
		if err != nil {
			return fmt.Errorf("document %q: %w; restore it from a backup, or export without documents", a.Name, err)
		}
		if got := d.manifest.Files[len(d.manifest.Files)-1]; !d.asStored && (got.SHA256 != a.SHA256 || got.Size != a.Size) {
			return fmt.Errorf("document %q: what is stored has %d bytes with SHA-256 %s, and %d with %s were attached: the store was edited; restore it from a backup, or export without documents",
				a.Name, got.Size, got.SHA256, a.Size, a.SHA256)
		}
		d.parts = append(d.parts, part)
	}
	return nil
}
