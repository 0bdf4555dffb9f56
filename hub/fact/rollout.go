package fact

// Types of events about releases of the gateway agent. Streams are
// "release/ID", "rollout/NUMBER" and, of what a gateway made of one,
// "mandate/GATEWAY".
const (
	ReleaseWasPublished = "release.published"
	RolloutWasStarted   = "rollout.started"
	RolloutHasChanged   = "rollout.changed"
	GatewayHasUpdated   = "gateway.updated"
)

// ReleasePublished: somebody has given the hub a release.
type ReleasePublished struct {
	Release   string   `json:"release"`
	Version   string   `json:"version"`
	Platforms []string `json:"platforms"` // such as linux/arm64
}

// RolloutStarted: gateways are to run a release, wave by wave.
type RolloutStarted struct {
	Rollout  int64    `json:"rollout"`
	Release  string   `json:"release"`
	Version  string   `json:"version"`
	Waves    []string `json:"waves"` // as they were given
	Sizes    []int    `json:"sizes"` // gateways of each
	Failures int      `json:"failures"`
	Quorum   int      `json:"quorum"` // percent
	Soak     int64    `json:"soak"`   // ms
}

// RolloutChanged: another wave has begun, or it goes on no longer or again.
type RolloutChanged struct {
	Rollout int64  `json:"rollout"`
	State   string `json:"state"` // running, paused, stopped, done, aborted
	Wave    int    `json:"wave"`
	Why     string `json:"why"`
}

// GatewayUpdated: a gateway has come further with a release that it was asked to
// run.
type GatewayUpdated struct {
	Gateway string `json:"gateway"`
	Rollout int64  `json:"rollout"`
	Release string `json:"release"`
	Version string `json:"version"`
	Phase   string `json:"phase"` // trial, confirmed, failed
	Reason  string `json:"reason,omitempty"`
}

func init() {
	Register(ReleaseWasPublished, ReleasePublished{})
	Register(RolloutWasStarted, RolloutStarted{})
	Register(RolloutHasChanged, RolloutChanged{})
	Register(GatewayHasUpdated, GatewayUpdated{})
}
