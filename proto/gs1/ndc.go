package gs1

import "strings"

// NDC is a national drug code of the United States. Which of its digits are
// labeler, product and package is part of it: 10 digits alone do not say, and a
// GTIN holds just these. The zero value is none.
//
// The forms are 4-4-2, 5-3-2 and 5-4-1 (10 digits), 6-3-2 and 6-4-1 (11 digits,
// for labelers of six; 21 CFR 207.33), 5-4-2 (11 digits, which insurers use),
// and 6-4-2 (12 digits, to which FDA moves them all).
type NDC struct {
	// Labeler, Product and Package are empty if the hyphens are not known.
	Labeler, Product, Package string

	bare string // 10 digits without hyphens
}

// ParseNDC reads an NDC with its hyphens, or without: 11 digits are 5-4-2, as in
// claims, and 12 are 6-4-2, but of 10 digits the hyphens are not known.
func ParseNDC(s string) (NDC, error) {
	if !strings.Contains(s, "-") {
		switch {
		case !allDigits(s):
		case len(s) == 10:
			return NDC{bare: s}, nil
		case len(s) == 11:
			return NDC{Labeler: s[:5], Product: s[5:9], Package: s[9:]}, nil
		case len(s) == 12:
			return NDC{Labeler: s[:6], Product: s[6:10], Package: s[10:]}, nil
		}
		return NDC{}, fault(0, "", NotNDC)
	}
	labeler, rest, _ := strings.Cut(s, "-")
	product, pack, _ := strings.Cut(rest, "-")
	n := NDC{Labeler: labeler, Product: product, Package: pack}
	if n.form() == 0 || !allDigits(labeler+product+pack) {
		return NDC{}, fault(0, "", NotNDC)
	}
	return n, nil
}

// form gives the lengths of the parts as a number, or 0 if it is no form.
func (n NDC) form() int {
	switch f := len(n.Labeler)*100 + len(n.Product)*10 + len(n.Package); f {
	case 442, 532, 541, 632, 641, 542, 642:
		return f
	}
	return 0
}

// String gives it with its hyphens as far as they are known.
func (n NDC) String() string {
	if n.bare != "" || n == (NDC{}) {
		return n.bare
	}
	return n.Labeler + "-" + n.Product + "-" + n.Package
}

// Digits gives it without hyphens.
func (n NDC) Digits() string { return n.bare + n.Labeler + n.Product + n.Package }

// Hyphenated reports whether the hyphens are known.
func (n NDC) Hyphenated() bool { return n.form() != 0 }

// Eleven gives it as 5-4-2, the form of claims: the short part of 10 digits
// gets a zero in front. It fails if the hyphens are not known, and if the
// labeler needs six digits.
func (n NDC) Eleven() (NDC, error) {
	if !n.Hyphenated() {
		return NDC{}, fault(0, "", HyphensUnknown)
	}
	if len(n.Labeler) == 6 {
		if n.Labeler[0] != '0' {
			return NDC{}, fault(0, "", ValueTooLong)
		}
		n.Labeler = n.Labeler[1:]
	}
	return NDC{Labeler: pad(n.Labeler, 5), Product: pad(n.Product, 4), Package: pad(n.Package, 2)}, nil
}

// Twelve gives it as 6-4-2. It fails if the hyphens are not known.
func (n NDC) Twelve() (NDC, error) {
	if !n.Hyphenated() {
		return NDC{}, fault(0, "", HyphensUnknown)
	}
	return NDC{Labeler: pad(n.Labeler, 6), Product: pad(n.Product, 4), Package: pad(n.Package, 2)}, nil
}

func pad(s string, n int) string {
	if len(s) >= n {
		return s
	}
	return "000000"[:n-len(s)] + s
}

// ten gives the forms of 10 digits that it can stand for: itself, or what
// remains without one of the zeros that 5-4-2 and 6-4-2 put in front of a part.
func (n NDC) ten() []NDC {
	form := n.form()
	switch {
	case n.bare != "", form == 442, form == 532, form == 541:
		return []NDC{n}
	case form == 642 && n.Labeler[0] == '0':
		n.Labeler = n.Labeler[1:]
	case form != 542:
		return nil
	}
	var all []NDC
	if n.Labeler[0] == '0' {
		all = append(all, NDC{Labeler: n.Labeler[1:], Product: n.Product, Package: n.Package})
	}
	if n.Product[0] == '0' {
		all = append(all, NDC{Labeler: n.Labeler, Product: n.Product[1:], Package: n.Package})
	}
	if n.Package[0] == '0' {
		all = append(all, NDC{Labeler: n.Labeler, Product: n.Product, Package: n.Package[1:]})
	}
	return all
}

// GTIN gives the GTIN-14 of a packaging level, 0 to 7: the level, 03, the ten
// digits, and a check digit. It fails for an 11- or 12-digit code that came
// from more than one code of ten digits or from none, as a 12-digit code whose
// labeler has six; the label's own GTIN has to be asked then.
func (n NDC) GTIN(level int) (string, error) {
	codes := n.ten()
	switch {
	case level < 0 || level > 7, len(codes) == 0:
		return "", fault(0, "", NotNDC)
	case len(codes) > 1:
		return "", fault(0, "", HyphensUnknown)
	}
	body := string(rune('0'+level)) + "03" + codes[0].Digits()
	return body + string(checkOf(body)), nil
}

// NDCOf gives the NDC in a GTIN-12, -13 or -14 of a company prefix that begins
// with 3, and the packaging level. Its hyphens are not known; [NDC.Hyphenate]
// takes them from a code known otherwise.
func NDCOf(gtin string) (code NDC, level int, err error) {
	if !ValidGTIN(gtin) || len(gtin) == 8 {
		return NDC{}, 0, fault(max(len(gtin)-1, 0), "", IncorrectCheckDigit)
	}
	gtin = "00"[:14-len(gtin)] + gtin
	if gtin[1:3] != "03" || gtin[0] > '7' {
		return NDC{}, 0, fault(1, "", NotNDC)
	}
	return NDC{bare: gtin[3:13]}, int(gtin[0] - '0'), nil
}

// Hyphenate gives the code with the hyphens of another one, if both are the
// same product.
func (n NDC) Hyphenate(known NDC) (NDC, error) {
	for _, k := range known.ten() {
		if k.Hyphenated() && k.Digits() == n.Digits() {
			return k, nil
		}
	}
	return NDC{}, fault(0, "", HyphensUnknown)
}

// Matches reports whether two codes can be of the same package, whichever forms
// they have.
func (n NDC) Matches(other NDC) bool {
	for _, a := range n.ten() {
		for _, b := range other.ten() {
			if a.Digits() == b.Digits() && (a == b || !a.Hyphenated() || !b.Hyphenated()) {
				return true
			}
		}
	}
	if a, err := n.Twelve(); err == nil {
		b, err := other.Twelve()
		return err == nil && a == b
	}
	return false
}

// NDC gives the national drug code of elements: AI 715, else that in the GTIN.
func (e Elements) NDC() (NDC, error) {
	if v, ok := e.Get("715"); ok {
		return ParseNDC(v)
	}
	n, _, err := NDCOf(e.GTIN())
	return n, err
}
