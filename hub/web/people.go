package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"frostline/hub/people"
	"frostline/hub/policy"
)

// mostPeople are shown.
const mostPeople = 2000

type peoplePage struct {
	frame
	Form    string
	People  []personView
	Admin   bool  // who looks may change them
	Unknown int64 // passwords tried with ids of nobody, lately
	Last    int64 // when the last was, Unix ms
	Days    int   // that are counted
	Roles   []roleView
	Problem string
	Done    string
	Link    string // that was just made, told once
	Until   int64
	For     string
}

type personView struct {
	people.Person
	Words string
	Roles []roleView
	Self  bool
}

type roleView struct {
	Name, Word string
	Has        bool
}

func rolesOf(has []string) (out []roleView) {
	for _, r := range policy.Roles {
		out = append(out, roleView{r, roleNames[r], slices.Contains(has, r)})
	}
	return out
}

func (s *Server) peopleRoutes(mux *routes) {
	mux.HandleFunc("GET /view/people", s.everyone)
	mux.HandleFunc("POST /view/people/invite", s.freshly(s.invite))
	mux.HandleFunc("POST /view/people/{id}/roles", s.freshly(s.changePerson("roles")))
	mux.HandleFunc("POST /view/people/{id}/link", s.freshly(s.linkFor))
	mux.HandleFunc("POST /view/people/{id}/disable", s.freshly(s.changePerson("disable")))
	mux.HandleFunc("POST /view/people/{id}/enable", s.freshly(s.changePerson("enable")))
	mux.HandleFunc("POST /view/people/{id}/codes", s.freshly(s.changePerson("codes")))
}

// everyone is GET /view/people.
func (s *Server) everyone(w http.ResponseWriter, r *http.Request) {
	done := map[string]string{"roles": "The roles are changed.", "disable": "The person is disabled, and signed out everywhere.", "enable": "The person is enabled.", "codes": "The one-time codes are removed."}
	s.showPeople(w, r, http.StatusOK, peoplePage{Done: done[r.FormValue("done")]})
}

func (s *Server) showPeople(w http.ResponseWriter, r *http.Request, status int, p peoplePage) {
	all, err := s.cfg.Access.People(r.Context(), "", mostPeople)
	if err != nil {
		s.broken(w, r, "look up people", err)
		return
	}
	p.frame = s.frame("People", "people")
	p.Styles, p.Still = []string{"style/home.css", "style/access.css"}, true
	for _, one := range all {
		p.People = append(p.People, personView{one, roleWords(one.Roles), rolesOf(one.Roles), one.ID == viewerOf(r).Person.ID})
	}
	if p.Unknown, p.Last, err = s.cfg.Access.Strangers(r.Context()); err != nil {
		s.broken(w, r, "look up refused sign-ins", err)
		return
	}
	p.Admin, p.Days = viewerOf(r).May("POST /view/people/invite"), int(people.StrangersKept/(24*time.Hour))
	p.Roles, p.Form = rolesOf(nil), s.formFor(w, r)
	s.render(w, s.pages.people, status, p)
}

// invite is POST /view/people/invite.
func (s *Server) invite(w http.ResponseWriter, r *http.Request) {
	id, name := strings.ToLower(strings.TrimSpace(r.PostFormValue("id"))), strings.TrimSpace(r.PostFormValue("name"))
	secret, l, err := s.cfg.Access.Invite(r.Context(), viewerOf(r).actor(), id, name, r.PostForm["role"])
	s.showLinkMade(w, r, secret, l, "whom you invite", err)
}

// linkFor is POST /view/people/{id}/link.
func (s *Server) linkFor(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	secret, l, err := s.cfg.Access.SignInLink(r.Context(), viewerOf(r).actor(), id)
	s.showLinkMade(w, r, secret, l, id, err)
}

func (s *Server) showLinkMade(w http.ResponseWriter, r *http.Request, secret string, l people.Link, to string, err error) {
	if err != nil {
		s.notDone(w, r, "make a link", err)
		return
	}
	s.showPeople(w, r, http.StatusOK, peoplePage{Link: s.Origin() + "/enter/" + secret, Until: l.Expires, For: to})
}

// notDone tells why a change was not made, where it is the asker's to know.
func (s *Server) notDone(w http.ResponseWriter, r *http.Request, what string, err error) {
	if errors.Is(err, people.ErrInvalid) || errors.Is(err, people.ErrExists) || errors.Is(err, people.ErrNotFound) {
		s.showPeople(w, r, http.StatusUnprocessableEntity, peoplePage{Problem: "Not done: " + err.Error()})
		return
	}
	s.broken(w, r, what, err)
}

// changePerson is POST /view/people/{id}/…. Nobody changes themselves here, so
// that the last administrator cannot lock everybody out.
func (s *Server) changePerson(what string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, id := viewerOf(r), r.PathValue("id")
		if id == v.Person.ID {
			s.showPeople(w, r, http.StatusUnprocessableEntity, peoplePage{Problem: "Not done: another administrator changes your own roles."})
			return
		}
		var err error
		switch what {
		case "roles":
			_, err = s.cfg.Access.SetRoles(r.Context(), v.actor(), id, r.PostForm["role"])
		case "disable":
			_, err = s.cfg.Access.Disable(r.Context(), v.actor(), id, r.PostFormValue("reason"))
		case "enable":
			_, err = s.cfg.Access.Enable(r.Context(), v.actor(), id, r.PostFormValue("reason"))
		case "codes":
			err = s.cfg.Access.DropTOTP(r.Context(), v.actor(), id)
		}
		if err != nil {
			s.notDone(w, r, "change a person", err)
			return
		}
		http.Redirect(w, r, "/view/people?done="+what, http.StatusSeeOther)
	}
}
