package api

import (
	"time"

	"frostline/hub/view"
)

// Times below are RFC 3339 in UTC with milliseconds; "" means never.

// Gateway is a gateway as JSON.
type Gateway struct {
	Gateway    string `json:"gateway"`
	Link       string `json:"link"` // online, offline, silent, never-heard or revoked
	Enrolled   string `json:"enrolled,omitempty"`
	Revoked    string `json:"revoked,omitempty"`
	RevokedFor string `json:"revoked_for,omitempty"`
	Heard      string `json:"heard,omitempty"`
	Version    string `json:"version,omitempty"`
	Epoch      uint32 `json:"epoch"`
	Boot       uint32 `json:"boot"`

	Kept            uint64 `json:"kept"`
	Committed       uint64 `json:"committed"`
	PendingBlocks   uint64 `json:"pending_blocks"`
	PendingReadings uint64 `json:"pending_readings"`
	LastCommit      string `json:"last_commit,omitempty"`
	Quarantined     uint64 `json:"quarantined"`

	Journal Journal     `json:"journal"`
	Config  ConfigState `json:"config"`
	Clock   Clock       `json:"clock"`
	Faults  []Fault     `json:"faults"`
	Alarms  []Alarm     `json:"alarms"` // of its own guard: those that are not over first, then the newest
	Sensors []Sensor    `json:"sensors"`
}

// Journal is what a gateway last said of the journal on its own disk.
type Journal struct {
	Bytes        uint64  `json:"bytes"`
	MaxBytes     uint64  `json:"max_bytes,omitempty"`
	FullPercent  uint32  `json:"full_percent"`         // of it, taken by what the hub had not acknowledged
	HoursLeft    *uint32 `json:"hours_left,omitempty"` // until it was full, if nothing was acknowledged
	Damaged      uint64  `json:"damaged,omitempty"`    // segments set aside
	MemoryBlocks uint64  `json:"memory_blocks,omitempty"`
}

// ConfigState is which desired state of the hub a gateway runs, by version; 0 is its
// own file alone.
type ConfigState struct {
	Wanted  int64  `json:"wanted"`
	Running int64  `json:"running"`
	Trial   bool   `json:"trial,omitempty"`
	Refused int64  `json:"refused,omitempty"`
	Why     string `json:"why,omitempty"`
	Word    string `json:"word"` // all of it, for people
}

func configOf(c view.Config) ConfigState {
	word, _ := c.Word()
	return ConfigState{Wanted: c.Wanted, Running: c.Running, Trial: c.Trial, Refused: c.Refused, Why: c.Why, Word: word}
}

// Clock is how well a gateway's present boot is tied to UTC.
type Clock struct {
	Dated         bool   `json:"dated"`
	UncertaintyMs int64  `json:"uncertainty_ms,omitempty"`
	Source        string `json:"source,omitempty"`
	Conflict      bool   `json:"conflict,omitempty"`
	// Left names the sources that are left out, because those that agree contradict them.
	Left []string `json:"left,omitempty"`
}

// Alarm is an alarm that a gateway raised on the spot.
type Alarm struct {
	Alarm        string `json:"alarm"`
	Watch        string `json:"watch"`
	Sensor       string `json:"sensor"`
	Kind         string `json:"kind"` // excursion or unknown
	Severity     string `json:"severity,omitempty"`
	Limit        string `json:"limit,omitempty"`
	Profile      string `json:"profile"`
	Active       bool   `json:"active"`
	Acknowledged bool   `json:"acknowledged"`
	Reason       string `json:"reason,omitempty"`
	By           string `json:"by,omitempty"`
	Times        int    `json:"times"`
	Raised       string `json:"raised,omitempty"` // when; absent where no anchor tells
	Told         string `json:"told"`             // when the hub was told
	Says         string `json:"says"`             // all of it, for people
}

func alarmOf(a view.Alarm) Alarm {
	out := Alarm{
		Alarm: a.ID, Watch: a.Watch, Sensor: a.Sensor, Kind: "excursion", Severity: a.Severity, Limit: a.Limit, Profile: a.Profile, Active: a.Active,
		Acknowledged: a.Acknowledged, Reason: a.Reason, By: a.By, Times: a.Times, Told: stamp(a.Told), Says: a.Says(),
	}
	if a.Unknown {
		out.Kind = "unknown"
	}
	if a.Dated {
		out.Raised = stamp(a.Raised)
	}
	return out
}

// Fault is something that an operator should see.
type Fault struct {
	At     string `json:"at"`
	Part   string `json:"part"`
	Detail string `json:"detail"`
}

// Sensor is a device on a gateway's bus.
type Sensor struct {
	Sensor   string    `json:"sensor"`
	Model    string    `json:"model,omitempty"`
	Address  string    `json:"address,omitempty"`
	Channels []Channel `json:"channels"`
}

// Channel is one quantity of a sensor.
type Channel struct {
	Quantity   string       `json:"quantity"`
	IntervalMs int64        `json:"interval_ms,omitempty"`
	Current    bool         `json:"current"` // the configuration still has it
	State      view.State   `json:"state"`
	Word       string       `json:"word"` // the state for people
	Latest     *view.Record `json:"latest,omitempty"`
}

// Account is the reckoning of one epoch of a gateway, in readings.
type Account struct {
	Gateway   string `json:"gateway"`
	Epoch     uint32 `json:"epoch"`
	Produced  uint64 `json:"produced"`
	Committed uint64 `json:"committed"`
	Pending   uint64 `json:"pending"`
	Gaps      uint64 `json:"declared_gaps"`
	AddsUp    bool   `json:"adds_up"`
	// Difference is committed + pending + declared gaps - produced.
	Difference  int64  `json:"difference"`
	Note        string `json:"note,omitempty"`
	Through     uint64 `json:"committed_through_block"`
	Last        uint64 `json:"last_block"`
	Holes       int    `json:"holes"`
	Quarantined uint64 `json:"quarantined"`
	AsOf        string `json:"as_of,omitempty"`
}

// Code is a one-time code for a gateway's enrolment.
type Code struct {
	Gateway string `json:"gateway"`
	Code    string `json:"code"`
	Expires string `json:"expires"`
	Command string `json:"command"` // to be entered on the gateway
}

// BrokerRequest asks for the configuration of an external broker.
type BrokerRequest struct {
	Kind     string   `json:"kind"`     // mosquitto or nats
	Dir      string   `json:"dir"`      // absolute; where the broker will find the files
	Hosts    []string `json:"hosts"`    // names and addresses of the broker, for its certificate
	Gateways string   `json:"gateways"` // host:port of its listener for gateways
	Hub      string   `json:"hub"`      // host:port of its listener for the hub
}

// BrokerFile is one of its files.
type BrokerFile struct {
	Name    string `json:"name"`
	Mode    uint32 `json:"mode"`
	Content string `json:"content"`
}

// Health is how the hub is doing.
type Health struct {
	Status  string            `json:"status"` // ok or failing
	Version string            `json:"version"`
	Started string            `json:"started"`
	Pages   string            `json:"pages,omitempty"`
	Checks  map[string]string `json:"checks"` // by part: ok, or what is wrong
}

// Line is one line of a tail: a reading, or, where Missed is not 0, word that
// so many readings were not shown because the reader was too slow.
type Line struct {
	view.Record
	Received string `json:"received,omitempty"` // by the hub's clock
	Missed   uint64 `json:"missed,omitempty"`
}

func stamp(ms int64) string {
	if ms == 0 {
		return ""
	}
	return view.Stamp(ms)
}

func gatewayOf(g view.Gateway, now time.Time) Gateway {
	out := Gateway{
		Gateway: g.ID, Link: string(view.JudgeLink(g, now.UnixMilli()).Link), Enrolled: stamp(g.Enrolled), Revoked: stamp(g.Revoked),
		RevokedFor: g.RevokedFor, Heard: stamp(g.Heard), Version: g.Version, Epoch: g.Epoch, Boot: g.Boot, Kept: g.Kept,
		Committed: g.Committed, PendingBlocks: g.PendingBlocks, PendingReadings: g.PendingReadings, LastCommit: stamp(g.LastCommit),
		Quarantined: g.Quarantined, Config: configOf(g.Config), Clock: Clock{Dated: g.Clock.Dated, UncertaintyMs: g.Clock.Uncertainty, Source: g.Clock.Source, Conflict: g.Clock.Conflict, Left: g.Clock.Left},
		Journal: Journal(g.Journal), Faults: []Fault{}, Alarms: []Alarm{}, Sensors: []Sensor{},
	}
	for _, a := range g.Alarms {
		out.Alarms = append(out.Alarms, alarmOf(a))
	}
	for _, f := range g.Faults {
		out.Faults = append(out.Faults, Fault{stamp(f.At), f.Part, f.Detail})
	}
	for _, s := range g.Sensors {
		sensor := Sensor{Sensor: s.Name, Model: s.Model, Address: s.Address, Channels: []Channel{}}
		for _, c := range s.Channels {
			st := view.Judge(c.Latest, c.Interval, now.UnixMilli())
			ch := Channel{Quantity: c.Quantity.String(), IntervalMs: c.Interval.Milliseconds(), Current: c.Current, State: st.State, Word: st.Word}
			if c.Latest != nil {
				r := view.RecordOf(view.Series{Gateway: g.ID, Sensor: s.Name, Quantity: c.Quantity}, *c.Latest)
				ch.Latest = &r
			}
			sensor.Channels = append(sensor.Channels, ch)
		}
		out.Sensors = append(out.Sensors, sensor)
	}
	return out
}

func accountOf(a view.Account) Account {
	return Account{
		Gateway: a.Gateway, Epoch: a.Epoch, Produced: a.Produced, Committed: a.Committed, Pending: a.Pending, Gaps: a.Gaps, AddsUp: a.AddsUp,
		Difference: a.Difference(), Note: a.Note, Through: a.Through, Last: a.Last, Holes: a.Holes, Quarantined: a.Quarantined, AsOf: stamp(a.AsOf),
	}
}
