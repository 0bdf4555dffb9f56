package custody

import (
	"errors"
	"fmt"
)

var (
	// ErrNotFound is wrapped where what is asked for is not known.
	ErrNotFound = errors.New("not known")
	// ErrInvalid is wrapped where a statement makes no sense.
	ErrInvalid = errors.New("statement cannot be")
	// ErrReused is wrapped where the ID of a statement is known with other
	// content.
	ErrReused = errors.New("id is taken by another statement")
	// ErrFull is wrapped where there are more statements about one thing than
	// anybody can have made.
	ErrFull = errors.New("too many statements")
)

// invalid is an ErrInvalid whose text is only that of its cause, which begins
// with the field.
type invalid struct{ error }

func (e invalid) Is(target error) bool { return target == ErrInvalid }
func (e invalid) Unwrap() error        { return e.error }

func invalidf(format string, args ...any) error { return invalid{fmt.Errorf(format, args...)} }

// Unknown says that a statement speaks of something the hub does not know. It
// is an ErrInvalid.
type Unknown struct {
	Field string // of the statement
	Wants string // "KIND/ID", or "statement/ID"
}

// Error names the field first.
func (e *Unknown) Error() string {
	return fmt.Sprintf("%s: %s is not known; enter it first, or look whether it was misread", e.Field, e.Wants)
}

// Is makes it an ErrInvalid.
func (e *Unknown) Is(target error) bool { return target == ErrInvalid }
