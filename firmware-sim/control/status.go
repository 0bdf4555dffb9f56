package control

// Status is everything there is to see of a board.
type Status struct {
	Board   string    `json:"board"`
	Mode    string    `json:"mode"`
	Speed   float64   `json:"speed"`
	NowMs   int64     `json:"now_ms"`
	UTC     string    `json:"utc"` // RFC 3339 with milliseconds
	Seed    uint64    `json:"seed"`
	World   []Object  `json:"world"`
	Devices []Device  `json:"devices"`
	Buses   []Traffic `json:"buses"`
}

// Object is a room, box or vehicle.
type Object struct {
	Name   string             `json:"name"`
	Kind   string             `json:"kind"`
	Fault  string             `json:"fault"`
	Values map[string]float64 `json:"values"`
}

// Device is a sensor.
type Device struct {
	Name    string  `json:"name"`
	Kind    string  `json:"kind"`
	Bus     string  `json:"bus,omitempty"`
	Address string  `json:"address,omitempty"`
	Senses  string  `json:"senses"`
	True    float64 `json:"true"` // what it is exposed to, before noise and faults
	Fault   string  `json:"fault"`
	Flipped uint64  `json:"flipped_frames"` // frames that lost a bit by fault
	Port    string  `json:"port,omitempty"` // of a receiver
	Bursts  uint64  `json:"bursts"`         // sent by a receiver
	// Sentences were sent by a receiver; what nobody read of them is in Lost.
	Sentences uint64 `json:"sentences"`
	Skipped   uint64 `json:"skipped_bursts"` // passed over by a long advance
	Lost      uint64 `json:"unread_bytes"`   // discarded because nobody read them
	Failed    uint64 `json:"failed_sends"`   // terminal errors
	Rises     uint64 `json:"rises"`          // how often an indicator's line was driven high
}

// Traffic is a bus and what has happened on it.
type Traffic struct {
	Name     string `json:"name"`
	Requests uint64 `json:"requests"`
	Nacks    uint64 `json:"nacks"`
	Refused  uint64 `json:"refused"`
}
