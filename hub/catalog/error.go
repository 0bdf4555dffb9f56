package catalog

import (
	"errors"
	"fmt"
	"strings"
)

// Errors that callers tell apart. A version that is not the one expected is an
// event.ErrStale.
var (
	ErrNotFound = errors.New("not in the catalog")
	ErrExists   = errors.New("in the catalog already")
	ErrRetired  = errors.New("retired")
	ErrInvalid  = errors.New("record cannot be")
)

// Invalid lists what is wrong with a record. It is an ErrInvalid.
type Invalid struct{ Problems []Problem }

// Error tells the first problems, each beginning with its field.
func (e *Invalid) Error() string {
	const most = 3
	var told []string
	for i, p := range e.Problems {
		if i == most {
			told = append(told, fmt.Sprintf("and %d more", len(e.Problems)-most))
			break
		}
		told = append(told, p.String())
	}
	return strings.Join(told, "; ")
}

// Is makes it an ErrInvalid.
func (e *Invalid) Is(err error) bool { return err == ErrInvalid }
