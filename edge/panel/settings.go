package panel

import "time"

// Kinds of a gateway, by where it is: they choose the page at /.
const (
	Vehicle = "vehicle" // the driver's page
	Site    = "site"    // the wall
	Plain   = "plain"   // the details
)

// Settings are what the configuration says of the pages. The zero value is a
// plain gateway whose times are UTC.
type Settings struct {
	Kind     string         // Vehicle, Site or Plain; empty is Plain
	Language string         // en or es; empty: what the browser asks for
	Zone     *time.Location // of the times of day; nil is UTC
}

// clock writes the time of day of Unix milliseconds, with its zone: "14:21 EST".
func (s Settings) clock(ms int64) string {
	zone := s.Zone
	if zone == nil {
		zone = time.UTC
	}
	return time.UnixMilli(ms).In(zone).Format("15:04 MST")
}
