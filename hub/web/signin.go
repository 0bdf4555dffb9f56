package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"html/template"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/boombuler/barcode/qr"

	"frostline/hub/gate"
	"frostline/hub/people"
)

const (
	stepLife    = 5 * time.Minute // between a password and what has to follow
	deviceLife  = 90 * 24 * time.Hour
	deviceName  = "frostline_device"
	freshWithin = 15 * time.Minute // since signing in, to change how one signs in
)

// accessRoutes mounts signing in, one's own account, and those of others.
func (s *Server) accessRoutes(mux *routes) {
	mux.HandleFunc("GET /signin", s.signin)
	mux.HandleFunc("POST /signin", s.password)
	mux.HandleFunc("POST /signin/code", s.code)
	mux.HandleFunc("POST /signin/enrol", s.enrolCodes)
	mux.HandleFunc("POST /signin/passkey/begin", s.beginSignin)
	mux.HandleFunc("POST /signin/passkey/finish", s.finishSignin)
	mux.HandleFunc("GET /enter/{secret}", s.link)
	mux.HandleFunc("POST /enter/{secret}", s.enter)
	mux.HandleFunc("GET /me", s.me)
	mux.HandleFunc("POST /me/password", s.freshly(s.setPassword))
	mux.HandleFunc("POST /me/codes", s.freshly(s.beginCodes))
	mux.HandleFunc("POST /me/codes/confirm", s.freshly(s.confirmCodes))
	mux.HandleFunc("POST /me/codes/remove", s.freshly(s.removeCodes))
	mux.HandleFunc("POST /me/passkeys/begin", s.freshly(s.beginPasskey))
	mux.HandleFunc("POST /me/passkeys/finish", s.freshly(s.finishPasskey))
	mux.HandleFunc("POST /me/passkeys/remove", s.freshly(s.removePasskey))
	mux.HandleFunc("POST /me/sign/begin", s.beginSign)
	s.peopleRoutes(mux)
	if s.cfg.Provider != nil {
		s.providerRoutes(mux)
	}
	mux.HandleFunc("POST /me/signout", s.signout)
	mux.HandleFunc("POST /me/signout/everywhere", s.signoutEverywhere)
}

// signinPage is a step of signing in.
type signinPage struct {
	frame
	Step     string // "", code, enrol or passkey
	Form     string
	Next     string
	ID       string
	Problem  string
	Held     string // what the step before has found out, sealed
	Secret   string // of one-time codes, in groups
	Picture  template.HTML
	Again    bool   // somebody is signed in and has to show it anew
	Passkey  bool   // passkeys work under this name
	Provider string // name of the OpenID provider; "" for none
}

func (s *Server) signinFrame(r *http.Request) signinPage {
	f := s.frame("Sign in", "signin")
	f.Styles = []string{"style/home.css", "style/access.css"}
	f.Still = true
	return signinPage{frame: f, Next: safeNext(r.FormValue("next"))}
}

func (s *Server) showSignin(w http.ResponseWriter, r *http.Request, status int, p signinPage) {
	p.Form = s.formFor(w, r)
	if s.cfg.Provider != nil {
		p.Provider = s.cfg.Provider.Name()
	}
	if _, ok := s.passkeys(r); ok && p.Step == "" {
		p.Passkey, p.Modules = true, []string{"passkey.js"}
	}
	s.render(w, s.pages.signin, status, p)
}

// signin is GET /signin.
func (s *Server) signin(w http.ResponseWriter, r *http.Request) {
	p := s.signinFrame(r)
	if v := viewerOf(r); v.Signed() {
		if r.FormValue("again") == "" {
			http.Redirect(w, r, p.Next, http.StatusSeeOther)
			return
		}
		p.Again, p.ID = true, v.Person.ID
	}
	s.showSignin(w, r, http.StatusOK, p)
}

// slow answers where there were too many attempts.
func (s *Server) slow(w http.ResponseWriter, r *http.Request, wait time.Duration) {
	seconds := waitSeconds(wait)
	w.Header().Set("Retry-After", seconds)
	s.fail(w, r, http.StatusTooManyRequests, "Too many attempts", fmt.Sprintf("Try again in %s s. A passkey works meanwhile, and so does a browser that signed in here before.", seconds))
}

// waitSeconds is a wait as Retry-After says it.
func waitSeconds(wait time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(wait.Seconds()))))
}

// device is a browser by which a person has signed in before.
type device struct{ Person, ID string }

// device gives what the browser of a request is known as; ok is false where it
// is not.
func (s *Server) device(r *http.Request) (d device, ok bool) {
	c, err := r.Cookie(deviceName)
	if err != nil {
		return d, false
	}
	err = s.seals.open(r.Context(), "device", c.Value, &d)
	return d, err == nil && d.ID != ""
}

// origin names the browser to what bounds guessing: one that the person has
// signed in by before is known, and else the address counts.
func (s *Server) origin(r *http.Request, person string) context.Context {
	where := gate.Origin(r)
	if d, ok := s.device(r); ok && d.Person == person {
		where = people.KnownDevice + d.ID
	}
	return people.WithOrigin(r.Context(), where)
}

// begun is what a password has shown.
type begun struct {
	Person  string
	Version int64  // of the person, so that nothing has changed since
	Secret  string // of one-time codes to be set up
}

// password is POST /signin. A password is never enough: a one-time code follows,
// or the codes are set up.
func (s *Server) password(w http.ResponseWriter, r *http.Request) {
	if !s.paced(w, r) {
		return
	}
	p := s.signinFrame(r)
	id := strings.ToLower(strings.TrimSpace(r.PostFormValue("id")))
	if v := viewerOf(r); v.Signed() {
		p.Again = true
	}
	person, err := s.cfg.Access.Reauthenticate(s.origin(r, id), id, r.PostFormValue("password"))
	var wait *people.WaitError
	switch {
	case errors.As(err, &wait):
		s.slow(w, r, wait.Wait)
		return
	case errors.Is(err, people.ErrRefused):
		if len(id) <= 64 {
			p.ID = id
		}
		p.Problem = "This id and password do not belong together, or the person may not sign in."
		s.showSignin(w, r, http.StatusForbidden, p)
		return
	case err != nil:
		s.broken(w, r, "check a password", err)
		return
	}
	s.afterPassword(w, r, p, person)
}

// afterPassword asks for the second factor.
func (s *Server) afterPassword(w http.ResponseWriter, r *http.Request, p signinPage, person people.Person) {
	codes, err := s.cfg.Access.HasTOTP(r.Context(), person.ID)
	if err != nil {
		s.broken(w, r, "look up one-time codes", err)
		return
	}
	b := begun{Person: person.ID, Version: person.Version}
	p.Step = "code"
	if !codes {
		keys, err := s.cfg.Access.Passkeys(r.Context(), person.ID)
		if err != nil {
			s.broken(w, r, "look up passkeys", err)
			return
		}
		if len(keys) > 0 {
			p.Problem = "You have a passkey and no one-time codes: sign in with the passkey."
			s.showSignin(w, r, http.StatusForbidden, p.plain())
			return
		}
		b.Secret, p.Step = people.NewTOTP(), "enrol"
	}
	if p.Held, err = s.seals.seal(r.Context(), p.Step, b, stepLife); err != nil {
		s.broken(w, r, "go on signing in", err)
		return
	}
	s.withPicture(&p, b)
	s.showSignin(w, r, http.StatusOK, p)
}

// plain is the first step again.
func (p signinPage) plain() signinPage {
	p.Step, p.Held = "", ""
	return p
}

// withPicture shows the secret of one-time codes that are set up.
func (s *Server) withPicture(p *signinPage, b begun) {
	if b.Secret != "" {
		p.Secret, p.Picture = groups(b.Secret), qrCode(people.TOTPAddress(b.Person, b.Secret))
	}
}

// held gives what the step before has found out. Where it is too old, or the
// person has changed since, it shows the first step again.
func (s *Server) held(w http.ResponseWriter, r *http.Request, step string) (p signinPage, b begun, ok bool) {
	p = s.signinFrame(r)
	p.Step, p.Held = step, r.PostFormValue("held")
	if err := s.seals.open(r.Context(), step, p.Held, &b); err != nil {
		p.Problem = "That took more than five minutes. Begin again."
		s.showSignin(w, r, http.StatusForbidden, p.plain())
		return p, b, false
	}
	return p, b, true
}

// code is POST /signin/code.
func (s *Server) code(w http.ResponseWriter, r *http.Request) {
	if !s.paced(w, r) {
		return
	}
	p, b, ok := s.held(w, r, "code")
	if !ok {
		return
	}
	s.afterCode(w, r, p, b, s.cfg.Access.CheckTOTP(s.origin(r, b.Person), b.Person, r.PostFormValue("code")))
}

// enrolCodes is POST /signin/enrol: the first code of an app that has just been
// set up.
func (s *Server) enrolCodes(w http.ResponseWriter, r *http.Request) {
	if !s.paced(w, r) {
		return
	}
	p, b, ok := s.held(w, r, "enrol")
	if !ok {
		return
	}
	if has, err := s.cfg.Access.HasTOTP(r.Context(), b.Person); err != nil || has || b.Secret == "" {
		p.Problem = "One-time codes are set up already. Begin again."
		s.showSignin(w, r, http.StatusForbidden, p.plain())
		return
	}
	s.withPicture(&p, b)
	s.afterCode(w, r, p, b, s.cfg.Access.SetTOTP(r.Context(), "person/"+b.Person, b.Person, b.Secret, r.PostFormValue("code")))
}

func (s *Server) afterCode(w http.ResponseWriter, r *http.Request, p signinPage, b begun, err error) {
	var wait *people.WaitError
	switch {
	case errors.As(err, &wait):
		s.slow(w, r, wait.Wait)
	case errors.Is(err, people.ErrRefused):
		p.Problem = "This is not the code of now. Each is good once: wait for the next, and look at the clock of your phone."
		s.showSignin(w, r, http.StatusForbidden, p)
	case err != nil:
		s.broken(w, r, "check a one-time code", err)
	default:
		s.enterAs(w, r, b.Person, b.Version, people.ByPassword, p.Next)
	}
}

// enterAs begins a session and leads on. version is that of the person when they
// showed who they are; 0 for now.
func (s *Server) enterAs(w http.ResponseWriter, r *http.Request, person string, version int64, method, next string) {
	if err := s.begin(w, r, person, version, method); err != nil {
		if errors.Is(err, people.ErrRefused) {
			s.fail(w, r, http.StatusForbidden, "You are not signed in", "The account was changed meanwhile. Sign in again.")
			return
		}
		s.broken(w, r, "sign somebody in", err)
		return
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// begin begins a session. The one that the browser had is ended: it gets a
// secret that nobody has seen before.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, person string, version int64, method string) error {
	secret, session, err := s.cfg.Access.Begin(r.Context(), person, method, about(r))
	if err != nil {
		return err
	}
	if version != 0 {
		if _, p, ok, err := s.cfg.Access.Session(r.Context(), secret, false); err != nil || !ok || p.Version != version {
			return errors.Join(err, s.cfg.Access.End(r.Context(), secret), fmt.Errorf("session: %w", people.ErrRefused))
		}
	}
	if old := viewerOf(r).secret; old != "" {
		if err := s.cfg.Access.End(r.Context(), old); err != nil {
			s.log.Warn("the session before is not ended", "error", err)
		}
	}
	http.SetCookie(w, s.cookie(sessionCookie, secret, people.SessionLife))
	known, err := s.seals.seal(r.Context(), "device", device{person, rand.Text()}, deviceLife)
	if err != nil {
		return err
	}
	http.SetCookie(w, s.cookie(deviceName, known, deviceLife))
	s.log.Info("signed in", "person", person, "method", method, "session", session.ID, "from", gate.Origin(r))
	return nil
}

// signout is POST /me/signout.
func (s *Server) signout(w http.ResponseWriter, r *http.Request) {
	if err := s.cfg.Access.End(r.Context(), viewerOf(r).secret); err != nil {
		s.broken(w, r, "sign out", err)
		return
	}
	s.left(w, r)
}

// signoutEverywhere is POST /me/signout/everywhere.
func (s *Server) signoutEverywhere(w http.ResponseWriter, r *http.Request) {
	v := viewerOf(r)
	if err := s.cfg.Access.EndAll(r.Context(), v.actor(), v.Person.ID); err != nil {
		s.broken(w, r, "sign out everywhere", err)
		return
	}
	s.left(w, r)
}

func (s *Server) left(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, s.cookie(sessionCookie, "", -time.Second))
	http.Redirect(w, r, "/signin", http.StatusSeeOther)
}

// groups writes a secret so that it can be typed.
func groups(secret string) string {
	var b strings.Builder
	for i, r := range secret {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// qrCode draws a QR code as one path, with the quiet zone around it.
func qrCode(text string) template.HTML {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return ""
	}
	n := code.Bounds().Dx()
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="qr" viewBox="-4 -4 %d %d" role="img" aria-label="QR code of the secret"><rect x="-4" y="-4" width="%d" height="%d" fill="#fff"/><path fill="#000" d="`, n+8, n+8, n+8, n+8)
	for y := range n {
		for x := range n {
			if r, _, _, _ := code.At(x, y).RGBA(); r == 0 {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x, y)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return template.HTML(b.String())
}
