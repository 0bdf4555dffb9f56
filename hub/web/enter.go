package web

import (
	"errors"
	"net/http"
	"strings"

	"frostline/hub/people"
)

type enterPage struct {
	frame
	Link    people.Link
	Name    string // of the person whom it lets in
	Roles   string
	Form    string
	Next    string
	Problem string
	ID      string // as typed
	Typed   string // name
}

// link is GET /enter/{secret}: what the link is for. Looking does not use it up,
// so that programs that look ahead at links do no harm.
func (s *Server) link(w http.ResponseWriter, r *http.Request) {
	if !s.paced(w, r) {
		return
	}
	s.showLink(w, r, http.StatusOK, enterPage{})
}

// showLink shows a link that is good. One that is not, was or never will be
// looks the same.
func (s *Server) showLink(w http.ResponseWriter, r *http.Request, status int, p enterPage) {
	l, ok, err := s.cfg.Access.Link(r.Context(), r.PathValue("secret"))
	if err != nil {
		s.broken(w, r, "look up a link", err)
		return
	}
	if !ok {
		s.fail(w, r, http.StatusNotFound, "This link is not good, or not any more", "Links are good once and for some hours. Ask for another, or sign in at /signin.")
		return
	}
	p.frame = s.frame("Welcome", "signin")
	p.Styles, p.Still = []string{"style/home.css", "style/access.css"}, true
	p.Link, p.Roles, p.Next = l, roleWords(l.Roles), safeNext(r.FormValue("next"))
	if l.Kind == people.SignInLink {
		p.Name = l.Person
	}
	p.Form = s.formFor(w, r)
	s.render(w, s.pages.enter, status, p)
}

// enter is POST /enter/{secret}: it uses the link, and signs in.
func (s *Server) enter(w http.ResponseWriter, r *http.Request) {
	if !s.paced(w, r) {
		return
	}
	id, name := strings.ToLower(strings.TrimSpace(r.PostFormValue("id"))), strings.TrimSpace(r.PostFormValue("name"))
	person, err := s.cfg.Access.Enter(r.Context(), r.PathValue("secret"), id, name)
	again := enterPage{ID: id, Typed: name}
	switch {
	case errors.Is(err, people.ErrExists):
		again.Problem = "This id is taken; choose another. Ids are never used again."
		s.showLink(w, r, http.StatusConflict, again)
	case errors.Is(err, people.ErrInvalid):
		again.Problem = "An id is 1 to 64 of a to z, 0 to 9, dot, underscore and dash; a name is as it is to be printed beside signatures."
		s.showLink(w, r, http.StatusUnprocessableEntity, again)
	case errors.Is(err, people.ErrRefused), errors.Is(err, people.ErrNotFound):
		s.showLink(w, r, http.StatusNotFound, again)
	case err != nil:
		s.broken(w, r, "use a link", err)
	default:
		next := safeNext(r.PostFormValue("next"))
		if next == "/" && (person.Version == 1 && person.Created > s.now().Add(-freshWithin).UnixMilli()) {
			next = "/me"
		}
		s.enterAs(w, r, person.ID, 0, people.ByLink, next)
	}
}
