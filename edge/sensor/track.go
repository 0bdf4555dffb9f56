package sensor

import (
	"math"
	"time"

	"frostline/edge/gnss"
)

// track is what a receiver has said, each with the boottime at which it was
// heard, in ms; 0 is never.
type track struct {
	heard int64 // anything that was whole
	bad   int64 // the last line with a wrong checksum

	fixAt    int64 // the last report, if it had a fix
	lat, lon int64 // 1e-7 degrees
	speed    int64 // mm/s
	speedAt  int64

	precision    int64 // horizontal error, mm
	precisionAt  int64
	satellites   int64
	satellitesAt int64
}

// take takes a report heard at boottime at. Of a fix that was not measured by
// satellites, and of 0°N 0°E, it learns that there is none.
func (t *track) take(f gnss.Fix, at int64) (valid bool) {
	t.heard = at
	if f.Satellites >= 0 && f.Satellites < 200 {
		t.satellites, t.satellitesAt = int64(f.Satellites), at
	}
	if f.Mode < gnss.Fix2D || !f.Status.Satellite() || math.IsNaN(f.Lat) || math.IsNaN(f.Lon) || f.Lat == 0 && f.Lon == 0 {
		t.fixAt = 0
		return false
	}
	t.fixAt = at
	t.lat, t.lon = int64(math.Round(f.Lat*1e7)), int64(math.Round(f.Lon*1e7))
	if v := f.Speed * 1000; v >= 0 && v < 1e9 {
		t.speed, t.speedAt = int64(math.Round(v)), at
	}
	if f.HDOP > 0 && f.HDOP < 90 { // 99.9 means none
		t.precision, t.precisionAt = int64(math.Round(f.HDOP*5000)), at
	}
	return true
}

// instant is the UTC of a sentence that names time and date and a fix by
// satellites: an RMC, or a ZDA while there is a fix. Others take their date
// from these, which around midnight may be that of yesterday.
func (t *track) instant(s gnss.Sentence, at int64) (utc time.Time, ok bool) {
	const clockForm = "150405"
	clock := s.Field(1)
	if len(clock) < 6 || len(clock) > 16 {
		return utc, false
	}
	var date string
	switch s.Type {
	case "RMC":
		mode := s.Field(12)
		if s.Field(2) != "A" || mode == "E" || mode == "M" || mode == "S" || mode == "N" || s.Field(3) == "" || s.Field(5) == "" || len(s.Field(9)) != 6 {
			return utc, false
		}
		date = s.Field(9)[:4] + "20" + s.Field(9)[4:]
	case "ZDA":
		if !fresh(t.fixAt, at) {
			return utc, false
		}
		date = s.Field(2) + s.Field(3) + s.Field(4)
	default:
		return utc, false
	}
	utc, err := time.Parse("02012006 "+clockForm, date+" "+clock)
	return utc, err == nil
}
