package rest

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/desired"
)

// Desired is what the operations on gateways' configuration and commands need;
// *desired.Keeper has it.
type Desired interface {
	Get(ctx context.Context, gateway string) (desired.State, error)
	Set(ctx context.Context, actor, reason, gateway, document string, expect int64) (desired.State, error)
	Standing(gateway string) desired.Standing
	Ask(ctx context.Context, actor, reason, id, gateway, kind, argument string) (desired.Command, error)
	Commands(ctx context.Context, gateway string, below int64, limit int) ([]desired.Command, error)
	Command(ctx context.Context, gateway string, number int64) (desired.Command, error)
}

func init() {
	means(desired.ErrUnknown, notFound)
	means(desired.ErrInvalid, unacceptable)
	means(desired.ErrChanged, stale)
}

// MandatePath names a gateway.
type MandatePath struct {
	ID string `path:"id" minLength:"3" maxLength:"40" pattern:"^[a-z0-9-]+$" doc:"Id of the gateway."`
}

// MandateText is a desired state to be set.
type MandateText struct {
	Document string `json:"document" maxLength:"65536" doc:"YAML: the part of a gateway's configuration that is the hub's to say, whole. Sensors are named by id; what is left out stays as in the gateway's own file."`
}

// MandateState is the desired state of a gateway, and what it says to it.
type MandateState struct {
	Gateway  string `json:"gateway" minLength:"3" maxLength:"40" pattern:"^[a-z0-9-]+$"`
	Version  int64  `json:"version" minimum:"0" maximum:"9007199254740991" doc:"0: none was set."`
	Document string `json:"document" maxLength:"65536" doc:"YAML: what persons have set, and after a line that says so what the hub adds by itself, packages that are or will be beside the gateway and its next stop. It may be set again whole; a field that persons give is theirs."`
	Set      int64  `json:"set,omitempty" minimum:"0" maximum:"4102444800000" doc:"When it was set."`
	Actor    string `json:"actor,omitempty" maxLength:"200" doc:"Who set it."`
	Reason   string `json:"reason,omitempty" maxLength:"500" doc:"Why."`

	Running  int64  `json:"running" minimum:"0" maximum:"9007199254740991" doc:"Version that the gateway runs; 0: its own file alone, or it has not said."`
	Trial    bool   `json:"trial" doc:"It has not proven itself yet, and is undone if it does not in time."`
	Refused  int64  `json:"refused,omitempty" minimum:"0" maximum:"9007199254740991" doc:"Newest version that the gateway refused or undid; absent where there is none since what runs."`
	Why      string `json:"why,omitempty" maxLength:"1200" doc:"Why it did."`
	Digest   string `json:"digest,omitempty" maxLength:"1200" doc:"SHA-256 of the whole configuration that runs, hex."`
	Told     int64  `json:"told,omitempty" minimum:"0" maximum:"4102444800000" doc:"When the gateway said so; absent where it never did."`
	Stranger bool   `json:"stranger,omitempty" doc:"The gateway trusts another hub's key, and obeys nothing until it is enrolled again."`
	Keyless  bool   `json:"keyless,omitempty" doc:"The gateway has no key of this hub yet; it gets it with its next renewal."`
}

type mandateReply struct {
	ETag string `header:"ETag"`
	Body MandateState
}

func mandateReplyOf(d Desired, s desired.State) *mandateReply {
	n := d.Standing(s.Gateway)
	return &mandateReply{etag(s.Version), MandateState{
		Gateway: s.Gateway, Version: s.Version, Document: s.Document, Set: s.Set, Actor: s.Actor, Reason: s.Reason,
		Running: n.Running, Trial: n.Trial, Refused: n.Refused, Why: n.Reason, Digest: n.Digest, Told: n.Told, Stranger: n.Stranger, Keyless: n.Keyless,
	}}
}

// GatewayAsk asks a gateway to do something once.
type GatewayAsk struct {
	Kind     string `json:"kind" enum:"identify,restart,diagnostics,log-level" doc:"What to do: show itself on the spot, start again, examine itself, or change the level of its log for a while."`
	Argument string `json:"argument,omitempty" maxLength:"128" doc:"Of identify: for how long, such as 30s. Of log-level: level and for how long, such as debug 1h."`
}

// GatewayCommand is something that a gateway was asked to do once.
type GatewayCommand struct {
	Gateway  string `json:"gateway" minLength:"3" maxLength:"40" pattern:"^[a-z0-9-]+$"`
	Number   int64  `json:"number" minimum:"1" maximum:"9007199254740991" doc:"Rising; a gateway does none twice."`
	Kind     string `json:"kind" enum:"identify,restart,diagnostics,log-level"`
	Argument string `json:"argument,omitempty" maxLength:"128"`
	Actor    string `json:"actor" maxLength:"200" doc:"Who asked for it."`
	Reason   string `json:"reason,omitempty" maxLength:"500" doc:"Why."`
	Asked    int64  `json:"asked" minimum:"0" maximum:"4102444800000"`
	Expires  int64  `json:"expires" minimum:"0" maximum:"4102444800000" doc:"It is not begun at or after that."`
	Answered int64  `json:"answered,omitempty" minimum:"0" maximum:"4102444800000" doc:"When the gateway said what came of it; absent before."`
	Done     bool   `json:"done"`
	Detail   string `json:"detail,omitempty" maxLength:"1200" doc:"What was done, or why not."`
	Report   string `json:"report,omitempty" maxLength:"65536" doc:"Of diagnostics; only where one command is asked for."`
}

func commandOf(c desired.Command) GatewayCommand { return GatewayCommand(c) }

func registerDesired(api huma.API, d Desired) {
	op := func(method, path, id string, scope Scope, summary string) huma.Operation {
		return tagged(operation(method, path, id, scope, summary), "gateways")
	}
	huma.Register(api, op(http.MethodGet, "/gateways/{id}/config", "get-gateway-config", Read, "Give what a gateway is to run, and what it runs"),
		func(ctx context.Context, in *struct{ MandatePath }) (*mandateReply, error) {
			s, err := d.Get(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			return mandateReplyOf(d, s), nil
		})
	put := op(http.MethodPut, "/gateways/{id}/config", "put-gateway-config", Fleet, "Set what a gateway is to run, whole")
	put.Description = "The document is signed and sent. The gateway judges it whole: what it says to it shows in the operation's sibling, get-gateway-config. " +
		"It is undone by itself where the gateway gets no block acknowledged under it. The same document again is no new version, unless it was refused."
	huma.Register(api, put, func(ctx context.Context, in *struct {
		MandatePath
		Precondition
		Why
		Body MandateText
	}) (*mandateReply, error) {
		expect, err := in.expect()
		if err != nil {
			return nil, err
		}
		s, err := d.Set(ctx, Actor(ctx), in.Reason, in.ID, in.Body.Document, expect)
		if err != nil {
			return nil, err
		}
		return mandateReplyOf(d, s), nil
	})
	huma.Register(api, status(op(http.MethodPost, "/gateways/{id}/commands", "command-gateway", Fleet, "Ask a gateway to do something once"), http.StatusCreated),
		func(ctx context.Context, in *struct {
			MandatePath
			Why
			Body GatewayAsk
		}) (*struct{ Body GatewayCommand }, error) {
			c, err := d.Ask(ctx, Actor(ctx), in.Reason, freshID(ctx), in.ID, in.Body.Kind, in.Body.Argument)
			if err != nil {
				return nil, err
			}
			return &struct{ Body GatewayCommand }{commandOf(c)}, nil
		})
	huma.Register(api, op(http.MethodGet, "/gateways/{id}/commands", "list-gateway-commands", Read, "List what a gateway was asked to do, newest first"),
		func(ctx context.Context, in *struct {
			MandatePath
			Paging
		}) (*listReply[GatewayCommand], error) {
			after, err := in.after(ctx)
			if err != nil {
				return nil, err
			}
			below, _ := strconv.ParseInt(after, 10, 64) // ours: signed
			list, err := d.Commands(ctx, in.ID, below, in.Limit+1)
			if err != nil {
				return nil, err
			}
			all := make([]GatewayCommand, 0, len(list))
			for _, c := range list {
				c.Report = ""
				all = append(all, commandOf(c))
			}
			return paged(ctx, all, in.Limit, func(c GatewayCommand) string { return strconv.FormatInt(c.Number, 10) }), nil
		})
	huma.Register(api, op(http.MethodGet, "/gateways/{id}/commands/{number}", "get-gateway-command", Read, "Give one command and what came of it"),
		func(ctx context.Context, in *struct {
			MandatePath
			Number int64 `path:"number" minimum:"1" maximum:"9007199254740991" doc:"Number of the command."`
		}) (*struct{ Body GatewayCommand }, error) {
			c, err := d.Command(ctx, in.ID, in.Number)
			if err != nil {
				return nil, err
			}
			return &struct{ Body GatewayCommand }{commandOf(c)}, nil
		})
}
