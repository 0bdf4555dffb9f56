package panel

import (
	"context"
	"errors"
	"net/http"
	"time"

	"frostline/edge/scan"
)

// Scanning takes scans and knows what is aboard by them; *scan.Scanner does.
type Scanning interface {
	Scan(ctx context.Context, q scan.Request) (scan.Result, error)
	Recent() []scan.Entry
	Aboard() []scan.Aboard
}

// Scans has the socket take scans. It is for before Handler and Serve.
func (s *Socket) Scans(sc Scanning) { s.scans = sc }

// takeWithin bounds how long a scan may wait for the disk, less than a client
// waits for the answer.
const takeWithin = 8 * time.Second

// Scanned is what became of a scan.
type Scanned struct {
	scan.Entry
	Repeated bool `json:"repeated,omitempty"` // it had been taken already
	Watched  bool `json:"watched,omitempty"`  // the gateway watches what was scanned
}

// Scans is what was scanned of late, newest first, and what is aboard.
type Scans struct {
	Scans  []scan.Entry  `json:"scans"`
	Aboard []scan.Aboard `json:"aboard"`
}

func (s *Socket) scan(w http.ResponseWriter, r *http.Request) {
	var q scan.Request
	if err := take(w, r, &q); err != nil {
		answer(w, http.StatusBadRequest, problem{`scan: want {"code":"...","action":"attach","target":"compartment/ID"}: ` + err.Error()})
		return
	}
	if s.scans == nil {
		answer(w, http.StatusNotFound, problem{"scan: this agent takes no scans"})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), takeWithin)
	defer cancel()
	result, err := s.scans.Scan(ctx, q)
	if err != nil {
		code := http.StatusUnprocessableEntity
		if p, ok := errors.AsType[*scan.Problem](err); !ok || p.Code == scan.NotKept {
			code = http.StatusServiceUnavailable
		}
		answer(w, code, problem{err.Error()})
		return
	}
	answer(w, http.StatusOK, Scanned{Entry: result.Entry, Repeated: result.Repeated, Watched: result.Watched})
}

func (s *Socket) listScans(w http.ResponseWriter, _ *http.Request) {
	if s.scans == nil {
		answer(w, http.StatusNotFound, problem{"scans: this agent takes no scans"})
		return
	}
	answer(w, http.StatusOK, Scans{Scans: s.scans.Recent(), Aboard: s.scans.Aboard()})
}

// Scan gives the agent a scan. When it returns nil the scan is on disk.
func (c *Client) Scan(ctx context.Context, q scan.Request) (out Scanned, err error) {
	err = c.do(ctx, http.MethodPost, "/scan", q, &out)
	return out, err
}

// Scans asks for what was scanned of late.
func (c *Client) Scans(ctx context.Context) (out Scans, err error) {
	err = c.do(ctx, http.MethodGet, "/scans", nil, &out)
	return out, err
}
