package fact

import (
	"fmt"
	"strings"
	"time"

	"frostline/proto/gs1"
	"frostline/proto/token"
)

// PackageID gives the one form of a package's id. Eighteen digits are an SSCC
// and need its check digit; twenty that begin with 00, the application
// identifier of an SSCC, become the eighteen after it; anything else is a label
// and stays as it is.
func PackageID(s string) (string, error) {
	digits := strings.Trim(s, "0123456789") == ""
	if digits && len(s) == 20 && strings.HasPrefix(s, "00") {
		s = s[2:]
	}
	if digits && len(s) == 18 && !gs1.ValidSSCC(s) {
		return s, fmt.Errorf("id %q: the check digit of this SSCC is wrong; scan the label again", s)
	}
	return s, Ref{Package, s}.Check()
}

// CheckToken fails for what cannot stand for a patient; see token.Check.
func CheckToken(field, s string) error { return token.Check(field, s) }

// CheckNote fails for a free text with what tells of a patient in it; see
// token.CheckNote.
func CheckNote(field, s string) error { return token.CheckNote(field, s) }

// CheckDate fails for what is not a day of the calendar, YYYY-MM-DD.
func CheckDate(field, s string) error {
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		return fmt.Errorf("%s %q: want a day as YYYY-MM-DD", field, s)
	}
	return nil
}
