package gnss

import (
	"encoding/json"
	"math"
	"strconv"
	"time"
)

// TPV is a fix as gpsd reports it, with gpsd's names and units: an absent field
// is not known. Numbers have gpsd's decimals.
type TPV struct {
	Class    string `json:"class"`            // TPV
	Status   Status `json:"status,omitempty"` // 2 and above, as gpsd leaves out the usual
	Mode     Mode   `json:"mode"`             // 0 unknown, 1 no fix, 2 two and 3 three dimensions
	Time     string `json:"time,omitempty"`   // UTC, to the millisecond
	Lat      number `json:"lat,omitempty"`    // degrees
	Lon      number `json:"lon,omitempty"`    // degrees
	AltHAE   number `json:"altHAE,omitempty"` // metres
	AltMSL   number `json:"altMSL,omitempty"` // metres
	Alt      number `json:"alt,omitempty"`    // metres: altMSL, or altHAE where there is none
	Track    number `json:"track,omitempty"`  // degrees
	MagTrack number `json:"magtrack,omitempty"`
	MagVar   number `json:"magvar,omitempty"` // degrees
	Speed    number `json:"speed,omitempty"`  // m/s
	Climb    number `json:"climb,omitempty"`  // m/s
	GeoidSep number `json:"geoidSep,omitempty"`
}

// number is a JSON number with a fixed count of decimals; nil is unknown.
type number = json.RawMessage

func decimals(v float64, n int) number {
	if !known(v) {
		return nil
	}
	if half := 0.5 * math.Pow10(-n); math.Abs(v) < half {
		v = 0 // never -0.000
	}
	return number(strconv.FormatFloat(v, 'f', n, 64))
}

// TPV gives the report of a fix.
func (f Fix) TPV() TPV {
	t := TPV{Class: "TPV", Mode: f.Mode}
	if f.Status >= StatusDGNSS {
		t.Status = f.Status
	}
	if !f.Time.IsZero() {
		t.Time = f.Time.UTC().Truncate(time.Millisecond).Format("2006-01-02T15:04:05.000Z")
	}
	if f.Mode < Fix2D {
		return t
	}
	t.Lat, t.Lon = decimals(f.Lat, 9), decimals(f.Lon, 9)
	t.AltHAE, t.AltMSL = decimals(f.AltHAE, 4), decimals(f.AltMSL, 4)
	if t.Alt = t.AltMSL; t.Alt == nil {
		t.Alt = t.AltHAE
	}
	t.Track, t.MagTrack, t.MagVar = decimals(f.Track, 4), decimals(f.MagTrack, 4), decimals(f.MagVar, 1)
	t.Speed = decimals(f.Speed, 3)
	if f.Mode >= Fix3D {
		t.Climb, t.GeoidSep = decimals(f.Climb, 3), decimals(f.GeoidSep, 3)
	}
	return t
}
