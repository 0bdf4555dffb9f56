package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"frostline/hub/view"
	"frostline/hub/web/tongue"
	"frostline/proto/reading"
)

// drawn is an envelope as chart.js takes it. Times are Unix ms, values in the
// quantity's integer unit. A point of nulls breaks the line.
type drawn struct {
	From   int64   `json:"from"`
	To     int64   `json:"to"`
	Last   int64   `json:"last,omitempty"` // of the newest usable reading
	Points [][]any `json:"points"`         // [at, lowest, mean, highest]
	Holes  [][]any `json:"holes"`          // [from, to, still open]
	Bad    [][]any `json:"bad"`            // [from, to, why, how many]
}

func draw(e view.Envelope, in *tongue.Tongue) drawn {
	d := drawn{From: e.From, To: e.To, Points: [][]any{}, Holes: [][]any{}, Bad: [][]any{}}
	for _, b := range e.Buckets {
		if b.N == 0 {
			continue
		}
		at := (b.First + b.Last) / 2
		if b.Break && len(d.Points) > 0 {
			d.Points = append(d.Points, []any{(d.Last + at) / 2, nil, nil, nil})
		}
		d.Points = append(d.Points, []any{at, b.Min, b.Mean, b.Max})
		d.Last = b.Last
	}
	for _, h := range e.Holes {
		d.Holes = append(d.Holes, []any{h.From, h.To, h.Open})
	}
	for _, s := range e.Bad {
		why := view.QualityWord(s.Quality)
		if s.Mixed {
			why += " and other reasons"
		}
		why = in.Tell(why)
		d.Bad = append(d.Bad, []any{s.From, s.To, why, s.N})
	}
	return d
}

// channel finds the series an address names, and answers for one it does not.
func (s *Server) channel(w http.ResponseWriter, r *http.Request) (series view.Series, c view.Channel, ok bool) {
	q, err := reading.ParseQuantity(r.PathValue("quantity"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return series, c, false
	}
	g, sensor, err := s.find(r.Context(), r.PathValue("gateway"), r.PathValue("sensor"))
	if err == nil {
		if c, ok = sensor.Channel(q); !ok {
			err = errUnknown
		}
	}
	switch {
	case errors.Is(err, errUnknown):
		http.Error(w, "no such series: "+err.Error(), http.StatusNotFound)
		return series, c, false
	case err != nil:
		s.log.Error("series could not be found", "path", r.URL.Path, "error", err)
		http.Error(w, "the hub could not answer; its log says why", http.StatusInternalServerError)
		return series, c, false
	}
	return view.Series{Gateway: g.ID, Sensor: sensor.Name, Quantity: q}, c, true
}

// data is GET /data/{gateway}/{sensor}/{quantity}?from=&to=&buckets=, from and
// to in Unix ms: the envelope a chart is drawn from.
func (s *Server) data(w http.ResponseWriter, r *http.Request) {
	series, c, ok := s.channel(w, r)
	if !ok {
		return
	}
	num := func(name string) int64 { n, _ := strconv.ParseInt(r.URL.Query().Get(name), 10, 64); return n }
	from, to, buckets := num("from"), num("to"), num("buckets")
	if from < 0 || to <= from || to-from > longestSpan.Milliseconds() || buckets < 1 || buckets > view.MaxBuckets {
		http.Error(w, "want from < to in Unix ms, at most 31 days apart, and 1 to 8192 buckets", http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), pollDeadline)
	defer cancel()
	p := view.NewPlot(from, to, int(buckets), c.Interval)
	if err := s.cfg.History.Readings(ctx, series, from, to, func(r view.Reading) error { p.Add(r); return nil }); err != nil {
		if r.Context().Err() == nil {
			s.log.Error("chart could not be made", "series", series, "error", err)
			http.Error(w, "the hub could not read this history; its log says why", http.StatusInternalServerError)
		}
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(draw(p.Envelope(s.now().UnixMilli()), s.in(w)))
}

// export is GET /export/{gateway}/{sensor}/{quantity}, over the range of the
// address: every reading as CSV, streamed.
func (s *Server) export(w http.ResponseWriter, r *http.Request) {
	series, _, ok := s.channel(w, r)
	if !ok {
		return
	}
	sp, err := spanOf(r.URL.Query(), s.now().UnixMilli())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	name := series.Gateway + "-" + series.Sensor + "-" + series.Quantity.String() + ".csv"
	h.Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape(name))
	ctl := http.NewResponseController(w)
	out := view.NewCSV(w)
	n := 0
	err = s.cfg.History.Readings(r.Context(), series, sp.From, sp.To, func(rd view.Reading) error {
		if n++; n%1000 == 0 {
			_ = ctl.SetWriteDeadline(time.Now().Add(writeWithin))
		}
		return out.Write(series, rd)
	})
	if err == nil {
		err = out.Flush()
	}
	if err != nil && r.Context().Err() == nil {
		s.log.Error("export was cut short", "series", series, "error", err)
		// A whole answer must not be mistaken for this one.
		panic(http.ErrAbortHandler)
	}
}
