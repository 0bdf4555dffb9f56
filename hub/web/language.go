package web

import (
	"html"
	"html/template"
	"net/http"
	"regexp"
	"slices"

	"frostline/hub/web/tongue"
)

// turn is a link to the same page in another language.
type turn struct{ Href, Lang, Name string }

const languageLife = 365 * 24 * 3600 // seconds that a browser keeps a choice

// speak finds out in which language somebody reads: as they have chosen by ?lang=
// now, which is kept in their browser, or before, or as the browser prefers. A
// choice changes words and nothing else, so that a link may make it.
func (v *viewer) speak(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if asked := q.Get("lang"); r.Method == http.MethodGet && slices.Contains(tongue.Languages, asked) {
		http.SetCookie(w, &http.Cookie{Name: tongue.Cookie, Value: asked, Path: "/", MaxAge: languageLife, HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode})
		v.Lang = asked
	} else {
		v.Lang = tongue.Of(r)
	}
	if r.Method != http.MethodGet {
		return
	}
	for _, lang := range tongue.Languages {
		if lang != v.Lang {
			q.Set("lang", lang)
			v.Turns = append(v.Turns, turn{"?" + q.Encode(), lang, tongue.Names[lang]})
		}
	}
}

// in gives the language of who is answered.
func (s *Server) in(w http.ResponseWriter) *tongue.Tongue {
	lang := tongue.Languages[0]
	if to, ok := w.(watched); ok && to.viewer.Lang != "" {
		lang = to.viewer.Lang
	}
	return s.spoken.tongues[lang]
}

// caption is what a small drawing says below it.
var caption = regexp.MustCompile(`(<figcaption[^>]*>(?:<span>[^<]*</span><span>)?)([^<]*)`)

// captioned gives a drawing that is kept in English with its words in a language.
func captioned(figure template.HTML, in *tongue.Tongue) template.HTML {
	return template.HTML(caption.ReplaceAllStringFunc(string(figure), func(s string) string {
		m := caption.FindStringSubmatch(s)
		return m[1] + template.HTMLEscapeString(in.Tell(html.UnescapeString(m[2])))
	}))
}

// worded is what a drawing says: to who hears it, over a part of it, and in it.
var worded = regexp.MustCompile(`( aria-label="|<title>|<text class="lane-word"[^>]*>)([^"<]*)`)

// spokenDrawing gives a drawing that was made in English with its words in a language.
func spokenDrawing(figure template.HTML, in *tongue.Tongue) template.HTML {
	return template.HTML(worded.ReplaceAllStringFunc(string(figure), func(s string) string {
		m := worded.FindStringSubmatch(s)
		return m[1] + template.HTMLEscapeString(in.Tell(html.UnescapeString(m[2])))
	}))
}

// quoted gives a text that a person or a program wrote: in a language where it is
// made of words of ours, else as it was written, marked as in no known language, so
// that it is not read out by the rules of another.
func quoted(text string, in *tongue.Tongue) template.HTML {
	if in.Lang == tongue.Languages[0] || text == "" {
		return template.HTML(template.HTMLEscapeString(text))
	}
	if in.Made(text) {
		return template.HTML(template.HTMLEscapeString(in.Tell(text)))
	}
	return template.HTML(`<span lang="">` + template.HTMLEscapeString(text) + `</span>`)
}
