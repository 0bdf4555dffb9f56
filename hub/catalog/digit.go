package catalog

import (
	"fmt"
	"regexp"
	"strings"
)

// checkDigit is the last digit of a GS1 key that begins with these digits: the
// sum with weights 3 and 1 from the right, up to the next ten (GS1 General
// Specifications, section 7.9.1).
func checkDigit(digits string) byte {
	sum, weight := 0, 3
	for i := len(digits) - 1; i >= 0; i-- {
		sum += int(digits[i]-'0') * weight
		weight = 4 - weight
	}
	return byte('0' + (10-sum%10)%10)
}

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
	if want := checkDigit(s[:len(s)-1]); s[len(s)-1] != want {
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

// ndcShapes are the segments that a National Drug Code can have: 21 CFR 207.33
// (labelers of 4 to 6 digits), 5-4-2 of claims, and 6-4-2 from March 2033.
var ndcShapes = []string{"4-4-2", "5-3-2", "5-4-1", "6-3-2", "6-4-1", "5-4-2", "6-4-2"}

func checkNDC(s string) (what, remedy string) {
	var lengths []string
	for _, part := range strings.Split(s, "-") {
		if !onlyDigits.MatchString(part) {
			return "is not three groups of digits with hyphens", "give it as printed, such as 12345-678-90"
		}
		lengths = append(lengths, fmt.Sprint(len(part)))
	}
	shape := strings.Join(lengths, "-")
	for _, known := range ndcShapes {
		if shape == known {
			return "", ""
		}
	}
	if shape == "10" || shape == "11" || shape == "12" {
		return "has no hyphens, and digits alone can mean several codes", "give it with its hyphens, such as 12345-678-90"
	}
	return "has groups of " + shape + " digits", "a code has " + strings.Join(ndcShapes, ", ")
}

// ndcInGTIN gives the ten digits of the NDC within a GTIN of 14 digits that
// has one: the GS1 company prefixes that begin with 03 are made of labeler codes.
func ndcInGTIN(gtin string) (string, bool) {
	if len(gtin) != 14 || gtin[1:3] != "03" {
		return "", false
	}
	return gtin[3:13], true
}
