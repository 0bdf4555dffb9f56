// Package token refuses what tells of a patient where only an opaque token or a
// text about goods may stand. Gateway and hub go by the same rules: what is in a
// chain cannot be taken out of it again.
package token

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	tokenShape = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{7,63}$`)
	uuidShape  = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	nameShape  = regexp.MustCompile(`^[A-Za-z_-]+[0-9]{0,4}$|[A-Z][a-z]{2,}[_-]?[A-Z][a-z]{2,}|[A-Za-z]{2,}[_-][A-Za-z]{2,}[_-]?[0-9]{0,4}$`)
	dateShape  = regexp.MustCompile(`(?:^|[^0-9A-Za-z])(?:(?:19|20)[0-9]{2}[-_./]?(?:0[1-9]|1[0-2])[-_./]?(?:0[1-9]|[12][0-9]|3[01])|[0-3]?[0-9][-_./][0-3]?[0-9][-_./](?:19|20)[0-9]{2})(?:$|[^0-9A-Za-z])`)
	phoneShape = regexp.MustCompile(`(?:^|[^0-9A-Za-z])\+?[0-9][0-9 ()_./-]{5,18}[0-9](?:$|[^0-9A-Za-z])`)
	mailShape  = regexp.MustCompile(`[^\s@]@[^\s@]+`)
)

// Check fails for what cannot stand for a patient: anything that is not
// opaque. A shape cannot prove that a token means nothing, but it can refuse
// what looks like a name, an e-mail address, a date of birth, or the number of
// a telephone or an identity card. The error does not repeat the value.
func Check(field, s string) error {
	why := ""
	switch {
	case uuidShape.MatchString(s):
		return nil
	case mailShape.MatchString(s):
		why = "looks like an e-mail address"
	case dateShape.MatchString(s):
		why = "has what looks like a date of birth in it"
	case phoneShape.MatchString(s):
		why = "looks like the number of a telephone or an identity card"
	case nameShape.MatchString(s):
		why = "looks like a name"
	case !tokenShape.MatchString(s):
		why = "is no token"
	default:
		return nil
	}
	return fmt.Errorf("%s: %s; send an opaque token of 8 to 64 letters, digits, _ and -, such as a UUID, that means nothing outside of the pharmacy system", field, why)
}

// CheckNote fails for a free text in which there is an e-mail address, a
// telephone number or a date of birth, and for one that is too long or has
// control characters in it: facts carry no patient data. The error does not
// repeat the text.
func CheckNote(field, s string) error {
	const most = 500
	switch {
	case len(s) > most:
		return fmt.Errorf("%s: %d bytes; at most %d", field, len(s), most)
	case strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r == 0xfffd }):
		return fmt.Errorf("%s: has control or broken characters in it; send plain text", field)
	case mailShape.MatchString(s):
		return fmt.Errorf("%s: has what looks like an e-mail address in it; leave out what tells of a patient", field)
	case phoneShape.MatchString(dateOnly.ReplaceAllString(s, "")):
		return fmt.Errorf("%s: has what looks like a telephone number in it; leave out what tells of a patient", field)
	case bornShape.MatchString(s):
		return fmt.Errorf("%s: has what looks like a date of birth in it; leave out what tells of a patient", field)
	}
	return nil
}

var (
	dateOnly  = regexp.MustCompile(`(?:19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]`)
	bornShape = regexp.MustCompile(`(?i)\b(?:born|dob|birth)`)
)
