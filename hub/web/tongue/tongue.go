// Package tongue says the pages of people in the language of who looks.
//
// The English text is the key: it stands in templates and in Go where it is read
// in its place, and locales/hub.es.json of package dashboards has the Spanish
// beside it. {name} stands for a value. What contexts say of themselves, such as
// "not ok: checksum wrong", is put together elsewhere, in English, and compared
// word by word with what programs get; it is recognised here by the pattern it
// was made by, with {} for each part, which is said in turn.
//
// What has no entry stays English: words of gateways, persons and programs. A
// test of package web finds what pages say and no entry has.
package tongue

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/language"

	"frostline/dashboards"
)

// Languages are all there are; the first is that of the keys.
var Languages = []string{"en", "es"}

// Names are what each language calls itself.
var Names = map[string]string{"en": "English", "es": "Español"}

// Cookie is where a browser keeps what was chosen. It is no secret.
const Cookie = "frostline_language"

var matcher = language.NewMatcher([]language.Tag{language.English, language.Spanish})

// Of gives the language of a request: the chosen one, or else what the browser
// prefers, or English.
func Of(r *http.Request) string {
	if c, err := r.Cookie(Cookie); err == nil && slices.Contains(Languages, c.Value) {
		return c.Value
	}
	accept := r.Header.Get("Accept-Language")
	if len(accept) > 200 {
		accept = ""
	}
	tags, _, _ := language.ParseAcceptLanguage(accept)
	_, i, _ := matcher.Match(tags...)
	return Languages[i]
}

// Tongue is one language. It may be used from any goroutine.
type Tongue struct {
	Lang     string
	words    map[string]string
	patterns []pattern
}

// pattern is an entry with parts.
type pattern struct {
	is      *regexp.Regexp
	literal int // bytes of the key that are no parts: the more, the more particular
	to      string
	weak    bool // hardly more than parts of any text: within another pattern alone
}

// hole is a part of a key; quoted as it is in a regular expression, too.
var hole = regexp.MustCompile(`\\?\{#?\\?\}`)

// Load gives all languages by name.
func Load() (map[string]*Tongue, error) {
	out := map[string]*Tongue{}
	for _, lang := range Languages {
		t := &Tongue{Lang: lang}
		out[lang] = t
		if lang == Languages[0] {
			continue
		}
		b, err := fs.ReadFile(dashboards.Locales, "locales/hub."+lang+".json")
		if err != nil {
			return nil, fmt.Errorf("words of the pages: %w", err)
		}
		if err := json.Unmarshal(b, &t.words); err != nil {
			return nil, fmt.Errorf("words of the pages in %s: %w", lang, err)
		}
		t.compile()
	}
	return out, nil
}

// compile makes the patterns of the entries.
func (t *Tongue) compile() {
	for key, to := range t.words {
		if literal := hole.ReplaceAllString(key, ""); literal != key {
			is := hole.ReplaceAllStringFunc(regexp.QuoteMeta(key), func(h string) string {
				if h == `\{\}` {
					return "(.+?)"
				}
				return `([−+]?[\d.,:]+)`
			})
			t.patterns = append(t.patterns, pattern{regexp.MustCompile("(?s)^" + is + "$"), len(literal), to, strings.Contains(key, "{}") && len(strings.TrimSpace(literal)) <= 3})
		}
	}
	slices.SortFunc(t.patterns, func(a, b pattern) int {
		return cmp.Or(cmp.Compare(b.literal, a.literal), cmp.Compare(a.is.String(), b.is.String()))
	})
}

// Say gives a text in the language, with {name} replaced by values, which are
// given as names and values in turn.
func (t *Tongue) Say(text string, pairs ...any) string {
	if to, ok := t.words[text]; ok {
		text = to
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		text = strings.ReplaceAll(text, "{"+fmt.Sprint(pairs[i])+"}", fmt.Sprint(pairs[i+1]))
	}
	return text
}

// deepest is how many patterns may stand within one another.
const deepest = 6

// longest is the longest text that patterns are tried on, bytes.
const longest = 2000

// Tell gives a text that was put together in English. Text that is no entry, nor
// made by a pattern, is given as it is.
func (t *Tongue) Tell(text string) string {
	return dated.ReplaceAllStringFunc(t.tell(text, deepest), t.Date)
}

// dated is a date as view writes it.
var dated = regexp.MustCompile(`\b\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4}\b`)

func (t *Tongue) tell(text string, depth int) string {
	if to, ok := t.words[text]; ok && !hole.MatchString(text) {
		return to
	}
	if depth == 0 || len(text) > longest {
		return text
	}
	for _, p := range t.patterns {
		if p.weak && depth == deepest {
			continue
		}
		m := p.is.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		parts := m[1:]
		return hole.ReplaceAllStringFunc(p.to, func(string) string {
			part := parts[0]
			parts = parts[1:]
			return t.tell(part, depth-1)
		})
	}
	return text
}

// ours is how many bytes of a pattern nobody writes by chance.
const ours = 15

// Made says whether a text is an entry, or made by a pattern that nobody else's
// words are likely to fit: what persons wrote is not, and is to stay as it is.
func (t *Tongue) Made(text string) bool {
	if _, ok := t.words[text]; ok {
		return true
	}
	for _, p := range t.patterns {
		if p.literal >= ours && len(text) <= longest && p.is.MatchString(text) {
			return true
		}
	}
	return false
}

// Each gives a list with ", " between its items, each told.
func (t *Tongue) Each(list string) string {
	items := strings.Split(list, ", ")
	for i, item := range items {
		items[i] = t.Tell(item)
	}
	return strings.Join(items, ", ")
}

// Known says whether a text has an entry of its own; all have in English.
func (t *Tongue) Known(text string) bool {
	_, ok := t.words[text]
	return ok || t.words == nil
}

// Keys are the entries.
func (t *Tongue) Keys() map[string]string { return t.words }

// months of the first language, as view writes them.
var months = strings.NewReplacer("Jan", "ene", "Feb", "feb", "Mar", "mar", "Apr", "abr", "May", "may", "Jun", "jun", "Jul", "jul", "Aug", "ago", "Sep", "sep", "Oct", "oct", "Nov", "nov", "Dec", "dic")

// Date writes a date that view wrote.
func (t *Tongue) Date(text string) string {
	if t.Lang == "es" {
		return months.Replace(text)
	}
	return text
}
