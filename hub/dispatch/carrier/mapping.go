package carrier

import "time"

// Mapping is what is known of one partner, as its file says. Parse checks it.
type Mapping struct {
	// Carrier names the partner: its webhook is /carriers/CARRIER/webhook.
	Carrier string `yaml:"carrier"`
	// Party is the record of the catalog that has custody of what they carry;
	// couriers of this party are theirs.
	Party string `yaml:"party"`
	// Private lets calls reach this machine and private networks.
	Private  bool      `yaml:"private"`
	Incoming *Incoming `yaml:"incoming"`
	Booking  *Booking  `yaml:"booking"`
	Tasks    *Tasks    `yaml:"tasks"`
	Retry    Retry     `yaml:"retry"`

	in, out, sign [][]byte // secrets of incoming, booking and tasks
	layout        string   // Go's, of times; "" for numbers and RFC 3339
	zone          *time.Location
}

// Incoming says what their webhook sends.
type Incoming struct {
	Authentication Authentication `yaml:"authentication"`
	// Events points to the list of events in a message; "" where a message is
	// one event.
	Events string `yaml:"events"`
	Fields Fields `yaml:"fields"`
	// Reference says what names the delivery in fields.shipment: shipment
	// (default), job, or booking: what they called it when it was booked.
	Reference string `yaml:"reference"`
	Time      Clock  `yaml:"time"`
	// Statuses says what their codes mean. With fields.sub-status, CODE.SUB goes
	// before CODE.
	Statuses map[string]Meaning `yaml:"statuses"`
}

// Authentication says how a message proves where it is from.
type Authentication struct {
	Scheme string `yaml:"scheme"` // hmac-sha256 or bearer
	// Header has the signature or token; default Authorization for bearer. A
	// header can have several, with commas or spaces between.
	Header   string `yaml:"header"`
	Prefix   string `yaml:"prefix"`   // before each; default "Bearer " for bearer
	Encoding string `yaml:"encoding"` // of the signature: hex (default) or base64
	// Timestamp is the header with the time at which it was signed, after
	// TimestampPrefix; it may be Header itself. In seconds of Unix time, or RFC
	// 3339. Required for hmac-sha256 unless Untimed.
	Timestamp       string        `yaml:"timestamp"`
	TimestampPrefix string        `yaml:"timestamp-prefix"`
	Tolerance       time.Duration `yaml:"tolerance"` // 10s to 1h; default 5m
	// Untimed accepts signatures that tell no time. A message that is sent again
	// by somebody else then has no effect only because it is known already.
	Untimed bool   `yaml:"untimed"`
	ID      string `yaml:"id"` // header with the id of the message, where it is signed too
	// Signed is what is signed, of {id}, {timestamp} and {body}; default
	// {timestamp}.{body}, or {body} where there is no timestamp.
	Signed string `yaml:"signed"`
	// SecretFiles hold the secrets, one a file, mode 0600; 1 to 4, any of which is
	// accepted.
	SecretFiles []string `yaml:"secret-files"`
	// SecretEncoding is text (default), hex or base64.
	SecretEncoding string `yaml:"secret-encoding"`
}

// Fields are JSON pointers (RFC 6901) into an event; "" where they do not tell.
type Fields struct {
	ID        string `yaml:"id"`       // of the event; without it, shipment, status and time make it
	Shipment  string `yaml:"shipment"` // required
	Status    string `yaml:"status"`   // required
	SubStatus string `yaml:"sub-status"`
	Time      string `yaml:"time"` // required
	ETA       string `yaml:"eta"`
	Latitude  string `yaml:"latitude"`  // decimal degrees
	Longitude string `yaml:"longitude"` // likewise
	Accuracy  string `yaml:"accuracy"`  // m
	// AssumedAccuracy is that of positions which tell none, m, 1 to 5000.
	AssumedAccuracy int `yaml:"assumed-accuracy"`
}

// Clock says how they write times.
type Clock struct {
	// Format is rfc3339 (default), unix, unix-ms, or a pattern of YYYY MM DD hh
	// mm ss, such as "DD.MM.YYYY hh:mm".
	Format string `yaml:"format"`
	// Zone is required with a pattern, such as Europe/Berlin or UTC.
	Zone string `yaml:"zone"`
}

// Meaning is what a status of theirs comes to here.
type Meaning struct {
	// Ignore: it says nothing that matters here.
	Ignore bool `yaml:"ignore" json:"ignore,omitempty"`
	// Stop is what happened at the stop of the shipment: arrived, departed,
	// completed or failed. Where no route of theirs has the shipment, the shipment
	// itself is told.
	Stop string `yaml:"stop" json:"stop,omitempty"`
	// At is the kind of the stop: delivery (default), pickup or return.
	At string `yaml:"at" json:"at,omitempty"`
	// Route is what the route of the shipment has come to: started, recalled,
	// ended or cancelled.
	Route string `yaml:"route" json:"route,omitempty"`
	// Shipment is what the shipment has come to.
	Shipment string `yaml:"shipment" json:"shipment,omitempty"`
}

// Booking says how a job is given to them: a request for each delivery of a
// route of one of their couriers.
type Booking struct {
	Request `yaml:",inline"`
	// Reference points to what they call it, in their answer; "" where they use
	// our ids.
	Reference string `yaml:"reference"`
	// Authorization header of each request, after Prefix (default "Bearer ").
	Header     string `yaml:"header"`
	Prefix     string `yaml:"prefix"`
	SecretFile string `yaml:"secret-file"` // mode 0600; "" for none
	// Cancel takes a booking back; nil where that takes a telephone call: it is
	// parked at once then, for a person.
	Cancel *Request `yaml:"cancel"`
}

// Request is an HTTP request. URL and the texts of Body can have {PLACEHOLDERS},
// see Placeholders; a text of Body that is nothing else becomes what it stands
// for, a number or null, say.
type Request struct {
	Method string `yaml:"method"` // default POST; for cancel DELETE
	URL    string `yaml:"url"`
	Body   any    `yaml:"body"` // of JSON; nil for none
}

// Tasks says where what becomes of tasks is told: each trigger once for each
// delivery, signed as in standardwebhooks.com 1.0.
type Tasks struct {
	URL        string   `yaml:"url"`
	SecretFile string   `yaml:"secret-file"` // whsec_ and base64 of 24 to 64 bytes, mode 0600
	Triggers   []string `yaml:"triggers"`    // see Triggers; default all
	// Of is own (default), for routes of couriers of the party, or all.
	Of string `yaml:"of"`
	// ETAWithin is how long before its estimated arrival eta is told, 1m to 4h;
	// default 15m.
	ETAWithin time.Duration `yaml:"eta-within"`
}

// Retry says how often a call is tried: after First, then twice as long each
// time up to Longest, each shortened by up to a half at random, for For.
type Retry struct {
	First   time.Duration `yaml:"first"`   // default 5s
	Longest time.Duration `yaml:"longest"` // default 15m
	For     time.Duration `yaml:"for"`     // default 24h
}

// Triggers of tasks.
var Triggers = []string{"started", "eta", "arrival", "completed", "failed"}
