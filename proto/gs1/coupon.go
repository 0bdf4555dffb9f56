package gs1

// coupon reads the digits of a coupon from left to right. Once something is
// wrong, nothing more is read.
type coupon struct {
	v     string
	p     int
	f     Fault
	at, n int
}

func (c *coupon) fail(f Fault, at, n int) {
	if c.f == "" {
		c.f, c.at, c.n = f, at, n
	}
}

// more reports whether there is a digit, and takes it if it is d: the mark of
// an optional part.
func (c *coupon) more(d byte) bool {
	if c.f != "" || c.p >= len(c.v) || c.v[c.p] != d {
		return false
	}
	c.p++
	return true
}

// digit takes one digit that has to be one of some.
func (c *coupon) digit(allowed string, missing, invalid Fault) byte {
	if c.f != "" {
		return 0
	}
	if c.p == len(c.v) {
		c.fail(missing, 0, len(c.v))
		return 0
	}
	d := c.v[c.p]
	if f, _, _ := oneOf(allowed, invalid)(string(d)); f != "" {
		c.fail(f, c.p, 1)
		return 0
	}
	c.p++
	return d
}

// take takes some digits.
func (c *coupon) take(n int, truncated Fault) string {
	if c.f != "" {
		return ""
	}
	left := len(c.v) - c.p
	switch {
	case left < n && left == 0:
		c.fail(truncated, 0, len(c.v))
		return ""
	case left < n:
		c.fail(truncated, c.p, left)
		return ""
	}
	c.p += n
	return c.v[c.p-n : c.p]
}

// sized takes a digit that says how many follow, less than plus, and those. In
// front of a company prefix, 9 says that there is none.
func (c *coupon) sized(allowed string, plus int, missing, invalid, truncated Fault) string {
	d := c.digit(allowed, missing, invalid)
	if c.f != "" || plus > 0 && d == '9' && allowed == prefixOrNone {
		return ""
	}
	return c.take(int(d-'0')+plus, truncated)
}

// company judges the company prefix just taken.
func (c *coupon) company(prefix string) {
	if c.f != "" || prefix == "" {
		return
	}
	if f, _, _ := prefixAt1(prefix); f != "" {
		c.fail(f, c.p-len(prefix), len(prefix))
	}
}

// date takes six digits of a date.
func (c *coupon) date(short, invalid Fault) string {
	v := c.take(6, short)
	if c.f != "" {
		return ""
	}
	if f, _, _ := yymmdd(v); f != "" {
		c.fail(invalid, c.p-6, 6)
	}
	return v
}

// requirement takes what has to be bought: how much, of which kind, and of
// which family.
func (c *coupon) requirement(which string) {
	what := which + " purchase "
	c.sized("12345", 0, missing(what+"requirement vli"), invalid(what+"requirement length"), truncated(what+"requirement"))
	c.digit("012349", missing(what+"requirement code"), invalid(what+"requirement code"))
	c.take(3, truncated(what+"family code"))
}

// maker takes the company prefix of what else has to be bought.
func (c *coupon) maker(which string) {
	what := which + " purchase gcp"
	c.company(c.sized(prefixOrNone, 6, missing(what+" vli"), invalid(what+" length"), truncated(what)))
}

func (c *coupon) end() (Fault, int, int) {
	if c.f == "" && c.p != len(c.v) {
		c.fail("coupon excess data", c.p, len(c.v)-c.p)
	}
	return c.f, c.at, c.n
}

const (
	prefixSizes  = "0123456"
	prefixOrNone = "01234569"
)

// couponCode is the rule of a North American coupon (GS1 US, North American
// Coupon Application Guideline).
func couponCode(v string) (Fault, int, int) {
	if f, at, n := digits(v); f != "" {
		return f, at, n
	}
	c := &coupon{v: v}
	c.company(c.sized(prefixSizes, 6, missing("gcp vli"), invalid("gcp length"), truncated("gcp")))
	c.take(6, truncated("offer code"))
	c.sized("12345", 0, missing("save value vli"), invalid("save value length"), truncated("save value"))
	c.requirement("1st")
	if c.more('1') {
		c.digit("0123", missing("additional purchase rules code"), invalid("additional purchase rules code"))
		c.requirement("2nd")
		c.maker("2nd")
	}
	if c.more('2') {
		c.requirement("3rd")
		c.maker("3rd")
	}
	expires := ""
	if c.more('3') {
		expires = c.date("coupon too short for expiration date", invalid("exipiration date"))
	}
	if c.more('4') {
		starts := c.date("coupon too short for start date", invalid("start date"))
		if c.f == "" && expires != "" && starts > expires {
			c.fail("coupon expiration before start", c.p-14, 14)
		}
	}
	if c.more('5') {
		c.sized(numerals, 6, missing("serial number vli"), "", truncated("serial number"))
	}
	if c.more('6') {
		c.company(c.sized("1234567", 6, missing("retailer gcp or gln vli"), invalid("retailer gcp or gln length"), truncated("retailer gcp or gln")))
	}
	if c.more('9') {
		c.digit("01256", missing("save value code"), invalid("save value code"))
		c.digit("012", missing("save value applies to item"), invalid("save value applies to item"))
		c.digit(numerals, missing("store coupon flag"), "")
		c.digit("01", missing("dont multiply flag"), invalid("dont multiply flag"))
	}
	return c.end()
}

// couponOffer is the rule of a coupon's positive offer file.
func couponOffer(v string) (Fault, int, int) {
	if f, at, n := digits(v); f != "" {
		return f, at, n
	}
	c := &coupon{v: v}
	c.digit("01", missing("format code"), invalid("format code"))
	c.sized(prefixSizes, 6, missing("funder vli"), invalid("funder length"), truncated("funder"))
	c.take(6, truncated("offer code"))
	c.sized(numerals, 6, missing("serial number vli"), "", truncated("serial number"))
	return c.end()
}

func missing(what string) Fault { return Fault("coupon missing " + what) }

func invalid(what string) Fault { return Fault("coupon invalid " + what) }

func truncated(what string) Fault { return Fault("coupon truncated " + what) }
