package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/scan"
	"frostline/proto/thermal"
)

// GatewayScans is what the operations on scans of gateways need; *scan.Keeper has
// it.
type GatewayScans interface {
	List(ctx context.Context, f scan.Filter, after string, limit int) ([]scan.Scan, error)
	Count(ctx context.Context) (scan.Counts, error)
}

// GatewayScan is a code that was scanned or typed at a gateway, as its chain tells
// it, and what became of it.
type GatewayScan struct {
	Gateway     string            `json:"gateway" maxLength:"64"`
	ID          string            `json:"id" maxLength:"64" doc:"Of the scan, unique for the gateway."`
	Code        string            `json:"code" maxLength:"2048" doc:"As it was scanned; · stands for what cannot be printed."`
	Kind        string            `json:"kind" enum:"label,sscc,unit," doc:"What it was taken for; empty where this hub does not know."`
	Value       string            `json:"value" maxLength:"2048" doc:"What the code names."`
	Action      string            `json:"action" enum:"attach,detach,handover," doc:"Empty where this hub does not know."`
	Target      string            `json:"target,omitempty" maxLength:"2048" doc:"What it is in from then on, KIND/ID."`
	From        string            `json:"from,omitempty" maxLength:"2048" doc:"Party that gave it."`
	To          string            `json:"to,omitempty" maxLength:"2048" doc:"Party that took it, or a patient's token."`
	Role        string            `json:"role,omitempty" maxLength:"2048" doc:"Of the one who took it."`
	Seal        string            `json:"seal,omitempty" enum:"not_checked,intact,broken,absent"`
	Leaves      bool              `json:"leaves,omitempty" doc:"It came out of what it was in as it was handed over."`
	By          string            `json:"by,omitempty" maxLength:"2048" doc:"Token of who scanned."`
	Temperature *GatewayMeasured  `json:"temperature,omitempty"`
	Position    *PositionBody     `json:"position,omitempty"`
	NoPosition  string            `json:"noPosition,omitempty" maxLength:"2048" doc:"Why there is no position."`
	Corrects    string            `json:"corrects,omitempty" maxLength:"64" doc:"Scan whose place this one takes."`
	Withdrawn   bool              `json:"withdrawn,omitempty" doc:"That scan was a mistake, and nothing takes its place."`
	At          *int64            `json:"at" doc:"When it was scanned, Unix ms; null while no anchor dates it."`
	Uncertainty int64             `json:"uncertainty,omitempty" doc:"Of at, ms."`
	Received    int64             `json:"received" doc:"When the hub had it, Unix ms."`
	State       string            `json:"state" enum:"undated,conflict,ahead,invalid,withdrawn,due,taken,set_aside,refused,dropped" doc:"Of it and those that correct it."`
	Problem     string            `json:"problem,omitempty" maxLength:"1024" doc:"In words."`
	Replaced    bool              `json:"replaced,omitempty" doc:"Another scan corrects it."`
	Disputed    string            `json:"disputed,omitempty" maxLength:"200" doc:"Where the chain tells of another scan of that id, which counts for nothing."`
	Statements  []string          `json:"statements" nullable:"false" maxItems:"500" doc:"Ids under /attachments and /custody, each correcting the one before of its kind."`
	Chain       GatewayChainPlace `json:"chain"`
}

// GatewayMeasured is a temperature and what it was measured by.
type GatewayMeasured struct {
	Value  float64 `json:"value" doc:"°C."`
	Sensor string  `json:"sensor" maxLength:"2048"`
}

// GatewayChainPlace is where a gateway's chain tells of something.
type GatewayChainPlace struct {
	Epoch    uint32 `json:"epoch"`
	Block    uint64 `json:"block" maximum:"9007199254740991"`
	Boot     uint32 `json:"boot" doc:"In which it was scanned."`
	Boottime int64  `json:"boottime" doc:"When, ms since that boot."`
}

// GatewayScanCounts counts scans of gateways.
type GatewayScanCounts struct {
	Scans      int64            `json:"scans"`
	Groups     map[string]int64 `json:"groups" doc:"Scans, each with those that correct it, by how far they are: undated, conflict, ahead, invalid, withdrawn, stated."`
	Statements map[string]int64 `json:"statements" doc:"What custody was told, by what became of it: due, taken, set_aside, refused, dropped."`
	Disputed   int64            `json:"disputed" doc:"Scans whose id was used again for another."`
	Strange    int64            `json:"strange" doc:"Events that are no scan that could be told from others, since the hub started."`
}

func gatewayScanOf(s scan.Scan) GatewayScan {
	out := GatewayScan{
		Gateway: s.Gateway, ID: s.ID, Code: s.Code, Kind: s.Kind, Value: s.Value, Action: s.Action, Target: s.Target, From: s.From, To: s.To, Role: s.Role,
		Seal: s.Seal, Leaves: s.Leaves, By: s.By, Position: (*PositionBody)(s.Position), NoPosition: s.NoPosition, Corrects: s.Corrects, Withdrawn: s.Withdrawn,
		At: s.UTC, Uncertainty: s.Uncertainty, Received: s.Received, State: s.State, Problem: s.Problem, Replaced: s.Replaced, Disputed: s.Disputed,
		Statements: s.Statements, Chain: GatewayChainPlace{s.InEpoch, s.Block, s.Boot, s.Boottime},
	}
	if out.Statements == nil {
		out.Statements = []string{}
	}
	if t := s.Temperature; t != nil {
		out.Temperature = &GatewayMeasured{thermal.Temp(t.Value).Celsius(), t.Sensor}
	}
	return out
}

func registerGatewayScans(api huma.API, k GatewayScans) {
	op := inTag("scans")
	huma.Register(api, op(http.MethodGet, "/gateway-scans", "list-gateway-scans", Read, "List what was scanned at gateways, last received first"),
		func(ctx context.Context, in *struct {
			Paging
			Gateway string `query:"gateway" maxLength:"64" doc:"At this gateway."`
			State   string `query:"state" enum:"undated,conflict,ahead,invalid,withdrawn,due,taken,set_aside,refused,dropped" doc:"In this state."`
		}) (*listReply[GatewayScan], error) {
			after, err := in.after(ctx)
			if err != nil {
				return nil, err
			}
			list, err := k.List(ctx, scan.Filter{Gateway: in.Gateway, State: in.State}, after, in.Limit+1)
			if err != nil {
				return nil, err
			}
			all, keys := make([]GatewayScan, len(list)), map[[2]string]string{}
			for i, s := range list {
				all[i], keys[[2]string{s.Gateway, s.ID}] = gatewayScanOf(s), s.After()
			}
			return paged(ctx, all, in.Limit, func(s GatewayScan) string { return keys[[2]string{s.Gateway, s.ID}] }), nil
		})
	huma.Register(api, op(http.MethodGet, "/gateway-scans/counts", "count-gateway-scans", Read, "Count what was scanned at gateways, and what became of it"),
		func(ctx context.Context, _ *struct{}) (*struct{ Body GatewayScanCounts }, error) {
			c, err := k.Count(ctx)
			return &struct{ Body GatewayScanCounts }{GatewayScanCounts{c.Scans, c.Groups, c.Lines, c.Disputed, c.Strange}}, err
		})
}
