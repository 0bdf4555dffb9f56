package web

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"frostline/hub/people"
	"frostline/hub/view"
)

type mePage struct {
	frame
	Form     string
	Roles    string
	Fresh    bool // signed in lately enough to change how
	Password bool
	Codes    bool
	Passkeys []people.Passkey
	Sessions []sessionView
	Passkey  bool // passkeys work under this name
	Bare     bool // nothing to sign in with yet
	Problem  string
	Done     string
	Held     string // a secret of one-time codes that is being set up
	Secret   string
	Picture  any
}

type sessionView struct {
	people.Session
	Here bool
	How  string
}

var methodWords = map[string]string{people.ByPassword: "password and code", people.ByPasskey: "passkey", people.ByProvider: "provider", people.ByLink: "link"}

// fresh says whether somebody signed in lately enough to change how they do.
func (s *Server) fresh(v *viewer) bool {
	return v.secret != "" && s.now().Sub(time.UnixMilli(v.Session.Created)) < freshWithin
}

// me is GET /me: one's own account.
func (s *Server) me(w http.ResponseWriter, r *http.Request) {
	s.showMe(w, r, http.StatusOK, mePage{Done: doneWords[r.FormValue("done")]})
}

// doneWords are what the account page says after a change. Nothing else of an
// address comes onto the page.
var doneWords = map[string]string{
	"password": "Your password is changed, and you are signed out everywhere else.",
	"codes":    "One-time codes are set up.",
	"nocodes":  "One-time codes are removed.",
	"passkey":  "The passkey is added.",
	"removed":  "The passkey is removed.",
}

func (s *Server) showMe(w http.ResponseWriter, r *http.Request, status int, p mePage) {
	v := viewerOf(r)
	p.frame = s.frame("Your account", "me")
	p.Styles, p.Still = []string{"style/home.css", "style/access.css"}, true
	if _, ok := s.passkeys(r); ok {
		p.Passkey, p.Modules = true, []string{"passkey.js"}
	}
	p.Roles, p.Fresh = roleWords(v.Person.Roles), s.fresh(v)
	var err error
	if p.Password, err = s.cfg.Access.HasPassword(r.Context(), v.Person.ID); err != nil {
		s.broken(w, r, "look up a password", err)
		return
	}
	if p.Codes, err = s.cfg.Access.HasTOTP(r.Context(), v.Person.ID); err != nil {
		s.broken(w, r, "look up one-time codes", err)
		return
	}
	if p.Passkeys, err = s.cfg.Access.Passkeys(r.Context(), v.Person.ID); err != nil {
		s.broken(w, r, "look up passkeys", err)
		return
	}
	sessions, err := s.cfg.Access.Sessions(r.Context(), v.Person.ID)
	if err != nil {
		s.broken(w, r, "look up sessions", err)
		return
	}
	for _, one := range sessions {
		p.Sessions = append(p.Sessions, sessionView{one, one.ID == v.Session.ID, methodWords[one.Method]})
	}
	p.Bare = !p.Password && len(p.Passkeys) == 0
	p.Form = s.formFor(w, r)
	s.render(w, s.pages.me, status, p)
}

// freshly lets somebody change how they sign in only shortly after they have,
// so that an open browser is not enough.
func (s *Server) freshly(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.fresh(viewerOf(r)) {
			if r.Header.Get("Content-Type") == "application/json" {
				answerJSON(w, http.StatusForbidden, map[string]string{"problem": "sign in again first: it was " + view.Span(freshWithin.Milliseconds()) + " ago or more"})
				return
			}
			next := "/me"
			if to := r.PostFormValue("next"); to != "" {
				next = safeNext(to)
			}
			http.Redirect(w, r, "/signin?again=1&next="+url.QueryEscape(next), http.StatusSeeOther)
			return
		}
		next(w, r)
	}
}

// setPassword is POST /me/password. It ends all sessions, and begins this
// browser's anew.
func (s *Server) setPassword(w http.ResponseWriter, r *http.Request) {
	v := viewerOf(r)
	_, err := s.cfg.Access.SetPassword(r.Context(), v.actor(), v.Person.ID, r.PostFormValue("password"))
	if errors.Is(err, people.ErrInvalid) {
		s.showMe(w, r, http.StatusUnprocessableEntity, mePage{Problem: "A password has at least 12 characters, is not one over and over, and does not contain your id."})
		return
	}
	if err != nil {
		s.broken(w, r, "change a password", err)
		return
	}
	s.enterAs(w, r, v.Person.ID, 0, v.Session.Method, "/me?done=password")
}

// beginCodes is POST /me/codes.
func (s *Server) beginCodes(w http.ResponseWriter, r *http.Request) {
	s.showCodes(w, r, http.StatusOK, begun{Person: viewerOf(r).Person.ID, Secret: people.NewTOTP()}, "")
}

func (s *Server) showCodes(w http.ResponseWriter, r *http.Request, status int, b begun, problem string) {
	held, err := s.seals.seal(r.Context(), "codes", b, stepLife)
	if err != nil {
		s.broken(w, r, "set up one-time codes", err)
		return
	}
	s.showMe(w, r, status, mePage{Problem: problem, Held: held, Secret: groups(b.Secret), Picture: qrCode(people.TOTPAddress(b.Person, b.Secret))})
}

// confirmCodes is POST /me/codes/confirm.
func (s *Server) confirmCodes(w http.ResponseWriter, r *http.Request) {
	v, b := viewerOf(r), begun{}
	if err := s.seals.open(r.Context(), "codes", r.PostFormValue("held"), &b); err != nil || b.Person != v.Person.ID {
		s.showMe(w, r, http.StatusForbidden, mePage{Problem: "That took more than five minutes. Begin again."})
		return
	}
	err := s.cfg.Access.SetTOTP(r.Context(), v.actor(), b.Person, b.Secret, r.PostFormValue("code"))
	if errors.Is(err, people.ErrRefused) {
		s.showCodes(w, r, http.StatusForbidden, b, "This is not the code of now. Wait for the next, and look at the clock of your phone.")
		return
	}
	s.changed(w, r, "set up one-time codes", "codes", err)
}

// removeCodes is POST /me/codes/remove.
func (s *Server) removeCodes(w http.ResponseWriter, r *http.Request) {
	v := viewerOf(r)
	s.changed(w, r, "remove one-time codes", "nocodes", s.cfg.Access.DropTOTP(r.Context(), v.actor(), v.Person.ID))
}

// removePasskey is POST /me/passkeys/remove.
func (s *Server) removePasskey(w http.ResponseWriter, r *http.Request) {
	v := viewerOf(r)
	err := s.cfg.Access.DropPasskey(r.Context(), v.actor(), v.Person.ID, r.PostFormValue("id"))
	if errors.Is(err, people.ErrNotFound) {
		err = nil // it is gone
	}
	s.changed(w, r, "remove a passkey", "removed", err)
}

// changed leads back to the account after a change.
func (s *Server) changed(w http.ResponseWriter, r *http.Request, what, done string, err error) {
	if err != nil {
		s.broken(w, r, what, err)
		return
	}
	http.Redirect(w, r, "/me?done="+done, http.StatusSeeOther)
}
