package sheet

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Mistake is one thing that is wrong with a record or line, and what to do.
type Mistake struct {
	Line   int    `json:"line,omitempty" doc:"Line of the file, from 1; 0 where the whole file is meant"`
	ID     string `json:"id,omitempty" doc:"Record that the line is about, where that is known"`
	Field  string `json:"field,omitempty" doc:"Column or field"`
	Value  string `json:"value,omitempty" doc:"What is there, cut after 100 characters"`
	What   string `json:"problem" doc:"What is wrong with it"`
	Remedy string `json:"remedy,omitempty" doc:"What to write instead, or do first"`
}

func (p Mistake) String() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", p.Line)
	}
	if p.Field != "" {
		b.WriteString(p.Field)
		if p.Value != "" {
			fmt.Fprintf(&b, " %q", p.Value)
		}
		b.WriteString(": ")
	}
	b.WriteString(p.What)
	if p.Remedy != "" {
		b.WriteString("; " + p.Remedy)
	}
	return b.String()
}

// Clip cuts a value for a message after 100 characters and makes it valid
// UTF-8.
func Clip(s string) string {
	const most = 100
	s = strings.ToValidUTF8(s, "\uFFFD")
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}

// Mistakes collects mistakes up to a bound, and counts those beyond it.
type Mistakes struct {
	List []Mistake
	More int // not in List
}

// MostMistakes is how many problems are kept; more are only counted.
const MostMistakes = 1000

// Add adds problems.
func (ms *Mistakes) Add(add ...Mistake) {
	for _, p := range add {
		if len(ms.List) >= MostMistakes {
			ms.More++
			continue
		}
		p.Value = Clip(p.Value)
		ms.List = append(ms.List, p)
	}
}

// Len is how many there are.
func (ms *Mistakes) Len() int { return len(ms.List) + ms.More }
