package people

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	// ErrNotFound is wrapped by an error about a person or token that is not
	// there.
	ErrNotFound = errors.New("not known")
	// ErrInvalid is wrapped by an error about a value that cannot be.
	ErrInvalid = errors.New("invalid")
	// ErrExists is wrapped by an error about an id that is taken.
	ErrExists = errors.New("exists already")
)

// Person is somebody who works with the hub.
type Person struct {
	ID       string   `json:"id" doc:"As events and signatures name the person: person/ID."`
	Name     string   `json:"name" doc:"As printed beside a signature."`
	Roles    []string `json:"roles" doc:"What the person does."`
	Created  int64    `json:"created" doc:"Unix milliseconds UTC."`
	Disabled int64    `json:"disabled,omitempty" doc:"Since when the person may do nothing, Unix milliseconds UTC; absent while enabled."`
	Version  int64    `json:"version" doc:"Counts changes, from 1."`
}

// Roles are all there are, with the scopes that a token of such a person can
// have.
var Roles = map[string][]string{
	"qa":          {"read", "write", "qa", "epcis:query"},
	"qa_approver": {"read", "qa", "epcis:query"},
	"pharmacist":  {"read", "write", "epcis:capture", "epcis:query"},
	"dispatcher":  {"read", "write", "epcis:query"},
	"driver":      {"read", "write"},
	"warehouse":   {"read", "write", "epcis:capture", "epcis:query"},
	"auditor":     {"read", "epcis:query"},
	"operator":    {"read", "write", "fleet", "epcis:capture", "epcis:query", "verify"},
	"admin":       {"read", "write", "admin", "fleet", "epcis:capture", "epcis:query"},
}

// Has says whether a person is enabled and has a role.
func (p Person) Has(role string) bool { return p.Disabled == 0 && slices.Contains(p.Roles, role) }

// Scopes gives what tokens of a person can be for, in order; none while
// disabled.
func (p Person) Scopes() (out []string) {
	if p.Disabled != 0 {
		return nil
	}
	for _, role := range p.Roles {
		out = append(out, Roles[role]...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

var idForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

func checkID(what, id string) error {
	if !idForm.MatchString(id) {
		return fmt.Errorf("%s %q: %w: want 1 to 64 of a-z, 0-9, dot, underscore and dash", what, id, ErrInvalid)
	}
	return nil
}

func checkName(name string) error {
	if n := utf8.RuneCountInString(name); n == 0 || n > 100 || !utf8.ValidString(name) || strings.TrimSpace(name) != name || strings.ContainsFunc(name, unicode.IsControl) {
		return fmt.Errorf("name %q: %w: want 1 to 100 characters as they are to be printed, no spaces around them", name, ErrInvalid)
	}
	return nil
}

func checkRoles(roles []string) ([]string, error) {
	roles = slices.Sorted(slices.Values(roles))
	for i, r := range roles {
		if _, ok := Roles[r]; !ok {
			return nil, fmt.Errorf("roles %q: %w: want some of qa, qa_approver, pharmacist, dispatcher, driver, warehouse, auditor, operator, admin", r, ErrInvalid)
		}
		if i > 0 && roles[i-1] == r {
			return nil, fmt.Errorf("roles %q: %w: it is there twice", r, ErrInvalid)
		}
	}
	if len(roles) == 0 {
		return nil, fmt.Errorf("roles: %w: want at least one", ErrInvalid)
	}
	return roles, nil
}
