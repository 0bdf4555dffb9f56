package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"frostline/hub/rollout"
)

// Releases takes in releases of the gateway agent.
type Releases interface {
	Publish(ctx context.Context, actor, reason string, file io.Reader) (rollout.Release, error)
}

// AgentRelease is a release that the hub carries. Times are Unix ms.
type AgentRelease struct {
	ID        string   `json:"id"`
	Version   string   `json:"version"`
	Platforms []string `json:"platforms"`
	Actor     string   `json:"actor"`
	Reason    string   `json:"reason,omitempty"`
	Published int64    `json:"published"`
}

const (
	publishPath = "/v1/releases"
	maxPublish  = 512 << 20 // bytes
)

// publish is POST /v1/releases: the body is a release file.
func (s *Server) publish(w http.ResponseWriter, r *http.Request) {
	select {
	case s.hauls <- struct{}{}:
		defer func() { <-s.hauls }()
	default:
		problem(w, http.StatusServiceUnavailable, "busy", fmt.Sprintf("%d files are being taken in already; try again when one is done", maxHauls))
		return
	}
	ctl := http.NewResponseController(w)
	body := http.MaxBytesReader(w, io.NopCloser(&patient{r: r.Body, ctl: ctl, stopping: s.stopping}), maxPublish)
	rel, err := s.cfg.Releases.Publish(r.Context(), Actor(r), r.URL.Query().Get("reason"), body)
	_ = ctl.SetWriteDeadline(s.now().Add(answerWithin)) // else the answer is late, and is asked for again
	if errors.Is(err, rollout.ErrInvalid) {
		problem(w, http.StatusUnprocessableEntity, "invalid", err.Error())
		return
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(AgentRelease{rel.ID, rel.Version, rel.Platforms, rel.Actor, rel.Reason, rel.Published}) // a caller who is gone asks again
}

// Publish gives the hub a release file. One that was cut short is given again.
func (c *Client) Publish(ctx context.Context, file io.Reader, reason string) (out AgentRelease, err error) {
	resp, err := c.send(ctx, http.MethodPost, publishPath+"?"+url.Values{"reason": {reason}}.Encode(), file)
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return out, fmt.Errorf("read the hub's answer: %w; publish it again", err)
	}
	return out, nil
}

// RolloutPlan is what a rollout is to be.
type RolloutPlan struct {
	Release  string   `json:"release"` // id or version
	Waves    []string `json:"waves"`
	Failures int      `json:"failures"` // that stop it
	Quorum   int      `json:"quorum"`   // percent of those asked that have to confirm before the next wave
	SoakMs   int64    `json:"soakMs"`   // from then to the next wave
}

// RolloutWave counts the gateways of a wave by how far they are.
type RolloutWave struct {
	Wave      string `json:"wave"`
	Gateways  int    `json:"gateways"`
	Waiting   int    `json:"waiting"`
	Asked     int    `json:"asked"`
	Fetching  int    `json:"fetching"`
	Trial     int    `json:"trial"`
	Confirmed int    `json:"confirmed"`
	Failed    int    `json:"failed"`
	Gone      int    `json:"gone"`
}

// Rollout is a release on its way to gateways. Times are Unix ms.
type Rollout struct {
	ID       int64         `json:"id"`
	Release  string        `json:"release"`
	Version  string        `json:"version"`
	State    string        `json:"state"` // running, paused, stopped, done, aborted
	Wave     int           `json:"wave"`  // from 1
	Waves    []RolloutWave `json:"waves"`
	Failures int           `json:"failures"`
	Quorum   int           `json:"quorum"`
	SoakMs   int64         `json:"soakMs"`
	Actor    string        `json:"actor"`
	Reason   string        `json:"reason,omitempty"`
	Started  int64         `json:"started"`
	Changed  int64         `json:"changed"`
	Why      string        `json:"why"`
}

// RolloutGateway is how far a gateway is in a rollout.
type RolloutGateway struct {
	Gateway string `json:"gateway"`
	Wave    int    `json:"wave"`
	Phase   string `json:"phase"` // waiting, asked, fetching, trial, confirmed, failed, gone
	Reason  string `json:"reason,omitempty"`
	Have    int64  `json:"have,omitempty"`
	Size    int64  `json:"size,omitempty"`
	Told    int64  `json:"told,omitempty"`
}

// Releases lists what was published, newest first.
func (c *Client) Releases(ctx context.Context) (out []AgentRelease, err error) {
	return out, c.call(ctx, http.MethodGet, "/releases", nil, &out)
}

// StartRollout has gateways run a release.
func (c *Client) StartRollout(ctx context.Context, p RolloutPlan, reason string) (out Rollout, err error) {
	return out, c.call(ctx, http.MethodPost, "/rollouts?"+url.Values{"reason": {reason}}.Encode(), p, &out)
}

// MoveRollout pauses, resumes or aborts one.
func (c *Client) MoveRollout(ctx context.Context, id int64, word, reason string) (out Rollout, err error) {
	path := fmt.Sprintf("/rollouts/%d/%s?", id, word) + url.Values{"reason": {reason}}.Encode()
	return out, c.call(ctx, http.MethodPost, path, nil, &out)
}

// Rollouts lists the newest, newest first.
func (c *Client) Rollouts(ctx context.Context, limit int) ([]Rollout, error) {
	var page struct {
		Items []Rollout `json:"items"`
	}
	return page.Items, c.call(ctx, http.MethodGet, "/rollouts?limit="+strconv.Itoa(limit), nil, &page)
}

// Rollout gives one.
func (c *Client) Rollout(ctx context.Context, id int64) (out Rollout, err error) {
	return out, c.call(ctx, http.MethodGet, fmt.Sprintf("/rollouts/%d", id), nil, &out)
}

// RolloutGateways lists all gateways of a rollout.
func (c *Client) RolloutGateways(ctx context.Context, id int64) (all []RolloutGateway, err error) {
	for next := ""; ; {
		var page struct {
			Items    []RolloutGateway `json:"items"`
			NextPage string           `json:"nextPage"`
		}
		q := url.Values{"limit": {"500"}}
		if next != "" {
			q.Set("page", next)
		}
		if err := c.call(ctx, http.MethodGet, fmt.Sprintf("/rollouts/%d/gateways?", id)+q.Encode(), nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if next = page.NextPage; next == "" {
			return all, nil
		}
	}
}
