package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"frostline/hub/gate"
	"frostline/hub/people"
	"frostline/hub/people/passkey"
)

// passkeys gives who checks passkeys, and whether they work under the name of a
// request: a passkey is bound to the name in links, which is localhost on
// loopback, and to no address.
func (s *Server) passkeys(r *http.Request) (*passkey.Desk, bool) {
	select {
	case <-s.ready:
	default:
		return nil, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	origin, err := url.Parse(s.Origin())
	if err != nil || s.cfg.Passkeys == nil {
		return nil, false
	}
	name := r.Host
	if h, _, err := net.SplitHostPort(name); err == nil {
		name = h
	}
	if !strings.EqualFold(name, origin.Hostname()) || net.ParseIP(name) != nil {
		return nil, false
	}
	if s.desk == nil {
		if s.desk, err = passkey.New(origin.Hostname(), s.Origin(), s.cfg.Passkeys, s.now); err != nil {
			s.log.Error("passkeys cannot be used", "error", err)
			return nil, false
		}
	}
	return s.desk, true
}

// answered is what a page's script sends of a ceremony.
type answered struct {
	Held   string          `json:"held"`
	Name   string          `json:"name"`
	Next   string          `json:"next"`
	Answer json.RawMessage `json:"answer"`
}

// asked tells a page's script to ask for a passkey.
func (s *Server) asked(w http.ResponseWriter, r *http.Request, purpose string, options any, state passkey.State, err error) {
	var held string
	if err == nil {
		held, err = s.seals.seal(r.Context(), purpose, state, passkey.Life)
	}
	if err != nil {
		s.noPasskey(w, r, err)
		return
	}
	answerJSON(w, http.StatusOK, map[string]any{"held": held, "options": options})
}

// noPasskey tells a page's script what went wrong. Why a passkey was refused is
// for the log.
func (s *Server) noPasskey(w http.ResponseWriter, r *http.Request, err error) {
	status, problem := http.StatusInternalServerError, "the hub could not do it; its log says why"
	switch {
	case errors.Is(err, people.ErrRefused), errors.Is(err, errSeal), errors.Is(err, people.ErrNotFound):
		s.log.Warn("passkey refused", "from", gate.Origin(r), "error", err)
		status, problem = http.StatusForbidden, "this passkey does not let anybody in here, or it took too long; try again"
	case errors.Is(err, people.ErrExists):
		status, problem = http.StatusConflict, "this passkey is known already"
	case errors.Is(err, people.ErrInvalid):
		status, problem = http.StatusUnprocessableEntity, err.Error()
	default:
		s.log.Error("passkey could not be checked", "error", err)
	}
	answerJSON(w, status, map[string]string{"problem": problem})
}

// ceremony reads what a script sends, and opens the state that it began with.
func (s *Server) ceremony(w http.ResponseWriter, r *http.Request, purpose string) (d *passkey.Desk, in answered, state passkey.State, ok bool) {
	d, ok = s.passkeys(r)
	if !ok {
		answerJSON(w, http.StatusConflict, map[string]string{"problem": "passkeys work under " + s.Origin() + " alone"})
		return nil, in, state, false
	}
	b, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(b, &in)
	}
	if err != nil {
		answerJSON(w, http.StatusBadRequest, map[string]string{"problem": "want JSON"})
		return nil, in, state, false
	}
	if purpose != "" {
		if err := s.seals.open(r.Context(), purpose, in.Held, &state); err != nil {
			s.noPasskey(w, r, err)
			return nil, in, state, false
		}
	}
	return d, in, state, true
}

// beginSignin is POST /signin/passkey/begin.
func (s *Server) beginSignin(w http.ResponseWriter, r *http.Request) {
	if !s.keyPaced(w, r) {
		return
	}
	d, _, _, ok := s.ceremony(w, r, "")
	if !ok {
		return
	}
	options, state, err := d.BeginSignIn()
	s.asked(w, r, "passkey sign-in", options, state, err)
}

// finishSignin is POST /signin/passkey/finish.
func (s *Server) finishSignin(w http.ResponseWriter, r *http.Request) {
	if !s.keyPaced(w, r) {
		return
	}
	d, in, state, ok := s.ceremony(w, r, "passkey sign-in")
	if !ok {
		return
	}
	p, err := d.SignIn(people.WithOrigin(r.Context(), gate.Origin(r)), state, in.Answer)
	if err == nil {
		err = s.begin(w, r, p.ID, p.Version, people.ByPasskey)
	}
	if err != nil {
		s.noPasskey(w, r, err)
		return
	}
	answerJSON(w, http.StatusOK, map[string]string{"next": safeNext(in.Next)})
}

// beginPasskey is POST /me/passkeys/begin.
func (s *Server) beginPasskey(w http.ResponseWriter, r *http.Request) {
	d, _, _, ok := s.ceremony(w, r, "")
	if !ok {
		return
	}
	id := viewerOf(r).Person.ID
	options, state, err := d.BeginAdd(r.Context(), id)
	s.asked(w, r, "passkey of "+id, options, state, err)
}

// finishPasskey is POST /me/passkeys/finish.
func (s *Server) finishPasskey(w http.ResponseWriter, r *http.Request) {
	id := viewerOf(r).Person.ID
	d, in, state, ok := s.ceremony(w, r, "passkey of "+id)
	if !ok {
		return
	}
	if err := d.Add(r.Context(), id, strings.TrimSpace(in.Name), state, in.Answer); err != nil {
		s.noPasskey(w, r, err)
		return
	}
	answerJSON(w, http.StatusOK, map[string]string{"next": "/me?done=passkey"})
}

// beginSign is POST /me/sign/begin: a page asks for a passkey, to sign the
// document of a digest by it.
func (s *Server) beginSign(w http.ResponseWriter, r *http.Request) {
	d, ok := s.passkeys(r)
	if !ok {
		answerJSON(w, http.StatusConflict, map[string]string{"problem": "passkeys work under " + s.Origin() + " alone"})
		return
	}
	var in struct {
		Content string `json:"content"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || !digestForm.MatchString(in.Content) {
		answerJSON(w, http.StatusUnprocessableEntity, map[string]string{"problem": "content: want a digest, of 64 hexadecimal digits"})
		return
	}
	options, state, err := d.BeginSign(r.Context(), viewerOf(r).Person.ID, in.Content)
	s.asked(w, r, "signature", options, state, err)
}

var digestForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

// CheckSignature gives the person who has answered with a passkey for a document:
// answer is the JSON of what POST /me/sign/begin held, and of the passkey's own
// answer. The error wraps people.ErrRefused where it is not theirs, or not for
// this document, or was given before.
func (s *Server) CheckSignature(ctx context.Context, person, content string, answer []byte) (people.Person, error) {
	s.mu.Lock()
	d := s.desk
	s.mu.Unlock()
	var in struct {
		Held   string `json:"held"`
		Answer string `json:"answer"`
	}
	var state passkey.State
	if err := json.Unmarshal(answer, &in); err != nil || d == nil {
		return people.Person{}, fmt.Errorf("passkey: %w: nobody was asked for it", people.ErrRefused)
	}
	if err := s.seals.open(ctx, "signature", in.Held, &state); err != nil {
		return people.Person{}, fmt.Errorf("passkey: %w: %w", people.ErrRefused, err)
	}
	return d.Sign(ctx, person, content, state, []byte(in.Answer))
}
