package panel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"path/filepath"
	"time"
)

// ErrNotRunning means that no agent answers for the data directory.
var ErrNotRunning = errors.New("no agent is running with this data directory: start one with frostline-edge run")

// maxAnswer bounds what the client reads, in bytes.
const maxAnswer = 8 << 20

// Client speaks to a running agent through its socket. It may be used
// concurrently.
type Client struct {
	dir  string
	http http.Client
}

// NewClient makes a client of the agent that runs with the data directory dir.
func NewClient(dir string) *Client {
	path := filepath.Join(dir, SocketName)
	return &Client{dir: dir, http: http.Client{
		Timeout: 10 * time.Second,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "unix", path)
			},
		},
	}}
}

// Status asks for the present state. The error is ErrNotRunning where no agent
// listens.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var s Status
	if err := c.do(ctx, http.MethodGet, "/status", nil, &s); err != nil {
		return Status{}, fmt.Errorf("ask the agent for its status: %w", err)
	}
	return s, nil
}

// SetLink pulls the uplink, or restores it where up is true. It returns when
// the agent has taken the order.
func (c *Client) SetLink(ctx context.Context, up bool) error {
	if err := c.do(ctx, http.MethodPost, "/link", linkOrder{Up: &up}, nil); err != nil {
		return fmt.Errorf("set the link: %w", err)
	}
	return nil
}

func (c *Client) do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://edge"+path, body)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	switch {
	case err == nil:
	case notRunning(err):
		return fmt.Errorf("%s: %w", c.dir, ErrNotRunning)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("socket %s: permission denied: run as the agent's user or as root", filepath.Join(c.dir, SocketName))
	default:
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		var p problem
		if json.Unmarshal(b, &p) != nil || p.Error == "" {
			p.Error = resp.Status
		}
		return errors.New(plain(p.Error))
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}
