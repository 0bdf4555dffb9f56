package gs1

import "fmt"

// Fault is what is wrong, without where. It is an error of its own, so that
// errors.Is(err, gs1.IncorrectCheckDigit) works for whatever Parse returns. Its
// words are those of the return codes of the linters of GS1's dictionary.
type Fault string

func (f Fault) Error() string { return string(f) }

// Faults of a value.
const (
	NonDigit            Fault = "non digit character"
	NotCSET82           Fault = "invalid cset82 character"
	NotCSET39           Fault = "invalid cset39 character"
	NotCSET64           Fault = "invalid cset64 character"
	BadCSET64Padding    Fault = "invalid cset64 padding"
	IncorrectCheckDigit Fault = "incorrect check digit"
	ShortForCheck       Fault = "too short for check digit"
	IncorrectPair       Fault = "incorrect check pair"
	ShortForPair        Fault = "too short for check pair"
	LongForPair         Fault = "too long for check pair implementation"
	ShortForPrefix      Fault = "too short for gcp"
	BadPrefix           Fault = "invalid gcp prefix"
	NoNonDigit          Fault = "requires non digit character"
	ImporterTooLong     Fault = "importer idx must be one character"
	BadImporter         Fault = "invalid import idx character"
	IllegalZero         Fault = "illegal zero value"
	NotZero             Fault = "not zero"
	IllegalZeroPrefix   Fault = "illegal zero prefix"
	NotYesNo            Fault = "not zero or one"
	BadWinding          Fault = "invalid winding direction"
	NotCountry          Fault = "not iso3166"
	NotCountryOr999     Fault = "not iso3166 or 999"
	NotCountryLetters   Fault = "not iso3166 alpha2"
	NotCurrency         Fault = "not iso4217"
	ShortIBAN           Fault = "iban too short"
	LongIBAN            Fault = "iban too long"
	BadIBAN             Fault = "invalid iban character"
	BadIBANCountry      Fault = "illegal iban country code"
	IncorrectIBAN       Fault = "incorrect iban checksum"
	ShortDate           Fault = "date too short"
	LongDate            Fault = "date too long"
	ShortHourMinute     Fault = "hour with minute too short"
	LongHourMinute      Fault = "hour with minute too long"
	ShortHour           Fault = "hour too short"
	LongHour            Fault = "hour too long"
	ShortMinute         Fault = "minute too short"
	LongMinute          Fault = "minute too long"
	ShortSecond         Fault = "second too short"
	LongSecond          Fault = "second too long"
	IllegalMonth        Fault = "illegal month"
	IllegalDay          Fault = "illegal day"
	IllegalHour         Fault = "illegal hour"
	IllegalMinute       Fault = "illegal minute"
	IllegalSecond       Fault = "illegal second"
	BadPieceLength      Fault = "invalid length for piece of total"
	ZeroPiece           Fault = "zero piece number"
	ZeroTotal           Fault = "zero total pieces"
	PieceExceedsTotal   Fault = "piece number exceeds total"
	BadSequence         Fault = "position in sequence malformed"
	PositionExceedsEnd  Fault = "position exceeds end"
	BadPercent          Fault = "invalid percent sequence"
	BadLatitude         Fault = "invalid latitude"
	LatitudeLength      Fault = "latitude invalid length"
	BadLongitude        Fault = "invalid longitude"
	LongitudeLength     Fault = "longitude invalid length"
	BadMedia            Fault = "invalid media type"
	BadPackage          Fault = "invalid package type"
	BadSex              Fault = "invalid biological sex code"
	NotHyphen           Fault = "not hyphen"
)

// Faults of a text as a whole.
const (
	Unreadable      Fault = "no GS1 syntax"
	Empty           Fault = "no data"
	TooLong         Fault = "more than 8191 bytes"
	TooMany         Fault = "more than 64 elements"
	NoFNC1          Fault = "no FNC1 in first position"
	UnknownAI       Fault = "unknown application identifier"
	NoValue         Fault = "no value"
	ValueTooShort   Fault = "value too short"
	ValueTooLong    Fault = "value too long"
	ReservedCaret   Fault = "a caret in the data, where it would be read as FNC1"
	NotBracketed    Fault = "malformed brackets"
	BadSymbology    Fault = "no known symbology identifier"
	NotURI          Fault = "a character that no URI may have"
	BadScheme       Fault = "no http or https"
	BadDomain       Fault = "no domain name and path"
	NoPrimaryKey    Fault = "no primary key of a digital link"
	BadQualifiers   Fault = "qualifiers that do not go with their key, or not in this order"
	Repeated        Fault = "repeated application identifier"
	Contradictory   Fault = "repeated with another value"
	NotAttribute    Fault = "not permitted as an attribute of a digital link"
	BelongsInPath   Fault = "belongs in the path of the digital link"
	NullCharacter   Fault = "a null character"
	Forbidden       Fault = "must not go together"
	Missing         Fault = "needs another element"
	NotSerialised   Fault = "a digital signature needs a serialised key"
	NotEPC          Fault = "no EPC URN of a GS1 key"
	PrefixLength    Fault = "a company prefix has 6 to 12 digits, and its length has to be known"
	NotNDC          Fault = "no national drug code"
	HyphensUnknown  Fault = "hyphens are not known"
	NoPlainReading  Fault = "plain data, without GS1 elements"
	IncompleteSplit Fault = "wrong number of digits"
)

// Error is why a text was refused, and where.
type Error struct {
	At    int    // byte of the text that was given, from 0
	AI    string // the application identifier it is about, or ""
	Fault Fault

	hint string
}

// Error names the application identifier and never its value, which may be
// about a person.
func (e *Error) Error() string {
	s := string(e.Fault)
	if e.AI != "" {
		s = fmt.Sprintf("(%s): %s", e.AI, s)
	}
	if hint := e.hint; hint != "" {
		s += ": " + hint
	} else if hint := hints[e.Fault]; hint != "" {
		s += ": " + hint
	}
	return s
}

// Unwrap gives the fault.
func (e *Error) Unwrap() error { return e.Fault }

// hints say what to do about the faults that people meet most.
var hints = map[Fault]string{
	Unreadable:          "begin with a symbology identifier such as ]d2, FNC1 as ^ or GS, a bracketed application identifier, http or urn:epc",
	IncorrectCheckDigit: "read the label again",
	IncorrectPair:       "read the label again",
	UnknownAI:           "it is not in the GS1 Syntax Dictionary",
	IllegalMonth:        "dates are YYMMDD, and months go from 01 to 12",
	IllegalDay:          "dates are YYMMDD, and this month has no such day",
	NoFNC1:              "begin with ^ or the character GS",
	NotBracketed:        `write (AI)value(AI)value, and an opening bracket in a value as \(`,
	PrefixLength:        "give it, or a table of company prefixes",
	NotEPC:              "it is urn:epc:id:, urn:epc:idpat: or urn:epc:class:, then a scheme such as sgtin or sscc",
	NotNDC:              "write labeler, product and package with hyphens, as 4-4-2, 5-3-2, 5-4-1, 6-3-2, 6-4-1, 5-4-2 or 6-4-2 digits",
	HyphensUnknown:      "give the code with its hyphens",
	NoPlainReading:      "the symbol was not made as a GS1 symbol",
	IncompleteSplit:     "count the digits before and after the dots",
}

// fault makes an Error.
func fault(at int, ai string, f Fault) *Error { return &Error{At: at, AI: ai, Fault: f} }
