package dscsa

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/trace/epcis"
	"frostline/hub/trace/repository"
)

const (
	maxPackage   = 64 << 20
	maxAsked     = 5000 // units of a package
	maxContainer = 4    // how far up containers are followed
)

// PackageManifest says what is in the package that answers a trace request.
type PackageManifest struct {
	Version  int                 `json:"version"`
	Request  fact.TraceRequested `json:"request"`
	Company  fact.TradeParty     `json:"company"`
	Made     int64               `json:"made"` // Unix ms
	Units    []PackageUnit       `json:"units"`
	Files    []PackageFile       `json:"files"`
	Notes    []string            `json:"notes,omitempty"`
	LeftOut  int                 `json:"leftOut,omitempty"` // events with sensor data, which are no transaction information
	NotKnown []fact.TraceAbout   `json:"notKnown,omitempty"`
}

// PackageUnit is a unit that was asked about, with the documents it is in.
type PackageUnit struct {
	GTIN      string   `json:"gtin"`
	Serial    string   `json:"serial"`
	Lot       string   `json:"lot,omitempty"`
	Expiry    string   `json:"expiry,omitempty"`
	Documents []string `json:"documents"`
}

// PackageFile is a file with its hash.
type PackageFile struct {
	Name   string `json:"name"`
	Bytes  int    `json:"bytes"`
	SHA256 string `json:"sha256"`
	Kind   string `json:"kind"` // received, sent, events
}

// pack makes the package: the documents of all units asked about, whole, and the
// EPCIS events of the units and of the containers they were in. The same content
// makes the same bytes.
func (d *Desk) pack(ctx context.Context, r TraceRequest, at int64) (body []byte, got fact.TraceAnswered, err error) {
	m, files, got, err := d.collect(ctx, r, at)
	if err != nil {
		return nil, got, err
	}
	manifest, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, got, err
	}
	files["manifest.json"] = append(manifest, '\n')
	if body, err = archive(files); err != nil {
		return nil, got, err
	}
	got.SHA256, got.Bytes = digest(body), int64(len(body))
	return body, got, nil
}

// Preview says what the package would hold that answers a request now. Nothing
// is kept, and what the package holds is decided when it is made.
func (d *Desk) Preview(ctx context.Context, id string) (PackageManifest, error) {
	r, err := d.Request(ctx, id)
	if err != nil {
		return PackageManifest{}, err
	}
	m, _, _, err := d.collect(ctx, r, d.now())
	return m, err
}

// collect gathers what a package holds, but for its manifest.
func (d *Desk) collect(ctx context.Context, r TraceRequest, at int64) (m PackageManifest, files map[string][]byte, got fact.TraceAnswered, err error) {
	m = PackageManifest{Version: 1, Request: r.TraceRequested, Made: at}
	if m.Company, err = d.company(ctx); err != nil {
		return m, nil, got, err
	}
	documents := map[string]bool{}
	units := map[string]*PackageUnit{}
	for i, a := range r.About {
		found, err := itemsAbout(ctx, d.o.Store, a, maxAsked*4)
		if err != nil {
			return m, nil, got, err
		}
		if len(found) == 0 {
			m.NotKnown = append(m.NotKnown, a)
			if a.Serial != "" { // events may know it all the same
				units[unitID(a.GTIN, a.Serial)] = &PackageUnit{GTIN: a.GTIN, Serial: a.Serial, Documents: []string{}}
			}
		}
		for _, it := range found {
			u := units[unitID(it.GTIN, it.Serial)]
			if u == nil {
				u = &PackageUnit{GTIN: it.GTIN, Serial: it.Serial, Documents: []string{}}
				units[unitID(it.GTIN, it.Serial)] = u
			}
			u.Lot, u.Expiry = cmp.Or(u.Lot, it.Lot), cmp.Or(u.Expiry, it.Expiry)
			if !slices.Contains(u.Documents, it.Document) {
				u.Documents = append(u.Documents, it.Document)
			}
			documents[it.Document] = true
		}
		if len(units) > maxAsked {
			return m, nil, got, record.Refusedf("about.%d: more than %d units; enter a request for each part", i, maxAsked)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(units)) {
		m.Units = append(m.Units, *units[id])
	}
	files = map[string][]byte{}
	total := 0
	for _, id := range slices.Sorted(maps.Keys(documents)) {
		s, err := d.Statement(ctx, id)
		if err != nil {
			return m, nil, got, err
		}
		c, err := d.Content(ctx, id)
		if err != nil {
			return m, nil, got, err
		}
		kind, end := kindReceived, ".xml"
		if s.Sent {
			kind = kindSent
		}
		if c.Media == "application/ld+json" || c.Media == "application/json" {
			end = ".jsonld"
		}
		if total += len(c.Body); total > maxPackage {
			return m, nil, got, record.Refusedf("about: documents of more than %d bytes; enter a request for each part", maxPackage)
		}
		name := kind + "/" + id + end
		files[name] = c.Body
		m.Files = append(m.Files, PackageFile{name, len(c.Body), c.SHA256, kind})
	}
	events, leftOut, err := d.eventsAbout(ctx, m.Units)
	if err != nil {
		return m, nil, got, err
	}
	if m.LeftOut = leftOut; leftOut > 0 {
		m.Notes = append(m.Notes, "events that carry sensor data are no transaction information and were left out")
	}
	if len(events) > 0 {
		var text bytes.Buffer
		if err := epcis.EncodeJSON(&text, &epcis.Document{Type: epcis.CaptureDocument, SchemaVersion: "2.0", Created: time.UnixMilli(at).UTC(), Events: events}); err != nil {
			return m, nil, got, fmt.Errorf("write the events of a trace: %w", err)
		}
		files["events.jsonld"] = text.Bytes()
		m.Files = append(m.Files, PackageFile{"events.jsonld", text.Len(), digest(text.Bytes()), "events"})
	}
	return m, files, fact.TraceAnswered{ID: r.ID, Statements: len(documents), Events: len(events), Units: len(m.Units)}, nil
}

// archive writes files into a zip, stored, in order of names and without times.
func archive(files map[string][]byte) ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err == nil {
			_, err = f.Write(files[name])
		}
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("end the package: %w", err)
	}
	return out.Bytes(), nil
}

// company is who the hub's company is.
func (d *Desk) company(ctx context.Context) (fact.TradeParty, error) {
	if d.o.Config.GLN == "" {
		return fact.TradeParty{}, nil
	}
	for _, p := range d.o.Config.Parties {
		if p.GLN == d.o.Config.GLN {
			return p.fact(), nil
		}
	}
	p, _, err := d.o.Model.parties.Get(ctx, d.o.Store, d.o.Config.GLN)
	p.GLN = d.o.Config.GLN
	return p, err
}

// eventsAbout gives the events of units and of the containers they were in, in
// order of time, and how many were left out because they carry sensor data.
func (d *Desk) eventsAbout(ctx context.Context, units []PackageUnit) (out []*epcis.Event, leftOut int, err error) {
	have := map[string]bool{} // event ids
	asked := map[string]bool{}
	next := make([]string, 0, len(units))
	for _, u := range units {
		next = append(next, epcis.Canonical(unitLink(u.GTIN, u.Serial)))
	}
	for range maxContainer {
		var parents []string
		for part := range slices.Chunk(next, askAtOnce) {
			for _, epc := range part {
				asked[epc] = true
			}
			q := repository.Query{Filters: []repository.Filter{{Name: "MATCH_anyEPC", Kind: repository.EPC, Values: part}}}
			err := d.events(ctx, q, func(e *epcis.Event) error {
				if p := epcis.Canonical(e.ParentID); e.ParentID != "" && !asked[p] && !slices.Contains(parents, p) {
					parents = append(parents, p)
				}
				if have[e.ID] {
					return nil
				}
				have[e.ID] = true
				if len(e.Sensors) > 0 {
					leftOut++
					return nil
				}
				if out = append(out, e); len(out) > maxEvents {
					return record.Refusedf("about: more than %d events; enter a request for each part", maxEvents)
				}
				return nil
			})
			if err != nil {
				return nil, 0, err
			}
		}
		if next = parents; len(next) == 0 {
			break
		}
	}
	slices.SortStableFunc(out, func(a, b *epcis.Event) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID)) })
	return out, leftOut, nil
}
