package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"frostline/hub/view"
	"frostline/proto/reading"
	"frostline/proto/version"
)

func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
	defer cancel()
	h := Health{Status: "ok", Version: version.String(), Started: view.Stamp(s.started.UnixMilli()), Pages: s.cfg.Web, Checks: map[string]string{}}
	for name, check := range s.cfg.Checks {
		h.Checks[name] = "ok"
		if err := check(ctx); err != nil {
			h.Status, h.Checks[name] = "failing", err.Error()
		}
	}
	s.write(w, h)
}

func (s *Server) gateways(w http.ResponseWriter, r *http.Request) {
	gs, err := s.cfg.Fleet.Gateways(r.Context())
	if err != nil {
		s.broken(w, r, err)
		return
	}
	out := make([]Gateway, 0, len(gs))
	for _, g := range gs {
		out = append(out, gatewayOf(g, s.now()))
	}
	s.write(w, out)
}

func (s *Server) accounts(w http.ResponseWriter, r *http.Request) {
	as, err := s.cfg.Fleet.Accounts(r.Context())
	if err != nil {
		s.broken(w, r, err)
		return
	}
	out := make([]Account, 0, len(as))
	for _, a := range as {
		out = append(out, accountOf(a))
	}
	s.write(w, out)
}

// UndatedHeader says how many readings of what was asked for nobody can date;
// they are not in the answer.
const UndatedHeader = "Frostline-Undated"

// history is GET /v1/history?sensor=GATEWAY/SENSOR[/QUANTITY]&from=&to=, times
// in RFC 3339: readings as CSV, or as JSON lines where format=json.
func (s *Server) history(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	all, err := s.series(r.Context(), q.Get("sensor"))
	if p, ok := err.(*Problem); ok {
		problem(w, p.Status, p.Title, p.Detail)
		return
	} else if err != nil {
		s.broken(w, r, err)
		return
	}
	from, err1 := time.Parse(time.RFC3339, q.Get("from"))
	to, err2 := time.Parse(time.RFC3339, q.Get("to"))
	if err1 != nil || err2 != nil || !from.Before(to) {
		problem(w, http.StatusBadRequest, "no span of time", fmt.Sprintf("from %q and to %q: want two times in RFC 3339, the first earlier, such as 2026-09-14T06:00:00Z", q.Get("from"), q.Get("to")))
		return
	}
	var undated uint64
	for _, series := range all {
		n, err := s.cfg.History.Undated(r.Context(), series)
		if err != nil {
			s.broken(w, r, err)
			return
		}
		undated += n
	}
	w.Header().Set(UndatedHeader, strconv.FormatUint(undated, 10))
	ctl := http.NewResponseController(w)
	var put func(view.Series, view.Reading) error
	flush := func() error { return nil }
	if q.Get("format") == "json" {
		w.Header().Set("Content-Type", "application/x-ndjson")
		enc := json.NewEncoder(w)
		put = func(sr view.Series, rd view.Reading) error { return enc.Encode(view.RecordOf(sr, rd)) }
	} else {
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		out := view.NewCSV(w)
		put, flush = out.Write, out.Flush
	}
	n := 0
	for _, series := range all {
		err := s.cfg.History.Readings(r.Context(), series, from.UnixMilli(), to.UnixMilli(), func(rd view.Reading) error {
			if n++; n%1000 == 0 {
				_ = ctl.SetWriteDeadline(time.Now().Add(answerWithin))
			}
			return put(series, rd)
		})
		if err != nil {
			s.cut(r, err)
		}
	}
	if err := flush(); err != nil {
		s.cut(r, err)
	}
}

// cut ends an answer that has begun so that the caller sees it is not whole.
func (s *Server) cut(r *http.Request, err error) {
	if r.Context().Err() == nil {
		s.log.Error("answer was cut short", "call", r.URL.Path, "error", err)
	}
	panic(http.ErrAbortHandler)
}

// series finds what a sensor's name stands for: one series, or all of the
// sensor's. The error is a *Problem where the name is wrong.
func (s *Server) series(ctx context.Context, name string) ([]view.Series, error) {
	gateway, sensor, quantity, err := view.ParseSensor(name)
	if err != nil {
		return nil, &Problem{"no such sensor", http.StatusBadRequest, err.Error()}
	}
	gs, err := s.cfg.Fleet.Gateways(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(gs, func(g view.Gateway) bool { return g.ID == gateway })
	if i < 0 {
		return nil, &Problem{"no such gateway", http.StatusNotFound, fmt.Sprintf("gateway %q is not known; frostline gateways lists those that are", gateway)}
	}
	found, ok := gs[i].Sensor(sensor)
	if !ok {
		return nil, &Problem{"no such sensor", http.StatusNotFound, fmt.Sprintf("gateway %s has no sensor %q; frostline gateways %s lists those it has", gateway, sensor, gateway)}
	}
	var out []view.Series
	var has []reading.Quantity
	for _, c := range found.Channels {
		has = append(has, c.Quantity)
		if quantity == 0 || c.Quantity == quantity {
			out = append(out, view.Series{Gateway: gateway, Sensor: sensor, Quantity: c.Quantity})
		}
	}
	if len(out) == 0 {
		return nil, &Problem{"no such quantity", http.StatusNotFound, fmt.Sprintf("sensor %s/%s does not measure %s; it measures %v", gateway, sensor, quantity, has)}
	}
	return out, nil
}
