package rig

import (
	"os"
	"path/filepath"
	"strings"
)

// Readme gives the README.
func Readme() (string, error) {
	b, err := os.ReadFile(filepath.Join(Root(), "README.md"))
	return string(b), err
}

// ReadmeCommands gives the lines of the README that call the built programs and
// the second verifier, in order, for a shell in the project's folder.
func ReadmeCommands() (out []string, err error) {
	text, err := Readme()
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "bin/") || strings.HasPrefix(line, "python3 ") {
			out = append(out, strings.TrimSpace(line))
		}
	}
	return out, err
}
