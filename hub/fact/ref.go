package fact

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Kind is a kind of thing that facts are about.
type Kind string

const (
	Site        Kind = "site"
	Zone        Kind = "zone"        // of a site: a cold room, a shelf, a dock
	Vehicle     Kind = "vehicle"     // van, bike, drone, ground robot
	Compartment Kind = "compartment" // of a vehicle
	Gateway     Kind = "gateway"
	Sensor      Kind = "sensor" // "GATEWAY/SENSOR", as a gateway names it
	Tote        Kind = "tote"   // reusable box that holds packages
	Logger      Kind = "logger" // travels in a package or tote; its sensors are attached to it
	Calibration Kind = "calibration"
	Profile     Kind = "profile"
	Product     Kind = "product"
	Order       Kind = "order"
	Shipment    Kind = "shipment"
	Package     Kind = "package" // carries an SSCC or label
	Unit        Kind = "unit"    // one serialised saleable unit: "GTIN.SERIAL"
	Party       Kind = "party"   // who can have custody
	Excursion   Kind = "excursion"
	Courier     Kind = "courier"
	Job         Kind = "job"
	Route       Kind = "route"
	Place       Kind = "place" // where a delivery goes that is no site: a token; see hub/dispatch
	Saga        Kind = "saga"  // see hub/workflow
	Hold        Kind = "hold"  // of quality: see hub/hold
)

// Ref names a thing.
type Ref struct {
	Kind Kind   `json:"kind"`
	ID   string `json:"id"`
}

// String gives "KIND/ID", which is also the name of the thing's stream of
// events.
func (r Ref) String() string { return string(r.Kind) + "/" + r.ID }

// IsZero reports whether r names nothing.
func (r Ref) IsZero() bool { return r == Ref{} }

// ParseRef is the inverse of String.
func ParseRef(s string) (Ref, error) {
	kind, id, _ := strings.Cut(s, "/")
	r := Ref{Kind(kind), id}
	return r, r.Check()
}

var (
	plainID  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:+-]{0,63}$`)
	sensorID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:+-]{0,63}/[A-Za-z0-9][A-Za-z0-9._:+-]{0,63}$`)
	sagaID   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:+-]{0,95}$`) // made of that of an excursion
	unitID   = regexp.MustCompile(`^[0-9]{14}\.[!-.0-~]{1,64}$`)         // GS1 serials have up to 20 characters; "/" is %2F
)

var shapes = map[Kind]*regexp.Regexp{
	Site: plainID, Zone: plainID, Vehicle: plainID, Compartment: plainID, Gateway: plainID, Sensor: sensorID,
	Tote: plainID, Logger: plainID, Calibration: plainID, Profile: plainID, Product: plainID, Order: plainID,
	Shipment: plainID, Package: plainID, Unit: unitID, Party: plainID, Excursion: plainID,
	Courier: plainID, Job: plainID, Route: plainID, Place: plainID, Saga: sagaID, Hold: plainID,
}

// Kinds lists all kinds, in order.
func Kinds() []Kind { return slices.Sorted(maps.Keys(shapes)) }

// Check fails for a kind that does not exist and an id of the wrong shape.
func (r Ref) Check() error {
	shape, ok := shapes[r.Kind]
	if !ok {
		return fmt.Errorf("kind %q: not one of the registry's kinds", r.Kind)
	}
	if !shape.MatchString(r.ID) {
		return fmt.Errorf("%s id %q: want %s", r.Kind, r.ID, shape)
	}
	return nil
}

// UnmarshalJSON reads {"kind":…,"id":…} and checks it.
func (r *Ref) UnmarshalJSON(b []byte) error {
	type plain Ref
	if err := json.Unmarshal(b, (*plain)(r)); err != nil {
		return err
	}
	if r.IsZero() {
		return nil
	}
	return r.Check()
}
