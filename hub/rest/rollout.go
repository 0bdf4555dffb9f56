package rest

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/rollout"
)

// Rollouts is what the operations on releases of the gateway agent need;
// *rollout.Keeper has it.
type Rollouts interface {
	Releases(ctx context.Context, limit int) ([]rollout.Release, error)
	Start(ctx context.Context, actor, reason string, p rollout.Plan) (rollout.Rollout, error)
	Pause(ctx context.Context, actor, reason string, id int64) (rollout.Rollout, error)
	Resume(ctx context.Context, actor, reason string, id int64) (rollout.Rollout, error)
	Abort(ctx context.Context, actor, reason string, id int64) (rollout.Rollout, error)
	Rollout(ctx context.Context, id int64) (rollout.Rollout, error)
	Rollouts(ctx context.Context, below int64, limit int) ([]rollout.Rollout, error)
	Members(ctx context.Context, id int64, after string, limit int) ([]rollout.Member, error)
}

func init() {
	means(rollout.ErrUnknown, notFound)
	means(rollout.ErrInvalid, unacceptable)
	means(rollout.ErrBusy, conflict)
	means(rollout.ErrState, conflict)
}

// AgentRelease is a signed release of the gateway agent that this hub carries.
type AgentRelease struct {
	ID        string   `json:"id" pattern:"^[0-9a-f]{32}$"`
	Version   string   `json:"version" maxLength:"64"`
	Platforms []string `json:"platforms" maxItems:"8" doc:"Such as linux/arm64."`
	Actor     string   `json:"actor" maxLength:"200" doc:"Who published it here."`
	Reason    string   `json:"reason,omitempty" maxLength:"500"`
	Published int64    `json:"published" minimum:"0" maximum:"4102444800000"`
}

// WaveText says which gateways are in a wave.
type WaveText string

// Schema implements huma.SchemaProvider.
func (WaveText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, MinLength: new(1), MaxLength: new(1000), Pattern: `^[0-9]+%?$|^[a-z0-9*?,-]+$`, Description: "A number, a percentage, or names and patterns"}
}

// RolloutPlan is what a rollout is to be.
type RolloutPlan struct {
	Release  string     `json:"release" minLength:"1" maxLength:"64" doc:"Id or version of a release that was published."`
	Waves    []WaveText `json:"waves" minItems:"1" maxItems:"16" doc:"Each a number of gateways or a percentage of all, counted with the waves before it, or names and patterns such as van-1,pharmacy-*. What no wave has is left out."`
	Failures int        `json:"failures,omitempty" minimum:"1" maximum:"1000" default:"1" doc:"Failures that stop it."`
	Quorum   int        `json:"quorum,omitempty" minimum:"1" maximum:"100" default:"100" doc:"Percent of the gateways asked so far, but for failed ones, that have to confirm before the next wave is asked."`
	SoakMs   int64      `json:"soakMs,omitempty" minimum:"0" maximum:"2592000000" doc:"Milliseconds from then to the next wave."`
}

// RolloutWave counts the gateways of a wave by how far they are.
type RolloutWave struct {
	Wave      string `json:"wave" maxLength:"4096" doc:"As it was given."`
	Gateways  int    `json:"gateways" minimum:"0"`
	Waiting   int    `json:"waiting" minimum:"0"`
	Asked     int    `json:"asked" minimum:"0" doc:"They have not said anything to it."`
	Fetching  int    `json:"fetching" minimum:"0"`
	Trial     int    `json:"trial" minimum:"0" doc:"They run it, and nothing of that is acknowledged yet."`
	Confirmed int    `json:"confirmed" minimum:"0"`
	Failed    int    `json:"failed" minimum:"0" doc:"They refused it, or went back."`
	Gone      int    `json:"gone" minimum:"0" doc:"They are no longer enrolled."`
}

// AgentRollout is a release on its way to gateways.
type AgentRollout struct {
	ID       int64         `json:"id" minimum:"1" maximum:"9007199254740991"`
	Release  string        `json:"release" pattern:"^[0-9a-f]{32}$"`
	Version  string        `json:"version" maxLength:"64"`
	State    string        `json:"state" enum:"running,paused,stopped,done,aborted"`
	Wave     int           `json:"wave" minimum:"1" maximum:"16" doc:"That goes on, from 1."`
	Waves    []RolloutWave `json:"waves" maxItems:"16"`
	Failures int           `json:"failures" minimum:"1" maximum:"1000"`
	Quorum   int           `json:"quorum" minimum:"1" maximum:"100"`
	SoakMs   int64         `json:"soakMs" minimum:"0" maximum:"2592000000"`
	Actor    string        `json:"actor" maxLength:"200" doc:"Who started it."`
	Reason   string        `json:"reason,omitempty" maxLength:"500"`
	Started  int64         `json:"started" minimum:"0" maximum:"4102444800000"`
	Changed  int64         `json:"changed" minimum:"0" maximum:"4102444800000" doc:"When state or wave last did."`
	Why      string        `json:"why" maxLength:"1200" doc:"It is in that state."`
}

func rolloutOf(r rollout.Rollout) AgentRollout {
	out := AgentRollout{ID: r.ID, Release: r.Release, Version: r.Version, State: r.State, Wave: r.Wave, Failures: r.Failures, Quorum: r.Quorum,
		SoakMs: r.Soak.Milliseconds(), Actor: r.Actor, Reason: r.Reason, Started: r.Started, Changed: r.Changed, Why: r.Why, Waves: []RolloutWave{}}
	for i, w := range r.Waves {
		c := r.Counts[i]
		wave := RolloutWave{Wave: w, Waiting: c[rollout.Waiting], Asked: c[rollout.Asked], Fetching: c[rollout.Fetching], Trial: c[rollout.Trial],
			Confirmed: c[rollout.Confirmed], Failed: c[rollout.Failed], Gone: c[rollout.Gone]}
		for _, n := range c {
			wave.Gateways += n
		}
		out.Waves = append(out.Waves, wave)
	}
	return out
}

// RolloutGateway is how far a gateway is in a rollout.
type RolloutGateway struct {
	Gateway string `json:"gateway" minLength:"3" maxLength:"40" pattern:"^[a-z0-9-]+$"`
	Wave    int    `json:"wave" minimum:"1" maximum:"16"`
	Phase   string `json:"phase" enum:"waiting,asked,fetching,trial,confirmed,failed,gone"`
	Reason  string `json:"reason,omitempty" maxLength:"1200" doc:"Of a failure, or what holds it up."`
	Have    int64  `json:"have,omitempty" minimum:"0" doc:"Bytes fetched."`
	Size    int64  `json:"size,omitempty" minimum:"0" doc:"Bytes to fetch."`
	Told    int64  `json:"told,omitempty" minimum:"0" maximum:"4102444800000" doc:"When it last said something to it; absent where it never did."`
}

// RolloutPath names a rollout.
type RolloutPath struct {
	ID int64 `path:"id" minimum:"1" maximum:"9007199254740991" doc:"Number of the rollout."`
}

type rolloutReply struct{ Body AgentRollout }

const maxReleases = 200 // listed

func registerRollouts(api huma.API, d Rollouts) {
	op := func(method, path, id string, scope Scope, summary string) huma.Operation {
		return tagged(operation(method, path, id, scope, summary), "releases")
	}
	answer := func(r rollout.Rollout, err error) (*rolloutReply, error) {
		if err != nil {
			return nil, err
		}
		return &rolloutReply{rolloutOf(r)}, nil
	}
	huma.Register(api, op(http.MethodGet, "/releases", "list-releases", Read, "List the newest releases of the gateway agent that were published here"),
		func(ctx context.Context, _ *struct{}) (*struct{ Body []AgentRelease }, error) {
			list, err := d.Releases(ctx, maxReleases)
			if err != nil {
				return nil, err
			}
			out := make([]AgentRelease, 0, len(list))
			for _, r := range list {
				out = append(out, AgentRelease{r.ID, r.Version, r.Platforms, r.Actor, r.Reason, r.Published})
			}
			return &struct{ Body []AgentRelease }{out}, nil
		})
	start := op(http.MethodPost, "/rollouts", "start-rollout", Fleet, "Have gateways run a release, wave by wave")
	start.Description = "A gateway runs a release on trial until this hub has acknowledged readings under it, and goes back by itself where that does not come about. " +
		"The next wave is asked when the waves before have confirmed; too many failures stop the rollout. One goes on at a time."
	huma.Register(api, status(start, http.StatusCreated), func(ctx context.Context, in *struct {
		Why
		Body RolloutPlan
	}) (*rolloutReply, error) {
		p := in.Body
		waves := make([]string, 0, len(p.Waves))
		for _, w := range p.Waves {
			waves = append(waves, string(w))
		}
		return answer(d.Start(ctx, Actor(ctx), in.Reason, rollout.Plan{Release: p.Release, Waves: waves, Failures: p.Failures, Quorum: p.Quorum, Soak: time.Duration(p.SoakMs) * time.Millisecond}))
	})
	huma.Register(api, op(http.MethodGet, "/rollouts", "list-rollouts", Read, "List rollouts, newest first"),
		func(ctx context.Context, in *struct{ Paging }) (*listReply[AgentRollout], error) {
			after, err := in.after(ctx)
			if err != nil {
				return nil, err
			}
			below, _ := strconv.ParseInt(after, 10, 64) // ours: signed
			list, err := d.Rollouts(ctx, below, in.Limit+1)
			if err != nil {
				return nil, err
			}
			all := make([]AgentRollout, 0, len(list))
			for _, r := range list {
				all = append(all, rolloutOf(r))
			}
			return paged(ctx, all, in.Limit, func(r AgentRollout) string { return strconv.FormatInt(r.ID, 10) }), nil
		})
	huma.Register(api, op(http.MethodGet, "/rollouts/{id}", "get-rollout", Read, "Give one rollout and how far it is"),
		func(ctx context.Context, in *struct{ RolloutPath }) (*rolloutReply, error) {
			return answer(d.Rollout(ctx, in.ID))
		})
	huma.Register(api, op(http.MethodGet, "/rollouts/{id}/gateways", "list-rollout-gateways", Read, "List the gateways of a rollout and how far they are"),
		func(ctx context.Context, in *struct {
			RolloutPath
			Paging
		}) (*listReply[RolloutGateway], error) {
			after, err := in.after(ctx)
			if err != nil {
				return nil, err
			}
			if _, err := d.Rollout(ctx, in.ID); err != nil {
				return nil, err
			}
			list, err := d.Members(ctx, in.ID, after, in.Limit+1)
			if err != nil {
				return nil, err
			}
			all := make([]RolloutGateway, 0, len(list))
			for _, m := range list {
				all = append(all, RolloutGateway{m.Gateway, m.Wave, m.Phase, m.Reason, m.Have, m.Size, m.Told})
			}
			return paged(ctx, all, in.Limit, func(m RolloutGateway) string { return m.Gateway }), nil
		})
	for _, x := range []struct {
		word, summary string
		do            func(ctx context.Context, actor, reason string, id int64) (rollout.Rollout, error)
	}{
		{"pause", "Ask no further wave", d.Pause},
		{"resume", "Go on with a rollout that was paused or stopped; failures so far are forgiven", d.Resume},
		{"abort", "End a rollout: what gateways have not begun is withdrawn", d.Abort},
	} {
		huma.Register(api, op(http.MethodPost, "/rollouts/{id}/"+x.word, x.word+"-rollout", Fleet, x.summary),
			func(ctx context.Context, in *struct {
				RolloutPath
				Why
			}) (*rolloutReply, error) {
				return answer(x.do(ctx, Actor(ctx), in.Reason, in.ID))
			})
	}
}
