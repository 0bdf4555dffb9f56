package mandate

import (
	"fmt"
	"slices"
	"strings"
	"time"
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
}

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
	default:
		return a, fmt.Errorf("kind %q: want one of %s", kind, strings.Join(Kinds, ", "))
	}
	return a, err
}
