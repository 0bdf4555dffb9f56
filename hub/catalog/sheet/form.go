package sheet

import (
	"encoding/json"
	"errors"

	"frostline/hub/fact"
	"frostline/proto/thermal"
)

// form is a record as a file gives it.
type form interface{ record() fact.Record }

// extra is what a record in a file may have besides: its kind, and what the
// REST interface says of it.
type extra struct {
	Kind string          `json:"kind"`
	Meta json.RawMessage `json:"meta"`
}

type (
	siteForm struct {
		fact.SiteRecord
		extra
	}
	zoneForm struct {
		fact.ZoneRecord
		extra
	}
	vehicleForm struct {
		fact.VehicleRecord
		extra
	}
	compartmentForm struct {
		fact.CompartmentRecord
		extra
	}
	gatewayForm struct {
		fact.GatewayRecord
		extra
	}
	sensorForm struct {
		fact.SensorRecord
		extra
		In   string   `json:"in"`
		From formTime `json:"from"`
	}
	toteForm struct {
		fact.ToteRecord
		extra
	}
	loggerForm struct {
		fact.LoggerRecord
		extra
	}
	calibrationForm struct {
		fact.CalibrationRecord
		extra
		From  formTime `json:"from"`
		Until formTime `json:"until"`
	}
	profileForm struct {
		thermal.Profile
		extra
		From formTime `json:"from"`
	}
	productForm struct {
		fact.ProductRecord
		extra
	}
	partyForm struct {
		fact.PartyRecord
		extra
	}
)

func (f *siteForm) record() fact.Record        { return f.SiteRecord }
func (f *zoneForm) record() fact.Record        { return f.ZoneRecord }
func (f *vehicleForm) record() fact.Record     { return f.VehicleRecord }
func (f *compartmentForm) record() fact.Record { return f.CompartmentRecord }
func (f *gatewayForm) record() fact.Record     { return f.GatewayRecord }
func (f *sensorForm) record() fact.Record      { return f.SensorRecord }
func (f *toteForm) record() fact.Record        { return f.ToteRecord }
func (f *loggerForm) record() fact.Record      { return f.LoggerRecord }
func (f *profileForm) record() fact.Record {
	return fact.ProfileRecord{Profile: f.Profile, From: int64(f.From)}
}
func (f *productForm) record() fact.Record { return f.ProductRecord }
func (f *partyForm) record() fact.Record   { return f.PartyRecord }
func (f *calibrationForm) record() fact.Record {
	r := f.CalibrationRecord
	r.From, r.Until = int64(f.From), int64(f.Until)
	return r
}

var forms = map[fact.Kind]func() form{
	fact.Site: func() form { return new(siteForm) }, fact.Zone: func() form { return new(zoneForm) },
	fact.Vehicle: func() form { return new(vehicleForm) }, fact.Compartment: func() form { return new(compartmentForm) },
	fact.Gateway: func() form { return new(gatewayForm) }, fact.Sensor: func() form { return new(sensorForm) },
	fact.Tote: func() form { return new(toteForm) }, fact.Logger: func() form { return new(loggerForm) },
	fact.Calibration: func() form { return new(calibrationForm) }, fact.Profile: func() form { return new(profileForm) },
	fact.Product: func() form { return new(productForm) }, fact.Party: func() form { return new(partyForm) },
}

// FlatProfile is a version of a profile as files and the REST interface have
// it.
type FlatProfile struct {
	thermal.Profile
	From int64 `json:"from,omitempty" doc:"In force from, Unix ms, UTC; set when it is entered"`
}

// formTime is a time as Unix ms, or as people write it.
type formTime int64

func (t *formTime) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	var s string
	if json.Unmarshal(b, &s) != nil {
		return json.Unmarshal(b, (*int64)(t))
	}
	ms, err := parseTime(s)
	if err != nil {
		return errors.New("time " + Clip(s) + ": " + err.Error())
	}
	*t = formTime(ms)
	return nil
}
