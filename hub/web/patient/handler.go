package patient

import (
	"bytes"
	"compress/gzip"
	"errors"
	"html/template"
	"io"
	"math"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"frostline/hub/gate"
	"frostline/hub/privacy"
)

// pageData is what the layout sees.
type pageData struct {
	*screen
	Script string
	Asset  string // begins the addresses of assets
	Title  string

	// Of the question.
	Ask     bool
	Problem string
	Text    string

	// Of the delivery.
	Parts   map[string]template.HTML
	Cursor  string
	Clock   string
	Now     int64
	Zone    string
	Ends    string
	Contact string
}

func (s *Server) page(r *http.Request, now int64) *pageData {
	l := s.locales[languageOf(r)]
	return &pageData{screen: &screen{l: l, t: &Telling{At: now}}, Asset: Prefix, Now: now, Zone: l.say("foot.zone", "zone", l.zoneName(now))}
}

// Lang is the language, and With words with a value in them.
func (p *pageData) Lang() string                        { return p.l.lang }
func (p *pageData) With(key, name, value string) string { return p.l.say(key, name, value) }

// open is GET /p/SECRET: the delivery for whoever has a session, and else the
// question, whatever the secret is.
func (s *Server) open(w http.ResponseWriter, r *http.Request, secret string) {
	cookie := session(r)
	if cookie == "" {
		s.ask(w, r, http.StatusOK, "")
		return
	}
	v, err := s.cfg.Links.Enter(r.Context(), secret, cookie)
	switch {
	case errors.Is(err, privacy.ErrClosed):
		s.ask(w, r, http.StatusOK, "")
	case err != nil:
		s.trouble(r, "look up its link", err)
		s.ask(w, r, http.StatusServiceUnavailable, "ask.broken")
	default:
		s.show(w, r, v)
	}
}

// show renders a delivery.
func (s *Server) show(w http.ResponseWriter, r *http.Request, v privacy.Visit) {
	if !s.loads.take(r, loadWithin) {
		w.Header().Set("Retry-After", "5")
		s.ask(w, r, http.StatusServiceUnavailable, "ask.broken")
		return
	}
	defer s.loads.give()
	p := s.page(r, s.now().UnixMilli())
	d, err := s.board.get(v.Shipment, false)
	if err == nil {
		err = s.board.look(r.Context(), d)
	}
	var seq uint64
	if err == nil {
		p.Parts, p.screen, seq, err = s.board.whole(d, p.Lang())
	}
	if err != nil {
		s.trouble(r, "be made", err, "link", v.Link)
		p = s.page(r, s.now().UnixMilli())
		p.Title, p.Text = p.T("title"), p.T("ask.broken")
		s.write(w, r, http.StatusServiceUnavailable, p)
		return
	}
	p.Now, p.Clock, p.Title = p.t.At, p.l.seconds(p.t.At), p.T("title")
	p.Cursor = s.start + "." + strconv.FormatUint(seq, 10)
	p.Script, p.Contact = s.script, s.cfg.Contact
	p.Ends = p.l.say("foot.ends", "at", p.l.moment("at", v.Until.UnixMilli(), p.Now))
	s.write(w, r, http.StatusOK, p)
}

// ask renders the question, the same for every secret.
func (s *Server) ask(w http.ResponseWriter, r *http.Request, status int, problem string, pairs ...string) {
	p := s.page(r, s.now().UnixMilli())
	p.Ask, p.Title = true, p.T("ask.title")
	if problem != "" {
		p.Problem = p.l.say(problem, pairs...)
	}
	s.write(w, r, status, p)
}

// gone answers what can be no link.
func (s *Server) gone(w http.ResponseWriter, r *http.Request) {
	p := s.page(r, s.now().UnixMilli())
	p.Title, p.Text = p.T("gone.title"), p.T("gone.text")
	s.write(w, r, http.StatusNotFound, p)
}

// answer is POST /p/SECRET: the answer to the question. It takes as long whatever
// it is.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, secret string) {
	begin := time.Now()
	if !s.answers.take(r, time.Second) {
		w.Header().Set("Retry-After", "5")
		s.ask(w, r, http.StatusServiceUnavailable, "ask.broken")
		return
	}
	defer s.answers.give()
	given, status := s.form(w, r)
	if status != 0 {
		w.Header().Set("Connection", "close")
		s.ask(w, r, status, "ask.empty")
		return
	}
	origin, _ := gate.Elsewhere(r)
	value, until, err := s.cfg.Links.Open(r.Context(), secret, given, origin)
	select {
	case <-time.After(s.cfg.Floor - time.Since(begin)):
	case <-r.Context().Done():
		return
	}
	wait := (*privacy.Wait)(nil)
	switch {
	case errors.Is(err, privacy.ErrClosed):
		s.ask(w, r, http.StatusForbidden, "ask.closed")
	case errors.As(err, &wait):
		seconds := strconv.Itoa(int(math.Ceil(wait.For.Seconds())))
		w.Header().Set("Retry-After", seconds)
		s.ask(w, r, http.StatusTooManyRequests, "ask.wait", "seconds", seconds)
	case err != nil:
		s.trouble(r, "look up its link", err)
		s.ask(w, r, http.StatusServiceUnavailable, "ask.broken")
	default:
		http.SetCookie(w, cookie(r, secret, value, until.Sub(s.now())))
		to := Prefix + secret
		if lang := r.URL.Query().Get("lang"); lang == "en" || lang == "es" {
			to += "?" + url.Values{"lang": {lang}}.Encode()
		}
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusSeeOther)
	}
}

// form reads the answer; status is not 0 where it is none.
func (s *Server) form(w http.ResponseWriter, r *http.Request) (answer string, status int) {
	if s.cross.Check(r) != nil {
		return "", http.StatusForbidden
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return "", http.StatusUnsupportedMediaType
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		return "", http.StatusRequestEntityTooLarge
	}
	values, err := url.ParseQuery(string(body))
	if err != nil || len(values["answer"]) != 1 || strings.TrimSpace(values.Get("answer")) == "" {
		return "", http.StatusBadRequest
	}
	return values.Get("answer"), 0
}

var zippers = sync.Pool{New: func() any { w, _ := gzip.NewWriterLevel(io.Discard, 6); return w }}

// write renders a whole page, or none.
func (s *Server) write(w http.ResponseWriter, r *http.Request, status int, p *pageData) {
	var b bytes.Buffer
	if err := s.pages.ExecuteTemplate(&b, "patient", p); err != nil {
		s.trouble(r, "be rendered", err)
		http.Error(w, "this page could not be made", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", p.Lang())
	body := b.Bytes()
	if takesGzip(r) {
		var z bytes.Buffer
		zip := zippers.Get().(*gzip.Writer)
		zip.Reset(&z)
		_, _ = zip.Write(body)
		_ = zip.Close()
		zippers.Put(zip)
		h.Set("Content-Encoding", "gzip")
		body = z.Bytes()
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}
