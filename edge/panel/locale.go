package panel

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"

	"golang.org/x/text/language"

	"frostline/proto/reading"
)

//go:embed locales
var catalogues embed.FS

// locale is the words of one language. All that people read goes through it, but
// for what drivers, the hub and the system say of themselves, which is shown as
// it came.
type locale struct {
	tag  string // en or es
	text map[string]string
}

// languages in the order of preference where nobody has one.
var languages = []string{"en", "es"}

var (
	locales = loadLocales()
	english = locales["en"] // of the command line, the socket and the log
	matcher = language.NewMatcher([]language.Tag{language.English, language.Spanish})
)

func loadLocales() map[string]*locale {
	all := map[string]*locale{}
	for _, tag := range languages {
		b, err := catalogues.ReadFile("locales/" + tag + ".json")
		l := &locale{tag: tag}
		if err == nil {
			err = json.Unmarshal(b, &l.text)
		}
		if err != nil {
			panic(fmt.Sprintf("catalogue %s: %v", tag, err)) // embedded at build time
		}
		all[tag] = l
	}
	return all
}

// say gives a text. A key that is in no catalogue shows itself; a test sees to
// it that there is none.
func (l *locale) say(key string, args ...any) string {
	text, ok := l.text[key]
	if !ok {
		return key
	}
	if len(args) == 0 || !strings.Contains(text, "%") {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// has says whether a key is in the catalogue.
func (l *locale) has(key string) bool { _, ok := l.text[key]; return ok }

// count writes a number of things: "1 reading", "56,789 readings". Things are
// the keys n.THING.one and n.THING.many.
func (l *locale) count(n uint64, thing string) string {
	return l.say("n."+thing+choose(n == 1, ".one", ".many"), group(n))
}

// room writes how long the journal lasts.
func (l *locale) room(hours float64) string {
	switch {
	case hours >= 24*365:
		return l.say("room.years")
	case hours >= 48:
		return l.count(uint64(hours/24), "day")
	case hours >= 2:
		return l.count(uint64(hours), "hour")
	}
	return l.count(uint64(max(hours, 0)*60), "minute")
}

// state is the word of a state.
func (l *locale) state(s State) string { return l.say("state." + string(s)) }

// value is display, with the words of two-state quantities in this language.
func (l *locale) value(v int64, q reading.Quantity) (number, unit string) {
	number, unit = display(v, q)
	if key := "value." + number; unit == "" && l.has(key) {
		number = l.say(key)
	}
	return number, unit
}

// quantity is the name of a quantity.
func (l *locale) quantity(q reading.Quantity) string {
	if key := "quantity." + q.String(); l.has(key) {
		return l.say(key)
	}
	return strings.ReplaceAll(q.String(), "-", " ")
}

// sentence begins text with a capital and ends it with a full stop.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	r := []rune(strings.TrimSuffix(text, "."))
	return strings.ToUpper(string(r[:1])) + string(r[1:]) + "."
}

// accepted chooses the language that an Accept-Language header wants most.
func accepted(header string) string {
	tags, _, err := language.ParseAcceptLanguage(header)
	if err != nil || len(tags) == 0 {
		return languages[0]
	}
	_, i, _ := matcher.Match(tags...)
	return languages[i]
}
