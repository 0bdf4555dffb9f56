package gs1

import "fmt"

// CheckDigit gives the GS1 check digit of the digits before it: weights 3 and 1
// in turn from the right, and what is missing to the next ten (GS1 General
// Specifications, 7.9). It fails if there are none or something else is among
// them.
func CheckDigit(body string) (byte, error) {
	if body == "" || !allDigits(body) {
		return 0, fmt.Errorf("check digit of %q: want digits", body)
	}
	return checkOf(body), nil
}

// ValidCheckDigit reports whether the last of two or more digits is the check
// digit of those before it, as in a GTIN, SSCC, GLN or GSRN.
func ValidCheckDigit(s string) bool {
	return len(s) > 1 && allDigits(s) && checkOf(s[:len(s)-1]) == s[len(s)-1]
}

// ValidGTIN reports whether s is a GTIN-8, -12, -13 or -14.
func ValidGTIN(s string) bool {
	return (len(s) == 8 || len(s) >= 12 && len(s) <= 14) && ValidCheckDigit(s)
}

// ValidSSCC reports whether s is a serial shipping container code.
func ValidSSCC(s string) bool { return len(s) == 18 && ValidCheckDigit(s) }

// ValidGLN reports whether s is a global location number.
func ValidGLN(s string) bool { return len(s) == 13 && ValidCheckDigit(s) }

// checkOf gives the check digit of digits.
func checkOf(body string) byte {
	sum := 0
	for i := range len(body) {
		d := int(body[len(body)-1-i] - '0')
		if i%2 == 0 {
			d *= 3
		}
		sum += d
	}
	return byte('0' + (10-sum%10)%10)
}

// checkDigit is the rule of digits that end in a check digit.
func checkDigit(v string) (Fault, int, int) {
	if v == "" {
		return ShortForCheck, 0, 0
	}
	if f, at, n := digits(v); f != "" {
		return f, at, n
	}
	if last := len(v) - 1; checkOf(v[:last]) != v[last] {
		return IncorrectCheckDigit, last, 1
	}
	return "", 0, 0
}

// primes are the weights of places in a check pair.
var primes = func() (p []uint32) {
	for n := uint32(2); len(p) < 97; n++ {
		prime := true
		for _, q := range p {
			if n%q == 0 {
				prime = false
				break
			}
		}
		if prime {
			p = append(p, n)
		}
	}
	return p
}()

// weights82 are the places of characters in set 82, from 1.
var weights82 = func() (w [256]uint32) {
	for i := range len(set82) {
		w[set82[i]] = uint32(i + 1)
	}
	return w
}()

// checkPair is the rule of a GMN, which ends in two check characters (GS1
// General Specifications, 7.9.5).
func checkPair(v string) (Fault, int, int) {
	switch {
	case len(v) > len(primes)+2:
		return LongForPair, 0, len(v)
	case len(v) < 2:
		return ShortForPair, 0, len(v)
	}
	body := v[:len(v)-2]
	sum := uint32(0)
	for i := range len(body) {
		w := weights82[body[i]]
		if w == 0 {
			return NotCSET82, i, 1
		}
		sum += (w - 1) * primes[len(body)-1-i]
	}
	sum %= 1021
	if v[len(body)] != set32[sum>>5] || v[len(body)+1] != set32[sum&31] {
		return IncorrectPair, len(body), 2
	}
	return "", 0, 0
}

// iban is the rule of an international bank account number (ISO 13616).
func iban(v string) (Fault, int, int) {
	switch {
	case len(v) < 4:
		return ShortIBAN, 0, len(v)
	case !letters[v[:2]]:
		return BadIBANCountry, 0, 2
	case len(v) > 34:
		return LongIBAN, 0, len(v)
	case len(v) <= 10:
		return ShortIBAN, 0, len(v)
	}
	rest := 0
	for i := range len(v) {
		at := (i + 4) % len(v)
		switch c := v[at]; {
		case c >= '0' && c <= '9':
			rest = (rest*10 + int(c-'0')) % 97
		case c >= 'A' && c <= 'Z':
			rest = (rest*100 + int(c-'A') + 10) % 97
		default:
			return BadIBAN, at, 1
		}
	}
	if rest != 1 {
		return IncorrectIBAN, 2, 2
	}
	return "", 0, 0
}

var letters = newCodes(countryLetters)

// countryLetter is the rule of a country in two letters.
func countryLetter(v string) (Fault, int, int) {
	if letters[v] {
		return "", 0, 0
	}
	return NotCountryLetters, 0, len(v)
}
