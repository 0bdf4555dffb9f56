package scan

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// read says what a code names. The problem is nil where it can be taken.
func read(code string) (Subject, *Problem) {
	bad := func(word, why string) (Subject, *Problem) {
		return Subject{}, &Problem{Code: word, Field: "code", Why: why}
	}
	text := strings.TrimFunc(code, func(r rune) bool { return unicode.IsSpace(r) || r == 0 })
	switch {
	case len(code) > MaxCode:
		return bad(CodeTooLong, "it is longer than 512 bytes: scan one label alone")
	case text == "":
		return bad(CodeEmpty, "there is nothing in it: scan the package's label, or type it")
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unprintable):
		return bad(CodeText, "there are characters in it that no label has: scan again, and set the scanner to send text")
	}
	digits := strings.Trim(text, "0123456789") == ""
	sscc := text
	switch {
	case digits && len(text) == 20 && strings.HasPrefix(text, "00"):
		sscc = text[2:]
	case !digits || len(text) != 18:
		return Subject{Label, text}, nil
	}
	if !checkDigit(sscc) {
		return bad(CodeCheckDigit, "the check digit of this SSCC is wrong: scan again, or compare what was typed with the label")
	}
	return Subject{SSCC, sscc}, nil
}

// unprintable tells characters that have no place in a code. Those by which GS1
// and ISO/IEC 15434 part fields (EOT, FS, GS, RS, US) have.
func unprintable(r rune) bool {
	return !unicode.IsPrint(r) && r != 0x04 && (r < 0x1c || r > 0x1f)
}

// checkDigit reports whether the last digit is that of those before it: weights
// 3 and 1 in turn from the right, modulo 10 (GS1 General Specifications, 7.9).
func checkDigit(digits string) bool {
	sum := 0
	for i := range len(digits) {
		weight := 1 + 2*(i%2)
		sum += weight * int(digits[len(digits)-1-i]-'0')
	}
	return sum%10 == 0
}
