package fact

import "frostline/proto/thermal"

// Record is a record of the registry: the whole state of a thing after a
// change. What changed is the difference to the one before in the same stream.
type Record interface {
	// Ref names the thing, and by that its stream.
	Ref() Ref
}

// Ref names the thing that a record is about.
func (r SiteRecord) Ref() Ref        { return Ref{Site, r.ID} }
func (r ZoneRecord) Ref() Ref        { return Ref{Zone, r.ID} }
func (r VehicleRecord) Ref() Ref     { return Ref{Vehicle, r.ID} }
func (r CompartmentRecord) Ref() Ref { return Ref{Compartment, r.ID} }
func (r GatewayRecord) Ref() Ref     { return Ref{Gateway, r.ID} }
func (r SensorRecord) Ref() Ref      { return Ref{Sensor, r.ID} }
func (r ToteRecord) Ref() Ref        { return Ref{Tote, r.ID} }
func (r LoggerRecord) Ref() Ref      { return Ref{Logger, r.ID} }
func (r CalibrationRecord) Ref() Ref { return Ref{Calibration, r.ID} }
func (r ProfileRecord) Ref() Ref     { return Ref{Profile, r.Profile.ID} }
func (r ProductRecord) Ref() Ref     { return Ref{Product, r.ID} }
func (r PartyRecord) Ref() Ref       { return Ref{Party, r.ID} }

// SiteRecord is a place with an address: a fulfilment site, a clinic, a depot.
type SiteRecord struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	GLN     string `json:"gln,omitempty"`
	Address string `json:"address,omitempty"`
	// Position of its gate; nil where nobody has told.
	Position *Position `json:"position,omitempty"`
}

// ZoneRecord is a part of a site with a climate of its own.
type ZoneRecord struct {
	ID      string `json:"id"`
	Site    string `json:"site"`
	Name    string `json:"name"`
	Profile string `json:"profile,omitempty"` // that it is meant to keep
}

// VehicleRecord is what carries packages between sites.
type VehicleRecord struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"` // see VehicleTypes
}

// VehicleTypes are the types of vehicles.
var VehicleTypes = []string{"van", "truck", "car", "bike", "drone", "robot"}

// CompartmentRecord is a part of a vehicle with a climate of its own.
type CompartmentRecord struct {
	ID      string `json:"id"`
	Vehicle string `json:"vehicle"`
	Name    string `json:"name"`
	Profile string `json:"profile,omitempty"`
}

// GatewayRecord is what people say of a gateway.
type GatewayRecord struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Site    string `json:"site,omitempty"`
	Vehicle string `json:"vehicle,omitempty"`
}

// SensorRecord is what people say of a sensor.
type SensorRecord struct {
	ID       string       `json:"id"` // GATEWAY/SENSOR
	Name     string       `json:"name"`
	Model    string       `json:"model,omitempty"`
	Serial   string       `json:"serial,omitempty"`
	Accuracy thermal.Temp `json:"accuracy,omitempty"` // ±; 0 where it is not known
}

// ToteRecord is a reusable box.
type ToteRecord struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type,omitempty"`
}

// LoggerRecord is a data logger that travels with a package or tote.
type LoggerRecord struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type,omitempty"`
}

// CalibrationRecord is a certificate of a sensor.
type CalibrationRecord struct {
	ID       string       `json:"id"` // number of the certificate
	Sensor   string       `json:"sensor"`
	Lab      string       `json:"lab"`
	From     int64        `json:"from"`     // UTC, Unix ms
	Until    int64        `json:"until"`    // exclusive
	Accuracy thermal.Temp `json:"accuracy"` // ± stated by the certificate
	Document string       `json:"document,omitempty"`
}

// ProfileRecord is one version of a storage profile. Versions count from 1 and
// are never edited. The version in force at an instant is the last one whose
// From is not after it; before the first one's From it is version 1.
type ProfileRecord struct {
	Profile thermal.Profile `json:"profile"`
	From    int64           `json:"from,omitempty"` // UTC, Unix ms; set when it is recorded, never before the From of the version before
}

// ProductRecord is a drug as it is sold.
type ProductRecord struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	GTIN    string `json:"gtin,omitempty"` // of 14 digits
	NDC     string `json:"ndc,omitempty"`  // with its hyphens
	Profile string `json:"profile"`        // id; the version in force when the package was packed holds
	// Budgets are the stability budgets of this product, from its manufacturer
	// only; they are added to those of the profile.
	Budgets []thermal.Budget `json:"budgets,omitempty"`
	// Activation energy of this product, J/mol; 0 is the profile's.
	Activation int64 `json:"activation,omitempty"`
}

// PartyRecord is who can have custody: never a patient.
type PartyRecord struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Role string `json:"role"` // see Roles; never patient
	GLN  string `json:"gln,omitempty"`
}

// Retired says that a record is not to be used from now on. What refers to it
// keeps its meaning.
type Retired struct {
	Subject Ref `json:"subject"`
}
