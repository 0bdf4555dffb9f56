package fact

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// recordKind is what a kind of record is called, and which event tells of one.
type recordKind struct {
	kind   Kind
	plural string
	typ    string
}

// In the order in which records can refer to one another: a record refers only
// to kinds before its own.
var recordKinds = []recordKind{
	{Profile, "profiles", ProfileDefined},
	{Site, "sites", SiteDefined},
	{Zone, "zones", ZoneDefined},
	{Vehicle, "vehicles", VehicleDefined},
	{Compartment, "compartments", CompartmentDefined},
	{Gateway, "gateways", GatewayDefined},
	{Sensor, "sensors", SensorDefined},
	{Tote, "totes", ToteDefined},
	{Logger, "loggers", LoggerDefined},
	{Calibration, "calibrations", CalibrationDefined},
	{Product, "products", ProductDefined},
	{Party, "parties", PartyDefined},
}

// RecordKinds lists the kinds of things that the registry has records of. A
// record refers only to kinds before its own.
func RecordKinds() []Kind {
	all := make([]Kind, len(recordKinds))
	for i, k := range recordKinds {
		all[i] = k.kind
	}
	return all
}

// Plural is what several things of a kind are called: "sites". It is "" for a
// kind that has no records.
func (k Kind) Plural() string {
	for _, r := range recordKinds {
		if r.kind == k {
			return r.plural
		}
	}
	return ""
}

// ParseRecordKind reads a kind that has records, in the singular or plural.
func ParseRecordKind(s string) (Kind, error) {
	var names []string
	for _, r := range recordKinds {
		if s == r.plural || s == string(r.kind) {
			return r.kind, nil
		}
		names = append(names, r.plural)
	}
	return "", fmt.Errorf("kind %q: want one of %v", s, names)
}

// DefinedBy is the type of event that defines a thing of a kind, "" for a kind
// that has no records.
func DefinedBy(k Kind) string {
	for _, r := range recordKinds {
		if r.kind == k {
			return r.typ
		}
	}
	return ""
}

// RecordTypes lists the types of events that change the registry.
func RecordTypes() []string {
	all := []string{RecordRetired}
	for _, r := range recordKinds {
		all = append(all, r.typ)
	}
	return all
}

// DecodeRecord reads the record of a kind from the data of the event that
// defined it.
func DecodeRecord(k Kind, data []byte) (Record, error) {
	t, ok := kinds[DefinedBy(k)]
	if !ok {
		return nil, fmt.Errorf("kind %q: has no records", k)
	}
	v := reflect.New(t)
	if err := json.Unmarshal(data, v.Interface()); err != nil {
		return nil, fmt.Errorf("record of a %s: %w", k, err)
	}
	return v.Elem().Interface().(Record), nil
}
