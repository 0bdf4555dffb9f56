// Package vrs is the messages of product verification: GS1's Lightweight
// Messaging Standard for Verification of Product Identifiers, by which one
// trading partner asks another whether the GTIN, serial, lot and expiry on a unit
// are those that were commissioned.
//
//	GET BASE/verify/gtin/{gtin}/lot/{lot}/ser/{serial}?exp=YYMMDD&linkType=verificationService&context=dscsaSaleableReturn&reqGLN=…&corrUUID=…
//
// The words of answers are those of release 1.3 of its guideline for the DSCSA.
package vrs

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"frostline/hub/fact"
	"frostline/proto/gs1"
)

// Values of the parameters of a request.
const (
	LinkType = "verificationService"
	Context  = "dscsaSaleableReturn"
)

// Reasons why a product identifier is not verified.
const (
	NoMatch          = "No_match_GTIN_Serial"
	NoMatchLot       = "No_match_GTIN_Serial_Lot"
	NoMatchExpiry    = "No_match_GTIN_Serial_Expiry"
	NoMatchLotExpiry = "No_match_GTIN_Serial_Lot_Expiry"
	NotForRedistrib  = "Not_for_re-distribution"
	NoReason         = "No_reason_provided"
)

// Additional information about product.
const (
	Expired      = "Expired"
	Recalled     = "Recalled"
	Suspect      = "Suspect"
	Illegitimate = "Illegitimate"
)

// Answer is the answer to a request.
type Answer struct {
	Timestamp string `json:"verificationTimestamp"` // RFC 3339
	Responder string `json:"responderGLN"`
	Data      Data   `json:"data"`
	UUID      string `json:"corrUUID"`
}

// Data is what is answered. Verified is nil where a responder left it out.
type Data struct {
	Verified    *bool  `json:"verified"`
	Reason      string `json:"verificationFailureReason,omitempty"`
	Information string `json:"additionalInfo,omitempty"`
}

// ErrIdentifier is wrapped where a product identifier cannot be one.
var ErrIdentifier = errors.New("no product identifier")

// text is characters of GS1's set 82, of a serial or lot.
var text = regexp.MustCompile(`^[!"%&'()*+,\-./0-9:;<=>?A-Z_a-z]{1,20}$`)

// Check fails where a product identifier cannot be one.
func Check(p fact.ProductIdentifier) error {
	switch {
	case len(p.GTIN) != 14 || !gs1.ValidGTIN(p.GTIN):
		return fmt.Errorf("gtin %q: %w: want 14 digits with the right check digit", p.GTIN, ErrIdentifier)
	case !text.MatchString(p.Serial):
		return fmt.Errorf("serial %q: %w: want 1 to 20 characters of a GS1 serial", p.Serial, ErrIdentifier)
	case !text.MatchString(p.Lot):
		return fmt.Errorf("lot %q: %w: want 1 to 20 characters of a GS1 lot", p.Lot, ErrIdentifier)
	}
	if _, err := Day(p.Expiry, time.Now()); err != nil {
		return fmt.Errorf("expiry %q: %w: want YYMMDD", p.Expiry, ErrIdentifier)
	}
	return nil
}

// Day gives the day of an expiry YYMMDD as YYYY-MM-DD; day 00 is the last of the
// month.
func Day(expiry string, now time.Time) (string, error) {
	if len(expiry) != 6 {
		return "", fmt.Errorf("expiry %q: want YYMMDD", expiry)
	}
	t, err := gs1.Date(expiry, now)
	if err != nil {
		return "", err
	}
	return t.Format("2006-01-02"), nil
}

// Judge compares a product identifier with what was commissioned: lot and expiry
// (YYYY-MM-DD) are those known of its GTIN and serial, and known is whether there
// are such. A lot or expiry that nobody has told does not match.
func Judge(p fact.ProductIdentifier, known bool, lot, expiry string, now time.Time) (verified bool, reason, information string) {
	if !known {
		return false, NoMatch, ""
	}
	day, err := Day(p.Expiry, now)
	sameDay, sameLot := err == nil && day == expiry, lot != "" && lot == p.Lot
	switch {
	case !sameDay && !sameLot:
		return false, NoMatchLotExpiry, ""
	case !sameLot:
		return false, NoMatchLot, ""
	case !sameDay:
		return false, NoMatchExpiry, ""
	case expiry < now.UTC().Format("2006-01-02"):
		return true, "", Expired
	}
	return true, "", ""
}

// Path is the address of a request below a base.
func Path(base string, p fact.ProductIdentifier, requester, uuid string) string {
	q := url.Values{"exp": {p.Expiry}, "linkType": {LinkType}, "context": {Context}, "corrUUID": {uuid}}
	if requester != "" {
		q.Set("reqGLN", requester)
	}
	return strings.TrimSuffix(base, "/") + "/verify/gtin/" + url.PathEscape(p.GTIN) + "/lot/" + url.PathEscape(p.Lot) + "/ser/" + url.PathEscape(p.Serial) + "?" + q.Encode()
}
