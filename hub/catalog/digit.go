package catalog

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"frostline/proto/gs1"
)

var onlyDigits = regexp.MustCompile(`^[0-9]+$`)

// checkKey fails where s is no GS1 key of one of these lengths.
func checkKey(name, s string, lengths ...int) (what, remedy string) {
	if !onlyDigits.MatchString(s) {
		return "has characters that are no digits", "give digits alone, without spaces or hyphens"
	}
	fits := false
	for _, n := range lengths {
		fits = fits || len(s) == n
	}
	if !fits {
		return fmt.Sprintf("has %d digits, and a %s has %s", len(s), name, strings.ReplaceAll(strings.Trim(fmt.Sprint(lengths), "[]"), " ", " or ")),
			"spreadsheets take leading zeros away: store the column as text"
	}
	if want, err := gs1.CheckDigit(s[:len(s)-1]); err == nil && s[len(s)-1] != want {
		return fmt.Sprintf("has the check digit %c, and %c follows from the others", s[len(s)-1], want), "read the number again where it was printed"
	}
	return "", ""
}

// gtin14 is a GTIN of any length as 14 digits.
func gtin14(s string) string {
	if len(s) >= 14 || !onlyDigits.MatchString(s) {
		return s
	}
	return strings.Repeat("0", 14-len(s)) + s
}

// checkNDC fails for what is no National Drug Code with its hyphens.
func checkNDC(s string) (what, remedy string) {
	code, err := gs1.ParseNDC(s)
	switch {
	case err == nil && code.String() == s && code.Hyphenated():
		return "", ""
	case err == nil:
		return "has no hyphens, and digits alone can mean several codes", "give it with its hyphens, such as 12345-678-90"
	}
	var lengths []string
	for part := range strings.SplitSeq(s, "-") {
		if !onlyDigits.MatchString(part) {
			return "is not three groups of digits with hyphens", "give it as printed, such as 12345-678-90"
		}
		lengths = append(lengths, strconv.Itoa(len(part)))
	}
	return "has groups of " + strings.Join(lengths, "-") + " digits", "a code has 4-4-2, 5-3-2, 5-4-1, 6-3-2, 6-4-1, 5-4-2 or 6-4-2"
}
