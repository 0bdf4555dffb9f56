package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxFile is the largest scenario file, in bytes.
const maxFile = 1 << 20

// Load reads a scenario file.
func Load(path string) (Scenario, error) {
	f, err := os.Open(path)
	if err != nil {
		return Scenario{}, fmt.Errorf("open scenario: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return Scenario{}, fmt.Errorf("read scenario: %w", err)
	}
	s, err := Parse(text)
	if err != nil {
		return s, fmt.Errorf("scenario %s: %w", path, err)
	}
	return s, nil
}

// Parse reads a scenario strictly: an unknown field is an error, and so is any
// value that could not run. All findings come in one error, each with its line.
func Parse(text []byte) (Scenario, error) {
	if len(text) > maxFile {
		return Scenario{}, fmt.Errorf("more than %d bytes", maxFile)
	}
	var s Scenario
	d := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict())
	if err := d.Decode(&s); errors.Is(err, io.EOF) {
		return s, errors.New("it is empty: want seed and boards")
	} else if err != nil {
		return s, errors.New(strings.TrimSpace(yaml.FormatError(err, false, false)))
	}
	if err := d.Decode(new(Scenario)); !errors.Is(err, io.EOF) {
		return s, errors.New("a second YAML document follows: want one")
	}
	for i, b := range s.Boards {
		s.Boards[i] = b.standard()
	}
	return s, s.check(lines(text))
}

// Check reports everything that could not run, for scenarios that were not
// parsed but put together. Blanks are not filled in.
func (s Scenario) Check() error {
	return s.check(func(string) int { return 0 })
}

// WithDefaults gives the scenario with its blanks filled in, as Parse does.
func (s Scenario) WithDefaults() Scenario {
	boards := make([]Board, len(s.Boards))
	for i, b := range s.Boards {
		boards[i] = b.standard()
	}
	s.Boards = boards
	return s
}

// lines finds the line of a field by its path, or of the nearest thing around
// it that is in the file.
func lines(text []byte) func(path string) int {
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return func(string) int { return 0 }
	}
	return func(path string) int {
		for path != "" {
			if n := find(file, path); n > 0 {
				return n
			}
			path = path[:max(0, strings.LastIndexAny(path, ".["))]
		}
		return 1
	}
}

func find(file *ast.File, path string) int {
	p, err := yaml.PathString("$." + path)
	if err != nil {
		return 0
	}
	node, err := p.FilterFile(file)
	if err != nil || node == nil || node.GetToken() == nil {
		return 0
	}
	return node.GetToken().Position.Line
}
