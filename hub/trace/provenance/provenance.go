package provenance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/trace/repository"
	"frostline/hub/trace/sensing"
	"frostline/proto/thermal"
)

// ErrNotFound is wrapped where nothing is known of a unit.
var ErrNotFound = errors.New("not known")

// Bounds of an answer. What is left out is said.
const (
	MaxSteps = 5000
	MaxDepth = 4 // containers in containers
	maxGaps  = 500
)

// Repository is where captured events are; *repository.Repository is one.
type Repository interface {
	Fetch(ctx context.Context, q repository.Query, from *repository.Position, limit int) ([]repository.Row, *repository.Position, error)
	Last() int64
}

// Events is the hub's event log.
type Events interface {
	Stream(ctx context.Context, stream string, after int64, limit int) ([]event.Event, error)
}

// Log is the evidence log.
type Log interface {
	// Logged gives where a domain event is in the log; ok is false for one that
	// is not in it yet.
	Logged(ctx context.Context, id string, position int64) (index uint64, ok bool, err error)
}

// Units gives what is known of a unit itself.
type Units interface {
	Unit(ctx context.Context, id string) (u fact.UnitReceived, found bool, err error)
}

// Teller tells provenances. All fields but Now are required. It is safe for
// concurrent use.
type Teller struct {
	Repository Repository
	Events     Events
	Log        Log
	Units      Units
	Now        func() time.Time // default time.Now
}

// Provenance is what is known of a unit. Instants are UTC in Unix
// milliseconds, 0 for none.
type Provenance struct {
	Unit    string `json:"unit"` // GTIN.SERIAL
	EPC     string `json:"epc"`  // Digital Link
	Product string `json:"product,omitempty"`
	Lot     string `json:"lot,omitempty"`
	Expiry  string `json:"expiry,omitempty"`
	// Ended is when it was dispensed, sold, destroyed or decommissioned.
	Ended int64  `json:"ended,omitempty"`
	How   string `json:"how,omitempty"` // in the words of the business step
	Steps []Step `json:"steps"`         // by time; of those at one instant, as they were captured
	Gaps  []Gap  `json:"gaps"`          // by time
	// Omitted is set where there is more than MaxSteps, and what is told is not
	// all.
	Omitted bool  `json:"omitted,omitempty"`
	AsOf    int64 `json:"asOf"` // the last captured event that was looked at
	At      int64 `json:"at"`   // hub's clock
}

// Step is one captured event.
type Step struct {
	At          int64    `json:"at"`   // event time
	Type        string   `json:"type"` // of the EPCIS event
	Action      string   `json:"action,omitempty"`
	Step        string   `json:"bizStep,omitempty"`
	Disposition string   `json:"disposition,omitempty"`
	Set         []string `json:"set,omitempty"` // persistent dispositions
	Via         string   `json:"via,omitempty"` // the container by which it speaks of the unit; "" where it names it
	Parent      string   `json:"parent,omitempty"`
	Place       string   `json:"readPoint,omitempty"`
	Location    string   `json:"bizLocation,omitempty"`
	From        string   `json:"source,omitempty"`      // who had it
	To          string   `json:"destination,omitempty"` // who has it
	Sensors     []Sensor `json:"sensors,omitempty"`
	// Wrong is set where the event was declared to be wrong: it counts for
	// nothing.
	Wrong *Wrong `json:"wrong,omitempty"`
	// Own is set for what the hub stated of its own.
	Own   bool  `json:"own,omitempty"`
	Proof Proof `json:"proof"`
}

// Wrong says that an event was declared to be wrong.
type Wrong struct {
	At         int64    `json:"at"`
	Reason     string   `json:"reason,omitempty"`
	Corrective []string `json:"correctiveEventIDs,omitempty"`
}

// Proof is what binds an event.
type Proof struct {
	EventID  string `json:"eventID"`
	Hash     string `json:"hash,omitempty"`   // CBV 2.0 hash of its content, hex
	Digest   string `json:"digest,omitempty"` // SHA-256 of its JSON as it is kept, hex
	Seq      int64  `json:"seq"`              // in the order of captures
	Captured int64  `json:"captured"`         // hub's clock
	By       string `json:"by,omitempty"`     // who captured it
	// Position is that of the domain event that binds it, and Entry where that
	// is in the evidence log, nil while it is not in it yet.
	Position int64   `json:"position,omitempty"`
	Entry    *uint64 `json:"entry,omitempty"`
}

// Sensor is one report of a sensor.
type Sensor struct {
	From      int64         `json:"from,omitempty"`
	To        int64         `json:"to,omitempty"`
	Type      string        `json:"type,omitempty"`
	Exception string        `json:"exception,omitempty"`
	Device    string        `json:"deviceID,omitempty"`
	Rules     string        `json:"bizRules,omitempty"`
	Method    string        `json:"dataProcessingMethod,omitempty"`
	Raw       string        `json:"rawData,omitempty"`
	At        int64         `json:"time,omitempty"`
	Value     *thermal.Temp `json:"valueCelsius,omitempty"`
	Min       *thermal.Temp `json:"minCelsius,omitempty"`
	Max       *thermal.Temp `json:"maxCelsius,omitempty"`
	Mean      *thermal.Temp `json:"meanCelsius,omitempty"`
}

// Kinds of gaps.
const (
	Unmonitored = "unmonitored" // nobody vouches for its temperature
	Custody     = "custody"     // who had it is not told
	Aggregation = "aggregation" // what it was in is not told
	Origin      = "origin"      // how it came into being is not told
	Pending     = "pending"     // nothing is told yet, and may be: no gap so far
)

// Gap is something that is missing.
type Gap struct {
	Kind string `json:"kind"`
	From int64  `json:"from"`
	To   int64  `json:"to,omitempty"` // 0: until now
	Why  string `json:"why"`
}

// Tell gives the provenance of a unit, GTIN.SERIAL.
func (t *Teller) Tell(ctx context.Context, unit string) (*Provenance, error) {
	ref := fact.Ref{Kind: fact.Unit, ID: unit}
	if err := ref.Check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	epc, ok := sensing.EPC(ref.String())
	if !ok {
		return nil, fmt.Errorf("unit %q: %w: its GTIN has a wrong check digit", unit, ErrNotFound)
	}
	now := time.Now
	if t.Now != nil {
		now = t.Now
	}
	p := &Provenance{Unit: unit, EPC: epc, Steps: []Step{}, Gaps: []Gap{}, AsOf: t.Repository.Last(), At: now().UnixMilli()}
	u, found, err := t.Units.Unit(ctx, unit)
	if err != nil {
		return nil, err
	}
	p.Product, p.Lot, p.Expiry = u.Product, u.Lot, u.Expiry
	g := gathering{t: t, p: p, seen: map[int64]bool{}}
	if err := g.all(ctx, epc); err != nil {
		return nil, fmt.Errorf("provenance of unit %s: %w", unit, err)
	}
	if len(p.Steps) == 0 && !found {
		return nil, fmt.Errorf("unit %s: %w", unit, ErrNotFound)
	}
	if err := t.prove(ctx, p.Steps); err != nil {
		return nil, fmt.Errorf("provenance of unit %s: %w", unit, err)
	}
	p.find()
	return p, nil
}
