package scan

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"frostline/proto/gs1"
)

// read says what a code names. What says that it is of GS1, by how it begins,
// must be right in full; a text that could be anything is read as GS1 where that
// gives an SSCC, or a GTIN with a serial number, and is a label otherwise. The
// problem is nil where the code can be taken.
func read(code string) (Subject, *Problem) {
	text := strings.TrimFunc(code, func(r rune) bool { return unicode.IsSpace(r) || r == 0 })
	switch {
	case len(code) > MaxCode:
		return refuse(CodeTooLong, "it is longer than 512 bytes: scan one label alone")
	case text == "":
		return refuse(CodeEmpty, "there is nothing in it: scan the package's label, or type it")
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unprintable):
		return refuse(CodeText, "there are characters in it that no label has: scan again, and set the scanner to send text")
	}
	elements, err := gs1.Parse(text)
	if errors.Is(err, gs1.BadSymbology) && len(text) > 3 {
		return read(text[3:]) // of a symbol that is not GS1's
	}
	if err == nil {
		if s, ok := key(elements); ok {
			return s, nil
		}
	}
	switch {
	case err == nil && says(text):
		return refuse(CodeProduct, "it names no package: it has neither an SSCC (00) nor a serial number (21) beside its GTIN (01): scan the label of the package")
	case err == nil: // such as ten digits that might be a GTIN of some kind
	case errors.Is(err, gs1.IncorrectCheckDigit) && (says(text) || keyed(text)):
		return refuse(CodeCheckDigit, "its check digit is wrong: scan again, or compare what was typed with the label")
	case claims(text):
		return refuse(CodeStandard, "it says that it is a GS1 code and is none ("+err.Error()+"): scan again")
	}
	return Subject{Label, text}, nil
}

func refuse(word, why string) (Subject, *Problem) {
	return Subject{}, &Problem{Code: word, Field: "code", Why: why}
}

// key is the package, or the unit, that elements name.
func key(e gs1.Elements) (Subject, bool) {
	if sscc := e.SSCC(); sscc != "" {
		return Subject{SSCC, sscc}, true
	}
	gtin, serial := e.GTIN(), e.Serial()
	if len(gtin) != 14 || serial == "" {
		return Subject{}, false
	}
	return Subject{Unit, gtin + "." + strings.ReplaceAll(serial, "/", "%2F")}, true
}

// claims tells a text that is of GS1 or damaged: by what a scanner puts in front
// of it, or by its name.
func claims(text string) bool {
	return text[0] == ']' || text[0] == 0x1d || strings.HasPrefix(strings.ToLower(text), "urn:epc:")
}

// says tells a text that looks as if it was of GS1.
func says(text string) bool {
	lower := strings.ToLower(text)
	return claims(text) || strings.HasPrefix(text, "(0") || strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://")
}

// keyed tells a text that begins with the digits of an SSCC, or of a GTIN and
// more, with or without their application identifiers.
func keyed(text string) bool {
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	switch {
	case digits == len(text) && digits == 18:
		return true
	case strings.HasPrefix(text, "00"):
		return digits >= 20
	case strings.HasPrefix(text, "01"):
		return digits >= 16 && len(text) > 16
	}
	return false
}

// unprintable tells characters that have no place in a code. Those by which GS1
// and ISO/IEC 15434 part fields (EOT, FS, GS, RS, US) have.
func unprintable(r rune) bool {
	return !unicode.IsPrint(r) && r != 0x04 && (r < 0x1c || r > 0x1f)
}
