package fact

import (
	"fmt"

	"frostline/proto/thermal"
)

// HandedOver says that a party has a package, or all packages of a shipment,
// from At on. It is appended by a hand-off scan and corrected by appending.
type HandedOver struct {
	ID          string `json:"id"`
	Subject     Ref    `json:"subject"`        // package or shipment
	From        string `json:"from,omitempty"` // party id; "" for the first custodian
	To          string `json:"to"`             // party id, or a patient's token
	Role        string `json:"role"`           // of To: see Roles
	At          int64  `json:"at"`
	Uncertainty int64  `json:"uncertainty,omitempty"`
	Seal        string `json:"seal"` // see Seals
	// Temperature is what the scanner read at the hand-over, nil where it read none.
	Temperature *thermal.Temp `json:"temperature,omitempty"`
	// Position is nil where there was no fix, and NoPosition then says why.
	Position   *Position `json:"position,omitempty"`
	NoPosition string    `json:"noPosition,omitempty"`
	Made       int64     `json:"made"`
	Corrects   string    `json:"corrects,omitempty"`
	Withdrawn  bool      `json:"withdrawn,omitempty"`
	Note       string    `json:"note,omitempty"`
}

// Position is a fix on the WGS 84 ellipsoid.
type Position struct {
	Latitude  int64 `json:"latitude"`  // 1e-7 degrees, north positive
	Longitude int64 `json:"longitude"` // 1e-7 degrees, east positive
	Accuracy  int64 `json:"accuracy"`  // mm, horizontal
}

// Roles that a custodian can have, and Seals, the states a seal is found in.
var (
	Roles = []string{"pharmacy", "manufacturer", "wholesaler", "3pl", "courier", "patient", "clinic"}
	Seals = []string{"intact", "broken", "absent", "not_checked"}
)

// Check fails where the statement makes no sense by itself.
func (h HandedOver) Check() error {
	if !plainID.MatchString(h.ID) {
		return fmt.Errorf("id %q: want %s", h.ID, plainID)
	}
	if h.Subject.Kind != Package && h.Subject.Kind != Shipment {
		return fmt.Errorf("subject %s: custody is of a package or shipment", h.Subject)
	}
	if err := h.Subject.Check(); err != nil {
		return fmt.Errorf("subject: %w", err)
	}
	if h.Corrects == h.ID {
		return fmt.Errorf("corrects %q: a statement cannot correct itself", h.Corrects)
	}
	if h.Corrects != "" && !plainID.MatchString(h.Corrects) {
		return fmt.Errorf("corrects %q: want %s", h.Corrects, plainID)
	}
	if h.Role == "patient" {
		if err := CheckToken("to", h.To); err != nil {
			return err
		}
	}
	if !plainID.MatchString(h.To) {
		return fmt.Errorf("to %q: want the id of a party, or a patient's token", h.To)
	}
	if h.From != "" && !plainID.MatchString(h.From) {
		return fmt.Errorf("from %q: want the id of a party, or leave it out for the first custodian", h.From)
	}
	if err := CheckNote("note", h.Note); err != nil {
		return err
	}
	if err := CheckNote("noPosition", h.NoPosition); err != nil {
		return err
	}
	if t := h.Temperature; t != nil && (*t < thermal.AbsoluteZero || *t > 1_000_000) {
		return fmt.Errorf("temperature %s: not one that a scanner can have read", *t)
	}
	if !oneOf(h.Role, Roles) {
		return fmt.Errorf("role %q: want one of %v", h.Role, Roles)
	}
	if !oneOf(h.Seal, Seals) {
		return fmt.Errorf("seal %q: want one of %v", h.Seal, Seals)
	}
	if p := h.Position; p != nil {
		if err := p.Check(); err != nil {
			return err
		}
		if h.NoPosition != "" {
			return fmt.Errorf("noPosition: there is a position; leave one of the two out")
		}
	} else if h.NoPosition == "" {
		return fmt.Errorf("position: give it, or say in noPosition why there is none")
	}
	if h.Withdrawn && h.Corrects == "" {
		return fmt.Errorf("withdrawn: say in corrects which statement is withdrawn")
	}
	return checkTimes(h.At, h.Uncertainty, h.Made)
}

// Check fails for a position that is not on the earth, or less accurate than
// its size.
func (p Position) Check() error {
	if p.Latitude < -90e7 || p.Latitude > 90e7 || p.Longitude < -180e7 || p.Longitude > 180e7 || p.Accuracy < 0 || p.Accuracy > 2e10 {
		return fmt.Errorf("position %d, %d ± %d mm: not on the earth", p.Latitude, p.Longitude, p.Accuracy)
	}
	return nil
}

func oneOf(s string, words []string) bool {
	for _, w := range words {
		if s == w {
			return true
		}
	}
	return false
}
