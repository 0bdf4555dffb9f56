package patient

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"

	"frostline/dashboards"
)

// Languages of the page, the first where nobody wants another.
var Languages = []string{"en", "es"}

var matcher = language.NewMatcher([]language.Tag{language.English, language.Spanish})

// locale is the words of one language, and how it writes times.
type locale struct {
	lang  string
	words map[string]string
	zone  *time.Location
}

func newLocales(zone *time.Location) (map[string]*locale, error) {
	out := map[string]*locale{}
	for _, lang := range Languages {
		b, err := fs.ReadFile(dashboards.Locales, "locales/patient."+lang+".json")
		if err != nil {
			return nil, fmt.Errorf("words of the patient's page: %w", err)
		}
		l := &locale{lang: lang, zone: zone}
		if err := json.Unmarshal(b, &l.words); err != nil {
			return nil, fmt.Errorf("words of the patient's page in %s: %w", lang, err)
		}
		out[lang] = l
	}
	return out, nil
}

// languageOf is the language that a request asks for: by its address, or by what
// the browser prefers.
func languageOf(r *http.Request) string {
	if asked := r.URL.Query().Get("lang"); asked == "en" || asked == "es" {
		return asked
	}
	accept := r.Header.Get("Accept-Language")
	if len(accept) > 200 {
		accept = ""
	}
	tags, _, _ := language.ParseAcceptLanguage(accept)
	_, i, _ := matcher.Match(tags...)
	return Languages[i]
}

// say gives the words of a key with {name} replaced by values. A key that is
// missing shows itself: the test of keys finds it.
func (l *locale) say(key string, pairs ...string) string {
	text, ok := l.words[key]
	if !ok {
		return key
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		text = strings.ReplaceAll(text, "{"+pairs[i]+"}", pairs[i+1])
	}
	return text
}

// clock is a time of day: 14:05.
func (l *locale) clock(ms int64) string { return time.UnixMilli(ms).In(l.zone).Format("15:04") }

// seconds is a time of day with seconds.
func (l *locale) seconds(ms int64) string { return time.UnixMilli(ms).In(l.zone).Format("15:04:05") }

// moment writes an instant in a form (at, since, plain), with its day where that
// is another than now's.
func (l *locale) moment(form string, ms, now int64) string {
	t, n := time.UnixMilli(ms).In(l.zone), time.UnixMilli(now).In(l.zone)
	form += ".day"
	if t.YearDay() == n.YearDay() && t.Year() == n.Year() {
		form = strings.TrimSuffix(form, "day") + "today"
	}
	return l.say(form, "time", t.Format("15:04"), "day", strconv.Itoa(t.Day()),
		"weekday", l.say("day."+strconv.Itoa(int(t.Weekday()))), "month", l.say("month."+strconv.Itoa(int(t.Month()))))
}

// span writes a length of time in hours and minutes.
func (l *locale) span(ms int64) string {
	m := max(1, (ms+minute/2)/minute)
	if m < 60 {
		return l.say("span.min", "n", strconv.FormatInt(m, 10))
	}
	return strings.NewReplacer("{h}", strconv.FormatInt(m/60, 10), "{n}", strconv.FormatInt(m%60, 10)).Replace(l.say("span.h"))
}

// zoneName names the zone that times are in, at an instant.
func (l *locale) zoneName(ms int64) string {
	t := time.UnixMilli(ms).In(l.zone)
	short, _ := t.Zone()
	if name := l.zone.String(); name != "Local" && name != short {
		return short + " (" + name + ")"
	}
	return short
}

// condition is the words of a condition, for the mark.
func (l *locale) condition(c Condition, since, now int64) string {
	switch c {
	case NoData:
		if since == 0 {
			return l.say("word.no_data.never")
		}
		fallthrough
	case Outside:
		return l.say("word."+string(c), "since", l.moment("since", since, now))
	}
	return l.say("word." + string(c))
}

// sentence is the page in one sentence.
func (l *locale) sentence(t *Telling) string {
	stage := l.say("say."+string(t.Stage), "at", l.moment("at", t.StageAt, t.At))
	key := "and." + string(t.Condition)
	if t.Condition == NoData && t.Since == 0 {
		key += ".never"
	}
	switch t.Stage {
	case Returned, Failed, Cancelled, Recalled: // how warm it is no longer matters to the patient
		if t.Condition != Checking && t.Condition != Refused {
			key = "and.none"
		}
	}
	return l.say(key, "stage", stage, "since", l.moment("since", t.Since, t.At))
}

// more is what else has to be said of the condition; "" for nothing.
func (l *locale) more(t *Telling) string {
	switch {
	case t.Condition == Outside, t.Condition == NoData && !t.Stage.Ended(), t.Condition == Partly:
		return l.say("more." + string(t.Condition))
	case t.Partly:
		return l.say("more.partly.now")
	}
	return ""
}

// arrival is when it comes, in words; "" where that is not to be told any more.
func (l *locale) arrival(t *Telling) string {
	a := &t.Arrival
	if a.Kind == "" {
		if t.Stage == Preparing || t.Stage == Packed || t.Stage == Underway || t.Stage == Next {
			return l.say("arrival.none")
		}
		return ""
	}
	from, to := l.moment("plain", a.From, t.At), l.moment("plain", a.To, t.At)
	if a.Kind == "window" && strings.TrimSuffix(from, l.clock(a.From)) == strings.TrimSuffix(to, l.clock(a.To)) {
		to = l.clock(a.To) // the day is said once
	}
	return l.say("arrival."+a.Kind, "from", from, "to", to)
}
