package privacy

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"frostline/hub/record"
)

// Factor is what a link asks for besides its secret.
type Factor string

// The factors.
const (
	ZIP       Factor = "zip"        // five digits; more, as of ZIP+4, are left out
	BirthYear Factor = "birth_year" // four digits
)

// Link is what may be shown of a link.
type Link struct {
	ID       string `json:"id" doc:"Not its secret."`
	Shipment string `json:"shipment"`
	Factor   Factor `json:"factor" doc:"What it asks for besides: zip or birth_year."`
	Created  int64  `json:"created" doc:"Unix ms."`
	By       string `json:"by" doc:"Who made it."`
	Expires  int64  `json:"expires" doc:"Unix ms."`
	Revoked  int64  `json:"revoked,omitempty" doc:"Unix ms; left out while it is good."`
	Opened   int64  `json:"opened,omitempty" doc:"When the answer was last right, Unix ms; left out for never."`
	Wrong    int64  `json:"wrong,omitempty" doc:"Answers that were not right."`
	State    string `json:"state" doc:"open, expired, revoked, locked after too many wrong answers, or unreadable since its key is lost. Only an open one opens."`
}

const (
	// MostWrong wrong answers end a link.
	MostWrong = 5
	// Life is how long a link is good for unless its maker says otherwise.
	Life = 7 * 24 * time.Hour
	// LeastLife and MostLife bound it.
	LeastLife, MostLife = time.Hour, 31 * 24 * time.Hour
	// SecretLength is the length of a link's secret: base32 of 160 bits.
	SecretLength = 32

	alphabet = "abcdefghijklmnopqrstuvwxyz234567"
)

var b32 = base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)

func random(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails
	return b32.EncodeToString(b)
}

// Plausible reports whether a text has the form of a link's secret. Whether there
// is such a link it does not tell.
func Plausible(secret string) bool {
	return len(secret) == SecretLength && strings.Trim(secret, alphabet) == ""
}

func digestOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// digits are those of an answer, at most eight: people write spaces and dashes.
func digits(answer string) string {
	var out []byte
	for i := 0; i < len(answer) && len(out) < 9; i++ {
		if c := answer[i]; c >= '0' && c <= '9' {
			out = append(out, c)
		}
	}
	return string(out)
}

// normal is an answer as it is compared; "" for none that could be right.
func (f Factor) normal(answer string) string {
	d := digits(answer)
	switch {
	case f == ZIP && (len(d) == 5 || len(d) == 9):
		return d[:5]
	case f == BirthYear && len(d) == 4:
		return d
	}
	return ""
}

// check fails where an answer cannot be one. It does not repeat it.
func (f Factor) check(answer string, now time.Time) error {
	d := f.normal(answer)
	switch f {
	case ZIP:
		if d == "" {
			return record.Invalidf("answer: want a ZIP code of five digits, such as 98134")
		}
	case BirthYear:
		if year, _ := strconv.Atoi(d); year < now.Year()-130 || year > now.Year() {
			return record.Invalidf("answer: want a year of birth of four digits, such as 1957")
		}
	default:
		return record.Invalidf("factor %q: want zip or birth_year", f)
	}
	return nil
}

// state says whether a link opens, and why not.
func (l *Link) state(now int64, key, ours string) string {
	switch {
	case l.Revoked != 0:
		return "revoked"
	case now >= l.Expires:
		return "expired"
	case l.Wrong >= MostWrong:
		return "locked"
	case key != ours:
		return "unreadable"
	}
	return "open"
}
