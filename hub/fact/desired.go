package fact

// Types of events about what gateways are to be and do. Their stream is
// "mandate/GATEWAY".
const (
	GatewayWasConfigured = "gateway.configured"
	GatewayHasReported   = "gateway.reported"
	GatewayWasCommanded  = "gateway.commanded"
	GatewayHasAnswered   = "gateway.answered"
)

// GatewayConfigured: somebody has set the desired state of a gateway.
type GatewayConfigured struct {
	Gateway  string `json:"gateway"`
	Version  int64  `json:"version"`
	Document string `json:"document"` // YAML, whole
}

// GatewayReported: a gateway runs another version than before, or has refused
// one.
type GatewayReported struct {
	Gateway string `json:"gateway"`
	Running int64  `json:"running"` // 0: its own file alone
	Trial   bool   `json:"trial,omitempty"`
	Refused int64  `json:"refused,omitempty"`
	Reason  string `json:"reason,omitempty"` // of the refusal
	Digest  string `json:"digest"`           // of the whole configuration that runs, as in its chain
}

// GatewayCommanded: somebody has asked a gateway to do something once.
type GatewayCommanded struct {
	Gateway  string `json:"gateway"`
	Number   int64  `json:"number"`
	Kind     string `json:"kind"` // identify, restart, diagnostics, log-level, message
	Argument string `json:"argument,omitempty"`
	Expires  int64  `json:"expires"` // UTC, Unix ms
}

// GatewayAnswered: a gateway has told what came of that.
type GatewayAnswered struct {
	Gateway string `json:"gateway"`
	Number  int64  `json:"number"`
	Kind    string `json:"kind"`
	Done    bool   `json:"done"`
	Detail  string `json:"detail"` // what was done, or why not
}

func init() {
	Register(GatewayWasConfigured, GatewayConfigured{})
	Register(GatewayHasReported, GatewayReported{})
	Register(GatewayWasCommanded, GatewayCommanded{})
	Register(GatewayHasAnswered, GatewayAnswered{})
}
