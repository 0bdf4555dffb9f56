package panel

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Looks of a page. Auto follows what the device prefers.
var looks = []string{"auto", "day", "night"}

// What a device remembers, in cookies, so that a page without a script has it too
// and none flashes up white at night.
const (
	cookieLanguage = "language"
	cookieLook     = "look"
	rememberFor    = 400 * 24 * time.Hour
)

// prefs are how this device wants its pages.
type prefs struct {
	Language string // en or es
	Other    string // the language to change to
	Look     string
	Path     string // of this page
}

// locale is the language of a request: the one chosen on this device, else the
// configuration's, else what the browser asks for.
func (p *Page) locale(r *http.Request) *locale {
	if c, err := r.Cookie(cookieLanguage); err == nil && locales[c.Value] != nil {
		return locales[c.Value]
	}
	if l := locales[p.set.Language]; l != nil {
		return l
	}
	return locales[accepted(r.Header.Get("Accept-Language"))]
}

func (p *Page) prefs(r *http.Request, l *locale) prefs {
	v := prefs{Language: l.tag, Look: looks[0], Path: r.URL.Path}
	v.Other = languages[(slices.Index(languages, l.tag)+1)%len(languages)]
	if c, err := r.Cookie(cookieLook); err == nil && slices.Contains(looks, c.Value) {
		v.Look = c.Value
	}
	return v
}

// prefer takes the form by which language or look is chosen, and goes back.
func (p *Page) prefer(w http.ResponseWriter, r *http.Request) {
	if !p.form(w, r) {
		return
	}
	if v := r.PostForm.Get(cookieLanguage); locales[v] != nil {
		remember(w, cookieLanguage, v)
	}
	if v := r.PostForm.Get(cookieLook); slices.Contains(looks, v) {
		remember(w, cookieLook, v)
	}
	back(w, r)
}

func remember(w http.ResponseWriter, name, value string) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(rememberFor / time.Second), HttpOnly: true, SameSite: http.SameSiteStrictMode})
}

// form reads a small form; it answers, and gives false, where that cannot be read.
func (p *Page) form(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, 8<<10)
	if err := r.ParseForm(); err != nil {
		http.Error(w, p.locale(r).say("error.form", plain(err.Error())), http.StatusBadRequest)
		return false
	}
	return true
}

// back goes to the page of ours that a form was on.
func back(w http.ResponseWriter, r *http.Request) {
	to := r.PostForm.Get("back")
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n") {
		to = "/"
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}
