package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"frostline/hub/catalog/sheet"
	"frostline/hub/fact"
)

// Export writes the records of a kind, in the order of ids, so that Import
// reads them: as CSV, or as JSON lines. It gives how many there were. Records
// that change meanwhile are written as they were or as they are.
func (c *Catalog) Export(ctx context.Context, k fact.Kind, f Filter, w io.Writer, format sheet.Format) (n int, err error) {
	var out interface {
		Write(fact.Record) error
		Flush() error
	} = jsonWriter{json.NewEncoder(w)}
	if format == sheet.CSV {
		if out, err = sheet.NewWriter(w, k); err != nil {
			return 0, fmt.Errorf("export: %w", err)
		}
	}
	for after := ""; ; {
		page, err := c.List(ctx, k, f, after, 500)
		if err != nil {
			return n, fmt.Errorf("export %s: %w", k.Plural(), err)
		}
		for _, e := range page {
			record, err := e.Record()
			if err == nil {
				err = out.Write(record)
			}
			if err != nil {
				return n, fmt.Errorf("export %s: %w", e.Ref, err)
			}
			after = e.Ref.ID
			n++
		}
		if len(page) < 500 {
			return n, out.Flush()
		}
	}
}

// jsonWriter writes a record a line.
type jsonWriter struct{ e *json.Encoder }

func (w jsonWriter) Write(r fact.Record) error {
	if p, ok := r.(fact.ProfileRecord); ok {
		return w.e.Encode(sheet.FlatProfile{Profile: p.Profile, From: p.From})
	}
	return w.e.Encode(r)
}

func (jsonWriter) Flush() error { return nil }
