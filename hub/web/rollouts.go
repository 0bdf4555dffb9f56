package web

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"frostline/hub/rollout"
)

type rolloutsPage struct {
	frame
	Form     string
	May      bool
	Releases []rollout.Release
	Rollouts []rolloutView
	Problem  string
	Done     string
}

type rolloutView struct {
	rollout.Rollout
	Mark    string
	Waves   []waveView
	Open    bool             // it goes on, or can
	Members []rollout.Member // of the newest: those that are not done
	More    bool             // there are more
}

type waveView struct {
	Wave                                      string
	Now                                       bool
	Gateways, Confirmed, Failed, Under, Waits int
}

const (
	mostRollouts = 20
	mostMembers  = 200
)

var rolloutMarks = map[string]string{
	rollout.Running: "live", rollout.Paused: "not-ok", rollout.Stopped: "wrong", rollout.Done: "live", rollout.Aborted: "silent",
}

func rolloutViewOf(r rollout.Rollout) rolloutView {
	v := rolloutView{Rollout: r, Mark: rolloutMarks[r.State], Open: r.State == rollout.Running || r.State == rollout.Paused || r.State == rollout.Stopped}
	for i, wave := range r.Waves {
		c := r.Counts[i]
		one := waveView{Wave: wave, Now: v.Open && i+1 == r.Wave, Confirmed: c[rollout.Confirmed], Failed: c[rollout.Failed], Waits: c[rollout.Waiting],
			Under: c[rollout.Asked] + c[rollout.Fetching] + c[rollout.Trial]}
		for _, n := range c {
			one.Gateways += n
		}
		v.Waves = append(v.Waves, one)
	}
	return v
}

// rolloutsPage is GET /view/rollouts.
func (s *Server) rolloutsPage(w http.ResponseWriter, r *http.Request) {
	done := map[string]string{"start": "The rollout has begun.", "pause": "The rollout is paused: no further wave is asked.", "resume": "The rollout goes on.", "abort": "The rollout is ended: what had not begun is withdrawn."}
	s.showRollouts(w, r, http.StatusOK, rolloutsPage{Done: done[r.FormValue("done")]})
}

func (s *Server) showRollouts(w http.ResponseWriter, r *http.Request, status int, p rolloutsPage) {
	p.frame = s.frame("Updates", "rollouts")
	p.Styles, p.Modules = []string{"style/home.css", "style/sensor.css", "style/access.css", "style/fleet.css"}, []string{"account.js"}
	d := s.cfg.Operations.Rollouts
	all, err := d.Rollouts(r.Context(), 0, mostRollouts)
	if err != nil {
		s.broken(w, r, "list rollouts", err)
		return
	}
	for i, one := range all {
		v := rolloutViewOf(one)
		if i == 0 {
			members, err := d.Members(r.Context(), one.ID, "", mostMembers+1)
			if err != nil {
				s.broken(w, r, "list the gateways of a rollout", err)
				return
			}
			for _, m := range members {
				if len(v.Members) == mostMembers {
					v.More = true
					break
				}
				if m.Phase != rollout.Confirmed && m.Phase != rollout.Waiting {
					v.Members = append(v.Members, m)
				}
			}
		}
		p.Rollouts = append(p.Rollouts, v)
	}
	if p.Releases, err = d.Releases(r.Context(), mostRollouts); err != nil {
		s.broken(w, r, "list releases", err)
		return
	}
	p.May, p.Form = viewerOf(r).May("POST /view/rollouts/start"), s.formFor(w, r)
	s.render(w, s.pages.rollouts, status, p)
}

// startRollout is POST /view/rollouts/start.
func (s *Server) startRollout(w http.ResponseWriter, r *http.Request) {
	reason, problem := why(r)
	number := func(name string) int { // 0 where it is none, which the rollout refuses
		n, err := strconv.Atoi(strings.TrimSpace(r.PostFormValue(name)))
		if err != nil {
			return 0
		}
		return n
	}
	if problem != "" {
		s.showRollouts(w, r, http.StatusUnprocessableEntity, rolloutsPage{Problem: problem})
		return
	}
	_, err := s.cfg.Operations.Rollouts.Start(r.Context(), viewerOf(r).actor(), reason, rollout.Plan{
		Release: r.PostFormValue("release"), Waves: strings.Fields(r.PostFormValue("waves")), Failures: number("failures"), Quorum: number("quorum"),
		Soak: time.Duration(number("soak")) * time.Minute,
	})
	s.rolloutDone(w, r, "start", err)
}

// changeRollout is POST /view/rollouts/{id}/….
func (s *Server) changeRollout(what string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if err != nil {
			s.fail(w, r, http.StatusNotFound, "There is no such rollout", "Rollouts are numbered.")
			return
		}
		reason, problem := why(r)
		if problem != "" {
			s.showRollouts(w, r, http.StatusUnprocessableEntity, rolloutsPage{Problem: problem})
			return
		}
		d := s.cfg.Operations.Rollouts
		do := d.Pause
		switch what {
		case "resume":
			do = d.Resume
		case "abort":
			do = d.Abort
		}
		_, err = do(r.Context(), viewerOf(r).actor(), reason, id)
		s.rolloutDone(w, r, what, err)
	}
}

func (s *Server) rolloutDone(w http.ResponseWriter, r *http.Request, what string, err error) {
	switch {
	case err == nil:
		http.Redirect(w, r, "/view/rollouts?done="+what, http.StatusSeeOther)
	case errors.Is(err, rollout.ErrUnknown), errors.Is(err, rollout.ErrInvalid), errors.Is(err, rollout.ErrBusy), errors.Is(err, rollout.ErrState):
		s.showRollouts(w, r, http.StatusUnprocessableEntity, rolloutsPage{Problem: "Not done: " + err.Error()})
	default:
		s.broken(w, r, "change a rollout", err)
	}
}
