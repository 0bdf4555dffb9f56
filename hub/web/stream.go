package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"frostline/hub/view"
	"frostline/hub/web/tongue"
	"frostline/proto/version"
)

const (
	beat     = 5 * time.Second       // between heartbeats; a page counts three as lost
	pause    = 15 * time.Millisecond // between writes to one page, so that a burst goes out as one
	perEvent = 500                   // values in one event
)

// told is a value as a page takes it. Words and status are made here, so that
// the page has no rules of its own.
type told struct {
	Key    string     `json:"k"`
	Value  string     `json:"v"`
	State  view.State `json:"s"`
	Word   string     `json:"w"`
	Since  int64      `json:"t"`
	Until  int64      `json:"u"`
	Dated  bool       `json:"d"`
	Number *int64     `json:"n,omitempty"` // of a usable reading, in the quantity's integer unit
}

func tell(key view.Series, r view.Reading, interval time.Duration, now int64, in *tongue.Tongue) told {
	st := view.Judge(&r, interval, now)
	t := told{Key: key.String(), Value: noValue, State: st.State, Word: in.Tell(st.Word), Since: st.Since, Until: st.Until, Dated: r.Dated}
	if r.Usable() {
		t.Value = in.Tell(view.Value(key.Quantity, r.Value))
		t.Number = &r.Value
	}
	return t
}

const noValue = "–"

// stream is GET /live: server-sent events of everything, or of ?gateway= and
// ?sensor= alone. It goes on after the event number in Last-Event-ID or
// ?after=, and tells everything if that is of another start of the hub.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	if !s.admit() {
		w.Header().Set("Retry-After", "5")
		http.Error(w, fmt.Sprintf("%d pages follow this hub already; close one", maxStreams), http.StatusServiceUnavailable)
		return
	}
	defer s.dismiss()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	q := r.URL.Query()
	after := r.Header.Get("Last-Event-ID")
	if after == "" {
		after = q.Get("after")
	}
	out := events{s: s, w: w, tongue: s.in(w), ctl: http.NewResponseController(w), filter: filter{gateway: q.Get("gateway"), sensor: q.Get("sensor")}}
	if q.Get("board") == "dispatch" {
		out.filter = filter{gateway: boardKey.Gateway}
	}
	if hub, seq, ok := strings.Cut(after, "."); ok && hub == s.hub {
		out.seq, _ = strconv.ParseUint(seq, 10, 64)
	}
	s.mu.Lock()
	layout := s.layout
	s.mu.Unlock()
	fmt.Fprint(&out.b, "retry: 1000\n")
	out.event("hello", "", map[string]any{"now": s.now().UnixMilli(), "version": version.String(), "layout": layout})
	if out.flush() != nil {
		return
	}
	heart := time.NewTicker(beat)
	defer heart.Stop()
	for {
		more, err := out.news()
		if err != nil {
			return // the page went away
		}
		select {
		case <-r.Context().Done():
			return
		case <-s.stopping:
			out.event("bye", "", map[string]any{"now": s.now().UnixMilli()})
			_ = out.flush()
			return
		case <-heart.C:
			out.event("beat", "", map[string]any{"now": s.now().UnixMilli()})
			if out.flush() != nil {
				return
			}
		case <-more:
			// What is new now has waited for nothing; what follows within the
			// pause goes out together.
			if wait := pause - time.Since(out.at); wait > 0 {
				time.Sleep(wait)
			}
		}
	}
}

// events writes to one page. It holds what is being written and nothing more.
type events struct {
	s      *Server
	w      http.ResponseWriter
	ctl    *http.ResponseController
	filter filter
	tongue *tongue.Tongue
	seq    uint64 // told up to this number
	at     time.Time
	b      bytes.Buffer
}

// news writes what was told since, and gives the channel that closes when
// there is more.
func (e *events) news() (<-chan struct{}, error) {
	es, upTo, more := e.s.live.since(e.seq, e.filter)
	now := e.s.now().UnixMilli()
	values := make([]told, 0, min(len(es), perEvent))
	send := func(seq uint64) {
		if len(values) > 0 {
			e.event("values", e.id(seq), map[string]any{"now": now, "values": values})
			values = values[:0]
		}
	}
	for i, en := range es {
		switch {
		case en.key.Sensor != "":
			values = append(values, tell(en.key, en.last, en.gap, now, e.tongue))
			if len(values) == perEvent {
				send(en.seq)
			}
		case en.key == boardKey:
			send(en.seq)
			e.event("dispatch", e.id(en.seq), map[string]any{"now": now, "made": en.html})
		case en.key.Gateway != "":
			send(en.seq)
			e.event("gateway", e.id(en.seq), map[string]any{"now": now, "gateway": en.key.Gateway, "html": en.says(e.tongue.Lang)})
		default:
			send(en.seq)
			e.event("layout", e.id(en.seq), map[string]any{"now": now, "layout": en.html})
		}
		if i == len(es)-1 {
			send(upTo)
		}
	}
	e.seq = upTo
	if e.b.Len() == 0 {
		return more, nil
	}
	return more, e.flush()
}

func (e *events) id(seq uint64) string { return e.s.hub + "." + strconv.FormatUint(seq, 10) }

func (e *events) event(name, id string, data any) {
	b, err := json.Marshal(data)
	if err != nil {
		e.s.log.Error("event could not be encoded", "event", name, "error", err)
		return
	}
	if id != "" {
		fmt.Fprintf(&e.b, "id: %s\n", id)
	}
	fmt.Fprintf(&e.b, "event: %s\ndata: %s\n\n", name, b)
}

// flush sends what was written; a page that does not take it in time is cut
// off, and resumes where it was.
func (e *events) flush() error {
	if err := e.ctl.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
		return err
	}
	_, err := e.w.Write(e.b.Bytes())
	e.b.Reset()
	e.at = time.Now()
	if err != nil {
		return err
	}
	return e.ctl.Flush()
}

func (s *Server) admit() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams >= maxStreams {
		return false
	}
	s.streams++
	if s.streams == 1 {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
	return true
}

func (s *Server) dismiss() {
	s.mu.Lock()
	s.streams--
	s.mu.Unlock()
}
