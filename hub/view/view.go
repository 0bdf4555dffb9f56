// Package view is the read model of the hub: what it tells people and programs
// about gateways, sensors and readings, in one vocabulary, by one rule of
// status. Pages (hub/web) and the command line's API (hub/api) show the same
// facts because both take them, and the words for them, from here.
//
// Times named UTC, or held in an int64 field without another word, are Unix
// milliseconds. Zero means "never". Values of this package are plain data:
// copy them, and do not share one that is being changed.
package view

import (
	"fmt"
	"strings"
	"time"

	"frostline/proto/reading"
)

// Series is one quantity of one sensor of one gateway. Unlike the numeric id
// on the wire it stays the same from one epoch to the next.
type Series struct {
	Gateway  string
	Sensor   string
	Quantity reading.Quantity
}

// String is the form that the command line takes: gateway/sensor/quantity.
func (s Series) String() string {
	return s.Gateway + "/" + s.Sensor + "/" + s.Quantity.String()
}

// ParseSensor takes gateway/sensor or gateway/sensor/quantity apart. Without a
// quantity, quantity is 0: the caller takes all that the sensor has.
func ParseSensor(s string) (gateway, sensor string, quantity reading.Quantity, err error) {
	parts := strings.Split(s, "/")
	if len(parts) < 2 || len(parts) > 3 || parts[0] == "" || parts[1] == "" {
		return "", "", 0, fmt.Errorf("sensor %q: want GATEWAY/SENSOR or GATEWAY/SENSOR/QUANTITY, such as site-1/zone-a-air/temperature", s)
	}
	if len(parts) == 3 {
		if quantity, err = reading.ParseQuantity(parts[2]); err != nil {
			return "", "", 0, fmt.Errorf("sensor %q: %w", s, err)
		}
	}
	return parts[0], parts[1], quantity, nil
}

// Reading is one measurement as it is told: when it was taken, as far as that
// is known, and when the hub had it safe.
type Reading struct {
	Epoch   uint32
	Boot    uint32 // ordinal of the gateway's boot
	Tick    int64  // CLOCK_BOOTTIME of that boot, ms
	Value   int64  // in the quantity's unit; 0 where Quality.HasValue is false
	Quality reading.Quality

	// Dated is false while no clock source has said what UTC it was in this
	// boot. UTC, Uncertainty (ms) and Conflict then mean nothing.
	Dated       bool
	UTC         int64
	Uncertainty int64
	Conflict    bool

	// Received is the hub's clock at the commit that made the reading safe; 0
	// where that is not kept for each reading.
	Received int64

	// Calibration is what the gateway corrected it by; zero for none.
	Calibration Calibration
}

// Calibration is the certificate that a temperature was corrected by, and how it
// stood when the reading was taken.
type Calibration struct {
	Certificate string
	State       string // valid, expired, "not yet valid"; undated where nobody knows when the reading was taken
}

// States of a Calibration, as package proto/calibration has them, and one more.
const (
	CalibrationValid   = "valid"
	CalibrationUndated = "undated"
)

// Remark is what is to be said beside the reading; empty where all is well.
func (c Calibration) Remark() string {
	switch {
	case c.Certificate == "" || c.State == CalibrationValid:
		return ""
	case c.State == CalibrationUndated:
		return "calibration perhaps expired"
	}
	return "calibration " + c.State
}

// Usable reports whether the value may be drawn, averaged or compared.
func (r Reading) Usable() bool { return r.Quality == reading.OK }

// Channel is a series with how it is measured and its newest reading.
type Channel struct {
	Quantity reading.Quantity
	Interval time.Duration // between readings; 0 where it was not declared
	// Current is false when the gateway's configuration no longer has it.
	Current bool
	Latest  *Reading // nil before the first
}

// Sensor is one device on a gateway's bus, with the quantities it measures.
type Sensor struct {
	Name     string
	Model    string // driver
	Address  string // on its bus
	Channels []Channel
}

// Channel gives the channel of a quantity; ok is false where there is none.
func (s Sensor) Channel(q reading.Quantity) (c Channel, ok bool) {
	for _, c := range s.Channels {
		if c.Quantity == q {
			return c, true
		}
	}
	return Channel{}, false
}

// Current reports whether the gateway's configuration still has the sensor.
func (s Sensor) Current() bool {
	for _, c := range s.Channels {
		if c.Current {
			return true
		}
	}
	return false
}

// Clock is how well the present boot of a gateway is tied to UTC.
type Clock struct {
	Dated       bool
	Uncertainty int64  // ms, now
	Source      string // of the newest anchor: rtc, ntp, hub, gnss
	Conflict    bool   // the gateway's clock sources contradict one another
	// Left names the sources that are not believed, because those that agree
	// contradict them.
	Left []string
}

// Fault is something about a gateway that an operator should see.
type Fault struct {
	At     int64 // hub's clock when it was told
	Part   string
	Detail string
}

// Gateway is what the hub knows of one gateway.
type Gateway struct {
	ID         string
	Enrolled   int64
	Revoked    int64 // 0 while it is trusted
	RevokedFor string

	Connected bool  // it has sent its birth and no last will
	Heard     int64 // hub's clock at its last message; 0 before the first
	Version   string
	Epoch     uint32
	Boot      uint32

	Kept            uint64 // readings it is known to have kept in this epoch
	Committed       uint64 // of those, safe at the hub
	PendingBlocks   uint64
	PendingReadings uint64
	LastCommit      int64 // hub's clock at its last committed parcel
	Quarantined     uint64

	Journal Journal
	Config  Config
	Clock   Clock
	Faults  []Fault // newest first
	Alarms  []Alarm // of its own guard: those that are not over first, then the newest
	Sensors []Sensor
}

// Alarm is an alarm that a gateway raised on the spot.
type Alarm struct {
	ID           string
	Watch        string // a compartment, or a package's token
	Sensor       string
	Unknown      bool   // the sensor gave nothing usable; else a rule was broken
	Severity     string // warning, alarm or critical
	Limit        string // the rule that was broken
	Profile      string // id of the storage profile
	Active       bool   // its cause goes on
	Acknowledged bool
	Reason       string // of the acknowledgement, or why it was cleared otherwise
	By           string // where it was acknowledged, page or console of the gateway
	Times        int    // raised
	Dated        bool   // Raised is known
	Raised       int64  // UTC
	Told         int64  // hub's clock when it was told
}

// Over reports whether nobody has to act any more.
func (a Alarm) Over() bool { return !a.Active && a.Acknowledged }

// Says is the alarm in a sentence without its end.
func (a Alarm) Says() string {
	what := a.Watch + " by " + a.Sensor + ": "
	switch {
	case a.Unknown && a.Active:
		what += "unknown, the sensor gives nothing usable"
	case a.Unknown:
		what += "was unknown for a while"
	case a.Active:
		what += a.Limit
	default:
		what += a.Limit + ", and is back"
	}
	if a.Severity != "" && a.Severity != "alarm" {
		what += " (" + a.Severity + ")"
	}
	switch {
	case a.Acknowledged:
		what += ", acknowledged: " + a.Reason
	case a.Reason != "":
		what += ", " + a.Reason
	default:
		what += ", not acknowledged"
	}
	return what
}

// OpenAlarms are those that are not over.
func (g Gateway) OpenAlarms() (out []Alarm) {
	for _, a := range g.Alarms {
		if !a.Over() {
			out = append(out, a)
		}
	}
	return out
}

// Config is which desired state of the hub a gateway runs, by version.
type Config struct {
	Wanted   int64 // 0: none was set
	Running  int64 // 0: its own file alone
	Trial    bool  // it has not proven itself yet
	Refused  int64 // newest one that it refused or undid; 0 for none since
	Why      string
	Told     bool // it has said anything to it
	Stranger bool // it trusts another hub's key
	Keyless  bool // it has no key of this hub yet
}

// Word says it in a few words; warn where somebody has to see to it.
func (c Config) Word() (word string, warn bool) {
	own := func(v int64) string {
		if v == 0 {
			return "own file"
		}
		return fmt.Sprint("version ", v)
	}
	switch {
	case c.Stranger:
		return own(c.Running) + ", trusts another hub's key: enrol it again", true
	case c.Wanted == 0 && c.Running == 0:
		return "own file", false
	case c.Refused != 0 && c.Refused >= c.Wanted && c.Running != c.Wanted:
		return fmt.Sprintf("%s, refused version %d: %s", own(c.Running), c.Refused, c.Why), true
	case c.Wanted > c.Running && c.Keyless && c.Told:
		return fmt.Sprintf("%s, version %d waits for the hub's key, which comes with its next certificate", own(c.Running), c.Wanted), true
	case c.Wanted > c.Running:
		return fmt.Sprintf("%s, version %d is wanted", own(c.Running), c.Wanted), false
	case c.Running > c.Wanted:
		return fmt.Sprintf("%s, which this hub does not know: set it again", own(c.Running)), true
	case c.Trial:
		return own(c.Running) + ", on trial", false
	}
	return own(c.Running), false
}

// Journal is what a gateway last said of the journal on its own disk.
type Journal struct {
	Bytes, MaxBytes uint64  // on disk, and what it may take; 0 when not told
	FullPercent     uint32  // of that, taken by what the hub had not acknowledged
	HoursLeft       *uint32 // until it was full, if nothing was acknowledged; nil when not known
	Damaged         uint64  // segments set aside
	MemoryBlocks    uint64  // waiting in memory for a disk that took none
}

// Sensor gives the sensor of a name; ok is false where there is none.
func (g Gateway) Sensor(name string) (s Sensor, ok bool) {
	for _, s := range g.Sensors {
		if s.Name == name {
			return s, true
		}
	}
	return Sensor{}, false
}

// Part is a part of the hub and how it is doing.
type Part struct {
	Name    string
	Problem string // in a line; "" when it is well
	Since   int64  // when the problem was noticed, Unix ms; 0 when it is well
}
