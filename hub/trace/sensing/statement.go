package sensing

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"frostline/proto/thermal"
)

// statement is what is to be said of a subject, by the names that the hub has
// for things: "KIND/ID". What it is called in EPCIS is no part of it, so that a
// GLN that is entered later makes nothing wrong that was said before.
type statement struct {
	topic string // of the subject; stays the same when the content changes

	At          int64     `json:"at"` // event time, Unix ms
	Step        string    `json:"step"`
	Disposition string    `json:"disposition,omitempty"`
	Set         []string  `json:"set,omitempty"` // persistent dispositions
	Action      string    `json:"action"`
	Parent      string    `json:"parent,omitempty"` // makes it an aggregation
	Things      []string  `json:"things"`
	Place       string    `json:"place,omitempty"` // zone, compartment, site, or a geo URI
	From        string    `json:"from,omitempty"`  // party who had it
	To          string    `json:"to,omitempty"`    // party who has it
	Shipment    string    `json:"shipment,omitempty"`
	Elements    []element `json:"elements,omitempty"`
}

// element is what one sensor says by one profile.
type element struct {
	From   int64    `json:"from,omitempty"`
	To     int64    `json:"to,omitempty"`
	Device string   `json:"device,omitempty"` // "sensor/GATEWAY/SENSOR"
	Rules  string   `json:"rules,omitempty"`  // profile with its version, and a limit of it
	Method string   `json:"method,omitempty"` // engine
	Proof  string   `json:"proof,omitempty"`  // what in the evidence shows it
	Says   []report `json:"says"`
}

// report is a measurement.
type report struct {
	Type       string        `json:"type"`
	Exception  string        `json:"exception,omitempty"`
	At         int64         `json:"at,omitempty"`
	Value      *thermal.Temp `json:"value,omitempty"`
	Min        *thermal.Temp `json:"min,omitempty"`
	Max        *thermal.Temp `json:"max,omitempty"`
	Mean       *thermal.Temp `json:"mean,omitempty"`
	Deviation  *thermal.Temp `json:"deviation,omitempty"`
	Rank       int           `json:"rank,omitempty"`
	Percentile *thermal.Temp `json:"percentile,omitempty"`
	Method     string        `json:"method,omitempty"`
}

// digest identifies what is stated.
func (s *statement) digest() (string, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("statement %s: %w", s.topic, err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// mostThings bounds what one event names; more make several events.
const mostThings = 2000

// split cuts statements about very many things into several.
func split(all []statement) (out []statement) {
	for _, s := range all {
		part, n := s, 1
		for things := s.Things; ; n++ {
			if n > 1 {
				part.topic = fmt.Sprintf("%s part %d", s.topic, n)
			}
			part.Things = things[:min(len(things), mostThings)]
			out = append(out, part)
			if things = things[len(part.Things):]; len(things) == 0 {
				break
			}
		}
	}
	return out
}
