package mandate

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of arguments.
const (
	MaxIdentify     = 5 * time.Minute
	DefaultIdentify = 30 * time.Second
	MaxLogLevel     = 24 * time.Hour
	DefaultLogLevel = time.Hour
)

// Levels are those of a log.
var Levels = []string{"debug", "info", "warn", "error"}

// Argument is what a command's argument says.
type Argument struct {
	For   time.Duration // of identify and log-level
	Level string        // of log-level

	ID, Route, Text string // of a message
}

// MaxMessage is how long the text of a message can be, in bytes of UTF-8.
const MaxMessage = 280

// MessageArgument is the argument of a message.
func MessageArgument(id, route, text string) string { return id + "\n" + route + "\n" + text }

// parseMessage reads what MessageArgument wrote.
func parseMessage(argument string) (a Argument, err error) {
	part := strings.SplitN(argument, "\n", 3)
	if len(part) != 3 {
		return a, fmt.Errorf("message of %d lines: want id, route and text", len(part))
	}
	a.ID, a.Route, a.Text = part[0], part[1], part[2]
	for field, id := range map[string]string{"id": a.ID, "route": a.Route} {
		if !named.MatchString(id) {
			return Argument{}, fmt.Errorf("message %s %q: want up to 64 letters, digits and ._:+-", field, id)
		}
	}
	if len(a.Text) == 0 || len(a.Text) > MaxMessage || !utf8.ValidString(a.Text) || strings.ContainsFunc(a.Text, unicode.IsControl) {
		return Argument{}, fmt.Errorf("message text of %d bytes: want 1 to %d of UTF-8 without line feeds and the like", len(a.Text), MaxMessage)
	}
	return a, nil
}

var named = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:+-]{0,63}$`)

// ParseArgument reads the argument of a command of a kind. The error names what
// is wanted.
func ParseArgument(kind, argument string) (a Argument, err error) {
	words := strings.Fields(argument)
	span := func(text string, most time.Duration) error {
		d, err := time.ParseDuration(text)
		if err != nil || d < time.Second || d > most {
			return fmt.Errorf("%s for %q: want a time from 1s to %v, such as 30s", kind, text, most)
		}
		a.For = d
		return nil
	}
	switch kind {
	case Restart, Diagnostics:
		if argument != "" {
			return a, fmt.Errorf("%s takes no argument, got %q", kind, argument)
		}
	case Identify:
		a.For = DefaultIdentify
		if len(words) > 1 {
			return a, fmt.Errorf("identify %q: want a time, such as 30s", argument)
		}
		if len(words) == 1 {
			err = span(words[0], MaxIdentify)
		}
	case LogLevel:
		a.For = DefaultLogLevel
		if len(words) == 0 || len(words) > 2 || !slices.Contains(Levels, words[0]) {
			return a, fmt.Errorf("log-level %q: want one of %s, and perhaps for how long, such as \"debug 1h\"", argument, strings.Join(Levels, ", "))
		}
		a.Level = words[0]
		if len(words) == 2 {
			err = span(words[1], MaxLogLevel)
		}
	case Message:
		return parseMessage(argument)
	default:
		return a, fmt.Errorf("kind %q: want one of %s", kind, strings.Join(Kinds, ", "))
	}
	return a, err
}
