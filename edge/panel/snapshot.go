// Package panel is what a gateway says about itself on the spot: a snapshot of its
// sensors, clock, journal and uplink, one verdict over it, and three ways to read
// both: pages on the loopback interface, JSON on a Unix socket, and text for a
// terminal.
//
// Verdict, marks and words of all three come from one judgement, so that a page
// cannot show a live dot on a silent sensor. A value that is fresh and sound is
// "fine"; "in range" it is only by a storage profile that the gateway's guard
// watches.
//
// # Pages
//
// The driver's page, the wall of a site, scanning and the page of details are
// faces: lists of parts, each rendered from its own data. All who look at a face in
// a language share one rendering a second, of what has changed alone, and are told
// the parts that they do not have; without a script a page reloads itself. Words
// are in one catalogue a language, under locales. The faces' verdict, cargo, is
// about what is watched: what is wrong with the gateway alone makes it a watch at
// most, and a link that is down changes nothing, as readings are kept.
package panel

import (
	"context"
	"encoding/json"
	"fmt"

	"frostline/proto/reading"
)

// Source tells the state of the gateway.
type Source interface {
	// Snapshot gathers the present state. It is called concurrently, about once
	// a second while someone looks, and should answer within a second.
	Snapshot(ctx context.Context) (Snapshot, error)
}

// Snapshot is the gateway at one moment. Ages are milliseconds before that
// moment by the boot clock, which never steps. A nil pointer means "never" or
// "not known", as its comment says.
type Snapshot struct {
	Gateway     string      `json:"gateway"`
	Version     string      `json:"version"`
	Boot        uint32      `json:"boot"`      // ordinal of this boot
	BootID      string      `json:"boot_id"`   // the kernel's
	UptimeMs    int64       `json:"uptime_ms"` // of the agent
	Clock       Clock       `json:"clock"`
	Sensors     []Sensor    `json:"sensors"`
	Journal     Journal     `json:"journal"`
	Uplink      Uplink      `json:"uplink"`
	Certificate Certificate `json:"certificate"`
	Faults      []Fault     `json:"faults"` // newest first
	Config      Config      `json:"config"`
	Release     *Release    `json:"release,omitempty"`     // nil where none is taken from the hub
	IdentifyMs  int64       `json:"identify_ms,omitempty"` // for how much longer it is to show which gateway is meant
	Guard       Guard       `json:"guard"`
	NextStop    *NextStop   `json:"next_stop,omitempty"` // as dispatch wants the driver to see it; nil where it said none
	Places      []Place     `json:"places,omitempty"`
	Messages    []Message   `json:"messages,omitempty"` // of dispatch, oldest first
}

// Message is something that dispatch tells whoever drives.
type Message struct {
	ID          string `json:"id"`
	Text        string `json:"text"`
	ShownMs     *int64 `json:"shown_ms"` // since when it is there, Unix time; nil where the time was not known
	Confirmed   bool   `json:"confirmed"`
	ConfirmedMs *int64 `json:"confirmed_ms,omitempty"`
}

// Place is what a package can be scanned into.
type Place struct {
	ID    string `json:"id"`
	Label string `json:"label,omitempty"` // what people call it; empty: the id
}

// NextStop is where a vehicle goes next.
type NextStop struct {
	Place string `json:"place"`
	DueMs *int64 `json:"due_ms"` // Unix time; nil where it is not said
}

// Config is which desired state of the hub runs, by version.
type Config struct {
	Running uint64 `json:"running"`           // 0: the gateway's own file alone
	Trial   bool   `json:"trial,omitempty"`   // it has not proven itself yet
	Refused uint64 `json:"refused,omitempty"` // newest one refused or undone; 0 for none since
	Reason  string `json:"reason,omitempty"`  // why
}

// Release is what becomes of the release of the agent that the hub wants.
type Release struct {
	// Phase is none where the hub wants none, fetching, trial, confirmed or refused.
	Phase  string `json:"phase"`
	Have   uint64 `json:"have_bytes,omitempty"` // of it, while it is fetched
	Size   uint64 `json:"size_bytes,omitempty"` // to be fetched in all
	Reason string `json:"reason,omitempty"`     // why it was refused or undone, or what holds it up
	// Packaged says that the program of the package runs, and no release.
	Packaged bool `json:"packaged,omitempty"`
}

// Clock is what the gateway knows about the time.
type Clock struct {
	BoottimeMs    int64  `json:"boottime_ms"`        // CLOCK_BOOTTIME
	UTCMs         *int64 `json:"utc_ms"`             // Unix time; nil while undated
	UncertaintyMs int64  `json:"uncertainty_ms"`     // half the width of what is possible; 0 while undated
	Source        string `json:"source"`             // of the best anchor: gnss, ntp, hub, rtc; empty while undated
	Conflict      bool   `json:"conflict,omitempty"` // the sources exclude one another, and no majority says which are wrong
	// Left names the sources that are not used, because those that agree
	// contradict them.
	Left []string `json:"left,omitempty"`
}

// Sensor is one configured sensor.
type Sensor struct {
	ID         string `json:"id"`
	Driver     string `json:"driver"`
	Bus        string `json:"bus"`
	Address    string `json:"address,omitempty"` // ROM or I²C address; empty where the bus has none
	IntervalMs int64  `json:"interval_ms"`
	Last       []Last `json:"last"` // latest reading of each quantity
	// Calibration corrects its temperature; nil where there is none.
	Calibration *Calibration `json:"calibration,omitempty"`
}

// Calibration is a thermometer's certificate.
type Calibration struct {
	Certificate  string `json:"certificate"`
	Issuer       string `json:"issuer"`
	ValidFromMs  int64  `json:"valid_from_ms"`  // UTC, Unix ms
	ValidUntilMs int64  `json:"valid_until_ms"` // UTC, Unix ms: the first instant at which it is not valid
	State        string `json:"state"`          // valid, expired, "not yet valid", or undated
}

// States of a Calibration.
const (
	CalibrationValid   = "valid"
	CalibrationEarly   = "not yet valid"
	CalibrationUndated = "undated" // nobody knows the time, so nobody whether it is valid
)

// remark is what is said of every reading that a certificate touches; empty while
// it is valid.
func (l *locale) remark(c *Calibration) string {
	switch {
	case c == nil || c.State == CalibrationValid:
		return ""
	case c.State == CalibrationUndated:
		return l.say("calibration.undated")
	case c.State == CalibrationEarly:
		return l.say("calibration.not-yet")
	}
	return l.say("calibration.expired")
}

// Last is the latest reading of one quantity of a sensor.
type Last struct {
	Quantity reading.Quantity
	Quality  reading.Quality
	Value    int64  // in the quantity's unit; without meaning where the quality has no value
	AgeMs    *int64 // since it was taken; nil when none was taken in this boot
	Sound    *Sound // latest of quality OK; nil when none was taken in this boot
	Error    string // why it has no value, as the driver says; empty where it has
	Series   uint32 // by which the History has it; not told on the socket
}

// Sound is a reading of quality OK: what a silent sensor last said.
type Sound struct {
	Value int64 // in the quantity's unit
	AgeMs int64
}

// lastJSON is the form of Last on the socket: names instead of wire numbers and
// the value as an exact decimal in the unit beside it.
type lastJSON struct {
	Quantity string       `json:"quantity"`
	Value    *json.Number `json:"value"` // null where there is none
	Unit     string       `json:"unit"`
	Quality  string       `json:"quality"` // empty when no reading was taken
	AgeMs    *int64       `json:"age_ms"`
	Sound    *soundJSON   `json:"sound"` // latest of quality ok
	Error    string       `json:"error,omitempty"`
}

type soundJSON struct {
	Value json.Number `json:"value"`
	AgeMs int64       `json:"age_ms"`
}

// MarshalJSON implements json.Marshaler.
func (l Last) MarshalJSON() ([]byte, error) {
	unit, _ := l.Quantity.Unit()
	j := lastJSON{Quantity: l.Quantity.String(), Unit: unit, AgeMs: l.AgeMs, Error: l.Error}
	if l.AgeMs != nil {
		j.Quality = l.Quality.String()
		if l.Quality.HasValue() {
			n := json.Number(decimal(l.Value, l.Quantity))
			j.Value = &n
		}
	}
	if l.Sound != nil {
		j.Sound = &soundJSON{Value: json.Number(decimal(l.Sound.Value, l.Quantity)), AgeMs: l.Sound.AgeMs}
	}
	return json.Marshal(j)
}

// UnmarshalJSON implements json.Unmarshaler.
func (l *Last) UnmarshalJSON(b []byte) error {
	var j lastJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	q, err := reading.ParseQuantity(j.Quantity)
	if err != nil {
		return fmt.Errorf("last reading: %w", err)
	}
	*l = Last{Quantity: q, AgeMs: j.AgeMs, Error: j.Error}
	if j.Sound != nil {
		v, err := parseDecimal(j.Sound.Value.String(), q)
		if err != nil {
			return fmt.Errorf("last sound reading: %w", err)
		}
		l.Sound = &Sound{Value: v, AgeMs: j.Sound.AgeMs}
	}
	if j.AgeMs == nil {
		return nil
	}
	if l.Quality, err = parseQuality(j.Quality); err != nil {
		return fmt.Errorf("last reading: %w", err)
	}
	if j.Value != nil {
		if l.Value, err = parseDecimal(j.Value.String(), q); err != nil {
			return fmt.Errorf("last reading: %w", err)
		}
	}
	return nil
}

// Journal is what is kept on the gateway's disk.
type Journal struct {
	Epoch           uint32   `json:"epoch"`
	LastBlock       uint64   `json:"last_block"`       // number of the last block kept
	Readings        uint64   `json:"readings"`         // kept in the epoch, committed or not
	PendingBlocks   uint64   `json:"pending_blocks"`   // kept and not acknowledged
	PendingReadings uint64   `json:"pending_readings"` // in them
	OldestAgeMs     *int64   `json:"oldest_age_ms"`    // of the oldest pending reading; nil when none is pending, or when it was taken in an earlier boot and is undated
	OldestUTCMs     *int64   `json:"oldest_utc_ms"`    // Unix time of it; nil when none is pending or it is undated
	Bytes           int64    `json:"bytes"`            // on disk
	FullPercent     int      `json:"full_percent"`     // share of the limit taken by what the hub has not acknowledged
	LimitBytes      int64    `json:"limit_bytes"`      // most it may take; 0 without a limit
	DamagedSegments int      `json:"damaged_segments"` // set aside, never wiped
	MemoryBlocks    int      `json:"memory_blocks"`    // waiting in memory for a disk that takes none
	MemoryReadings  uint64   `json:"memory_readings"`  // in them
	LostReadings    uint64   `json:"lost_readings"`    // declared as gaps in the epoch
	HoursLeft       *float64 `json:"hours_left"`       // until it is full at the present rate; nil when not known
	Error           string   `json:"error,omitempty"`  // why it takes nothing now
}

// LinkState says whether the uplink reaches the hub.
type LinkState string

// States of the uplink.
const (
	LinkConnected    LinkState = "connected"
	LinkDisconnected LinkState = "disconnected" // it tries, and Why says what went wrong last
	LinkCut          LinkState = "cut"          // an operator pulled it
	LinkOff          LinkState = "off"          // there is no hub to reach: none configured, or not enrolled
)

// Uplink is the way to the hub.
type Uplink struct {
	State           LinkState `json:"state"`
	Hub             string    `json:"hub"`                      // address; empty when it is not known
	Why             string    `json:"why,omitempty"`            // not connected, in words
	ForMs           int64     `json:"for_ms"`                   // in this state
	RetryInMs       *int64    `json:"retry_in_ms"`              // until the next attempt; nil when none is planned
	HubSilent       bool      `json:"hub_silent"`               // connected, and the hub has stopped answering
	AckAgeMs        *int64    `json:"ack_age_ms"`               // since the last acknowledgement; nil when none came in this boot
	InFlightParcels int       `json:"in_flight_parcels"`        // sent and not acknowledged
	ResentParcels   uint64    `json:"resent_parcels"`           // in this run
	RefusedBlocks   uint64    `json:"refused_blocks"`           // in quarantine at the hub, and still kept here
	RefusedReason   string    `json:"refused_reason,omitempty"` // of the last one
	RoundTripMs     *float64  `json:"round_trip_ms"`            // parcel to acknowledgement, smoothed; nil when not measured
}

// Certificate is the gateway's own, by which the hub knows it.
type Certificate struct {
	Enrolled    bool   `json:"enrolled"`
	Issuer      string `json:"issuer,omitempty"`
	NotBeforeMs int64  `json:"not_before_ms,omitempty"` // Unix time
	NotAfterMs  int64  `json:"not_after_ms,omitempty"`  // Unix time
	ExpiresInMs *int64 `json:"expires_in_ms"`           // negative when over; nil when not enrolled or the clock is undated
	Error       string `json:"error,omitempty"`         // why it cannot be used or renewed
}

// Fault is something an operator should see.
type Fault struct {
	Part    string `json:"part"` // "sampler", "bus w1"
	Detail  string `json:"detail"`
	AgeMs   int64  `json:"age_ms"`            // since it was last seen
	Count   uint64 `json:"count"`             // times seen in this run
	Cleared bool   `json:"cleared,omitempty"` // it has passed
}

// passed says whether the verdict need not care: what has not been seen for a
// while is shown, and is no longer an order.
func (f Fault) passed() bool { return f.Cleared || f.AgeMs > passedMs }

// Status is what the socket and the page give: the snapshot and what Judge
// says of it.
type Status struct {
	Snapshot
	Verdict Verdict `json:"verdict"`
}

// newStatus judges a snapshot. Lists are empty rather than null, for whoever
// reads the JSON.
func newStatus(s Snapshot) Status {
	if s.Sensors == nil {
		s.Sensors = []Sensor{}
	}
	if s.Guard.Watches == nil {
		s.Guard.Watches = []Watched{}
	}
	if s.Guard.Alarms == nil {
		s.Guard.Alarms = []Alarm{}
	}
	if s.Faults == nil {
		s.Faults = []Fault{}
	}
	return Status{Snapshot: s, Verdict: Judge(s)}
}
