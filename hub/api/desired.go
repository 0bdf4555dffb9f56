package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// GatewayConfig is what a gateway is to run, and what it says to it, as the
// interface for programs tells of it. Times are Unix ms.
type GatewayConfig struct {
	Gateway  string `json:"gateway"`
	Version  int64  `json:"version"` // 0: none was set
	Document string `json:"document"`
	Set      int64  `json:"set,omitempty"`
	Actor    string `json:"actor,omitempty"`
	Reason   string `json:"reason,omitempty"`
	Running  int64  `json:"running"` // 0: its own file alone
	Trial    bool   `json:"trial"`
	Refused  int64  `json:"refused,omitempty"`
	Why      string `json:"why,omitempty"`
	Digest   string `json:"digest,omitempty"`
	Told     int64  `json:"told,omitempty"`
	Stranger bool   `json:"stranger,omitempty"`
	Keyless  bool   `json:"keyless,omitempty"`
}

// GatewayCommand is something that a gateway was asked to do once.
type GatewayCommand struct {
	Gateway  string `json:"gateway"`
	Number   int64  `json:"number"`
	Kind     string `json:"kind"`
	Argument string `json:"argument,omitempty"`
	Actor    string `json:"actor"`
	Reason   string `json:"reason,omitempty"`
	Asked    int64  `json:"asked"`
	Expires  int64  `json:"expires"`
	Answered int64  `json:"answered,omitempty"` // 0: not yet
	Done     bool   `json:"done"`
	Detail   string `json:"detail,omitempty"`
	Report   string `json:"report,omitempty"`
}

func gatewayPath(gateway, what string) string { return "/gateways/" + url.PathEscape(gateway) + what }

// GatewayConfig tells what a gateway is to run, and what it runs.
func (c *Client) GatewayConfig(ctx context.Context, gateway string) (out GatewayConfig, err error) {
	return out, c.call(ctx, http.MethodGet, gatewayPath(gateway, "/config"), nil, &out)
}

// SetGatewayConfig sets what a gateway is to run, whole.
func (c *Client) SetGatewayConfig(ctx context.Context, gateway, document, reason string) (out GatewayConfig, err error) {
	path := gatewayPath(gateway, "/config?") + url.Values{"reason": {reason}}.Encode()
	return out, c.call(ctx, http.MethodPut, path, map[string]string{"document": document}, &out)
}

// CommandGateway asks a gateway to do something once.
func (c *Client) CommandGateway(ctx context.Context, gateway, kind, argument, reason string) (out GatewayCommand, err error) {
	path := gatewayPath(gateway, "/commands?") + url.Values{"reason": {reason}}.Encode()
	return out, c.call(ctx, http.MethodPost, path, map[string]string{"kind": kind, "argument": argument}, &out)
}

// GatewayCommand tells what came of a command.
func (c *Client) GatewayCommand(ctx context.Context, gateway string, number int64) (out GatewayCommand, err error) {
	return out, c.call(ctx, http.MethodGet, gatewayPath(gateway, "/commands/")+strconv.FormatInt(number, 10), nil, &out)
}
