package patient

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"frostline/hub/privacy"
)

const (
	mostStreams = 5000
	mostOfLink  = 20
	beatEach    = 5 * time.Second
)

// over tells a page that it has no session any more. It is all that a stranger
// gets.
const over = "retry: 60000\nevent: over\ndata: {}\n\n"

// live is GET /p/SECRET/live: server-sent events with the parts of the page that
// have changed, after the event in Last-Event-ID or ?after=.
func (s *Server) live(w http.ResponseWriter, r *http.Request, secret string) {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // of a proxy that gathers answers
	value := session(r)
	v, err := s.cfg.Links.Enter(r.Context(), secret, value)
	if errors.Is(err, privacy.ErrClosed) {
		_, _ = w.Write([]byte(over))
		return
	}
	if err != nil {
		s.trouble(r, "look up its link", err)
		s.later(w)
		return
	}
	if !s.admit(v.Link) {
		s.later(w)
		return
	}
	defer s.dismiss(v.Link)
	d, err := s.board.get(v.Shipment, true)
	if err != nil {
		s.trouble(r, "be followed", err, "link", v.Link)
		s.later(w)
		return
	}
	defer s.board.leave(d)
	if err := s.board.look(r.Context(), d); err != nil {
		s.trouble(r, "be followed", err, "link", v.Link)
		s.later(w)
		return
	}
	s.follow(&stream{w, http.NewResponseController(w)}, r, secret, value, v, d)
}

func (s *Server) later(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Retry-After", "5")
	http.Error(w, "try again in a few seconds", http.StatusServiceUnavailable)
}

// follow writes what changes until the page goes, the session or the link ends,
// or the hub stops.
func (s *Server) follow(out *stream, r *http.Request, secret, value string, v privacy.Visit, d *delivery) {
	after := r.Header.Get("Last-Event-ID")
	if after == "" {
		after = r.URL.Query().Get("after")
	}
	lang := languageOf(r)
	var seq uint64
	if start, n, ok := strings.Cut(after, "."); ok && start == s.start {
		seq, _ = strconv.ParseUint(n, 10, 64)
	}
	if out.send([]byte("retry: 2000\n\n")) != nil {
		return
	}
	heart := time.NewTicker(beatEach)
	defer heart.Stop()
	end := time.NewTimer(v.Until.Sub(s.now()))
	defer end.Stop()
	first := true
	for {
		event, upTo, more, err := s.board.after(d, lang, seq)
		if err != nil {
			s.trouble(r, "be followed", err, "link", v.Link)
			return
		}
		if event == nil && first { // it stands as it was: say at once that it is followed
			if event, err = s.board.beat(d, lang); err != nil {
				event = nil
			}
		}
		first = false
		if event != nil && out.send(event) != nil {
			return // the page went away
		}
		seq = upTo
		select {
		case <-r.Context().Done():
			return
		case <-s.stopping:
			return
		case <-end.C:
			_ = out.send([]byte(over))
			return
		case <-v.Changed: // some link was revoked: is it this one?
			if v, err = s.cfg.Links.Enter(r.Context(), secret, value); err != nil {
				if errors.Is(err, privacy.ErrClosed) {
					_ = out.send([]byte(over))
				}
				return
			}
		case <-heart.C:
			if beat, err := s.board.beat(d, lang); err == nil && out.send(beat) != nil {
				return
			}
		case <-more:
		}
	}
}

// stream writes to one page; one that does not take it in time is cut off, and
// goes on where it was.
type stream struct {
	w   http.ResponseWriter
	ctl *http.ResponseController
}

func (s *stream) send(b []byte) error {
	if err := s.ctl.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
		return err
	}
	if _, err := s.w.Write(b); err != nil {
		return err
	}
	return s.ctl.Flush()
}

func (s *Server) admit(link string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped || s.streams >= mostStreams || s.of[link] >= mostOfLink {
		return false
	}
	s.streams++
	s.of[link]++
	return true
}

func (s *Server) dismiss(link string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams--
	if s.of[link]--; s.of[link] == 0 {
		delete(s.of, link)
	}
}
