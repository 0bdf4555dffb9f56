package config

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong.
type Problem struct {
	Line   int    // in the file; 0 where there is none
	Field  string // such as sensors[2].interval
	Value  string // as given; empty where it is missing
	Remedy string // what it should be
}

// String says it in a line.
func (p Problem) String() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", p.Line)
	}
	b.WriteString(p.Field)
	if p.Value != "" {
		fmt.Fprintf(&b, " %q", p.Value)
	}
	return b.String() + ": " + p.Remedy
}

// Error is all that is wrong with a configuration.
type Error struct {
	File     string // empty where there is none
	Problems []Problem
}

// Error implements error, with a line for each problem.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("configuration")
	if e.File != "" {
		b.WriteString(" " + e.File)
	}
	if len(e.Problems) == 1 {
		return b.String() + ": " + e.Problems[0].String()
	}
	fmt.Fprintf(&b, ": %d problems", len(e.Problems))
	for _, p := range e.Problems {
		b.WriteString("\n  " + p.String())
	}
	return b.String()
}
