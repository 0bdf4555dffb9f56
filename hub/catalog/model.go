package catalog

import (
	"encoding/json"
	"fmt"

	"frostline/hub/event"
	"frostline/hub/fact"
)

// Entry is a record as it is now.
type Entry struct {
	Ref     fact.Ref        `json:"ref"`
	Version int64           `json:"version"` // see the package comment
	Retired bool            `json:"retired,omitempty"`
	Created int64           `json:"created"` // hub's clock, UTC, Unix ms
	Changed int64           `json:"changed"` // likewise
	By      string          `json:"by"`      // who changed it last
	Data    json.RawMessage `json:"data"`    // canonical JSON of its record in fact
}

// Record reads the record.
func (e Entry) Record() (fact.Record, error) { return fact.DecodeRecord(e.Ref.Kind, e.Data) }

// Model is the read model behind a Catalog. It holds a document for each
// record, and one for each version of a storage profile.
type Model struct{ table *event.Table[Entry] }

// NewModel makes the read model, to be given to the event log before the
// Catalog is made of both.
func NewModel() *Model {
	return &Model{event.NewTable("catalog", event.Schema[Entry]{Version: 1, Fold: fold, Keys: keys, IDs: ids})}
}

// Model is what the event log takes.
func (m *Model) Model() event.Model { return m.table }

// kindOf is the kind of records that a type of event defines.
var kindOf = func() map[string]fact.Kind {
	m := map[string]fact.Kind{}
	for _, k := range fact.RecordKinds() {
		m[fact.DefinedBy(k)] = k
	}
	return m
}()

func fold(e event.Event, rows *event.Rows[Entry]) error {
	if e.Type == fact.RecordRetired {
		entry, err := rows.Get(e.Stream)
		if err != nil || entry == nil {
			return err
		}
		entry.Retired, entry.Version, entry.Changed, entry.By = true, e.Version, e.At, e.Actor
		rows.Put(e.Stream, entry)
		return nil
	}
	kind, ok := kindOf[e.Type]
	if !ok {
		return nil
	}
	ref, err := fact.ParseRef(e.Stream)
	if err != nil || ref.Kind != kind {
		return fmt.Errorf("stream %s: does not name a %s: %v", e.Stream, kind, err)
	}
	before, err := rows.Get(e.Stream)
	if err != nil {
		return err
	}
	entry := Entry{Ref: ref, Version: e.Version, Created: e.At, Changed: e.At, By: e.Actor, Data: e.Data}
	if before != nil {
		entry.Created = before.Created
	}
	rows.Put(e.Stream, &entry)
	if kind == fact.Profile {
		record, err := fact.DecodeRecord(kind, e.Data)
		if err != nil {
			return err
		}
		version := Entry{Ref: ref, Version: e.Version, Created: e.At, Changed: e.At, By: e.Actor, Data: e.Data}
		rows.Put(versionID(ref.ID, record.(fact.ProfileRecord).Profile.Version), &version)
	}
	return nil
}

// ids names the documents that fold asks for.
func ids(e event.Event) []string {
	if _, ok := kindOf[e.Type]; ok || e.Type == fact.RecordRetired {
		return []string{e.Stream}
	}
	return nil
}

// versionID is the id of the document of one version of a profile.
func versionID(profile string, version int) string {
	return fmt.Sprintf("version/%s/%09d", profile, version)
}

// Names of keys.
const (
	keyKind    = "kind"    // all records of a kind
	keyLive    = "live"    // those that are not retired
	keyVersion = "version" // the versions of a profile
)

// keys are what entries are found by: their kind, what they refer to, and the
// numbers that are unique among those in use.
func keys(id string, e *Entry) []event.Key {
	record, err := e.Record()
	if err != nil {
		return nil
	}
	if id != e.Ref.String() {
		return []event.Key{{Name: keyVersion, Value: e.Ref.ID}}
	}
	kind := string(e.Ref.Kind)
	all := []event.Key{{Name: keyKind, Value: kind}}
	for _, r := range references(record) {
		all = append(all, event.Key{Name: kind + "." + r.field, Value: r.ref.ID})
	}
	if e.Retired {
		return all
	}
	all = append(all, event.Key{Name: keyLive, Value: kind})
	for _, r := range references(record) {
		all = append(all, event.Key{Name: kind + "." + r.field + ".live", Value: r.ref.ID})
	}
	for _, u := range uniques(record) {
		all = append(all, event.Key{Name: kind + "." + u.field, Value: u.value})
	}
	return all
}
