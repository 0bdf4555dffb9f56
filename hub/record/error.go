package record

import (
	"errors"
	"fmt"
)

var (
	// ErrNotFound is wrapped where what is asked for is not known.
	ErrNotFound = errors.New("not known")
	// ErrExists is wrapped where something else is known by the same id.
	ErrExists = errors.New("known already with other content")
	// ErrInvalid is wrapped where a command makes no sense by itself. Its text
	// begins with the field.
	ErrInvalid = errors.New("cannot be")
	// ErrRefused is wrapped where a command contradicts what is there. Its text
	// begins with the field.
	ErrRefused = errors.New("refused")
)

// said is an error whose text is only that of its cause.
type said struct{ cause, kind error }

func (e said) Error() string   { return e.cause.Error() }
func (e said) Unwrap() []error { return []error{e.cause, e.kind} }

// Invalid makes an ErrInvalid of an error whose text begins with the field; nil
// of nil.
func Invalid(err error) error {
	if err == nil {
		return nil
	}
	return said{err, ErrInvalid}
}

// Invalidf is an ErrInvalid.
func Invalidf(format string, args ...any) error { return said{fmt.Errorf(format, args...), ErrInvalid} }

// Refusedf is an ErrRefused.
func Refusedf(format string, args ...any) error { return said{fmt.Errorf(format, args...), ErrRefused} }
